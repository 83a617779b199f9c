//! What goes into a negotiation and what comes out.

/// Audio or video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MediaKind {
    /// Sound.
    Audio,
    /// Pictures.
    Video,
}

impl MediaKind {
    /// The word of the m-line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
        }
    }
}

/// Which way media flows, seen from whoever wrote the description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Both ways.
    SendRecv,
    /// From the writer.
    SendOnly,
    /// To the writer.
    RecvOnly,
    /// None.
    Inactive,
}

impl Direction {
    /// Whether the writer sends.
    #[must_use]
    pub fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether the writer receives.
    #[must_use]
    pub fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// The direction of one who sends and receives as given.
    #[must_use]
    pub fn of(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    /// The attribute's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }
}

/// Our transport, as our descriptions show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalTransport {
    /// `a=ice-ufrag`
    pub ice_ufrag: String,
    /// `a=ice-pwd`
    pub ice_pwd: String,
    /// Whether to say `a=ice-lite`.
    pub ice_lite: bool,
    /// SHA-256 of our DTLS certificate.
    pub fingerprint_sha256: [u8; 32],
    /// Our candidates, each as `candidate:…`.
    pub candidates: Vec<String>,
    /// Number of the session in the o-line.
    pub session_id: u64,
    /// Largest data channel message that we take.
    pub max_message_size: u32,
}

/// A track that we want to send to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedSend {
    /// The caller's number of the track.
    pub track: u64,
    /// Audio or video.
    pub kind: MediaKind,
    /// Its codec by name, such as `VP8`.
    pub codec: String,
    /// First part of the msid: `PA_x|TR_y`.
    pub stream_id: String,
    /// Second part of the msid: `TR_y`.
    pub track_id: String,
    /// Our SSRC for it, which tells one sending of a track from the next: a track
    /// that is wanted again under another one moves to another section, because
    /// clients take a section that goes on for the old track.
    pub ssrc: u32,
    /// Our SSRC for its retransmissions.
    pub rtx_ssrc: Option<u32>,
    /// Name of the group of streams that play in sync.
    pub cname: String,
}

/// What an AddTrack request said about a track that the client sends.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PublishHint {
    /// Audio: do not ask for discontinuous transmission.
    pub no_dtx: bool,
    /// Audio: two channels at high quality.
    pub stereo: bool,
    /// Its codec by name, in any case; empty for the client's first.
    pub codec: String,
}

/// The other side's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteFingerprint {
    /// Hash function, such as `sha-256`.
    pub algorithm: String,
    /// The hash.
    pub bytes: Vec<u8>,
}

/// The other side's transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteTransport {
    /// `a=ice-ufrag`
    pub ice_ufrag: String,
    /// `a=ice-pwd`
    pub ice_pwd: String,
    /// Values of `a=candidate`, each with `candidate:` in front.
    pub candidates: Vec<String>,
    /// `a=fingerprint`
    pub fingerprint: RemoteFingerprint,
    /// Largest data channel message that it takes, when it wants data channels.
    pub max_message_size: Option<u32>,
}

/// A payload type that both sides can use on a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SectionCodec {
    /// Payload type.
    pub payload_type: u8,
    /// Encoding name as in `a=rtpmap`.
    pub name: String,
    /// Clock rate, Hz.
    pub clock_rate: u32,
    /// Channels; 0 when the rtpmap says none.
    pub channels: u8,
    /// `a=fmtp` parameters.
    pub fmtp: Option<String>,
    /// Payload type of its retransmissions (RFC 4588).
    pub rtx: Option<u8>,
    /// Generic NACK.
    pub nack: bool,
    /// Picture loss indication.
    pub nack_pli: bool,
    /// Full intra request.
    pub ccm_fir: bool,
    /// Transport-wide feedback.
    pub transport_cc: bool,
    /// Receiver estimated maximum bitrate.
    pub goog_remb: bool,
}

/// A media source and the source of its retransmissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SsrcPair {
    /// Media.
    pub ssrc: u32,
    /// Retransmissions.
    pub rtx: Option<u32>,
}

/// What the client sends on a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receive {
    /// First part of the msid.
    pub stream_id: String,
    /// Second part: LiveKit's cid.
    pub track_id: String,
    /// Sources that were announced; empty with rids.
    pub ssrcs: Vec<SsrcPair>,
    /// Simulcast layers (RFC 8853), lowest first as the client lists them.
    pub rids: Vec<String>,
}

/// What we send on a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sending {
    /// The caller's number of the track.
    pub track: u64,
    /// Our SSRC.
    pub ssrc: u32,
    /// Our SSRC for retransmissions, when RTX was negotiated.
    pub rtx_ssrc: Option<u32>,
}

/// One audio or video section after a negotiation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// `a=mid`
    pub mid: String,
    /// Audio or video.
    pub kind: MediaKind,
    /// Usable payload types, preferred first.
    pub codecs: Vec<SectionCodec>,
    /// Header extensions: id and URI.
    pub extensions: Vec<(u8, String)>,
    /// What the client sends here.
    pub receive: Option<Receive>,
    /// What we send here.
    pub send: Option<Sending>,
}

/// The outcome of one offer and answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Negotiated {
    /// The other side's transport.
    pub remote: RemoteTransport,
    /// All audio and video sections in use.
    pub sections: Vec<Section>,
    /// Tracks that the client has no codec for.
    pub unsupported: Vec<u64>,
}

impl Negotiated {
    /// Which of the caller's tracks each section carries to the client.
    pub fn mid_to_track(&self) -> impl Iterator<Item = (&str, u64)> {
        self.sections
            .iter()
            .filter_map(|section| section.send.map(|send| (section.mid.as_str(), send.track)))
    }
}
