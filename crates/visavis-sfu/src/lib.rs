//! Tracks and subscriptions: what is received is remembered, repaired and
//! reported; what is forwarded is rewritten so that every receiver sees one
//! gapless stream.
//!
//! Pure: packets and time in, packets and events out. It knows no users, no
//! sockets and no tokio. What stands here so far are the two halves, one stream
//! received and one sent; the table of tracks and subscriptions joins them next.
#![forbid(unsafe_code)]

mod arrivals;
mod cache;
mod downlink;
mod keyframes;
mod layers;
mod meta;
mod passed;
mod receive;
mod rewrite;
mod send;

pub use arrivals::ArrivalLog;
pub use cache::{Cached, PacketCache};
pub use downlink::{Downlink, SentPacket};
pub use keyframes::KeyframeRequests;
pub use layers::{DownlinkGuard, LayerSize, layer_for};
pub use meta::PacketMeta;
pub use passed::pass_on;
pub use receive::{ReceiveStream, Received};
pub use rewrite::{Rewriter, Rewritten};
pub use send::{SendParams, SendStream};
