//! The side that answers: single PeerConnection, and a dual one's publisher.

use std::collections::HashMap;

use crate::codecs::{adjust_for_answer, set_parameter, usable};
use crate::description::{Description, MediaDescription, SdpError};
use crate::read;
use crate::types::{
    Direction, LocalTransport, MediaKind, Negotiated, PublishHint, Section, SectionCodec, Sending,
    WantedSend,
};
use crate::write::{SectionTransport, Writer, any_format, formats};

/// Answers a client's offers, and places the tracks that we want to send on the
/// sections that the client offers to receive on.
///
/// What is sent (by its SSRC) stays on its section until it is no longer wanted; the section is
/// then answered `inactive` once before it may carry another track. When
/// sections are missing, the client is asked for more
/// ([`missing_sections`](Self::missing_sections)) and offers again.
#[derive(Debug)]
pub struct Answerer {
    local: LocalTransport,
    version: u64,
    wanted: Vec<WantedSend>,
    /// mid -> SSRC of what is sent there, as the last answer said.
    placed: HashMap<String, u32>,
    hints: HashMap<String, PublishHint>,
    unsupported: Vec<u64>,
}

impl Answerer {
    /// An answerer with nothing to send yet.
    #[must_use]
    pub fn new(local: LocalTransport) -> Self {
        Self {
            local,
            version: 0,
            wanted: Vec::new(),
            placed: HashMap::new(),
            hints: HashMap::new(),
            unsupported: Vec::new(),
        }
    }

    /// Changes our side of the transport: the next answer restarts ICE.
    pub fn set_local(&mut self, local: LocalTransport) {
        self.local = local;
    }

    /// The tracks that the client should get; takes effect with its next offer.
    pub fn set_sends(&mut self, wanted: Vec<WantedSend>) {
        self.unsupported
            .retain(|track| wanted.iter().any(|send| send.track == *track));
        self.wanted = wanted;
    }

    /// How the track `cid` should be sent to us, until
    /// [`remove_publish_hint`](Self::remove_publish_hint).
    pub fn set_publish_hint(&mut self, cid: &str, hint: PublishHint) {
        self.hints.insert(cid.to_owned(), hint);
    }

    /// The track `cid` is over.
    pub fn remove_publish_hint(&mut self, cid: &str) {
        self.hints.remove(cid);
    }

    /// Whether the client must offer again for what is wanted to take effect.
    #[must_use]
    pub fn needs_offer(&self) -> bool {
        let gone = self.placed.values().any(|ssrc| !self.is_wanted(*ssrc));
        gone || self.unplaced().next().is_some()
    }

    /// Receiving sections that are wanted but not placed yet: audio, video.
    /// The client adds as many and offers again; (0, 0) only asks for an offer.
    #[must_use]
    pub fn missing_sections(&self) -> (u32, u32) {
        let count = |kind| self.unplaced().filter(|send| send.kind == kind).count() as u32;
        (count(MediaKind::Audio), count(MediaKind::Video))
    }

    fn is_wanted(&self, ssrc: u32) -> bool {
        self.wanted.iter().any(|send| send.ssrc == ssrc)
    }

    fn unplaced(&self) -> impl Iterator<Item = &WantedSend> {
        self.wanted.iter().filter(|send| {
            !self.unsupported.contains(&send.track)
                && !self.placed.values().any(|ssrc| *ssrc == send.ssrc)
        })
    }

    /// Answers an offer: the text to send, and what was agreed.
    ///
    /// # Errors
    /// When the offer is malformed or lacks what a session needs; the state is
    /// then as before.
    pub fn handle_offer(&mut self, offer: &str) -> Result<(String, Negotiated), SdpError> {
        let offer = Description::parse(offer)?;
        read::check_mids(&offer)?;
        let remote = read::transport(&offer)?;
        let offered: Vec<Offered<'_>> = offer.media.iter().map(Offered::new).collect();
        let placement = self.place(&offered);
        self.version += 1;
        let mids: Vec<&str> = offered.iter().filter_map(|o| o.mid).collect();
        let mixed = offer.attribute("extmap-allow-mixed").is_some();
        let mut writer = Writer::session(&self.local, self.version, &mids, mixed);
        let mut sections = Vec::new();
        let mut with_candidates = true;
        for offered in &offered {
            let section = offered.section;
            let protocol = section.words().nth(2).unwrap_or("UDP/TLS/RTP/SAVPF");
            let transport = SectionTransport {
                local: &self.local,
                setup: "passive",
                with_candidates,
            };
            match (section.kind(), offered.mid) {
                (Some(kind), Some(mid)) => {
                    let send = placement.get(mid).and_then(|ssrc| self.wanted_send(*ssrc));
                    let agreed = self.answer_media(offered, kind, mid, send);
                    write_media(&mut writer, &agreed, protocol, &transport, send);
                    sections.push(agreed);
                }
                (None, Some(mid)) => {
                    let format = ["webrtc-datachannel".to_owned()];
                    writer.section("application", protocol, &format, mid, &transport);
                    writer.sctp(&self.local);
                }
                (kind, None) => {
                    let media = section.words().next().unwrap_or("application");
                    let format = section
                        .formats()
                        .next()
                        .unwrap_or(kind.map_or("0", any_format));
                    writer.rejected(media, protocol, format);
                    continue;
                }
            }
            with_candidates = false;
        }
        self.placed = placement;
        let unsupported = self.note_unsupported(&offered);
        Ok((
            writer.finish(),
            Negotiated {
                remote,
                sections,
                unsupported,
            },
        ))
    }

    fn wanted_send(&self, ssrc: u32) -> Option<&WantedSend> {
        self.wanted.iter().find(|send| send.ssrc == ssrc)
    }

    /// Which track each section carries after this offer.
    fn place(&self, offered: &[Offered<'_>]) -> HashMap<String, u32> {
        let open: Vec<_> = offered
            .iter()
            .filter(|o| o.mid.is_some() && o.direction.receives())
            .collect();
        let mut placement: HashMap<String, u32> = open
            .iter()
            .filter_map(|offered| {
                let mid = offered.mid?;
                let ssrc = *self.placed.get(mid)?;
                self.is_wanted(ssrc).then(|| (mid.to_owned(), ssrc))
            })
            .collect();
        for send in &self.wanted {
            if placement.values().any(|ssrc| *ssrc == send.ssrc) {
                continue;
            }
            let free = open.iter().find(|offered| {
                offered.section.kind() == Some(send.kind)
                    // One that carried a track until now must be inactive once.
                    && offered.mid.is_some_and(|mid| {
                        !placement.contains_key(mid) && !self.placed.contains_key(mid)
                    })
                    && offered.direction == Direction::RecvOnly
                    && offered.has_codec(send)
            });
            if let Some(mid) = free.and_then(|offered| offered.mid) {
                placement.insert(mid.to_owned(), send.ssrc);
            }
        }
        placement
    }

    /// Remembers tracks whose codec no section of the client knows.
    fn note_unsupported(&mut self, offered: &[Offered<'_>]) -> Vec<u64> {
        let new: Vec<u64> = self
            .unplaced()
            .filter(|send| {
                let mut of_kind = offered
                    .iter()
                    .filter(|o| o.section.kind() == Some(send.kind) && o.direction.receives())
                    .peekable();
                of_kind.peek().is_some() && !of_kind.any(|offered| offered.has_codec(send))
            })
            .map(|send| send.track)
            .collect();
        self.unsupported.extend(&new);
        new
    }

    fn answer_media(
        &self,
        offered: &Offered<'_>,
        kind: MediaKind,
        mid: &str,
        send: Option<&WantedSend>,
    ) -> Section {
        let section = offered.section;
        let receive = offered.direction.sends().then(|| read::receive(section));
        let mut codecs = offered.codecs.clone();
        let hint = receive
            .as_ref()
            .and_then(|receive| self.hints.get(&receive.track_id));
        let first = send
            .map(|send| &send.codec)
            .or(hint.map(|hint| &hint.codec));
        if let Some(first) = first {
            // A stable sort: the track's codec comes first, the rest keep their order.
            codecs.sort_by_key(|codec| !codec.name.eq_ignore_ascii_case(first));
        }
        for codec in &mut codecs {
            adjust_for_answer(codec);
            if receive.is_some() && codec.name.eq_ignore_ascii_case("opus") {
                ask_for(codec, hint);
            }
        }
        let rtx = codecs.first().is_some_and(|codec| codec.rtx.is_some());
        Section {
            mid: mid.to_owned(),
            kind,
            extensions: read::extensions(section),
            receive,
            send: send.map(|send| Sending {
                track: send.track,
                ssrc: send.ssrc,
                rtx_ssrc: send.rtx_ssrc.filter(|_| rtx),
            }),
            codecs,
        }
    }
}

/// A section of an offer with what is asked of it again and again.
struct Offered<'a> {
    section: &'a MediaDescription,
    /// `a=mid`, if we accept it: data, or media with a usable codec.
    mid: Option<&'a str>,
    direction: Direction,
    /// Usable payload types.
    codecs: Vec<SectionCodec>,
}

impl<'a> Offered<'a> {
    fn new(section: &'a MediaDescription) -> Self {
        let codecs = section
            .kind()
            .map(|kind| usable(section, kind))
            .unwrap_or_default();
        let accepted = section.is_data() || !codecs.is_empty();
        Self {
            section,
            mid: section.mid().filter(|_| accepted && !section.is_rejected()),
            direction: section.direction(),
            codecs,
        }
    }

    fn has_codec(&self, send: &WantedSend) -> bool {
        self.codecs
            .iter()
            .any(|codec| codec.name.eq_ignore_ascii_case(&send.codec))
    }
}

/// Opus as the AddTrack request wants it (RFC 7587 section 6.1).
fn ask_for(codec: &mut SectionCodec, hint: Option<&PublishHint>) {
    let fmtp = codec.fmtp.get_or_insert_default();
    if !hint.is_some_and(|hint| hint.no_dtx) {
        set_parameter(fmtp, "usedtx", "1");
    }
    if hint.is_some_and(|hint| hint.stereo) {
        set_parameter(fmtp, "stereo", "1");
        set_parameter(fmtp, "maxaveragebitrate", "510000");
    }
}

fn write_media(
    writer: &mut Writer,
    section: &Section,
    protocol: &str,
    transport: &SectionTransport<'_>,
    send: Option<&WantedSend>,
) {
    let Section {
        mid,
        kind,
        codecs,
        extensions,
        receive,
        ..
    } = section;
    writer.section(kind.as_str(), protocol, &formats(codecs), mid, transport);
    let direction = Direction::of(send.is_some(), receive.is_some());
    writer.media(direction, codecs, extensions);
    if let Some(receive) = receive {
        writer.simulcast(&receive.rids);
    }
    if let Some(send) = send {
        writer.track(
            send,
            section.send.is_some_and(|send| send.rtx_ssrc.is_some()),
        );
    }
}
