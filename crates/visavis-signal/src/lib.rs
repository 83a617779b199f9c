//! LiveKit's wire forms and our domain, one into the other. Tokens so far; the
//! messages of the signaling connection join them.
//!
//! It knows no packets, no sockets and no clock.
#![forbid(unsafe_code)]

pub mod token;
