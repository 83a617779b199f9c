//! The media core against str0m clients, in virtual time over a network that
//! loses and reorders.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't go on should stop"
)]

mod client;
mod flow;
mod hostile;
mod layers;
mod leaving;
mod loss;
mod meeting;
mod moving;
mod network;
mod reports;
mod sources;
