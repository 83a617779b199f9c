//! Receiving many datagrams with one system call.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;

use crate::address::RawAddress;
use crate::control::{Control, Received};
use crate::socket::UdpSocket;

/// Messages per call. Each may hold a merged run, so this is up to 2,000
/// datagrams; more would only make the first ones wait.
const MESSAGES: usize = 32;
/// The largest merged run.
const MESSAGE_LEN: usize = 1 << 16;

/// A received datagram.
#[derive(Debug)]
pub struct Datagram<'a> {
    /// Who sent it.
    pub source: SocketAddr,
    /// Which of our addresses it was sent to.
    pub local_ip: Option<IpAddr>,
    /// Its bytes, which may be changed in place.
    pub payload: &'a mut [u8],
}

#[derive(Clone, Copy)]
struct Message {
    source: Option<SocketAddr>,
    received: Received,
    len: usize,
}

/// Memory for one batch, made once.
pub struct RecvBatch {
    bytes: Vec<u8>,
    messages: [Message; MESSAGES],
    count: usize,
}

impl Default for RecvBatch {
    fn default() -> Self {
        let none = Message {
            source: None,
            received: Received::default(),
            len: 0,
        };
        Self {
            bytes: vec![0; MESSAGES * MESSAGE_LEN],
            messages: [none; MESSAGES],
            count: 0,
        }
    }
}

impl RecvBatch {
    /// Takes what has arrived, without waiting; how many messages there were,
    /// 0 when none.
    ///
    /// # Errors
    /// As the system says. An ICMP error that a peer's network sent is not one.
    pub fn receive(&mut self, socket: &UdpSocket) -> io::Result<usize> {
        self.count = 0;
        let mut names = [RawAddress::zeroed(); MESSAGES];
        let mut controls = [Control::new(); MESSAGES];
        let mut vectors: [libc::iovec; MESSAGES] = std::array::from_fn(|_| libc::iovec {
            iov_base: std::ptr::null_mut(),
            iov_len: 0,
        });
        // SAFETY: mmsghdr is integers and pointers, for which zero is valid.
        let mut headers: [libc::mmsghdr; MESSAGES] = unsafe { std::mem::zeroed() };
        for (at, slot) in self.bytes.chunks_exact_mut(MESSAGE_LEN).enumerate() {
            vectors[at] = libc::iovec {
                iov_base: slot.as_mut_ptr().cast(),
                iov_len: slot.len(),
            };
            let header = &mut headers[at].msg_hdr;
            header.msg_name = (&raw mut names[at]).cast();
            header.msg_namelen = RawAddress::LEN;
            header.msg_iov = &raw mut vectors[at];
            header.msg_iovlen = 1;
            header.msg_control = controls[at].as_mut_ptr();
            header.msg_controllen = Control::CAPACITY as _;
        }
        // SAFETY: all headers point to names, vectors, controls and slots that
        // outlive the call and are not touched meanwhile.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                headers.as_mut_ptr(),
                MESSAGES as libc::c_uint,
                libc::MSG_DONTWAIT,
                std::ptr::null_mut(),
            )
        };
        let Ok(count) = usize::try_from(count) else {
            return no_messages();
        };
        for at in 0..count {
            self.messages[at] = Message {
                source: names[at].read(),
                received: Control::read(&headers[at].msg_hdr),
                len: headers[at].msg_len as usize,
            };
        }
        self.count = count;
        Ok(count)
    }

    /// Calls `each` with every datagram of the batch, merged runs cut apart.
    pub fn for_each(&mut self, mut each: impl FnMut(Datagram<'_>)) {
        let slots = self.bytes.chunks_exact_mut(MESSAGE_LEN);
        for (slot, message) in slots.zip(&self.messages[..self.count]) {
            let Some(source) = message.source else {
                continue;
            };
            let whole = &mut slot[..message.len.min(MESSAGE_LEN)];
            let segment = message.received.segment.unwrap_or(whole.len()).max(1);
            for payload in whole.chunks_mut(segment) {
                each(Datagram {
                    source,
                    local_ip: message.received.local_ip,
                    payload,
                });
            }
        }
    }
}

fn no_messages() -> io::Result<usize> {
    let error = io::Error::last_os_error();
    match error.kind() {
        io::ErrorKind::WouldBlock
        | io::ErrorKind::Interrupted
        | io::ErrorKind::ConnectionRefused
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable => Ok(0),
        _ => Err(error),
    }
}
