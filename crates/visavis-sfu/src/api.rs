//! What goes into the table of tracks and subscriptions, and what comes out.

use visavis_rtp::{Codec, ExtensionMap, MediaKind};

use crate::layers::LayerSize;

/// One transport's media, by the caller's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PeerId(pub u64);

/// One published track, by the caller's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrackId(pub u64);

/// A payload type that a peer may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayloadCodec {
    /// Payload type of the media.
    pub payload_type: u8,
    /// Payload type of its retransmissions (RFC 4588).
    pub rtx: Option<u8>,
    /// What it carries.
    pub codec: Codec,
    /// Hz.
    pub clock_rate: u32,
    /// Whether the peer answers generic NACKs for it (RFC 4585).
    pub nack: bool,
}

/// A source and the source of its retransmissions, where a description names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sources {
    /// Media.
    pub ssrc: u32,
    /// Retransmissions.
    pub rtx: Option<u32>,
}

/// A media section on which a peer sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiveSection {
    /// `a=mid`
    pub mid: String,
    /// Payload types in use on it.
    pub codecs: Vec<PayloadCodec>,
    /// Simulcast layers (RFC 8853), lowest first; empty without simulcast.
    pub rids: Vec<String>,
    /// Sources that were announced; empty with rids.
    pub sources: Vec<Sources>,
}

/// A media section on which a peer is sent a track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendSection {
    /// `a=mid`
    pub mid: String,
    /// The track.
    pub track: TrackId,
    /// Our source.
    pub ssrc: u32,
    /// Source and payload type of retransmissions.
    pub rtx: Option<(u32, u8)>,
    /// The receiver's payload type.
    pub payload_type: u8,
    /// What it carries; packets of another codec are not sent.
    pub codec: Codec,
    /// Hz.
    pub clock_rate: u32,
    /// Name of the group of streams that play in sync (RFC 3550 section 6.5.1).
    pub cname: String,
}

/// All sections of a peer after a negotiation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sections {
    /// Those on which it sends.
    pub receives: Vec<ReceiveSection>,
    /// Those on which it is sent something.
    pub sends: Vec<SendSection>,
    /// Its ids of header extensions; with BUNDLE they are the same on all
    /// sections (RFC 9143 section 8).
    pub extensions: ExtensionMap,
}

/// A published track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackParams {
    /// Who sends it.
    pub publisher: PeerId,
    /// On which of its sections.
    pub mid: String,
    /// Audio or video.
    pub kind: MediaKind,
    /// Sizes of the layers, lowest first, as announced; may be empty.
    pub layers: Vec<LayerSize>,
    /// Whether it is muted: then nothing is expected from it.
    pub muted: bool,
}

/// What a receiver wants of a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appetite {
    /// Nothing, for now.
    pub disabled: bool,
    /// The size at which it is shown.
    pub size: Wanted,
}

/// How large a picture a receiver wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// The layer with this number counted from the lowest, or the highest below.
    Layer(u8),
    /// The smallest layer that fills this size.
    Size(LayerSize),
}

impl Default for Appetite {
    fn default() -> Self {
        Self {
            disabled: false,
            size: Wanted::Layer(u8::MAX),
        }
    }
}

/// What the table tells its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SfuEvent {
    /// How loud an audio track is, 0 (silent) to 127 (full scale), over the last
    /// interval; told when it changes noticeably, and 0 once it stops.
    Level(TrackId, u8),
    /// The first packet of a track has arrived.
    TrackFlows(TrackId),
}
