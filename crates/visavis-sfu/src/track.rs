//! A published track and its layers.

use std::time::{Duration, Instant};

use visavis_rtp::MediaKind;

use crate::api::{PayloadCodec, TrackId, TrackParams};
use crate::cache::PacketCache;
use crate::clock::ClockPoint;
use crate::keyframes::KeyframeRequests;
use crate::layers::LayerSize;
use crate::levels::AudioLevel;
use crate::receive::ReceiveStream;
use crate::sent::Origin;

/// A layer that is this far behind the track's newest packet is not being sent:
/// the publisher's encoder drops layers when its network or processor is short.
const LAYER_GONE: Duration = Duration::from_secs(2);
/// Layers that a track may have; browsers send three.
pub(crate) const MAX_LAYERS: usize = 4;

/// One simulcast layer, or the only one.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    /// The source as it is received, once its first packet came.
    pub(crate) source: Option<Source>,
    pub(crate) keyframes: KeyframeRequests,
    /// Whether a timer for lost packets, or for a keyframe, is set.
    pub(crate) repair_timer: bool,
    pub(crate) keyframe_timer: bool,
}

/// One SSRC that carries a layer.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) ssrc: u32,
    pub(crate) origin: Origin,
    pub(crate) codec: PayloadCodec,
    pub(crate) stream: ReceiveStream,
    pub(crate) cache: PacketCache,
    pub(crate) last_arrival: Instant,
    pub(crate) clock: Option<ClockPoint>,
}

impl Source {
    /// Whether a payload type is the current codec's, or its retransmissions'.
    pub(crate) fn carries(&self, payload_type: u8, retransmission: bool) -> bool {
        match retransmission {
            true => self.codec.rtx == Some(payload_type),
            false => self.codec.payload_type == payload_type,
        }
    }
}

/// A packet that waits for the end of the batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pending {
    pub(crate) layer: usize,
    pub(crate) sequence: u64,
}

#[derive(Debug)]
pub(crate) struct Track {
    pub(crate) id: TrackId,
    pub(crate) publisher: usize,
    pub(crate) kind: MediaKind,
    pub(crate) mid: String,
    pub(crate) sizes: Vec<LayerSize>,
    pub(crate) muted: bool,
    pub(crate) layers: Vec<Layer>,
    /// The subscriptions that get it.
    pub(crate) subscriptions: Vec<usize>,
    /// Packets of this batch, in order of arrival.
    pub(crate) pending: Vec<Pending>,
    pub(crate) level: AudioLevel,
    pub(crate) flows: bool,
    /// The newest packet of any layer.
    pub(crate) last_arrival: Option<Instant>,
    /// Which layers were being sent when it was last looked at, one bit each.
    pub(crate) active: u8,
}

impl Track {
    pub(crate) fn new(id: TrackId, publisher: usize, params: TrackParams) -> Self {
        Self {
            id,
            publisher,
            kind: params.kind,
            mid: params.mid,
            sizes: params.layers,
            muted: params.muted,
            layers: vec![Layer::default()],
            subscriptions: Vec::new(),
            pending: Vec::new(),
            level: AudioLevel::default(),
            flows: false,
            last_arrival: None,
            active: 0,
        }
    }

    /// Makes room for as many layers as the section has.
    pub(crate) fn set_layers(&mut self, count: usize) {
        let count = count.clamp(1, MAX_LAYERS);
        while self.layers.len() < count {
            self.layers.push(Layer::default());
        }
    }

    /// Which layers are being sent, one bit each.
    pub(crate) fn active_layers(&self) -> u8 {
        let Some(newest) = self.last_arrival else {
            return 0;
        };
        let sent = |layer: &Layer| {
            let source = layer.source.as_ref();
            source.is_some_and(|source| source.last_arrival + LAYER_GONE >= newest)
        };
        let bits = self.layers.iter().enumerate();
        bits.filter(|(_, layer)| sent(layer))
            .fold(0, |bits, (at, _)| bits | 1 << at)
    }

    /// The layer to send instead of `wanted`: the highest one below that is
    /// being sent, else the lowest above; `wanted` itself while nothing is.
    pub(crate) fn nearest_active(&self, wanted: usize) -> usize {
        let wanted = wanted.min(self.layers.len() - 1);
        let is_active = |at: &usize| self.active & 1 << at != 0;
        let below = (0..=wanted).rev().find(is_active);
        below
            .or_else(|| (wanted..self.layers.len()).find(is_active))
            .unwrap_or(wanted)
    }

    /// The same instant as `timestamp` of layer `from`, on the clock of layer
    /// `to`; `None` until the publisher has reported on both.
    pub(crate) fn convert_timestamp(&self, timestamp: u32, from: usize, to: usize) -> Option<u32> {
        let from = self.layers.get(from)?.source.as_ref()?;
        let to = self.layers.get(to)?.source.as_ref()?;
        let ntp = from.clock?.ntp_at(timestamp, from.codec.clock_rate);
        Some(to.clock?.rtp_at(ntp, to.codec.clock_rate))
    }
}
