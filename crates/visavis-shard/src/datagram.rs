//! Datagrams on their way in and out.

use std::net::{IpAddr, SocketAddr};

/// Where datagrams go.
pub trait DatagramSink {
    /// Room for one datagram; `source` is which of our addresses it must leave
    /// from, where that is known. `None`: it is lost.
    fn begin(&mut self, destination: SocketAddr, source: Option<IpAddr>) -> Option<&mut [u8]>;
    /// The datagram that was begun has this many octets; 0 takes it back.
    fn commit(&mut self, len: usize);
}

/// A datagram as it arrived.
#[derive(Debug)]
pub struct Incoming<'a> {
    /// Who sent it.
    pub source: SocketAddr,
    /// Which of our addresses it was sent to, where the kernel tells.
    pub local_ip: Option<IpAddr>,
    /// Its octets, which are decrypted in place.
    pub payload: &'a mut [u8],
}

/// A peer's address, and which of ours it talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) destination: SocketAddr,
    pub(crate) source: Option<IpAddr>,
}
