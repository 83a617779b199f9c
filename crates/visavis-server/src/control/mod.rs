//! Between people and media threads: who joins, what each client negotiates,
//! and which tracks and messages go where.
//!
//! [`Control`] is pure: requests, media events and time in, responses and media
//! commands out. [`start`] gives it a task and queues. It knows descriptions of
//! media, never packets.

mod config;
mod core;
mod data;
mod handle;
mod join;
mod leave;
mod negotiation;
mod offers;
mod peer;
mod publish;
mod resume;
mod sections;
mod sessions;
mod subscribe;
mod task;
mod tracks;

pub use self::core::{Control, ControlOutput, Moment, SessionId};
pub use config::ControlConfig;
pub use handle::{ControlHandle, Hello, JoinRefused, SessionLink};
pub use task::{MediaSink, start};

#[cfg(test)]
mod tests;
