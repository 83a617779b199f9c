//! What is remembered of a packet beside its bytes.

use std::time::Instant;

use visavis_rtp::RtpHeader;
use visavis_rtp::codec::{Codec, vp8, vp9};

/// Everything that forwarding asks about a packet, read once when it arrives.
#[derive(Debug, Clone, Copy)]
pub struct PacketMeta {
    /// Sequence number, extended; padding-only packets are not counted.
    pub sequence: u64,
    /// RTP timestamp.
    pub timestamp: u32,
    /// When it arrived.
    pub arrival: Instant,
    /// Payload type of the publisher.
    pub payload_type: u8,
    /// Marker bit.
    pub marker: bool,
    /// A decoder can start here.
    pub starts_keyframe: bool,
    /// First packet of a frame, as far as the codec's descriptor tells.
    pub starts_frame: bool,
    /// Temporal layer.
    pub temporal: u8,
    /// The frame is a point where a receiver may go up to this temporal layer.
    pub switching_up: bool,
    /// VP8's descriptor.
    pub vp8: Option<vp8::Descriptor>,
}

impl PacketMeta {
    /// Reads what the codec's descriptor tells of a packet.
    #[must_use]
    pub fn read(
        header: &RtpHeader,
        sequence: u64,
        codec: Codec,
        payload: &[u8],
        arrival: Instant,
    ) -> Self {
        let mut meta = Self {
            sequence,
            timestamp: header.timestamp,
            arrival,
            payload_type: header.payload_type,
            marker: header.marker,
            starts_keyframe: codec.starts_keyframe(payload),
            starts_frame: true,
            temporal: 0,
            switching_up: true,
            vp8: None,
        };
        match codec {
            Codec::Vp8 => {
                if let Some(descriptor) = vp8::Descriptor::parse(payload) {
                    let (temporal, sync) = descriptor.temporal.unwrap_or((0, true));
                    meta.temporal = temporal;
                    meta.switching_up = sync || temporal == 0;
                    meta.starts_frame = descriptor.starts_frame();
                    meta.vp8 = Some(descriptor);
                }
            }
            Codec::Vp9 => {
                if let Some(descriptor) = vp9::Descriptor::parse(payload) {
                    meta.temporal = descriptor.temporal;
                    meta.switching_up = descriptor.switching_up || descriptor.temporal == 0;
                    meta.starts_frame = descriptor.starts_layer_frame;
                }
            }
            Codec::Opus
            | Codec::Red
            | Codec::Pcmu
            | Codec::Pcma
            | Codec::H264
            | Codec::H265
            | Codec::Av1 => {}
        }
        meta
    }
}
