//! A load generator: participants with real DTLS-SRTP from one process, each
//! with LiveKit signaling over its own WebSocket and, as LiveKit's older SDKs
//! do it, two PeerConnections.
//!
//! Signaling runs on the caller's tokio runtime, all media on one thread of its
//! own. The WebRTC side is `str0m`, and messages are written with
//! `livekit-protocol` directly, not with `visavis-signal`: a client that shared
//! its parts with the server would share its mistakes. Only the token is made
//! by the server's own code, and datagrams are moved by `visavis-net`.
//!
//! What it says is meant to be believed: every packet has a number, a receiver
//! notes each one, and what the kernel dropped at the generator's own sockets,
//! or what the generator sent late, is reported apart from loss.
#![forbid(unsafe_code)]

mod churn;
pub mod kernel;
pub mod media;
pub mod options;
pub mod report;
mod room;
pub mod session;
pub mod stamp;
mod steady;
pub mod synthetic;
pub mod tally;
pub mod target;

use std::io;
use std::net::{IpAddr, UdpSocket};

use thiserror::Error;

pub use media::Media;
pub use options::{Churn, Options, OptionsError};
pub use report::Report;
pub use target::{Target, TargetError};

/// Why there is no report.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The run is impossible as asked.
    #[error(transparent)]
    Options(#[from] OptionsError),
    /// No token could be made.
    #[error("no token: {0}")]
    Token(#[from] visavis_signal::token::TokenError),
    /// The system refused something.
    #[error("{0}")]
    System(#[from] io::Error),
    /// The command that was to run before measuring failed.
    #[error("the command before measuring failed: {0}")]
    BeforeWindow(std::process::ExitStatus),
    /// The media thread has ended.
    #[error(transparent)]
    Media(#[from] media::MediaGone),
}

/// Runs the load that `options` describes. Participants that fail are part of
/// the report.
///
/// # Errors
/// When the run can't be made at all.
pub async fn run(options: &Options) -> Result<Report, LoadError> {
    let shapes = options.check()?;
    let local = local_towards(options.target)?;
    let (media, thread) = Media::start(local)?;
    let room = room::Room {
        options,
        media,
        shapes,
    };
    let outcome = match options.churn {
        Some(churn) => churn::run(&room, churn).await,
        None => steady::run(&room).await,
    };
    drop(room);
    match thread.join() {
        // What made the thread end says more than that it ended.
        Ok(Err(error)) => Err(error.into()),
        _ => outcome,
    }
}

/// The address that this machine uses towards the target.
fn local_towards(target: Target) -> io::Result<IpAddr> {
    let any: IpAddr = match target.address().ip() {
        IpAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0))?;
    // Connecting a UDP socket sends nothing; it only asks for the route.
    socket.connect(target.address())?;
    Ok(socket.local_addr()?.ip())
}
