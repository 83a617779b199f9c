//! Participants: what others see of them, and what only the room knows.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use crate::grants::Grants;
use crate::ids::{ParticipantSid, TrackSid};
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
    /// Free text of the application.
    pub metadata: String,
    /// Free pairs of the application.
    pub attributes: BTreeMap<String, String>,
    /// What its token allows.
    pub grants: Grants,
    /// Wants every track without asking for each.
    pub auto_subscribe: bool,
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
    /// Since when its signaling connection is gone.
    pub(crate) signal_lost: Option<Instant>,
    /// Tracks of others that it gets.
    pub(crate) subscribed: BTreeSet<TrackSid>,
    /// Tracks of others that it said no to.
    pub(crate) declined: BTreeSet<TrackSid>,
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
                reason: None,
            },
            auto_subscribe: request.auto_subscribe,
            joined: now,
            pending: Vec::new(),
            signal_lost: None,
            subscribed: BTreeSet::new(),
            declined: BTreeSet::new(),
        }
    }

    /// Something that others see has changed.
    pub(crate) fn touch(&mut self) {
        self.info.version += 1;
    }

    pub(crate) fn track_mut(&mut self, sid: &TrackSid) -> Option<&mut TrackInfo> {
        self.info.tracks.iter_mut().find(|track| track.sid == *sid)
    }
}
