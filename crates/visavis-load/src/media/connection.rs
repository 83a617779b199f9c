//! One PeerConnection: a str0m instance and its socket.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::format::Codec;
use str0m::media::{Direction, MediaKind, Mid, Pt};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{ExtensionValues, RtpWrite};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcError};
use thiserror::Error;
use visavis_net::{SendBatch, UdpSocket};

use super::NewTrack;
use crate::synthetic::{Due, Shape};
use crate::target::{is_candidate_allowed, only_allowed};

/// The first packet's sequence number: a minute of video rolls over.
const FIRST_SEQUENCE: u64 = 60_000;
/// How long after its last timeout an instance is looked at again at the latest.
const IDLE: Duration = Duration::from_secs(1);

/// Why a connection can't go on.
#[derive(Debug, Error)]
pub(super) enum ConnectionError {
    #[error("socket: {0}")]
    Socket(#[from] io::Error),
    #[error("media: {0}")]
    Media(#[from] RtcError),
    #[error("description: {0}")]
    Description(String),
}

/// A stream of ours that the server has agreed to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outgoing {
    mid: Mid,
    pt: Pt,
    audio: bool,
}

pub(super) struct Connection {
    rtc: Rtc,
    socket: UdpSocket,
    pending: Option<SdpPendingOffer>,
    deadline: Instant,
}

impl Connection {
    pub(super) fn new(local: IpAddr, now: Instant) -> Result<Self, ConnectionError> {
        let socket = UdpSocket::bind((local, 0).into())?;
        let mut rtc = Rtc::builder()
            .clear_codecs()
            .enable_opus(true, false)
            .enable_vp8(true)
            .set_rtp_mode(true)
            .build(now);
        let host = Candidate::host(socket.local_addr(), "udp")
            .map_err(|error| ConnectionError::Description(error.to_string()))?;
        rtc.add_local_candidate(host);
        Ok(Self {
            rtc,
            socket,
            pending: None,
            deadline: now,
        })
    }

    pub(super) fn socket(&self) -> &UdpSocket {
        &self.socket
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Takes the server's offer; the answer.
    pub(super) fn handle_offer(&mut self, sdp: &str) -> Result<String, ConnectionError> {
        // str0m would leave the active role to a server that offers both; SDKs
        // take it, as RFC 8842 section 5.3 advises.
        let sdp = only_allowed(sdp).replace("a=setup:actpass", "a=setup:passive");
        let offer = SdpOffer::from_sdp_string(&sdp)
            .map_err(|error| ConnectionError::Description(error.to_string()))?;
        let answer = self.rtc.sdp_api().accept_offer(offer)?;
        Ok(answer.to_sdp_string())
    }

    /// Our offer with `tracks`, and the section of each.
    pub(super) fn offer(
        &mut self,
        tracks: &[NewTrack],
    ) -> Result<(String, Vec<Mid>), ConnectionError> {
        let mut api = self.rtc.sdp_api();
        let sections = tracks.iter().map(|track| {
            let kind = match track.shape {
                Shape::Video { .. } => MediaKind::Video,
                Shape::Audio => MediaKind::Audio,
            };
            let names = (Some("load".to_owned()), Some(track.cid.clone()));
            api.add_media(kind, Direction::SendOnly, names.0, names.1, None)
        });
        let sections = sections.collect();
        let (offer, pending) = api
            .apply()
            .ok_or_else(|| ConnectionError::Description("nothing to offer".into()))?;
        self.pending = Some(pending);
        Ok((offer.to_sdp_string(), sections))
    }

    /// Takes the server's answer to [`offer`](Self::offer).
    pub(super) fn handle_answer(&mut self, sdp: &str) -> Result<(), ConnectionError> {
        let answer = SdpAnswer::from_sdp_string(&only_allowed(sdp))
            .map_err(|error| ConnectionError::Description(error.to_string()))?;
        let pending = self
            .pending
            .take()
            .ok_or_else(|| ConnectionError::Description("an answer without an offer".into()))?;
        Ok(self.rtc.sdp_api().accept_answer(pending, answer)?)
    }

    /// Takes one of the server's candidates, unless it leads elsewhere.
    pub(super) fn handle_candidate(&mut self, candidate: &str) {
        if !is_candidate_allowed(candidate) {
            return;
        }
        // What str0m can't read (TCP, unknown types) is no way to the server.
        if let Ok(candidate) = Candidate::from_sdp_string(candidate) {
            self.rtc.add_remote_candidate(candidate);
        }
    }

    /// How to send on a section, once the server has agreed to it.
    pub(super) fn outgoing(&self, mid: Mid) -> Option<Outgoing> {
        let audio = self.rtc.media(mid)?.kind().is_audio();
        let codec = if audio { Codec::Opus } else { Codec::Vp8 };
        let params = self.rtc.codec_config().find(|p| p.spec().codec == codec)?;
        Some(Outgoing {
            mid,
            pt: params.pt(),
            audio,
        })
    }

    /// Queues one packet; [`drain`](Self::drain) sends it.
    pub(super) fn send(&mut self, outgoing: Outgoing, packet: Due, now: Instant) {
        let mut api = self.rtc.direct_api();
        let Some(stream) = api.stream_tx_by_mid(outgoing.mid, None) else {
            return;
        };
        let mut extensions = ExtensionValues::default();
        if outgoing.audio {
            extensions.audio_level = Some(-30);
            extensions.voice_activity = Some(true);
        }
        let sequence = FIRST_SEQUENCE + packet.counter;
        let write = RtpWrite::new(
            outgoing.pt,
            sequence.into(),
            packet.timestamp,
            now,
            packet.payload,
        );
        stream.write_rtp(
            write
                .marker(packet.marker)
                .ext_vals(extensions)
                .nackable(!outgoing.audio),
        );
    }

    /// Takes a datagram. What is none of WebRTC's is passed over.
    pub(super) fn handle_datagram(
        &mut self,
        now: Instant,
        source: SocketAddr,
        bytes: &[u8],
    ) -> Result<(), ConnectionError> {
        let Ok(contents) = bytes.try_into() else {
            return Ok(());
        };
        let receive = Receive {
            proto: Protocol::Udp,
            source,
            destination: self.socket.local_addr(),
            contents,
        };
        Ok(self.rtc.handle_input(Input::Receive(now, receive))?)
    }

    /// Lets time pass.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> Result<(), ConnectionError> {
        Ok(self.rtc.handle_input(Input::Timeout(now))?)
    }

    /// Takes all output: datagrams into `batch` (sent when it is full, and by
    /// the caller), events to `each`.
    pub(super) fn drain(
        &mut self,
        now: Instant,
        batch: &mut SendBatch,
        mut each: impl FnMut(Event),
    ) -> Result<(), ConnectionError> {
        loop {
            match self.rtc.poll_output()? {
                Output::Timeout(at) => {
                    self.deadline = at.min(now + IDLE);
                    return Ok(());
                }
                Output::Event(event) => each(event),
                Output::Transmit(transmit) => {
                    if batch.is_full() {
                        batch.flush(&self.socket);
                    }
                    let Some(slot) = batch.begin(transmit.destination, None) else {
                        continue;
                    };
                    let len = transmit.contents.len();
                    if let Some(slot) = slot.get_mut(..len) {
                        slot.copy_from_slice(&transmit.contents);
                    }
                    batch.commit(len);
                }
            }
        }
    }

    /// Whether ICE and DTLS are through.
    pub(super) fn is_connected(&self) -> bool {
        self.rtc.is_connected()
    }

    /// Whether it can still do anything.
    pub(super) fn is_alive(&self) -> bool {
        self.rtc.is_alive()
    }
}
