//! One PeerConnection of a participant: ICE, DTLS, the SRTP keys it yields,
//! and SCTP data channels.
//!
//! The only crate that names `is`, `dimpl` and `sctp-proto`. It takes bytes and
//! time and gives bytes and events; it knows no rooms and no sockets.
#![forbid(unsafe_code)]

mod certificate;
mod channels;
mod dcep;
mod dtls;
#[doc(hidden)]
pub mod fuzz;
mod ice;
mod transport;

pub use certificate::{Certificate, Fingerprint};
pub use channels::{Channel, SendDataError};
pub use ice::IceCredentials;
pub use transport::{
    Path, RemoteParams, SctpParams, Transmit, Transport, TransportConfig, TransportError,
    TransportEvent,
};
