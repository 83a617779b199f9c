//! The codecs that this server passes on, by their names in the protocol.

use visavis_rooms::TrackKind;

/// The one for sound.
pub(crate) const AUDIO_CODEC: &str = "audio/opus";

/// Those for pictures, with LiveKit's short names. `livekit-client` falls back
/// to the first.
const VIDEO_CODECS: [(&str, &str); 4] = [
    ("vp8", "video/VP8"),
    ("h264", "video/H264"),
    ("vp9", "video/VP9"),
    ("av1", "video/AV1"),
];

/// All that may be published: sound last, because some clients look for video
/// at the front.
pub(crate) fn publishable() -> impl Iterator<Item = &'static str> {
    let video = VIDEO_CODECS.iter().map(|(_, mime_type)| *mime_type);
    video.chain([AUDIO_CODEC])
}

/// The media type of a codec that a client names `vp8` or `video/VP8`: the one
/// it should send in, which is another when we do not pass it on. Empty when it
/// names none for video: negotiation will tell.
pub(crate) fn mime_type(kind: TrackKind, name: &str) -> &'static str {
    let name = name.rsplit('/').next().unwrap_or(name);
    match kind {
        TrackKind::Audio => AUDIO_CODEC,
        TrackKind::Video if name.is_empty() => "",
        TrackKind::Video => VIDEO_CODECS
            .iter()
            .find(|(short, _)| short.eq_ignore_ascii_case(name))
            .map_or(VIDEO_CODECS[0].1, |(_, mime_type)| mime_type),
    }
}
