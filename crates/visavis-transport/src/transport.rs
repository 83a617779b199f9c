//! The transport: ICE finds the path, DTLS makes the keys, SRTP and SCTP use them.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

use thiserror::Error;
use visavis_rtp::srtp::{SrtpRx, SrtpTx};

use crate::certificate::{Certificate, Fingerprint};
use crate::channels::{Channel, ChannelEvent, Channels, SendDataError};
use crate::dtls::{DtlsOutput, DtlsServer};
use crate::ice::{Ice, IceCredentials};

/// A pair of addresses: ours, as advertised, and the peer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Path {
    /// The advertised address that the peer sends to.
    pub local: SocketAddr,
    /// Where the peer's packets come from.
    pub remote: SocketAddr,
}

/// A datagram to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transmit {
    /// From and to where.
    pub path: Path,
    /// The datagram.
    pub payload: Vec<u8>,
}

/// Our side of a session.
#[derive(Debug, Clone)]
pub struct TransportConfig {
    /// The certificate whose fingerprint the session description names.
    pub certificate: Certificate,
    /// Our credentials in the session description.
    pub local_ice: IceCredentials,
    /// Only answer checks, send none (RFC 8445 section 2.5).
    pub ice_lite: bool,
    /// Our host candidates.
    pub local_addresses: Vec<SocketAddr>,
    /// Open `_reliable` and `_lossy` ourselves, as the server does on a
    /// subscriber transport.
    pub open_channels: bool,
}

/// The other side of a session, from its description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteParams {
    /// Its credentials.
    pub ice: IceCredentials,
    /// Its candidates, each as the value of `a=candidate` with `candidate:`.
    pub candidates: Vec<String>,
    /// Its certificate.
    pub fingerprint: Fingerprint,
    /// Data channels, if it wants any.
    pub sctp: Option<SctpParams>,
}

/// The SCTP part of a session description (RFC 8841).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SctpParams {
    /// Largest message that the peer takes; 0 means any.
    pub max_message_size: u32,
}

/// What ends a transport.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TransportError {
    /// The DTLS engine gave up.
    #[error("DTLS failed: {0}")]
    Dtls(String),
    /// The peer's certificate is not the one in its session description.
    #[error("the peer's certificate is not the one it promised")]
    FingerprintMismatch,
    /// No certificate could be made.
    #[error("can't make a DTLS certificate: {0}")]
    Certificate(String),
}

/// What a transport tells its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransportEvent {
    /// ICE and DTLS are up; SRTP can be sealed and opened.
    Connected,
    /// Media goes this way from now on.
    PathSelected(Path),
    /// A data channel can be written.
    ChannelOpen(Channel),
    /// A message arrived.
    Data(Channel, Vec<u8>),
    /// The data channels are gone; media may go on.
    ChannelsLost,
    /// The peer closed DTLS.
    Closed,
    /// Nothing more will come of this transport.
    Failed(TransportError),
}

/// One PeerConnection.
///
/// Give it what arrives by [`handle_stun`](Self::handle_stun) and
/// [`handle_dtls`](Self::handle_dtls), the time by
/// [`handle_timeout`](Self::handle_timeout); after each of these (and after
/// [`send_data`](Self::send_data)) drain [`poll_transmit`](Self::poll_transmit)
/// and [`poll_event`](Self::poll_event), and come back at
/// [`poll_timeout`](Self::poll_timeout). SRTP does not pass through here: take
/// the keys by [`take_srtp`](Self::take_srtp).
pub struct Transport {
    ice: Ice,
    dtls: DtlsServer,
    srtp: Option<Box<(SrtpTx, SrtpRx)>>,
    channels: Channels,
    path: Option<Path>,
    last_authentic: Option<Instant>,
    transmits: VecDeque<Transmit>,
    events: VecDeque<TransportEvent>,
    failed: bool,
    remote_known: bool,
}

impl Transport {
    /// A transport that waits for its peer.
    ///
    /// # Errors
    /// When the DTLS engine refuses its configuration.
    pub fn new(config: &TransportConfig, now: Instant) -> Result<Self, TransportError> {
        Ok(Self {
            ice: Ice::new(&config.local_ice, config.ice_lite, &config.local_addresses),
            dtls: DtlsServer::new(&config.certificate, now)?,
            srtp: None,
            channels: Channels::new(config.open_channels),
            path: None,
            last_authentic: None,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
            failed: false,
            remote_known: false,
        })
    }

    /// Takes the other side's description, the first time and at each
    /// renegotiation.
    pub fn set_remote(&mut self, remote: &RemoteParams) {
        self.ice.set_remote(&remote.ice, &remote.candidates);
        if !self.remote_known {
            // DTLS is not restarted: a later description can't change the peer.
            self.dtls.expect(remote.fingerprint.clone());
            self.remote_known = true;
        }
        if let Some(sctp) = &remote.sctp {
            self.channels.set_remote_max_message(sctp.max_message_size);
        }
    }

    /// Takes new local credentials: the peer restarts ICE. Media keeps its path
    /// until the first check of the new session.
    pub fn restart_ice(&mut self, local: &IceCredentials) {
        self.ice.restart(local);
    }

    /// Adds a trickled candidate; unusable ones are passed over.
    pub fn add_remote_candidate(&mut self, candidate: &str) {
        self.ice.add_remote_candidate(candidate);
    }

    /// Takes a STUN message that came over `path`; whether it was authentic.
    pub fn handle_stun(&mut self, now: Instant, path: Path, bytes: &[u8]) -> bool {
        let authentic = self.ice.handle_stun(now, path, bytes);
        if authentic {
            self.last_authentic = Some(now);
        }
        self.ice.handle_timeout(now);
        self.drain(now);
        authentic
    }

    /// Takes a DTLS datagram. Before a valid check nobody has proved that the
    /// address is its own, so it is dropped.
    pub fn handle_dtls(&mut self, now: Instant, bytes: &[u8]) {
        if self.failed || self.path.is_none() || !self.remote_known {
            return;
        }
        let handled = self.dtls.handle_packet(now, bytes);
        self.fail_on(handled);
        self.drain(now);
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.ice.handle_timeout(now);
        if !self.failed {
            let handled = self.dtls.handle_timeout(now);
            self.fail_on(handled);
            self.channels.handle_timeout(now);
        }
        self.drain(now);
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub fn poll_timeout(&mut self) -> Option<Instant> {
        let ice = self.ice.poll_timeout();
        if self.failed {
            return ice;
        }
        // Before the path is known the DTLS engine has nothing to repeat.
        let dtls = self.path.and_then(|_| self.dtls.poll_timeout());
        [ice, dtls, self.channels.poll_timeout()]
            .into_iter()
            .flatten()
            .min()
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<TransportEvent> {
        self.events.pop_front()
    }

    /// Where media goes.
    #[must_use]
    pub fn path(&self) -> Option<Path> {
        self.path
    }

    /// When the last authentic check arrived.
    #[must_use]
    pub fn last_authentic(&self) -> Option<Instant> {
        self.last_authentic
    }

    /// The keys that DTLS made, once after [`TransportEvent::Connected`]: whoever
    /// seals and opens media owns them.
    pub fn take_srtp(&mut self) -> Option<(SrtpTx, SrtpRx)> {
        self.srtp.take().map(|srtp| *srtp)
    }

    /// Sends a message on a data channel.
    ///
    /// # Errors
    /// When the channel is not open, its buffer is full, or the message too large.
    pub fn send_data(
        &mut self,
        now: Instant,
        channel: &Channel,
        payload: &[u8],
    ) -> Result<(), SendDataError> {
        self.channels.send(channel, payload)?;
        self.drain(now);
        Ok(())
    }

    fn fail_on(&mut self, result: Result<(), TransportError>) {
        if let Err(error) = result
            && !self.failed
        {
            self.failed = true;
            self.srtp = None;
            self.events.push_back(TransportEvent::Failed(error));
        }
    }

    /// Moves everything that became ready to where it can be polled.
    fn drain(&mut self, now: Instant) {
        while let Some(transmit) = self.ice.poll_transmit() {
            self.transmits.push_back(transmit);
        }
        if self.path != self.ice.selected() {
            self.path = self.ice.selected();
            self.events
                .extend(self.path.map(TransportEvent::PathSelected));
        }
        if self.failed {
            return;
        }
        let drained = self.drain_dtls(now);
        self.fail_on(drained);
    }

    fn drain_dtls(&mut self, now: Instant) -> Result<(), TransportError> {
        loop {
            self.take_dtls_outputs(now)?;
            while let Some(event) = self.channels.poll_event() {
                self.events.push_back(match event {
                    ChannelEvent::Open(channel) => TransportEvent::ChannelOpen(channel),
                    ChannelEvent::Data(channel, payload) => TransportEvent::Data(channel, payload),
                    ChannelEvent::Lost => TransportEvent::ChannelsLost,
                });
            }
            let Some(packets) = self.channels.poll_transmit(now) else {
                return Ok(());
            };
            for packet in packets {
                self.dtls.send(&packet)?;
                // Its queue is short, and a window of SCTP packets long.
                self.take_dtls_outputs(now)?;
            }
        }
    }

    fn take_dtls_outputs(&mut self, now: Instant) -> Result<(), TransportError> {
        while let Some(output) = self.dtls.poll_output()? {
            self.handle_dtls_output(now, output);
        }
        Ok(())
    }

    fn handle_dtls_output(&mut self, now: Instant, output: DtlsOutput) {
        match output {
            DtlsOutput::Packet(payload) => {
                // Datagrams come out only after one came in, over the path.
                let transmit = self.path.map(|path| Transmit { path, payload });
                self.transmits.extend(transmit);
            }
            DtlsOutput::Connected(srtp) => {
                self.srtp = Some(srtp);
                self.events.push_back(TransportEvent::Connected);
            }
            DtlsOutput::Data(packet) => self.channels.handle_packet(now, packet),
            DtlsOutput::Closed => self.events.push_back(TransportEvent::Closed),
        }
    }
}
