//! The socket and its options.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, RawFd};

/// Kernel buffers: at 1 Gbit/s, 4 MiB are 32 ms. The kernel gives what its
/// limits allow.
const KERNEL_BUFFER: libc::c_int = 4 << 20;

/// A non-blocking UDP socket that tells, and chooses, local addresses.
#[derive(Debug)]
pub struct UdpSocket {
    socket: std::net::UdpSocket,
    local: SocketAddr,
}

impl UdpSocket {
    /// Binds `address`. The IPv6 wildcard takes IPv4 too, where the system
    /// allows it.
    ///
    /// # Errors
    /// As the system says; unsupported offloads are no error.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = std::net::UdpSocket::bind(address)?;
        socket.set_nonblocking(true)?;
        let local = socket.local_addr()?;
        let bound = Self { socket, local };
        if bound.is_v6() {
            bound.set(libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, 1)?;
        } else {
            bound.set(libc::IPPROTO_IP, libc::IP_PKTINFO, 1)?;
        }
        // Each of these makes it faster; without them it still works.
        let _ = bound.set(libc::SOL_UDP, libc::UDP_GRO, 1);
        let _ = bound.set(libc::SOL_SOCKET, libc::SO_RCVBUF, KERNEL_BUFFER);
        let _ = bound.set(libc::SOL_SOCKET, libc::SO_SNDBUF, KERNEL_BUFFER);
        Ok(bound)
    }

    /// The bound address, with the port that is really open.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    pub(crate) fn is_v6(&self) -> bool {
        self.local.is_ipv6()
    }

    fn set(&self, level: libc::c_int, option: libc::c_int, value: libc::c_int) -> io::Result<()> {
        // SAFETY: the descriptor is open, and the pointer and the length
        // describe one int on this stack frame.
        let result = unsafe {
            libc::setsockopt(
                self.as_raw_fd(),
                level,
                option,
                (&raw const value).cast(),
                size_of::<libc::c_int>() as libc::socklen_t,
            )
        };
        if result == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }
}

impl AsRawFd for UdpSocket {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}
