//! What the server tells a client over its signaling connection.

use std::collections::BTreeMap;
use std::fmt;

use visavis_rooms::{
    Joined, ParticipantInfo, ParticipantSid, Quality, RemovalReason, RoomInfo, Speaker, TrackInfo,
    TrackSid,
};

use crate::request::PeerConnection;

/// Something that no log may show.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// A server that finds ways through firewalls (RFC 8656), with what opens it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IceServer {
    /// `stun:`, `turn:` and `turns:` addresses.
    pub urls: Vec<String>,
    /// Empty for STUN.
    pub username: String,
    /// Empty for STUN.
    pub credential: Secret,
}

/// Which server it is, for people who look for errors.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServerInfo {
    /// Where it stands; may be empty.
    pub region: String,
    /// Its own name; may be empty.
    pub node_id: String,
}

/// What a client is made to do differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClientConfiguration {
    /// Never resume: always reconnect in full.
    pub no_resume: bool,
    /// Send media through TURN only.
    pub force_relay: bool,
}

/// The first message to a newcomer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Join {
    /// Itself, its room and who else is there.
    pub joined: Joined,
    /// Ways through firewalls.
    pub ice_servers: Vec<IceServer>,
    /// Whether being connected depends on the subscriber's PeerConnection.
    pub subscriber_primary: bool,
    /// Whether to set up the publisher's PeerConnection before it is needed.
    pub fast_publish: bool,
    /// Different behaviour, where some is wanted.
    pub client_configuration: Option<ClientConfiguration>,
    /// Which server this is.
    pub server: ServerInfo,
}

/// The first message to a client that resumes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconnect {
    /// Ways through firewalls.
    pub ice_servers: Vec<IceServer>,
    /// Different behaviour, where some is wanted.
    pub client_configuration: Option<ClientConfiguration>,
    /// The last reliable message of it that the server has; the client repeats
    /// those after it.
    pub last_message_seq: u32,
    /// Which server this is.
    pub server: ServerInfo,
}

/// A session description of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerDescription {
    /// Its number; an answer has the offer's.
    pub id: u32,
    /// The text (RFC 8866).
    pub sdp: String,
    /// Which track is sent on which media section.
    pub mid_to_track_id: BTreeMap<String, TrackSid>,
}

/// What a client should do after it was told to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaveAction {
    /// Stay away.
    Disconnect,
    /// Open a new signaling connection for the same session.
    Resume,
    /// Join anew.
    Reconnect,
}

/// What became of a request that has a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestOutcome {
    /// Done.
    Ok,
    /// What it is about is not there.
    NotFound,
    /// The token does not allow it.
    NotAllowed,
    /// Too long or too many.
    LimitExceeded,
    /// Makes no sense.
    InvalidRequest,
    /// Something else went wrong.
    Unclassified,
}

/// The answer to the new ping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pong {
    /// The client's time from its ping.
    pub last_ping_timestamp: i64,
    /// The time, milliseconds since 1970.
    pub timestamp: i64,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestResponse {
    /// Its number.
    pub request_id: u32,
    /// What became of it.
    pub outcome: RequestOutcome,
    /// Text for people.
    pub message: String,
}

/// A publisher's word about one of its tracks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionUpdate {
    /// The publisher.
    pub publisher: ParticipantSid,
    /// Which track.
    pub track: TrackSid,
    /// Whether the client may have it now.
    pub allowed: bool,
}

/// Why a subscription can't be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubscriptionError {
    /// The client can't decode it.
    CodecUnsupported,
    /// There is no such track.
    TrackNotFound,
}

/// How well a participant is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionQuality {
    /// Badly.
    Poor,
    /// Well.
    Good,
    /// Very well.
    Excellent,
    /// Not at all. `livekit-client` reconnects in full when it reads this of
    /// itself for 10 s while it publishes.
    Lost,
}

/// The quality of one participant's connection.
#[derive(Debug, Clone, PartialEq)]
pub struct QualityInfo {
    /// Who.
    pub participant: ParticipantSid,
    /// How well.
    pub quality: ConnectionQuality,
    /// The same on a scale from 1 to 5.
    pub score: f32,
}

/// Whether the server holds a track back because bandwidth is short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamState {
    /// Whose track.
    pub publisher: ParticipantSid,
    /// Which.
    pub track: TrackSid,
    /// Held back.
    pub paused: bool,
}

/// Which qualities of a codec somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedCodec {
    /// LiveKit's name, such as `vp8`.
    pub codec: String,
    /// Each quality, and whether it is wanted.
    pub qualities: Vec<(Quality, bool)>,
}

/// One message of the server.
#[derive(Debug, Clone, PartialEq)]
pub enum Response {
    /// Welcome.
    Join(Box<Join>),
    /// Welcome back.
    Reconnect(Reconnect),
    /// The answer on the publisher's PeerConnection.
    Answer(ServerDescription),
    /// An offer on the subscriber's PeerConnection.
    Offer(ServerDescription),
    /// A candidate of the server.
    Trickle {
        /// Of which PeerConnection.
        peer_connection: PeerConnection,
        /// `candidate:…`; empty when there are no more.
        candidate: String,
        /// The first media section's `a=mid`, which all are bundled on.
        mid: String,
        /// Whether it is the last.
        last: bool,
    },
    /// Participants have changed, come or gone.
    Update(Vec<ParticipantInfo>),
    /// An announced track has its name.
    TrackPublished {
        /// The client's name for it.
        cid: String,
        /// The track.
        track: TrackInfo,
    },
    /// A track of its own is over.
    TrackUnpublished(TrackSid),
    /// A moderator mutes a track of its own.
    Mute {
        /// Which.
        track: TrackSid,
        /// Whether it is muted now.
        muted: bool,
    },
    /// The room has changed.
    RoomUpdate(RoomInfo),
    /// Speakers whose loudness has changed.
    SpeakersChanged(Vec<Speaker>),
    /// A token to come back with.
    RefreshToken(Secret),
    /// The session is over, or must be begun anew.
    Leave {
        /// Why.
        reason: RemovalReason,
        /// What to do.
        action: LeaveAction,
    },
    /// The answer to the old ping: the time, milliseconds since 1970.
    Pong(i64),
    /// The answer to the new ping.
    PongResponse(Pong),
    /// What became of a request.
    RequestResponse(RequestResponse),
    /// A subscription can't be.
    SubscriptionResponse {
        /// To which track.
        track: TrackSid,
        /// Why.
        error: SubscriptionError,
    },
    /// A publisher allows a track, or no longer.
    SubscriptionPermissionUpdate(PermissionUpdate),
    /// Tracks are held back, or come again.
    StreamStateUpdate(Vec<StreamState>),
    /// How well participants are connected.
    ConnectionQuality(Vec<QualityInfo>),
    /// Which qualities of a track of its own are wanted.
    SubscribedQualityUpdate {
        /// Which track.
        track: TrackSid,
        /// By codec.
        codecs: Vec<WantedCodec>,
    },
    /// A track of its own has its first subscriber.
    TrackSubscribed(TrackSid),
    /// With a single PeerConnection: have so many more media sections to receive
    /// on, and offer again in any case.
    MediaSectionsRequirement {
        /// For audio.
        audios: u32,
        /// For video.
        videos: u32,
    },
}
