//! Tracks and subscriptions: what is received is remembered, repaired and
//! reported; what is forwarded is rewritten so that every receiver sees one
//! gapless stream.
//!
//! Pure: packets and time in, packets and events out. It knows no users, no
//! sockets and no tokio. What stands here so far is the receiving half and the
//! rewriting; the table of tracks and subscriptions joins them next.
#![forbid(unsafe_code)]

mod arrivals;
mod cache;
mod keyframes;
mod meta;
mod receive;
mod rewrite;

pub use arrivals::ArrivalLog;
pub use cache::{Cached, PacketCache};
pub use keyframes::KeyframeRequests;
pub use meta::PacketMeta;
pub use receive::{ReceiveStream, Received};
pub use rewrite::{Rewriter, Rewritten};
