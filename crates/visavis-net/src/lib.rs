//! UDP in batches: many datagrams per system call both ways, and runs of
//! equal datagrams to one receiver as one (generic segmentation offload).
//!
//! The only crate with `unsafe`: it is where memory meets the kernel. It knows
//! sockets, and nothing of what the datagrams mean.

mod address;
mod control;
mod poll;
mod recv;
mod send;
mod socket;

pub use poll::{Poller, Ready, Waker};
pub use recv::{Datagram, RecvBatch};
pub use send::{MAX_DATAGRAM, SendBatch, SendCounters};
pub use socket::UdpSocket;
