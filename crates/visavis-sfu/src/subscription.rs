//! One receiver's share of one track.

use std::time::Instant;

use visavis_rtp::srtp::SrtpTx;
use visavis_rtp::{Codec, ExtensionMap};

use crate::api::{Appetite, PeerId, SendSection, Wanted};
use crate::cache::Cached;
use crate::downlink::Downlink;
use crate::layers::layer_for;
use crate::send::{SendParams, SendStream, Step};
use crate::track::{Source, Track};

/// Where datagrams go.
pub trait PacketSink {
    /// Room for one datagram to `peer`; `None` when there is none, or no way to
    /// it: the packet is then lost.
    fn begin(&mut self, peer: PeerId) -> Option<&mut [u8]>;
    /// The datagram that was begun has this many octets; 0 takes it back.
    fn commit(&mut self, len: usize);
}

/// What each packet reads and writes, in as few cache lines as it takes: there
/// are thousands of subscriptions, and packets visit them in turn.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Subscription {
    pub(crate) stream: SendStream,
    pub(crate) peer: usize,
    codec: Codec,
    current: Option<u8>,
    target: Option<u8>,
    pub(crate) rest: Box<Rest>,
}

/// What only signaling and reports read.
#[derive(Debug)]
pub(crate) struct Rest {
    /// Where the track is, once it is published.
    pub(crate) track: Option<usize>,
    pub(crate) section: SendSection,
    pub(crate) appetite: Appetite,
    /// Packets sent when the receiver last reported on it.
    pub(crate) reported_packets: u32,
    /// Packets sent at our last sender report.
    pub(crate) described_packets: u32,
}

/// What one receiver's SRTP needs.
pub(crate) struct Outlet<'a> {
    pub(crate) peer: PeerId,
    pub(crate) tx: &'a SrtpTx,
    pub(crate) downlink: &'a mut Downlink,
    pub(crate) sent_octets: &'a mut u64,
}

fn params(section: &SendSection, extensions: ExtensionMap) -> SendParams {
    SendParams {
        kind: section.codec.kind(),
        ssrc: section.ssrc,
        payload_type: section.payload_type,
        rtx: section.rtx,
        clock_rate: section.clock_rate,
        extensions,
        mid: section.mid.clone(),
        // The SSRC is random and never used twice: so is this.
        first_sequence: (section.ssrc ^ section.ssrc >> 16) as u16,
    }
}

impl Subscription {
    /// A subscription of `peer` that waits for its track.
    pub(crate) fn new(
        peer: usize,
        section: SendSection,
        extensions: ExtensionMap,
        appetite: Appetite,
    ) -> Self {
        Self {
            stream: SendStream::new(params(&section, extensions)),
            peer,
            codec: section.codec,
            current: None,
            target: None,
            rest: Box::new(Rest {
                track: None,
                section,
                appetite,
                reported_packets: 0,
                described_packets: 0,
            }),
        }
    }

    /// Takes what a new negotiation says.
    pub(crate) fn set_section(&mut self, section: SendSection, extensions: ExtensionMap) {
        self.stream.set_params(params(&section, extensions));
        self.codec = section.codec;
        self.rest.section = section;
    }

    /// The layer that is sent.
    pub(crate) fn current(&self) -> Option<usize> {
        self.current.map(usize::from)
    }

    /// The layer that should be; `None` for nothing.
    pub(crate) fn target(&self) -> Option<usize> {
        self.target.map(usize::from)
    }

    /// What is sent has ended: goes on with a keyframe.
    pub(crate) fn stop(&mut self) {
        self.current = None;
    }

    /// The track has ended.
    pub(crate) fn detach(&mut self) {
        self.rest.track = None;
        self.current = None;
        self.target = None;
    }

    /// Decides which layer should be sent.
    pub(crate) fn retarget(&mut self, track: &Track, guard_steps: u8) {
        let wanted = self.wanted_layer(track, guard_steps);
        self.target = wanted.map(|layer| layer as u8);
        if self.target.is_none() {
            self.current = None;
        }
    }

    fn wanted_layer(&self, track: &Track, guard_steps: u8) -> Option<usize> {
        if self.rest.appetite.disabled {
            return None;
        }
        if track.kind == visavis_rtp::MediaKind::Audio {
            return Some(0);
        }
        if guard_steps >= crate::peer::GUARD_STEPS {
            return None;
        }
        let highest = track.layers.len() - 1;
        let wanted = match self.rest.appetite.size {
            Wanted::Layer(layer) => usize::from(layer),
            Wanted::Size(size) => layer_for(&track.sizes, size).unwrap_or(highest),
        };
        let limited = wanted.min(highest).saturating_sub(usize::from(guard_steps));
        Some(track.nearest_active(limited))
    }

    /// Whether it waits for a keyframe of its target.
    pub(crate) fn waits(&self) -> Option<usize> {
        self.target()
            .filter(|target| self.current() != Some(*target))
    }

    /// Sends the track's packets of this batch.
    pub(crate) fn forward_batch(
        &mut self,
        track: &Track,
        outlet: &mut Outlet<'_>,
        sink: &mut impl PacketSink,
        now: Instant,
    ) {
        for pending in &track.pending {
            let Some(source) = &track.layers[pending.layer].source else {
                continue;
            };
            if source.codec.codec != self.codec {
                continue;
            }
            let Some(packet) = source.cache.get(pending.sequence) else {
                continue;
            };
            let Some(step) = self.step(track, pending.layer, &packet) else {
                continue;
            };
            self.send(&packet, (source, step), outlet, sink, now);
        }
    }

    /// What to do with a packet of `layer`: nothing, send it, or begin with it.
    fn step(&mut self, track: &Track, layer: usize, packet: &Cached<'_>) -> Option<Step> {
        if self.current() == Some(layer) {
            return Some(Step::Next);
        }
        if self.target() != Some(layer) || !packet.meta.starts_keyframe {
            return None;
        }
        let before = self.current();
        self.current = Some(layer as u8);
        let timestamp = packet.meta.timestamp;
        let aligned = before.and_then(|old| track.convert_timestamp(timestamp, layer, old));
        Some(Step::Switch(aligned))
    }

    fn send(
        &mut self,
        packet: &Cached<'_>,
        (source, step): (&Source, Step),
        outlet: &mut Outlet<'_>,
        sink: &mut impl PacketSink,
        now: Instant,
    ) {
        let Some(slot) = sink.begin(outlet.peer) else {
            if step != Step::Next {
                // It has not begun after all.
                self.current = None;
            }
            return;
        };
        let (tx, downlink) = (outlet.tx, &mut *outlet.downlink);
        let origin = (source.origin, step);
        let sealed = self.stream.forward(packet, origin, downlink, tx, slot, now);
        // The only error is a packet that is too large for a datagram; a
        // publisher that sends such harms only its own track.
        let len = sealed.ok().flatten().unwrap_or(0);
        *outlet.sent_octets += len as u64;
        sink.commit(len);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_fits_three_cache_lines() {
        // In its place in the table, beside which nothing is stored.
        let size = size_of::<Option<Subscription>>();
        assert!(size <= 192, "{size}");
    }
}
