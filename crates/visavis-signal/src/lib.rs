//! LiveKit's wire forms and our domain, one into the other: access tokens, the
//! parameters and messages of the signaling connection, and data packets.
//!
//! The only crate that names `livekit-protocol`. It knows no packets, no
//! sockets and no clock.
#![forbid(unsafe_code)]

mod codecs;
pub mod data;
pub mod frame;
#[doc(hidden)]
pub mod fuzz;
pub mod join;
mod query;
mod reliable;
pub mod request;
pub mod response;
pub mod token;
mod wire;

pub use data::{DataError, DataKind, DataMessage, DataSender};
pub use frame::{Format, Frame, FrameError, MAX_FRAME, decode_binary, decode_text, encode};
pub use join::{JoinParams, JoinParamsError};
pub use reliable::ReliableLog;
pub use request::Request;
pub use response::Response;
