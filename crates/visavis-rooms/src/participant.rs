//! Participants: what others see of them, and what only the room knows.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use crate::grants::Grants;
use crate::ids::{ParticipantSid, TrackSid};
use crate::permission::Restriction;
use crate::speakers::Voice;
use crate::track::{NewTrack, TrackInfo};

/// How far a participant has come. It never goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ParticipantState {
    /// Signaling stands, media does not.
    Joined,
    /// Media stands.
    Active,
    /// Gone.
    Disconnected,
}

/// Why a participant is no longer there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemovalReason {
    /// It left.
    ClientInitiated,
    /// The same identity joined again.
    DuplicateIdentity,
    /// A moderator removed it.
    ParticipantRemoved,
    /// Its room was closed.
    RoomDeleted,
    /// It did not get media through in time.
    JoinFailure,
    /// Its connection is lost.
    ConnectionLost,
    /// The server stops.
    ServerShutdown,
    /// What it says about its session is not what the server knows.
    StateMismatch,
    /// Its signaling connection ended before media stood.
    SignalClosed,
    /// Its media broke, on the server's side or by what it sent.
    MediaFailure,
}

/// What sort of participant a token makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ParticipantKind {
    /// A person's client.
    #[default]
    Standard,
    /// Brings media from elsewhere.
    Ingress,
    /// Takes media elsewhere.
    Egress,
    /// A telephone.
    Sip,
    /// A program that takes part.
    Agent,
    /// A connection to another service.
    Connector,
    /// A bridge from other equipment.
    Bridge,
}

/// What a client can do with messages of other clients; the server only passes
/// this on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClientFeatures {
    /// LiveKit's level of agreement between clients.
    pub client_protocol: i32,
    /// Understands trailers behind packets.
    pub packet_trailer: bool,
    /// Understands streams compressed with raw DEFLATE (RFC 1951).
    pub deflate_raw: bool,
}

/// What a participant brings when it joins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JoinRequest {
    /// The room's name.
    pub room: String,
    /// Who it is, unique in the room.
    pub identity: String,
    /// A name for people.
    pub name: String,
    /// Free text of the application, from the token.
    pub metadata: String,
    /// Free pairs of the application, from the token.
    pub attributes: BTreeMap<String, String>,
    /// Free text that the client brings itself; replaces the token's unless empty.
    pub own_metadata: String,
    /// Free pairs that the client brings itself; replace the token's one by one.
    pub own_attributes: BTreeMap<String, String>,
    /// What its token allows.
    pub grants: Grants,
    /// What sort its token says it is.
    pub kind: ParticipantKind,
    /// What its client can do.
    pub features: ClientFeatures,
    /// Wants every track without asking for each.
    pub auto_subscribe: bool,
    /// The time, milliseconds since 1970.
    pub joined_at: u64,
}

/// A participant as others see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParticipantInfo {
    /// This stay.
    pub sid: ParticipantSid,
    /// Who it is.
    pub identity: String,
    /// A name for people.
    pub name: String,
    /// How far it has come.
    pub state: ParticipantState,
    /// Free text of the application.
    pub metadata: String,
    /// Free pairs of the application.
    pub attributes: BTreeMap<String, String>,
    /// All its published tracks: one that is missing is unpublished.
    pub tracks: Vec<TrackInfo>,
    /// Grows with every change; clients drop what is older.
    pub version: u32,
    /// What it may do.
    pub grants: Grants,
    /// What sort it is.
    pub kind: ParticipantKind,
    /// What its client can do.
    pub features: ClientFeatures,
    /// When it joined, milliseconds since 1970.
    pub joined_at: u64,
    /// Why it is gone, once it is.
    pub reason: Option<RemovalReason>,
}

/// A participant as its room keeps it.
#[derive(Debug)]
pub(crate) struct Participant {
    pub(crate) info: ParticipantInfo,
    pub(crate) auto_subscribe: bool,
    pub(crate) joined: Instant,
    /// Announced, but not seen in a session description yet.
    pub(crate) pending: Vec<(TrackSid, NewTrack)>,
    /// Had media, and has none.
    pub(crate) media_lost: bool,
    /// Since when its signaling connection is gone.
    pub(crate) signal_lost: Option<Instant>,
    /// Tracks of others that it gets.
    pub(crate) subscribed: BTreeSet<TrackSid>,
    /// Tracks of others that it said no to.
    pub(crate) declined: BTreeSet<TrackSid>,
    /// Tracks of others that it wants, but their publishers do not allow.
    pub(crate) denied: BTreeSet<TrackSid>,
    /// Who may subscribe to its tracks; `None` is everybody.
    pub(crate) restriction: Option<Restriction>,
    /// How loud it is.
    pub(crate) voice: Voice,
}

impl Participant {
    pub(crate) fn new(sid: ParticipantSid, request: JoinRequest, now: Instant) -> Self {
        Self {
            info: ParticipantInfo {
                sid,
                identity: request.identity,
                name: request.name,
                state: ParticipantState::Joined,
                metadata: request.metadata,
                attributes: request.attributes,
                tracks: Vec::new(),
                version: 1,
                grants: request.grants,
                kind: request.kind,
                features: request.features,
                joined_at: request.joined_at,
                reason: None,
            },
            auto_subscribe: request.auto_subscribe,
            joined: now,
            pending: Vec::new(),
            media_lost: false,
            signal_lost: None,
            subscribed: BTreeSet::new(),
            declined: BTreeSet::new(),
            denied: BTreeSet::new(),
            restriction: None,
            voice: Voice::default(),
        }
    }

    /// Something that others see has changed.
    pub(crate) fn touch(&mut self) {
        self.info.version += 1;
    }

    /// A track that is announced, but has no media yet.
    pub(crate) fn pending_mut(&mut self, sid: &TrackSid) -> Option<&mut NewTrack> {
        let mut pending = self.pending.iter_mut();
        pending.find(|(other, _)| other == sid).map(|(_, new)| new)
    }

    pub(crate) fn track_mut(&mut self, sid: &TrackSid) -> Option<&mut TrackInfo> {
        self.info.tracks.iter_mut().find(|track| track.sid == *sid)
    }
}
