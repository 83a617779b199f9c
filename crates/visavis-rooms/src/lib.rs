//! Who is in which room, may do what, and gets which track.
//!
//! Pure: inputs and time in, outputs out. It knows no JSON, no protobuf, no
//! sockets and no packets. Every input names who acts; what that participant
//! may do is decided in [`Grants`], once, before anything happens.
#![forbid(unsafe_code)]

mod about;
mod api;
mod data;
mod deadlines;
mod grants;
mod ids;
mod participant;
mod permission;
mod presence;
mod publish;
mod rooms;
mod speakers;
mod spread;
mod subscribe;
mod track;

pub use api::{
    JoinError, Joined, Loudness, Notice, Output, Refused, RoomInfo, RoomsConfig, Speaker,
    SubscriptionPermission, TrackPermission,
};
pub use data::{DataRefused, Destinations};
pub use grants::Grants;
pub use ids::{IdSource, ParticipantSid, RoomSid, TrackSid};
pub use participant::{
    ClientFeatures, JoinRequest, ParticipantInfo, ParticipantKind, ParticipantState, RemovalReason,
};
pub use rooms::Rooms;
pub use track::{
    AnnouncedCodec, AudioFeature, BackupCodecPolicy, Encryption, NewTrack, Quality, Source,
    TrackInfo, TrackKind, VideoLayer,
};

#[cfg(test)]
mod tests;
