//! One media thread: [`Core`] is pure (datagrams, commands and time in,
//! datagrams and events out), [`Shard`] gives it a thread, sockets and a clock.
//!
//! It knows no rooms and no HTTP.
#![forbid(unsafe_code)]

mod api;
mod connection;
mod core;
mod datagram;
mod demux;
mod schedule;
mod worker;

pub use api::{CloseReason, MediaCommand, MediaEvent, TransportId};
pub use core::{Core, CoreConfig, CoreCounters};
pub use datagram::{DatagramSink, Incoming};
pub use worker::{Shard, ShardHandle};
