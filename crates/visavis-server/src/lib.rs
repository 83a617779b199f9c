//! The server as one program: configuration, listeners, HTTP and WebSocket, the
//! web app, and the control plane between people and media threads.
#![forbid(unsafe_code)]

mod addresses;
mod cli;
mod config;
pub mod control;
mod greeting;
mod http;
mod keys;
mod listen;
mod logging;
mod media;
mod program;
#[cfg(test)]
mod scratch;
mod server;
mod stun;
mod tls;

pub use addresses::AddressesError;
pub use config::{Config, ConfigError, DEFAULT_PORT, Origin, RtcConfig, Sources, TlsFiles};
pub use keys::{ApiKeys, KeysError};
pub use listen::ListenError;
pub use program::run;
pub use server::{Server, StartError};
pub use stun::StunFailed;
pub use tls::TlsError;
