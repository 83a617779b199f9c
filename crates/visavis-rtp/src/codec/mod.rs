//! Codecs as far as a forwarder needs them: where frames and keyframes begin,
//! and the descriptors that must be rewritten.

pub mod av1;
pub mod h264;
pub mod vp8;
pub mod vp9;

/// Audio or video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MediaKind {
    /// Sound.
    Audio,
    /// Pictures.
    Video,
}

/// What a payload type carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// RFC 7587.
    Opus,
    /// Redundant audio (RFC 2198).
    Red,
    /// G.711 µ-law.
    Pcmu,
    /// G.711 A-law.
    Pcma,
    /// RFC 7741.
    Vp8,
    /// RFC 9628.
    Vp9,
    /// RFC 6184.
    H264,
    /// RFC 7798.
    H265,
    /// AV1 RTP specification.
    Av1,
}

impl Codec {
    /// The codec that a session description calls `name`, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        const NAMES: [(&str, Codec); 9] = [
            ("opus", Codec::Opus),
            ("red", Codec::Red),
            ("PCMU", Codec::Pcmu),
            ("PCMA", Codec::Pcma),
            ("VP8", Codec::Vp8),
            ("VP9", Codec::Vp9),
            ("H264", Codec::H264),
            ("H265", Codec::H265),
            ("AV1", Codec::Av1),
        ];
        NAMES
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, codec)| *codec)
    }

    /// The media type of LiveKit's `TrackInfo.mime_type`, such as `video/VP8`.
    #[must_use]
    pub fn mime_type(self) -> &'static str {
        match self {
            Self::Opus => "audio/opus",
            Self::Red => "audio/red",
            Self::Pcmu => "audio/PCMU",
            Self::Pcma => "audio/PCMA",
            Self::Vp8 => "video/VP8",
            Self::Vp9 => "video/VP9",
            Self::H264 => "video/H264",
            Self::H265 => "video/H265",
            Self::Av1 => "video/AV1",
        }
    }

    /// Audio or video.
    #[must_use]
    pub fn kind(self) -> MediaKind {
        match self {
            Self::Opus | Self::Red | Self::Pcmu | Self::Pcma => MediaKind::Audio,
            Self::Vp8 | Self::Vp9 | Self::H264 | Self::H265 | Self::Av1 => MediaKind::Video,
        }
    }

    /// Whether a decoder can start with the frame that this packet begins.
    /// Audio can always be joined.
    #[must_use]
    pub fn starts_keyframe(self, payload: &[u8]) -> bool {
        match self {
            Self::Opus | Self::Red | Self::Pcmu | Self::Pcma => true,
            Self::Vp8 => vp8::Descriptor::parse(payload)
                .is_some_and(|descriptor| descriptor.starts_keyframe(payload)),
            Self::Vp9 => vp9::Descriptor::parse(payload)
                .is_some_and(|descriptor| descriptor.starts_keyframe()),
            Self::H264 => h264::starts_keyframe(payload),
            Self::H265 => h264::starts_h265_keyframe(payload),
            Self::Av1 => av1::starts_keyframe(payload),
        }
    }
}

/// The picture id of a VP8 or VP9 descriptor, and whether it has 15 bits rather
/// than 7.
fn picture_id(octets: &mut impl Iterator<Item = u8>) -> Option<(u16, bool)> {
    let high = octets.next()?;
    if high & 0x80 == 0 {
        return Some((u16::from(high), false));
    }
    Some((u16::from_be_bytes([high & 0x7f, octets.next()?]), true))
}
