//! What a client asks over its signaling connection.

use std::collections::BTreeMap;

use visavis_rooms::{
    AudioFeature, NewTrack, ParticipantSid, Quality, RemovalReason, SubscriptionPermission,
    TrackSid,
};

/// One of a participant's two PeerConnections, as its client sees them. With a
/// single PeerConnection it is always the publisher's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerConnection {
    /// The one that the client offers on.
    Publisher,
    /// The one that the server offers on.
    Subscriber,
}

/// A session description of a client.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Description {
    /// Its number, which an answer repeats; 0 from clients that do not number.
    pub id: u32,
    /// The text (RFC 8866).
    pub sdp: String,
}

/// A track that a client wants to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddTrack {
    /// A track that is published already and gets a further codec.
    pub sid: Option<TrackSid>,
    /// The track.
    pub track: NewTrack,
}

/// What a receiver wants of tracks that it has subscribed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackSettings {
    /// Which tracks.
    pub tracks: Vec<TrackSid>,
    /// Nothing of them for now.
    pub disabled: bool,
    /// The quality; counts when no size is given. `None` is "off".
    pub quality: Option<Quality>,
    /// The width at which it is shown, pixels; 0 when not said.
    pub width: u32,
    /// The height at which it is shown, pixels; 0 when not said.
    pub height: u32,
    /// Frames per second at most; 0 when not said.
    pub fps: u32,
    /// Tracks with lower numbers come first when bandwidth is short; 0 is "not
    /// said".
    pub priority: u32,
}

/// A data channel that a client has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelInfo {
    /// Its label.
    pub label: String,
    /// Its SCTP stream.
    pub id: u32,
    /// Where it is.
    pub peer_connection: PeerConnection,
}

/// What a client believes after it lost its signaling connection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SyncState {
    /// The last answer: its own on the subscriber's PeerConnection, ours with a
    /// single one.
    pub answer: Option<Description>,
    /// The last offer: ours on the subscriber's PeerConnection, its own with a
    /// single one.
    pub offer: Option<Description>,
    /// Tracks that differ from what it gets without asking.
    pub subscription: Option<Subscription>,
    /// Tracks that it publishes: its own name, and the server's.
    pub published: Vec<(String, TrackSid)>,
    /// Its data channels.
    pub channels: Vec<ChannelInfo>,
    /// The last reliable message that it has of each sender.
    pub received: Vec<(ParticipantSid, u32)>,
    /// Tracks that it wants nothing of for now.
    pub disabled: Vec<TrackSid>,
}

/// Tracks that a client wants, or no longer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subscription {
    /// Which.
    pub tracks: Vec<TrackSid>,
    /// Whether they are wanted.
    pub subscribe: bool,
}

/// A disturbance that a client orders for a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// Be a loud speaker for so many seconds.
    Speaker(i32),
    /// As if the node had died.
    NodeFailure,
    /// As if the room moved to another node.
    Migration,
    /// The server takes leave of everybody.
    ServerLeave,
    /// Go over to UDP (0), TCP (1) or TLS (2).
    SwitchCandidateProtocol(i32),
    /// Send no more than so many bit/s; 0 lifts it.
    SubscriberBandwidth(i64),
    /// Cut the next resumed signaling connection after the first message.
    DisconnectOnResume,
    /// Cut the next resumed signaling connection before any message.
    DisconnectOnResumeSilently,
    /// Order a full reconnect.
    FullReconnect,
}

/// One message of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// An offer on the publisher's PeerConnection.
    Offer(Description),
    /// The answer on the subscriber's PeerConnection.
    Answer(Description),
    /// A candidate of the client.
    Trickle {
        /// Of which PeerConnection.
        peer_connection: PeerConnection,
        /// `candidate:…`; `None` when there are no more.
        candidate: Option<String>,
    },
    /// Wants to publish a track.
    AddTrack(Box<AddTrack>),
    /// Mutes or unmutes a track of its own.
    Mute {
        /// Which.
        track: TrackSid,
        /// Whether it is muted now.
        muted: bool,
    },
    /// Wants tracks, or no longer.
    UpdateSubscription(Subscription),
    /// What it wants of tracks.
    UpdateTrackSettings(TrackSettings),
    /// Leaves.
    Leave {
        /// Why, where it says so.
        reason: Option<RemovalReason>,
    },
    /// Who may subscribe to its tracks.
    SubscriptionPermission(SubscriptionPermission),
    /// What it believes after a resume.
    SyncState(Box<SyncState>),
    /// Orders a disturbance.
    Simulate(Scenario),
    /// The old ping; answered with the time.
    Ping(i64),
    /// The new ping.
    PingRequest {
        /// The client's time, milliseconds; repeated in the answer.
        timestamp: i64,
        /// The last round trip that it measured, milliseconds.
        rtt: i64,
    },
    /// Changes what it says about itself. An attribute with an empty value is
    /// taken away.
    UpdateMetadata {
        /// Repeated in the answer; 0 when none is wanted.
        request_id: u32,
        /// The new name; empty leaves it.
        name: String,
        /// The new metadata; empty leaves it.
        metadata: String,
        /// Attributes to set.
        attributes: BTreeMap<String, String>,
    },
    /// Changes what is said about a track's sound.
    UpdateAudioTrack {
        /// Which.
        track: TrackSid,
        /// What holds now.
        features: Vec<AudioFeature>,
    },
    /// Changes the size of a track's picture.
    UpdateVideoTrack {
        /// Which.
        track: TrackSid,
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// Something that this server has no use for; to be counted, not an error.
    Unknown,
}
