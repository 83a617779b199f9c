//! What goes into the rooms and what comes out.

use std::time::Duration;

use thiserror::Error;

use crate::ids::{ParticipantSid, RoomSid, TrackSid};
use crate::participant::{ParticipantInfo, RemovalReason};
use crate::track::TrackInfo;

/// What holds for all rooms; the names are LiveKit's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomsConfig {
    /// Whether joining opens a room that does not exist.
    pub auto_create: bool,
    /// How long a room waits for its first participant.
    pub empty_timeout: Duration,
    /// How long a room stays after its last participant.
    pub departure_timeout: Duration,
    /// Participants per room; 0 means any number.
    pub max_participants: usize,
}

impl Default for RoomsConfig {
    fn default() -> Self {
        Self {
            auto_create: true,
            empty_timeout: Duration::from_secs(300),
            departure_timeout: Duration::from_secs(20),
            max_participants: 0,
        }
    }
}

/// Why somebody can't join.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum JoinError {
    /// The token does not allow this room.
    #[error("the token does not allow joining this room")]
    NotAllowed,
    /// There is no such room, and joining does not open one.
    #[error("requested room does not exist")]
    RoomNotFound,
    /// Every place is taken.
    #[error("the room is full")]
    Full,
    /// Identity, name, metadata or attributes are missing or too long.
    #[error("the {0} is missing or too long")]
    Invalid(&'static str),
}

/// Why an action does not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refused {
    /// Who acts, or what is acted on, is not there.
    #[error("not found")]
    NotFound,
    /// The token does not allow it.
    #[error("not allowed")]
    NotAllowed,
    /// More than a participant may have or say.
    #[error("limit exceeded")]
    LimitExceeded,
}

/// A room as participants see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomInfo {
    /// This life of the room.
    pub sid: RoomSid,
    /// Its name.
    pub name: String,
    /// Participants who are announced.
    pub num_participants: usize,
}

/// What a participant that has joined needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// Itself.
    pub participant: ParticipantInfo,
    /// Where it is.
    pub room: RoomInfo,
    /// Who else is there.
    pub others: Vec<ParticipantInfo>,
}

/// News for one participant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Participants have changed, come or gone.
    Participants(Vec<ParticipantInfo>),
    /// The room has changed.
    Room(RoomInfo),
    /// Its announced track has its name; the media may come.
    TrackPublished {
        /// The client's name for it.
        cid: String,
        /// The track.
        track: TrackInfo,
    },
}

/// What the caller must do or tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Tell a participant something.
    Notify(ParticipantSid, Notice),
    /// Send a track to a participant from now on.
    Subscribe {
        /// Who gets it.
        subscriber: ParticipantSid,
        /// What.
        track: TrackSid,
    },
    /// Send it no more.
    Unsubscribe {
        /// Who got it.
        subscriber: ParticipantSid,
        /// What.
        track: TrackSid,
    },
    /// Close everything that belongs to a participant.
    Removed(ParticipantSid, RemovalReason),
    /// The room is over; nobody is in it.
    RoomClosed(RoomInfo),
}
