//! RTCP both ways: reports, repair, keyframes, transport-wide feedback.

use std::time::{Duration, Instant};

use visavis_rtp::MediaKind;
use visavis_rtp::ntp::from_dlsr;
use visavis_rtp::rtcp::{Builder, Packet, ReportBlock, SenderInfo, packets};

use crate::api::{PeerId, SfuEvent, TrackId};
use crate::clock::{ClockOffset, ClockPoint};
use crate::peer::Peer;
use crate::sfu::{REPORT_INTERVAL, Sfu};
use crate::subscription::PacketSink;
use crate::timers::Timer;

/// Our SSRC in feedback; receivers do not look at it.
const SENDER: u32 = 1;
/// Octets after which a compound is sent and the next one begun, so that sealed
/// it fits a datagram on every path.
const COMPOUND: usize = 1_000;
/// A receiver's estimate this far below what it is sent means congestion.
const REMB_TOO_LOW: f64 = 0.85;
/// Packets without which a receiver's loss says nothing.
const FEW_PACKETS: u64 = 10;
/// A round trip beyond this is a mistake of the report.
const MAX_RTT: Duration = Duration::from_secs(5);

/// What a receiver lost of everything, weighed by what it was sent.
#[derive(Default)]
struct Loss {
    packets: u64,
    lost: u64,
}

impl Sfu {
    pub(crate) fn handle_rtcp(
        &mut self,
        at: usize,
        compound: &[u8],
        now: Instant,
        sink: &mut impl PacketSink,
    ) {
        let mut loss = Loss::default();
        for packet in packets(compound) {
            match packet {
                Packet::SenderReport { ssrc, info, blocks } => {
                    self.handle_sender_report(at, ssrc, &info, now);
                    blocks.for_each(|block| self.handle_report(at, &block, &mut loss, now));
                }
                Packet::ReceiverReport { blocks, .. } => {
                    blocks.for_each(|block| self.handle_report(at, &block, &mut loss, now));
                }
                Packet::Nack { media_ssrc, lost } => {
                    lost.for_each(|number| self.resend(at, media_ssrc, number, now, sink));
                }
                Packet::Pli { media_ssrc } | Packet::Fir { media_ssrc } => {
                    self.handle_keyframe_request(at, media_ssrc);
                }
                Packet::Remb(bitrate) => self.handle_remb(at, bitrate, now),
                // The send history waits for the estimator.
                Packet::Twcc(_) | Packet::Goodbye(_) => {}
            }
        }
        if loss.packets >= FEW_PACKETS {
            let fraction = u8::try_from(loss.lost / loss.packets).unwrap_or(u8::MAX);
            self.guard(at, |peer| peer.guard.handle_loss(fraction, now));
        }
        self.request_keyframes(now, sink);
    }

    /// Lets the guard of a peer look at something; when its limit changes, so
    /// does what the peer gets.
    fn guard(&mut self, at: usize, look: impl FnOnce(&mut Peer) -> bool) {
        if let Some(peer) = self.peers.get_mut(at)
            && look(peer)
        {
            let id = peer.id;
            self.refresh_peer(id);
        }
    }

    fn handle_sender_report(&mut self, at: usize, ssrc: u32, info: &SenderInfo, now: Instant) {
        let ours = self.wall.at(now);
        let Some(peer) = self.peers.get_mut(at) else {
            return;
        };
        peer.clock
            .get_or_insert_with(|| ClockOffset::of(info.ntp, ours));
        let Some(binding) = peer.bindings.get(&ssrc) else {
            return;
        };
        let layer = self
            .tracks
            .get_mut(binding.track)
            .and_then(|track| track.layers.get_mut(binding.layer));
        if let Some(source) = layer.and_then(|layer| layer.source.as_mut())
            && source.ssrc == ssrc
        {
            source.stream.handle_sender_report(info, now);
            source.clock = Some(ClockPoint::from(info));
        }
    }

    fn handle_report(&mut self, at: usize, block: &ReportBlock, loss: &mut Loss, now: Instant) {
        let ours = self.wall.at(now).middle();
        let Some(peer) = self.peers.get_mut(at) else {
            return;
        };
        let subscription = peer
            .sends
            .get(&block.ssrc)
            .and_then(|place| self.subscriptions.get_mut(*place));
        let Some(subscription) = subscription else {
            return;
        };
        if block.last_sr != 0 {
            // RFC 3550 section 6.4.1, modulo 2^32.
            let elapsed = ours
                .wrapping_sub(block.last_sr)
                .wrapping_sub(block.delay_since_last_sr);
            let rtt = from_dlsr(elapsed);
            if rtt < MAX_RTT {
                peer.rtt = (peer.rtt * 7 + rtt) / 8;
            }
        }
        let packets = subscription.stream.counts().packets;
        let sent = u64::from(packets.wrapping_sub(subscription.rest.reported_packets));
        subscription.rest.reported_packets = packets;
        loss.packets += sent;
        loss.lost += sent * u64::from(block.fraction_lost);
    }

    fn handle_remb(&mut self, at: usize, bitrate: u64, now: Instant) {
        self.guard(at, |peer| {
            let too_much = bitrate as f64 <= peer.bitrate as f64 * REMB_TOO_LOW;
            too_much && peer.guard.handle_congestion(now)
        });
    }

    fn handle_keyframe_request(&mut self, at: usize, ssrc: u32) {
        let subscription = self
            .peers
            .get(at)
            .and_then(|peer| self.subscriptions.get(*peer.sends.get(&ssrc)?));
        let Some(subscription) = subscription else {
            return;
        };
        let layer = subscription.current().or(subscription.target());
        if let (Some(track), Some(layer)) = (subscription.rest.track, layer) {
            self.want_keyframe(track, layer);
        }
    }

    fn resend(
        &mut self,
        at: usize,
        ssrc: u32,
        number: u16,
        now: Instant,
        sink: &mut impl PacketSink,
    ) {
        let Some(peer) = self.peers.get_mut(at) else {
            return;
        };
        if !peer.may_resend(now) {
            return;
        }
        let subscription = peer
            .sends
            .get(&ssrc)
            .and_then(|place| self.subscriptions.get_mut(*place));
        let (Some(subscription), Some((tx, _))) = (subscription, &peer.srtp) else {
            return;
        };
        let Some(track) = subscription
            .rest
            .track
            .and_then(|track| self.tracks.get(track))
        else {
            return;
        };
        let cache_of = |origin| {
            let mut sources = track
                .layers
                .iter()
                .filter_map(|layer| layer.source.as_ref());
            sources
                .find(|source| source.origin == origin)
                .map(|source| &source.cache)
        };
        let Some(slot) = sink.begin(peer.id) else {
            return;
        };
        let downlink = &mut peer.downlink;
        let sealed = subscription
            .stream
            .resend(number, cache_of, downlink, tx, slot, now);
        let len = sealed.ok().flatten().unwrap_or(0);
        self.counters.resent += u64::from(len > 0);
        sink.commit(len);
    }

    /// Somebody needs a keyframe of this layer.
    pub(crate) fn want_keyframe(&mut self, at: usize, layer: usize) {
        let Some(track) = self.tracks.get_mut(at) else {
            return;
        };
        let wanted = track.kind == MediaKind::Video && !track.muted;
        let id = track.id;
        if let Some(state) = track.layers.get_mut(layer)
            && wanted
            && state.source.is_some()
        {
            state.keyframes.want_keyframe();
            if !std::mem::replace(&mut state.keyframe_timer, true) {
                self.keyframes.push((id, layer as u8));
            }
        }
    }

    /// Sends the requests that were wanted since the last call.
    pub(crate) fn request_keyframes(&mut self, now: Instant, sink: &mut impl PacketSink) {
        while let Some((track, layer)) = self.keyframes.pop() {
            self.request_keyframe(track, layer, now, sink);
        }
    }

    fn request_keyframe(
        &mut self,
        id: TrackId,
        layer: u8,
        now: Instant,
        sink: &mut impl PacketSink,
    ) {
        let Some(track) = self
            .track_index
            .get(&id)
            .and_then(|at| self.tracks.get_mut(*at))
        else {
            return;
        };
        let publisher = track.publisher;
        let Some(state) = track.layers.get_mut(usize::from(layer)) else {
            return;
        };
        let ssrc = state.source.as_ref().map(|source| source.ssrc);
        let send = state.keyframes.poll_request(now);
        state.keyframe_timer = false;
        if let Some(due) = state.keyframes.poll_timeout() {
            state.keyframe_timer = true;
            self.timers.set(due, Timer::Keyframe(id, layer));
        }
        if let (true, Some(ssrc)) = (send, ssrc) {
            self.counters.keyframe_requests += 1;
            self.send_rtcp(publisher, sink, |rtcp| rtcp.pli(SENDER, ssrc));
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Sends what is due.
    pub fn handle_timeout(&mut self, now: Instant, sink: &mut impl PacketSink) {
        while let Some(timer) = self.timers.pop_due(now) {
            match timer {
                Timer::Report(peer) => self.report(peer, now, sink),
                Timer::Feedback(peer) => self.send_feedback(peer, now, sink),
                Timer::Repair(track, layer) => self.repair(track, layer, now, sink),
                Timer::Keyframe(track, layer) => self.request_keyframe(track, layer, now, sink),
            }
        }
        self.request_keyframes(now, sink);
    }

    fn send_feedback(&mut self, id: PeerId, now: Instant, sink: &mut impl PacketSink) {
        let Some(&at) = self.peer_index.get(&id) else {
            return;
        };
        let Some(peer) = self.peers.get_mut(at) else {
            return;
        };
        peer.feedback_timer = false;
        let media = peer.bindings.keys().next().copied().unwrap_or_default();
        let mut rtcp = std::mem::take(&mut self.rtcp);
        rtcp.clear();
        peer.arrivals.poll_feedback(now, SENDER, media, &mut rtcp);
        if let Some(due) = peer.arrivals.poll_timeout() {
            peer.feedback_timer = true;
            self.timers.set(due, Timer::Feedback(id));
        }
        self.seal_rtcp(at, &rtcp, sink);
        self.rtcp = rtcp;
    }

    /// Asks a publisher for what is missing of a layer.
    fn repair(&mut self, id: TrackId, layer: u8, now: Instant, sink: &mut impl PacketSink) {
        let Some(&at) = self.track_index.get(&id) else {
            return;
        };
        let Some(track) = self.tracks.get_mut(at) else {
            return;
        };
        let publisher = track.publisher;
        let rtt = self.peers.get(publisher).map_or(MAX_RTT, |peer| peer.rtt);
        let Some(state) = track.layers.get_mut(usize::from(layer)) else {
            return;
        };
        state.repair_timer = false;
        let Some(source) = &mut state.source else {
            return;
        };
        let mut lost = std::mem::take(&mut self.lost);
        lost.clear();
        source.stream.poll_nack(now, rtt, &mut lost);
        let (ssrc, unrepaired) = (source.ssrc, source.stream.take_unrepaired());
        if !lost.is_empty() {
            self.send_rtcp(publisher, sink, |rtcp| rtcp.nack(SENDER, ssrc, &lost));
        }
        self.lost = lost;
        if unrepaired {
            self.want_keyframe(at, usize::from(layer));
        }
        self.arm_repair(at, usize::from(layer), now);
    }

    /// What a peer is told every second: how its streams arrive, and on which
    /// clock ours go.
    fn report(&mut self, id: PeerId, now: Instant, sink: &mut impl PacketSink) {
        let Some(&at) = self.peer_index.get(&id) else {
            return;
        };
        self.timers.set(now + REPORT_INTERVAL, Timer::Report(id));
        self.watch_tracks(at, now);
        let Some(peer) = self.peers.get_mut(at) else {
            return;
        };
        let elapsed = now
            .saturating_duration_since(peer.reported)
            .as_millis()
            .max(1);
        peer.bitrate = (u128::from(peer.sent_octets) * 8_000 / elapsed) as u64;
        (peer.sent_octets, peer.reported) = (0, now);
        let mut rtcp = std::mem::take(&mut self.rtcp);
        rtcp.clear();
        self.describe_sends(at, now, &mut rtcp, sink);
        self.collect_reports(at, now);
        if !self.blocks.is_empty() {
            Builder::new(&mut rtcp).receiver_report(SENDER, &self.blocks);
        }
        self.seal_rtcp(at, &rtcp, sink);
        self.rtcp = rtcp;
    }

    /// How the streams of a peer arrive, into `self.blocks`.
    fn collect_reports(&mut self, at: usize, now: Instant) {
        self.blocks.clear();
        let Some(peer) = self.peers.get(at) else {
            return;
        };
        for track in &peer.tracks {
            let Some(track) = self.tracks.get_mut(*track) else {
                continue;
            };
            let sources = track
                .layers
                .iter_mut()
                .filter_map(|layer| layer.source.as_mut());
            self.blocks
                .extend(sources.filter_map(|source| source.stream.report(now)));
        }
    }

    /// Sender reports of what was sent since the last ones.
    fn describe_sends(
        &mut self,
        at: usize,
        now: Instant,
        rtcp: &mut Vec<u8>,
        sink: &mut impl PacketSink,
    ) {
        let count = self
            .peers
            .get(at)
            .map_or(0, |peer| peer.subscriptions.len());
        for nth in 0..count {
            let place = self
                .peers
                .get(at)
                .and_then(|peer| peer.subscriptions.get(nth));
            let Some(place) = place.copied() else {
                continue;
            };
            if let Some(info) = self.sender_info(place, now)
                && let Some(subscription) = self.subscriptions.get(place)
            {
                let section = &subscription.rest.section;
                let mut builder = Builder::new(rtcp);
                builder.sender_report(section.ssrc, &info, &[]);
                builder.cname(section.ssrc, &section.cname);
            }
            if rtcp.len() >= COMPOUND {
                self.seal_rtcp(at, rtcp, sink);
                rtcp.clear();
            }
        }
    }

    /// The sender report of a subscription that has sent something new.
    fn sender_info(&mut self, place: usize, now: Instant) -> Option<SenderInfo> {
        let ours = self.wall.at(now);
        let subscription = self.subscriptions.get_mut(place)?;
        let counts = subscription.stream.counts();
        if counts.packets == subscription.rest.described_packets {
            return None;
        }
        let track = self.tracks.get(subscription.rest.track?)?;
        let source = track.layers.get(subscription.current()?)?.source.as_ref()?;
        let offset = self.peers.get(track.publisher)?.clock?;
        let theirs = offset.to_publisher(ours);
        let rtp = source.clock?.rtp_at(theirs, source.codec.clock_rate);
        let rtp = subscription.stream.map_timestamp(rtp)?;
        subscription.rest.described_packets = counts.packets;
        Some(SenderInfo {
            ntp: ours,
            rtp,
            ..counts
        })
    }

    /// Notices layers that stopped or came back, and tracks that fell silent.
    fn watch_tracks(&mut self, at: usize, now: Instant) {
        let count = self.peers.get(at).map_or(0, |peer| peer.tracks.len());
        for nth in 0..count {
            let track = self.peers.get(at).and_then(|peer| peer.tracks.get(nth));
            let Some(place) = track.copied() else {
                continue;
            };
            let Some(track) = self.tracks.get_mut(place) else {
                continue;
            };
            if let Some(level) = track.level.handle_timeout(now) {
                self.events.push(SfuEvent::Level(track.id, level));
            }
            if track.active_layers() != track.active {
                self.retarget_track(place);
            }
        }
    }

    fn send_rtcp(
        &mut self,
        at: usize,
        sink: &mut impl PacketSink,
        build: impl FnOnce(&mut Builder<'_>),
    ) {
        let mut rtcp = std::mem::take(&mut self.rtcp);
        rtcp.clear();
        build(&mut Builder::new(&mut rtcp));
        self.seal_rtcp(at, &rtcp, sink);
        self.rtcp = rtcp;
    }

    fn seal_rtcp(&mut self, at: usize, rtcp: &[u8], sink: &mut impl PacketSink) {
        let Some(peer) = self.peers.get_mut(at) else {
            return;
        };
        let Some((tx, _)) = peer.srtp.as_mut().filter(|_| !rtcp.is_empty()) else {
            return;
        };
        let Some(slot) = sink.begin(peer.id) else {
            return;
        };
        let room = slot.get_mut(..rtcp.len());
        let written = room.map(|room| room.copy_from_slice(rtcp));
        let sealed = written.and_then(|()| tx.seal_rtcp(slot, rtcp.len()).ok());
        sink.commit(sealed.unwrap_or(0));
    }
}
