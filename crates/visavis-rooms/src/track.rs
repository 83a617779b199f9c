//! Published tracks.

use crate::ids::TrackSid;

/// Audio or video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TrackKind {
    /// Sound.
    Audio,
    /// Pictures.
    Video,
}

/// Where a track comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// Not said.
    Unknown,
    /// A camera.
    Camera,
    /// A microphone.
    Microphone,
    /// A shared screen's picture.
    ScreenShare,
    /// A shared screen's sound.
    ScreenShareAudio,
}

impl Source {
    /// The stream that a receiver plays this track in sync with, when the
    /// publisher names none: camera with microphone, screen with its sound.
    #[must_use]
    pub fn default_stream(self) -> &'static str {
        match self {
            Self::ScreenShare | Self::ScreenShareAudio => "screen",
            Self::Camera | Self::Microphone | Self::Unknown => "camera",
        }
    }
}

/// A track that a participant announces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTrack {
    /// The client's name for it: the track id in its session description.
    pub cid: String,
    /// A name for people.
    pub name: String,
    /// Audio or video.
    pub kind: TrackKind,
    /// Where it comes from.
    pub source: Source,
    /// Starts muted.
    pub muted: bool,
    /// Width in pixels, 0 for audio.
    pub width: u32,
    /// Height in pixels, 0 for audio.
    pub height: u32,
    /// The stream it plays in sync with; empty for the source's default.
    pub stream: String,
}

/// A published track as others see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackInfo {
    /// The server's name for it.
    pub sid: TrackSid,
    /// What was announced.
    pub announced: NewTrack,
    /// Whether it is muted now.
    pub muted: bool,
    /// Its codec as a media type, such as `video/VP8`; empty until it is known.
    pub mime_type: String,
}
