//! `livekit-protocol`'s structs and our values, one into the other.
//!
//! Enumerations that a newer client may extend are read leniently: an unknown
//! value becomes the protocol's default.

mod enums;
pub(crate) mod fields;
pub(crate) mod join;
mod participant;
pub(crate) mod request;
pub(crate) mod response;
mod track;
