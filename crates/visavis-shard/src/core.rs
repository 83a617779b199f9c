//! The media thread without the thread: datagrams, commands and time in,
//! datagrams and events out.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use bytes::Bytes;
use visavis_rtp::ntp::NtpTime;
use visavis_sfu::{PacketSink, PeerId, Sfu, SfuCounters, SfuEvent};
use visavis_transport::{
    Certificate, Channel, IceCredentials, Transport, TransportConfig, TransportEvent,
};

use crate::api::{CloseReason, MediaCommand, MediaEvent, TransportId};
use crate::connection::Connection;
use crate::datagram::{DatagramSink, Incoming, Route};
use crate::demux::Demux;
use crate::schedule::Schedule;

/// Events that wait for the control side. It empties the queue many times a
/// second; beyond this many it hangs, and messages that keep coming must not
/// fill the memory.
const MAX_EVENTS: usize = 8_192;

/// What a media thread must know of its server.
#[derive(Debug, Clone)]
pub struct CoreConfig {
    /// The certificate that every transport shows.
    pub certificate: Certificate,
    /// Our addresses as clients see them.
    pub advertised: Vec<SocketAddr>,
}

/// Datagrams that went nowhere, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CoreCounters {
    /// Neither STUN nor DTLS nor SRTP (RFC 7983), or empty.
    pub unknown: u64,
    /// From an address that no transport has.
    pub strangers: u64,
    /// STUN that is damaged, not authentic, or for no transport of ours.
    pub refused_checks: u64,
    /// Binding requests that were not answered to keep within the budget.
    pub unanswered: u64,
    /// Transports that were given up because our own code failed.
    pub panics: u64,
}

/// All transports and media of one thread.
///
/// Call [`handle_datagram`](Self::handle_datagram) for each datagram of a batch,
/// then [`flush`](Self::flush); [`handle_command`](Self::handle_command) for
/// each command; [`handle_timeout`](Self::handle_timeout) at
/// [`poll_timeout`](Self::poll_timeout). Drain [`poll_event`](Self::poll_event)
/// after each.
pub struct Core {
    config: CoreConfig,
    sfu: Sfu,
    connections: HashMap<TransportId, Connection>,
    demux: Demux,
    routes: HashMap<PeerId, Route>,
    schedule: Schedule<TransportId>,
    events: VecDeque<MediaEvent>,
    pub(crate) counters: CoreCounters,
}

/// What the table sends, on its way to the peers' addresses.
struct Routed<'a, S> {
    routes: &'a HashMap<PeerId, Route>,
    /// The last look-up: a receiver's packets come one after the other.
    last: Option<(PeerId, Route)>,
    sink: &'a mut S,
}

impl<S: DatagramSink> PacketSink for Routed<'_, S> {
    fn begin(&mut self, peer: PeerId) -> Option<&mut [u8]> {
        let route = match self.last {
            Some((last, route)) if last == peer => route,
            _ => *self.routes.get(&peer)?,
        };
        self.last = Some((peer, route));
        self.sink.begin(route.destination, route.source)
    }

    fn commit(&mut self, len: usize) {
        self.sink.commit(len);
    }
}

impl Core {
    /// Nothing yet; `wall` is the wall clock at `now`.
    #[must_use]
    pub fn new(config: CoreConfig, now: Instant, wall: NtpTime) -> Self {
        Self {
            sfu: Sfu::new(now, wall),
            connections: HashMap::new(),
            demux: Demux::default(),
            routes: HashMap::new(),
            schedule: Schedule::default(),
            events: VecDeque::new(),
            counters: CoreCounters::default(),
            config,
        }
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<MediaEvent> {
        self.events.pop_front()
    }

    /// What went nowhere so far.
    #[must_use]
    pub fn counters(&self) -> (CoreCounters, SfuCounters) {
        (self.counters, self.sfu.counters())
    }

    /// Transports that are open.
    #[must_use]
    pub fn transports(&self) -> usize {
        self.connections.len()
    }

    /// Whether nothing is remembered of any transport or track. When all have
    /// left and their timers have come, anything else is a leak.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.connections.is_empty()
            && self.routes.is_empty()
            && self.demux.is_empty()
            && self.schedule.next().is_none()
            && self.sfu.is_empty()
    }

    /// Takes one datagram.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        datagram: Incoming<'_>,
        sink: &mut impl DatagramSink,
    ) {
        // RFC 7983 section 7.
        match datagram.payload.first() {
            Some(0..=3) => self.handle_stun(now, &datagram, sink),
            Some(20..=63) => self.handle_dtls(now, &datagram, sink),
            Some(128..=191) => self.handle_srtp(now, datagram, sink),
            _ => self.counters.unknown += 1,
        }
    }

    fn handle_stun(&mut self, now: Instant, datagram: &Incoming<'_>, sink: &mut impl DatagramSink) {
        let id = match self.demux.whose_check(datagram.payload, datagram.source) {
            Ok(Some(id)) => id,
            Ok(None) => {
                match self
                    .demux
                    .answer_binding(now, datagram.payload, datagram.source)
                {
                    Some(answer) => send(sink, datagram.source, datagram.local_ip, &answer),
                    None => self.counters.unanswered += 1,
                }
                return;
            }
            Err(_) => return self.counters.refused_checks += 1,
        };
        let advertised = self.advertised(datagram);
        let Some(local) = advertised else {
            return self.counters.refused_checks += 1;
        };
        let mut authentic = false;
        self.guarded(id, |core| {
            if let Some(connection) = core.connections.get_mut(&id) {
                authentic = connection.handle_stun(now, local, datagram);
            }
        });
        if authentic {
            self.learn(id, datagram.source, datagram.local_ip);
        } else {
            self.counters.refused_checks += 1;
        }
        self.pump(id, now, sink);
    }

    /// The address under which a client knows the one that a datagram came to.
    fn advertised(&self, datagram: &Incoming<'_>) -> Option<SocketAddr> {
        let all = &self.config.advertised;
        let same = |address: &&SocketAddr| Some(address.ip()) == datagram.local_ip;
        // Behind a NAT we are known by an address that we do not have.
        let family = |address: &&SocketAddr| address.is_ipv4() == datagram.source.is_ipv4();
        all.iter()
            .find(same)
            .or_else(|| all.iter().find(family))
            .copied()
    }

    /// A peer has shown that it is at `source`.
    fn learn(&mut self, id: TransportId, source: SocketAddr, local_ip: Option<IpAddr>) {
        let Some(connection) = self.connections.get_mut(&id) else {
            return;
        };
        if let Some(forgotten) = connection.learn(source, local_ip) {
            self.demux.forget_remote(forgotten, id);
        }
        self.demux.learn_remote(source, id);
    }

    fn handle_dtls(&mut self, now: Instant, datagram: &Incoming<'_>, sink: &mut impl DatagramSink) {
        let Some(id) = self.demux.by_remote(datagram.source) else {
            return self.counters.strangers += 1;
        };
        self.guarded(id, |core| {
            if let Some(connection) = core.connections.get_mut(&id) {
                connection.transport.handle_dtls(now, datagram.payload);
            }
        });
        self.pump(id, now, sink);
    }

    fn handle_srtp(&mut self, now: Instant, datagram: Incoming<'_>, sink: &mut impl DatagramSink) {
        let Some(id) = self.demux.by_remote(datagram.source) else {
            return self.counters.strangers += 1;
        };
        self.guarded(id, |core| {
            let mut routed = Routed {
                routes: &core.routes,
                last: None,
                sink,
            };
            core.sfu
                .handle_srtp(id.into(), datagram.payload, now, &mut routed);
        });
    }

    /// Sends what the datagrams since the last call are for.
    pub fn flush(&mut self, now: Instant, sink: &mut impl DatagramSink) {
        let mut routed = Routed {
            routes: &self.routes,
            last: None,
            sink,
        };
        self.sfu.flush(now, &mut routed);
        self.take_sfu_events();
    }

    fn take_sfu_events(&mut self) {
        while let Some(event) = self.sfu.poll_event() {
            // Whoever hangs for so long has no use for levels of long ago.
            if self.events.len() < MAX_EVENTS {
                self.events.push_back(match event {
                    SfuEvent::Level(track, level) => MediaEvent::Level(track, level),
                    SfuEvent::TrackFlows(track) => MediaEvent::TrackFlows(track),
                });
            }
        }
    }

    /// Does what the control side says.
    pub fn handle_command(
        &mut self,
        now: Instant,
        command: MediaCommand,
        sink: &mut impl DatagramSink,
    ) {
        match command {
            MediaCommand::Open {
                transport,
                local,
                ice_lite,
                open_channels,
            } => self.open(now, transport, local, (ice_lite, open_channels)),
            MediaCommand::SetRemote(id, remote) => {
                self.with(id, |connection| connection.transport.set_remote(&remote));
                self.pump(id, now, sink);
            }
            MediaCommand::RestartIce(id, local) => {
                self.demux.add_ufrag(&local.ufrag, id);
                self.with(id, |connection| {
                    connection.ufrags.push(local.ufrag.clone());
                    connection.transport.restart_ice(&local);
                });
                self.pump(id, now, sink);
            }
            MediaCommand::AddCandidate(id, candidate) => {
                self.with(id, |c| c.transport.add_remote_candidate(&candidate));
                self.pump(id, now, sink);
            }
            MediaCommand::SetSections(id, sections) => {
                self.guarded(id, |core| core.sfu.set_sections(id.into(), sections));
            }
            MediaCommand::AddTrack(track, params) => self.sfu.add_track(track, params),
            MediaCommand::SetMuted(track, muted) => self.sfu.set_muted(track, muted),
            MediaCommand::RemoveTrack(track) => self.sfu.remove_track(track),
            MediaCommand::Want(id, track, appetite) => self.sfu.want(id.into(), track, appetite),
            MediaCommand::SendData(id, channel, payload) => {
                self.send_data(now, id, channel, &payload, sink);
            }
            MediaCommand::Close(id) => self.forget(id),
        }
    }

    fn open(
        &mut self,
        now: Instant,
        id: TransportId,
        local: IceCredentials,
        (ice_lite, open_channels): (bool, bool),
    ) {
        let ufrag = local.ufrag.clone();
        let config = TransportConfig {
            certificate: self.config.certificate.clone(),
            local_ice: local,
            ice_lite,
            local_addresses: self.config.advertised.clone(),
            open_channels,
        };
        match Transport::new(&config, now) {
            Ok(transport) => {
                self.demux.add_ufrag(&ufrag, id);
                self.connections
                    .insert(id, Connection::new(transport, ufrag));
                self.sfu.add_peer(id.into(), now);
            }
            Err(error) => {
                tracing::warn!(%error, "a transport can't be opened");
                self.events
                    .push_back(MediaEvent::Closed(id, CloseReason::Failed));
            }
        }
    }

    fn send_data(
        &mut self,
        now: Instant,
        id: TransportId,
        channel: Channel,
        payload: &Bytes,
        sink: &mut impl DatagramSink,
    ) {
        let mut sent = Ok(());
        self.with(id, |connection| {
            sent = connection.transport.send_data(now, &channel, payload);
        });
        if let Err(error) = sent {
            tracing::debug!(%error, "a message is dropped");
            self.events.push_back(MediaEvent::DataDropped(id, channel));
        }
        self.pump(id, now, sink);
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let times = [self.sfu.poll_timeout(), self.schedule.next()];
        times.into_iter().flatten().min()
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Instant, sink: &mut impl DatagramSink) {
        let mut routed = Routed {
            routes: &self.routes,
            last: None,
            sink,
        };
        self.sfu.handle_timeout(now, &mut routed);
        self.take_sfu_events();
        while let Some(id) = self.schedule.pop_due(now) {
            self.with(id, |connection| connection.transport.handle_timeout(now));
            self.pump(id, now, sink);
            let media = self.sfu.last_received(id.into());
            let dead = self
                .connections
                .get(&id)
                .is_some_and(|connection| connection.is_dead(media, now));
            if dead {
                self.close(id, CloseReason::TimedOut);
            }
        }
    }

    /// Does something with a connection; a panic in it is its end.
    fn with(&mut self, id: TransportId, change: impl FnOnce(&mut Connection)) {
        self.guarded(id, |core| {
            if let Some(connection) = core.connections.get_mut(&id) {
                change(connection);
            }
        });
    }

    /// Does something for one transport; a panic in it is that transport's end,
    /// and nobody else's.
    fn guarded(&mut self, id: TransportId, work: impl FnOnce(&mut Self)) {
        let work = std::panic::AssertUnwindSafe(|| work(self));
        if std::panic::catch_unwind(work).is_err() {
            self.counters.panics += 1;
            tracing::error!(transport = id.0, "a transport failed inside; it is closed");
            self.close(id, CloseReason::Failed);
        }
    }

    /// Takes out of a transport what became ready.
    fn pump(&mut self, id: TransportId, now: Instant, sink: &mut impl DatagramSink) {
        let Some(connection) = self.connections.get_mut(&id) else {
            return;
        };
        while let Some(transmit) = connection.transport.poll_transmit() {
            let remote = transmit.path.remote;
            if connection.is_new_check(&transmit) && self.demux.may_learn(remote) {
                // The answer to our check comes from there.
                self.demux.learn_remote(remote, id);
                if let Some(forgotten) = connection.learn(remote, None) {
                    self.demux.forget_remote(forgotten, id);
                }
            }
            send(
                sink,
                remote,
                connection.source_for(remote),
                &transmit.payload,
            );
        }
        while let Some(event) = self.next_event(id) {
            if !self.handle_event(id, event) {
                return;
            }
        }
        if let Some(connection) = self.connections.get_mut(&id) {
            let due = connection.poll_timeout(now);
            self.schedule.set(id, due);
        }
    }

    fn next_event(&mut self, id: TransportId) -> Option<TransportEvent> {
        self.connections.get_mut(&id)?.transport.poll_event()
    }

    /// Whether the transport is still there afterwards.
    fn handle_event(&mut self, id: TransportId, event: TransportEvent) -> bool {
        match event {
            TransportEvent::Connected => {
                let keys = self
                    .connections
                    .get_mut(&id)
                    .and_then(|c| c.transport.take_srtp());
                if let Some((tx, rx)) = keys {
                    self.sfu.set_keys(id.into(), tx, rx);
                }
                self.events.push_back(MediaEvent::Connected(id));
            }
            TransportEvent::PathSelected(path) => {
                let source = self
                    .connections
                    .get(&id)
                    .and_then(|connection| connection.source_for(path.remote));
                let route = Route {
                    destination: path.remote,
                    source,
                };
                self.routes.insert(id.into(), route);
            }
            TransportEvent::ChannelOpen(channel) => {
                self.events.push_back(MediaEvent::ChannelOpen(id, channel));
            }
            TransportEvent::Data(channel, payload) => {
                return self.handle_data(id, channel, payload);
            }
            // Media goes on; whoever needs the channels will reconnect.
            TransportEvent::ChannelsLost => tracing::debug!(transport = id.0, "SCTP ended"),
            TransportEvent::Closed => {
                self.close(id, CloseReason::ByPeer);
                return false;
            }
            TransportEvent::Failed(error) => {
                tracing::debug!(transport = id.0, %error, "a transport failed");
                self.close(id, CloseReason::Failed);
                return false;
            }
        }
        true
    }

    fn handle_data(&mut self, id: TransportId, channel: Channel, payload: Vec<u8>) -> bool {
        if self.events.len() < MAX_EVENTS {
            self.events
                .push_back(MediaEvent::Data(id, channel, payload.into()));
            return true;
        }
        if channel == Channel::Lossy {
            return true;
        }
        // A reliable message must not be lost in silence: the client reconnects.
        self.close(id, CloseReason::Failed);
        false
    }

    fn close(&mut self, id: TransportId, reason: CloseReason) {
        if self.connections.contains_key(&id) {
            self.forget(id);
            self.events.push_back(MediaEvent::Closed(id, reason));
        }
    }

    fn forget(&mut self, id: TransportId) {
        if let Some(connection) = self.connections.remove(&id) {
            self.demux.forget(id, &connection);
            self.routes.remove(&id.into());
            self.schedule.forget(&id);
            self.sfu.remove_peer(id.into());
        }
    }
}

fn send(
    sink: &mut impl DatagramSink,
    destination: SocketAddr,
    source: Option<IpAddr>,
    payload: &[u8],
) {
    let slot = sink.begin(destination, source);
    if let Some(room) = slot.and_then(|slot| slot.get_mut(..payload.len())) {
        room.copy_from_slice(payload);
        sink.commit(payload.len());
    }
}

#[cfg(test)]
mod tests;
