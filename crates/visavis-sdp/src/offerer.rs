//! The side that offers: the subscriber transport of dual mode.

use std::collections::VecDeque;

use crate::codecs::{adjust_for_answer, usable};
use crate::description::{Description, SdpError};
use crate::read;
use crate::types::{
    Direction, LocalTransport, MediaKind, Negotiated, Section, SectionCodec, Sending, WantedSend,
};
use crate::write::{SectionTransport, Writer, formats};

/// The mid of the data channels' section.
const DATA_MID: &str = "data";

/// Unused sections of a kind that are kept free of a track that they carried
/// before. A few, so that somebody who shows and hides one track all the time
/// does not make descriptions grow without end.
const MAX_SPARE: usize = 8;

/// Tracks that a section remembers: one that comes back was there not long ago.
const MAX_CARRIED: usize = 32;

/// Extensions that we offer, with their ids.
const EXTENSIONS: [(u8, &str); 6] = [
    (1, "urn:ietf:params:rtp-hdrext:sdes:mid"),
    (
        2,
        "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    ),
    (3, "urn:ietf:params:rtp-hdrext:ssrc-audio-level"),
    (
        4,
        "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
    ),
    (
        5,
        "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
    ),
    (
        6,
        "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
    ),
];

/// One section of our offers. They never go away: an offer must list all that
/// were ever there (RFC 9429 section 5.2.2), so unused ones are used again.
#[derive(Debug)]
struct Slot {
    mid: String,
    kind: MediaKind,
    send: Option<WantedSend>,
    /// The client has answered since the section became free.
    reusable: bool,
    /// Tracks that were sent here. LiveKit's Rust SDK (and Python and Node on top
    /// of it) misses a track that comes back to its section: seen with LiveKit
    /// 1.11.0 as with us. On another section it is heard of.
    carried: VecDeque<u64>,
}

impl Slot {
    fn is_free(&self, kind: MediaKind) -> bool {
        self.kind == kind && self.reusable && self.send.is_none()
    }
}

/// Offers the tracks that a client should get, one section each.
#[derive(Debug)]
pub struct Offerer {
    local: LocalTransport,
    version: u64,
    wanted: Vec<WantedSend>,
    slots: Vec<Slot>,
    /// What the outstanding or last offer showed.
    offered: Option<Vec<Option<u32>>>,
    restart: bool,
}

impl Offerer {
    /// An offerer with nothing to send yet; its first offer has data channels only.
    #[must_use]
    pub fn new(local: LocalTransport) -> Self {
        Self {
            local,
            version: 0,
            wanted: Vec::new(),
            slots: Vec::new(),
            offered: None,
            restart: false,
        }
    }

    /// Changes our side of the transport: the next offer restarts ICE.
    pub fn set_local(&mut self, local: LocalTransport) {
        self.restart = self.offered.is_some();
        self.local = local;
    }

    /// The tracks that the client should get; takes effect with the next offer.
    pub fn set_sends(&mut self, wanted: Vec<WantedSend>) {
        self.wanted = wanted;
    }

    /// Whether an offer is due.
    #[must_use]
    pub fn needs_offer(&self) -> bool {
        let Some(offered) = &self.offered else {
            return true;
        };
        let mut shown: Vec<u32> = offered.iter().flatten().copied().collect();
        let mut wanted: Vec<u32> = self.wanted.iter().map(|send| send.ssrc).collect();
        shown.sort_unstable();
        wanted.sort_unstable();
        self.restart || shown != wanted
    }

    /// Writes the next offer. There must be no other one outstanding.
    pub fn create_offer(&mut self) -> String {
        self.assign();
        self.version += 1;
        self.restart = false;
        let mids: Vec<&str> = std::iter::once(DATA_MID)
            .chain(self.slots.iter().map(|slot| &*slot.mid))
            .collect();
        let mut writer = Writer::session(&self.local, self.version, &mids, true);
        let transport = |with_candidates| SectionTransport {
            local: &self.local,
            // We are always the DTLS server: so we choose the SRTP profile.
            setup: "passive",
            with_candidates,
        };
        let format = ["webrtc-datachannel".to_owned()];
        writer.section(
            "application",
            "UDP/DTLS/SCTP",
            &format,
            DATA_MID,
            &transport(true),
        );
        writer.sctp(&self.local);
        let extensions: Vec<_> = EXTENSIONS
            .iter()
            .map(|(id, uri)| (*id, (*uri).to_owned()))
            .collect();
        for slot in &self.slots {
            let codecs = offered_codecs(slot);
            let media = slot.kind.as_str();
            writer.section(
                media,
                "UDP/TLS/RTP/SAVPF",
                &formats(&codecs),
                &slot.mid,
                &transport(false),
            );
            writer.media(
                Direction::of(slot.send.is_some(), false),
                &codecs,
                &extensions,
            );
            if let Some(send) = &slot.send {
                writer.track(send, slot.kind == MediaKind::Video);
            }
        }
        let shown = self
            .slots
            .iter()
            .map(|slot| slot.send.as_ref().map(|send| send.ssrc));
        self.offered = Some(shown.collect());
        writer.finish()
    }

    /// Brings the sections in line with what is wanted.
    fn assign(&mut self) {
        for slot in &mut self.slots {
            let ssrc = slot.send.as_ref().map(|send| send.ssrc);
            let still = self.wanted.iter().find(|send| Some(send.ssrc) == ssrc);
            slot.send = still.cloned();
            if ssrc.is_some() && slot.send.is_none() {
                slot.reusable = false;
            }
        }
        for send in self.wanted.clone() {
            let carries = |slot: &Slot| slot.send.as_ref().is_some_and(|s| s.ssrc == send.ssrc);
            if self.slots.iter().any(carries) {
                continue;
            }
            let at = self.free_slot(&send).unwrap_or_else(|| {
                self.slots.push(Slot {
                    mid: self.slots.len().to_string(),
                    kind: send.kind,
                    send: None,
                    reusable: true,
                    carried: VecDeque::new(),
                });
                self.slots.len() - 1
            });
            if let Some(slot) = self.slots.get_mut(at) {
                if slot.carried.len() == MAX_CARRIED {
                    slot.carried.pop_front();
                }
                slot.carried.push_back(send.track);
                slot.send = Some(send);
            }
        }
    }

    /// An unused section for a track, if one should be used again.
    fn free_slot(&self, send: &WantedSend) -> Option<usize> {
        let free = |slot: &Slot| slot.is_free(send.kind);
        let fresh = |slot: &Slot| free(slot) && !slot.carried.contains(&send.track);
        if let Some(at) = self.slots.iter().position(fresh) {
            return Some(at);
        }
        let spare = self.slots.iter().filter(|slot| free(slot)).count();
        let enough = spare >= MAX_SPARE;
        enough.then(|| self.slots.iter().position(free)).flatten()
    }

    /// Takes the client's answer to the last offer.
    ///
    /// # Errors
    /// When it is malformed, lacks what a session needs, or does not answer
    /// that offer.
    pub fn handle_answer(&mut self, answer: &str) -> Result<Negotiated, SdpError> {
        let answer = Description::parse(answer)?;
        let Some(offered) = &self.offered else {
            return Err(SdpError::NoMatch);
        };
        if answer.media.len() != offered.len() + 1 {
            return Err(SdpError::NoMatch);
        }
        let remote = read::transport(&answer)?;
        let mut sections = Vec::new();
        let mut unsupported = Vec::new();
        for ((slot, shown), section) in self
            .slots
            .iter_mut()
            .zip(offered)
            .zip(answer.media.iter().skip(1))
        {
            if shown.is_none() {
                slot.reusable = true;
                continue;
            }
            // Sections change only with an offer, and this one was outstanding.
            let Some(send) = slot.send.as_ref().filter(|send| Some(send.ssrc) == *shown) else {
                continue;
            };
            let mut codecs = usable(section, slot.kind);
            codecs.iter_mut().for_each(adjust_for_answer);
            if section.is_rejected() || codecs.is_empty() || !section.direction().receives() {
                unsupported.push(send.track);
                continue;
            }
            let rtx = codecs.first().is_some_and(|codec| codec.rtx.is_some());
            sections.push(Section {
                mid: slot.mid.clone(),
                kind: slot.kind,
                extensions: read::extensions(section),
                receive: None,
                send: Some(Sending {
                    track: send.track,
                    ssrc: send.ssrc,
                    rtx_ssrc: send.rtx_ssrc.filter(|_| rtx),
                }),
                codecs,
            });
        }
        Ok(Negotiated {
            remote,
            sections,
            unsupported,
        })
    }
}

/// A section offers the codec of its track. Without one it lists what its kind
/// always has.
fn offered_codecs(slot: &Slot) -> Vec<SectionCodec> {
    let name = slot.send.as_ref().map_or("", |send| send.codec.as_str());
    let (name, payload_type, rtx, fmtp) = match (slot.kind, name.to_ascii_uppercase().as_str()) {
        (MediaKind::Audio, "PCMU") => ("PCMU", 0, None, None),
        (MediaKind::Audio, "PCMA") => ("PCMA", 8, None, None),
        (MediaKind::Audio, _) => ("opus", 111, None, Some("minptime=10;useinbandfec=1")),
        // Never High: not every decoder has it.
        (MediaKind::Video, "H264") => (
            "H264",
            125,
            Some(107),
            Some("level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"),
        ),
        (MediaKind::Video, "VP9") => ("VP9", 98, Some(99), Some("profile-id=0")),
        (MediaKind::Video, "AV1") => ("AV1", 35, Some(36), None),
        (MediaKind::Video, "H265") => ("H265", 116, Some(117), None),
        (MediaKind::Video, _) => ("VP8", 96, Some(97), None),
    };
    let video = slot.kind == MediaKind::Video;
    let (clock_rate, channels) = match name {
        "opus" => (48_000, 2),
        "PCMU" | "PCMA" => (8_000, 0),
        _ => (90_000, 0),
    };
    vec![SectionCodec {
        payload_type,
        name: name.to_owned(),
        clock_rate,
        channels,
        fmtp: fmtp.map(str::to_owned),
        rtx,
        nack: true,
        nack_pli: video,
        ccm_fir: video,
        transport_cc: true,
        goog_remb: false,
    }]
}
