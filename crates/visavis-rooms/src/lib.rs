//! Who is in which room, may do what, and gets which track.
//!
//! Pure: inputs and time in, outputs out. It knows no JSON, no protobuf, no
//! sockets and no packets. Every input names who acts; what that participant
//! may do is decided in [`Grants`], once, before anything happens.
#![forbid(unsafe_code)]

mod api;
mod data;
mod grants;
mod ids;
mod participant;
mod rooms;
mod spread;
mod track;

pub use api::{JoinError, Joined, Notice, Output, Refused, RoomInfo, RoomsConfig};
pub use data::DataRefused;
pub use grants::Grants;
pub use ids::{IdSource, ParticipantSid, RoomSid, TrackSid};
pub use participant::{JoinRequest, ParticipantInfo, ParticipantState, RemovalReason};
pub use rooms::Rooms;
pub use track::{NewTrack, Source, TrackInfo, TrackKind};

#[cfg(test)]
mod tests;
