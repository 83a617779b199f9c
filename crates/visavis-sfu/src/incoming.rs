//! A publisher's packet: open, bind to its track and layer, note, keep.

use std::time::Instant;

use visavis_rtp::srtp::SrtpError;
use visavis_rtp::{ExtensionKind, MediaKind, RtpHeader};

use crate::api::{PayloadCodec, PeerId, SfuEvent};
use crate::cache::PacketCache;
use crate::meta::PacketMeta;
use crate::passed::{MAX_PASSED, pass_on};
use crate::peer::Binding;
use crate::receive::{ReceiveStream, Received};
use crate::sent::Origin;
use crate::sfu::Sfu;
use crate::subscription::PacketSink;
use crate::timers::Timer;
use crate::track::{Pending, Source};

/// SSRCs that one transport may bind; a track has at most eight.
const MAX_BINDINGS: usize = 512;

/// What the extensions of a packet say of it on this hop.
#[derive(Default)]
struct Marks<'a> {
    mid: Option<&'a str>,
    rid: Option<&'a str>,
    repaired_rid: Option<&'a str>,
    number: Option<u16>,
    level: Option<u8>,
}

impl Sfu {
    /// Takes an SRTP or SRTCP packet of a peer and opens it in place. What
    /// receivers get of it is sent by [`flush`](Self::flush); what must be sent
    /// again goes out at once.
    pub fn handle_srtp(
        &mut self,
        id: PeerId,
        packet: &mut [u8],
        now: Instant,
        sink: &mut impl PacketSink,
    ) {
        let Some(&at) = self.peer_index.get(&id) else {
            return;
        };
        let Some(peer) = self.peers.get_mut(at) else {
            return;
        };
        let Some((_, rx)) = &mut peer.srtp else {
            return;
        };
        // RFC 5761 section 4: RTCP packet types lie where no payload type may.
        let is_rtcp = packet.get(1).is_some_and(|kind| (192..224).contains(kind));
        let opened = match is_rtcp {
            true => rx.open_rtcp(packet),
            false => rx.open_rtp(packet),
        };
        let len = match opened {
            Ok(len) => len,
            Err(SrtpError::Replayed) => return self.counters.replayed += 1,
            Err(_) => return self.counters.forged += 1,
        };
        peer.last_received = Some(now);
        match is_rtcp {
            true => self.handle_rtcp(at, &packet[..len], now, sink),
            false => self.handle_rtp(at, &packet[..len], now),
        }
    }

    fn handle_rtp(&mut self, at: usize, packet: &[u8], now: Instant) {
        let Ok(mut header) = RtpHeader::parse(packet) else {
            return self.counters.malformed += 1;
        };
        let Some(peer) = self.peers.get_mut(at) else {
            return;
        };
        let mut marks = Marks::default();
        for (id, value) in header.extensions(packet) {
            marks.read(peer.sections.extensions.kind(id), value);
        }
        if let Some(number) = marks.number {
            peer.arrivals.handle_packet(number, now);
            self.arm_feedback(at);
        }
        let Some(binding) = self.binding(at, &header, &marks) else {
            return self.counters.unbound += 1;
        };
        let payload = header.payload(packet);
        if !binding.retransmission {
            return self.handle_media((at, binding), packet, (&header, payload), &marks, now);
        }
        // RFC 4588 section 4: the original number leads the payload. Probes for
        // bandwidth have none.
        let Some((number, payload)) = payload.split_first_chunk() else {
            return;
        };
        header.sequence = u16::from_be_bytes(*number);
        self.handle_media((at, binding), packet, (&header, payload), &marks, now);
    }

    fn handle_media(
        &mut self,
        (at, binding): (usize, Binding),
        packet: &[u8],
        (header, payload): (&RtpHeader, &[u8]),
        marks: &Marks<'_>,
        now: Instant,
    ) {
        let (Some(peer), Some(track)) = (self.peers.get(at), self.tracks.get_mut(binding.track))
        else {
            return;
        };
        let layer = &mut track.layers[binding.layer];
        let Some(source) = &mut layer.source else {
            return;
        };
        // Sections are searched only when the payload type changes: a publisher
        // may have many.
        if !source.carries(header.payload_type, binding.retransmission) {
            match peer.codec(&track.mid, header.payload_type) {
                Some((codec, again)) if again == binding.retransmission => source.codec = codec,
                _ => return self.counters.unbound += 1,
            }
        }
        let codec = source.codec;
        let timestamp = (!binding.retransmission).then_some(header.timestamp);
        let stream = &mut source.stream;
        let sequence =
            match stream.handle_packet(header.sequence, !payload.is_empty(), timestamp, now) {
                Received::New(sequence) => sequence,
                Received::Padding => return,
                Received::Duplicate => return self.counters.duplicate += 1,
            };
        self.counters.received += 1;
        let meta = PacketMeta::read(header, sequence, codec.codec, payload, now);
        let mut passed = [0; MAX_PASSED];
        let extensions = pass_on(header, packet, &peer.sections.extensions, &mut passed);
        source.cache.push(meta, payload, &passed[..extensions]);
        source.last_arrival = now;
        if meta.starts_keyframe {
            layer.keyframes.handle_keyframe();
        }
        track.last_arrival = Some(now);
        if track.pending.is_empty() {
            self.dirty.push(binding.track);
        }
        let layer = binding.layer;
        track.pending.push(Pending { layer, sequence });
        if !std::mem::replace(&mut track.flows, true) {
            self.events.push(SfuEvent::TrackFlows(track.id));
        }
        let level = marks.level.filter(|_| track.kind == MediaKind::Audio);
        if let Some(level) = level.and_then(|octet| track.level.handle_packet(octet, now)) {
            self.events.push(SfuEvent::Level(track.id, level));
        }
        if track.active & 1 << layer == 0 {
            self.retarget_track(binding.track);
        }
        self.arm_repair(binding.track, layer, now);
    }

    /// Where a packet belongs; the first of each source says so by its mid and
    /// rid, or the description named it.
    fn binding(&mut self, at: usize, header: &RtpHeader, marks: &Marks<'_>) -> Option<Binding> {
        let peer = self.peers.get(at)?;
        if let Some(binding) = peer.bindings.get(&header.ssrc) {
            return Some(*binding);
        }
        if peer.bindings.len() >= MAX_BINDINGS {
            return None;
        }
        let named = |section: &&crate::api::ReceiveSection| match marks.mid {
            Some(mid) => section.mid == mid,
            None => section
                .sources
                .iter()
                .any(|source| source.ssrc == header.ssrc || source.rtx == Some(header.ssrc)),
        };
        let section = peer.sections.receives.iter().find(named)?;
        let (codec, retransmission) = peer.codec(&section.mid, header.payload_type)?;
        let track = *peer.tracks.iter().find(|track| {
            let track = self.tracks.get(**track);
            track.is_some_and(|track| track.mid == section.mid)
        })?;
        let rid = match retransmission {
            true => marks.repaired_rid,
            false => marks.rid,
        };
        let layer = match (section.rids.is_empty(), rid) {
            (true, _) => 0,
            (false, rid) => section
                .rids
                .iter()
                .position(|known| Some(&**known) == rid)?,
        };
        let known = self.tracks.get(track)?.layers.len();
        if layer >= known {
            return None;
        }
        let binding = Binding {
            track,
            layer,
            retransmission,
        };
        self.peers
            .get_mut(at)?
            .bindings
            .insert(header.ssrc, binding);
        if !retransmission {
            self.begin_source(binding, header.ssrc, codec, at);
        }
        Some(binding)
    }

    /// A layer is carried by another source than before, or by its first one.
    fn begin_source(&mut self, binding: Binding, ssrc: u32, codec: PayloadCodec, at: usize) {
        // Comes round after years of new sources; nothing of then is kept.
        self.origins = self.origins.wrapping_add(1);
        let origin = Origin(self.origins);
        let Some(track) = self.tracks.get_mut(binding.track) else {
            return;
        };
        let Some(layer) = track.layers.get_mut(binding.layer) else {
            return;
        };
        // The first packet of the source follows at once and sets the time.
        let now = self.peers.get(at).and_then(|peer| peer.last_received);
        let Some(now) = now else { return };
        let old = layer.source.replace(Source {
            ssrc,
            origin,
            codec,
            stream: ReceiveStream::new(ssrc, codec.clock_rate, codec.nack, now),
            cache: PacketCache::default(),
            last_arrival: now,
            clock: None,
        });
        if let Some(old) = old
            && let Some(peer) = self.peers.get_mut(at)
        {
            peer.bindings.remove(&old.ssrc);
        }
        for &place in &track.subscriptions {
            if let Some(subscription) = self.subscriptions.get_mut(place)
                && subscription.current() == Some(binding.layer)
            {
                subscription.stop();
            }
        }
        self.retarget_track(binding.track);
    }

    fn arm_feedback(&mut self, at: usize) {
        let Some(peer) = self.peers.get_mut(at) else {
            return;
        };
        if !peer.feedback_timer
            && let Some(due) = peer.arrivals.poll_timeout()
        {
            peer.feedback_timer = true;
            self.timers.set(due, Timer::Feedback(peer.id));
        }
    }

    pub(crate) fn arm_repair(&mut self, at: usize, layer: usize, now: Instant) {
        let Some(track) = self.tracks.get_mut(at) else {
            return;
        };
        let id = track.id;
        let Some(layer_state) = track.layers.get_mut(layer) else {
            return;
        };
        let Some(source) = &mut layer_state.source else {
            return;
        };
        if !layer_state.repair_timer
            && let Some(due) = source.stream.poll_timeout()
        {
            layer_state.repair_timer = true;
            let due = due.max(now);
            self.timers.set(due, Timer::Repair(id, layer as u8));
        }
    }
}

impl<'a> Marks<'a> {
    fn read(&mut self, kind: Option<ExtensionKind>, value: &'a [u8]) {
        match kind {
            Some(ExtensionKind::Mid) => self.mid = std::str::from_utf8(value).ok(),
            Some(ExtensionKind::Rid) => self.rid = std::str::from_utf8(value).ok(),
            Some(ExtensionKind::RepairedRid) => {
                self.repaired_rid = std::str::from_utf8(value).ok();
            }
            Some(ExtensionKind::TransportCc) => {
                self.number = value
                    .first_chunk()
                    .map(|number| u16::from_be_bytes(*number));
            }
            Some(ExtensionKind::AudioLevel) => self.level = value.first().copied(),
            _ => {}
        }
    }
}
