//! Published tracks.

use crate::ids::TrackSid;

/// Audio or video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TrackKind {
    /// Sound.
    #[default]
    Audio,
    /// Pictures.
    Video,
}

/// Where a track comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Source {
    /// Not said.
    #[default]
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

/// One of up to three qualities of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quality {
    /// The smallest.
    Low,
    /// Between the two.
    Medium,
    /// The largest.
    High,
}

/// A quality in which a publisher sends, as it announces it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoLayer {
    /// Which.
    pub quality: Quality,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Bit/s at most; 0 when not said.
    pub bitrate: u32,
    /// RTP source, 0 when not said.
    pub ssrc: u32,
    /// `a=rid`, empty when not said.
    pub rid: String,
}

/// A codec in which a publisher sends, as it announces it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnnouncedCodec {
    /// LiveKit's name, such as `vp8`; empty for whatever is negotiated.
    pub codec: String,
    /// The client's name for the track in this codec.
    pub cid: String,
    /// Its qualities.
    pub layers: Vec<VideoLayer>,
}

/// How frames are encrypted between clients. The server only passes this on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encryption {
    /// Not at all.
    #[default]
    None,
    /// AES-GCM.
    Gcm,
    /// As the application does it.
    Custom,
}

/// What a publisher says about its sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AudioFeature {
    /// Two channels.
    Stereo,
    /// Sends through silence too.
    NoDtx,
    /// The browser's gain control is on.
    AutoGainControl,
    /// The browser's echo cancellation is on.
    EchoCancellation,
    /// The browser's noise suppression is on.
    NoiseSuppression,
    /// A better noise suppression is on.
    EnhancedNoiseCancellation,
    /// Was recorded before the connection stood.
    PreconnectBuffer,
}

/// What a publisher wants done when a receiver can't decode its codec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BackupCodecPolicy {
    /// The other codec for everybody, where the server finds that better.
    #[default]
    PreferRegression,
    /// Both codecs at once.
    Simulcast,
    /// The other codec for everybody.
    Regression,
}

/// A track that a participant announces.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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
    /// Its qualities; those of the first codec where [`codecs`](Self::codecs)
    /// name none.
    pub layers: Vec<VideoLayer>,
    /// Its codecs, the preferred first; may be empty.
    pub codecs: Vec<AnnouncedCodec>,
    /// Audio: sends through silence too.
    pub disable_dtx: bool,
    /// Audio: two channels.
    pub stereo: bool,
    /// Audio: never in RED (RFC 2198).
    pub disable_red: bool,
    /// How its frames are encrypted between clients.
    pub encryption: Encryption,
    /// What is said about its sound.
    pub audio_features: Vec<AudioFeature>,
    /// What is wanted when a receiver can't decode its codec.
    pub backup_codec_policy: BackupCodecPolicy,
}

impl NewTrack {
    /// Whether several qualities are announced.
    #[must_use]
    pub fn simulcast(&self) -> bool {
        self.layers.len() > 1 || self.codecs.iter().any(|codec| codec.layers.len() > 1)
    }

    /// The stream that it plays in sync with.
    #[must_use]
    pub fn stream(&self) -> &str {
        if self.stream.is_empty() {
            self.source.default_stream()
        } else {
            &self.stream
        }
    }
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
