//! Session descriptions (RFC 8866) and the offer/answer rules (RFC 9429) that
//! the LiveKit protocol needs: an [`Answerer`] for transports on which the
//! client offers, and an [`Offerer`] for those on which the server does.
//!
//! Pure: text and values in, text and values out. It knows no media, no
//! sockets, and no clock.
#![forbid(unsafe_code)]

mod answerer;
mod codecs;
mod description;
#[doc(hidden)]
pub mod fuzz;
mod offerer;
mod read;
mod types;
mod write;

pub use answerer::Answerer;
pub use description::{Description, Line, MediaDescription, SdpError};
pub use offerer::Offerer;
pub use types::{
    Direction, LocalTransport, MediaKind, Negotiated, PublishHint, Receive, RemoteFingerprint,
    RemoteTransport, Section, SectionCodec, Sending, SsrcPair, WantedSend,
};
