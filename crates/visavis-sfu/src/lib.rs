//! Tracks and subscriptions: what is received is remembered, repaired and
//! reported; what is forwarded is rewritten so that every receiver sees one
//! gapless stream.
//!
//! Pure: packets and time in, packets and events out. It knows no users, no
//! sockets and no tokio. [`Sfu`] is the table of peers, tracks and subscriptions;
//! [`ReceiveStream`] and [`SendStream`] are the two halves that it joins.
#![forbid(unsafe_code)]

mod api;
mod arrivals;
mod cache;
mod clock;
mod downlink;
mod fanout;
mod feedback;
mod incoming;
mod keyframes;
mod layers;
mod levels;
mod meta;
mod passed;
mod peer;
mod receive;
mod rewrite;
mod send;
mod sent;
mod sfu;
mod slab;
mod subscription;
mod timers;
mod track;

pub use api::{
    Appetite, PayloadCodec, PeerId, ReceiveSection, Sections, SendSection, SfuEvent, Sources,
    TrackId, TrackParams, Wanted,
};
pub use arrivals::ArrivalLog;
pub use cache::{Cached, PacketCache};
pub use downlink::{Downlink, SentPacket};
pub use keyframes::KeyframeRequests;
pub use layers::{DownlinkGuard, LayerSize, layer_for};
pub use meta::PacketMeta;
pub use passed::pass_on;
pub use receive::{ReceiveStream, Received};
pub use rewrite::{Rewriter, Rewritten};
pub use send::{SendParams, SendStream, Step};
pub use sent::Origin;
pub use sfu::{Sfu, SfuCounters};
pub use subscription::PacketSink;
