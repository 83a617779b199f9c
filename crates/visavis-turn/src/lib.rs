//! STUN (RFC 8489) as bytes; the TURN server core joins it here.
//!
//! It knows no sockets and no clock. Connectivity checks of ICE are the
//! transport's: this crate reads from them only whom they are for, and answers
//! plain Binding requests, which carry no credentials.
#![forbid(unsafe_code)]

mod binding;
mod crc32;
#[doc(hidden)]
pub mod fuzz;
mod message;

pub use binding::{binding_request, binding_response, mapped_address};
pub use message::{Class, Message, StunError, TransactionId};
