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
    /// It brings metadata or attributes of its own, which the token does not
    /// allow.
    #[error("the token does not allow bringing metadata or attributes")]
    OwnMetadata,
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
    /// When it was opened, milliseconds since 1970.
    pub created_at: u64,
    /// Participants who are announced.
    pub num_participants: usize,
    /// Those of them who publish.
    pub num_publishers: usize,
}

/// How loud a participant is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Loudness {
    /// Amplitude in eighths of full scale, 0 to 8.
    pub eighths: u8,
    /// Whether it counts as speaking.
    pub active: bool,
}

/// A participant that speaks, or just stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Speaker {
    /// Who.
    pub participant: ParticipantSid,
    /// How loud.
    pub loudness: Loudness,
}

/// Who may subscribe to the tracks of a participant, as it decides itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SubscriptionPermission {
    /// Everybody may, and the rest does not matter.
    pub all_participants: bool,
    /// Who else may.
    pub participants: Vec<TrackPermission>,
}

/// What one participant may subscribe to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrackPermission {
    /// Who, by sid; or
    pub sid: Option<ParticipantSid>,
    /// who, by identity; empty when the sid says it.
    pub identity: String,
    /// Every track.
    pub all_tracks: bool,
    /// Which tracks otherwise.
    pub tracks: Vec<TrackSid>,
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
    /// Speakers whose loudness has changed.
    Speakers(Vec<Speaker>),
    /// A publisher allows it a track that it wants, or no longer.
    SubscriptionPermission {
        /// The publisher.
        publisher: ParticipantSid,
        /// Which track.
        track: TrackSid,
        /// Whether it may have it now.
        allowed: bool,
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
