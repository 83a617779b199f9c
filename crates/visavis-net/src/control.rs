//! Control messages: which local address a datagram used, and how long the
//! segments of a run are.

use std::mem::size_of;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::address::to_v6;

/// Words of a control buffer: packet information of either family, and a
/// segment size, each with its header, and spare.
const WORDS: usize = 16;

/// A buffer for control messages, aligned as their headers must be.
#[derive(Clone, Copy)]
pub(crate) struct Control {
    words: [u64; WORDS],
    len: usize,
}

/// What the kernel says about a received message.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Received {
    pub(crate) local_ip: Option<IpAddr>,
    /// Length of each datagram when several were merged.
    pub(crate) segment: Option<usize>,
}

impl Control {
    pub(crate) const CAPACITY: usize = WORDS * size_of::<u64>();

    pub(crate) fn new() -> Self {
        Self {
            words: [0; WORDS],
            len: 0,
        }
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut libc::c_void {
        self.words.as_mut_ptr().cast()
    }

    /// Octets written so far.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Sends from `ip`; the interface is the kernel's choice.
    pub(crate) fn push_source(&mut self, ip: IpAddr, socket_is_v6: bool) {
        if socket_is_v6 {
            let info = libc::in6_pktinfo {
                ipi6_addr: libc::in6_addr {
                    s6_addr: to_v6(ip).octets(),
                },
                ipi6_ifindex: 0,
            };
            self.push(libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, info);
        } else if let IpAddr::V4(v4) = ip {
            let info = libc::in_pktinfo {
                ipi_ifindex: 0,
                ipi_spec_dst: libc::in_addr {
                    s_addr: u32::from(v4).to_be(),
                },
                ipi_addr: libc::in_addr { s_addr: 0 },
            };
            self.push(libc::IPPROTO_IP, libc::IP_PKTINFO, info);
        }
    }

    /// Cuts the message into datagrams of `len` octets.
    pub(crate) fn push_segment(&mut self, len: u16) {
        self.push(libc::SOL_UDP, libc::UDP_SEGMENT, len);
    }

    fn push<T: Copy>(&mut self, level: libc::c_int, kind: libc::c_int, value: T) {
        // SAFETY: CMSG_SPACE only computes.
        let space = unsafe { libc::CMSG_SPACE(size_of::<T>() as u32) } as usize;
        assert!(
            self.len + space <= Self::CAPACITY,
            "the buffer has room for all that is pushed"
        );
        // SAFETY: the header starts at a multiple of its alignment (CMSG_SPACE
        // rounds up, the words are aligned), and header and value lie within
        // the buffer, as was asserted.
        unsafe {
            let header = self
                .words
                .as_mut_ptr()
                .cast::<u8>()
                .add(self.len)
                .cast::<libc::cmsghdr>();
            header.write(libc::cmsghdr {
                cmsg_len: libc::CMSG_LEN(size_of::<T>() as u32) as _,
                cmsg_level: level,
                cmsg_type: kind,
            });
            libc::CMSG_DATA(header).cast::<T>().write_unaligned(value);
        }
        self.len += space;
    }

    /// Reads what the kernel wrote into the message that this buffer belongs to.
    pub(crate) fn read(message: &libc::msghdr) -> Received {
        let mut received = Received::default();
        // SAFETY: the kernel filled the buffer of `message` and set its length;
        // the CMSG functions stay within it. Values are read unaligned, each
        // with the type that its level and kind say, after a length check.
        unsafe {
            let mut header = libc::CMSG_FIRSTHDR(message);
            while !header.is_null() {
                let data = libc::CMSG_DATA(header);
                let len = (*header).cmsg_len as usize;
                let holds = |size: usize| len >= libc::CMSG_LEN(size as u32) as usize;
                match ((*header).cmsg_level, (*header).cmsg_type) {
                    (libc::IPPROTO_IP, libc::IP_PKTINFO) if holds(size_of::<libc::in_pktinfo>()) => {
                        let info = data.cast::<libc::in_pktinfo>().read_unaligned();
                        let ip = Ipv4Addr::from(u32::from_be(info.ipi_addr.s_addr));
                        received.local_ip = Some(ip.into());
                    }
                    (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO)
                        if holds(size_of::<libc::in6_pktinfo>()) =>
                    {
                        let info = data.cast::<libc::in6_pktinfo>().read_unaligned();
                        let ip = Ipv6Addr::from(info.ipi6_addr.s6_addr);
                        received.local_ip = Some(IpAddr::from(ip).to_canonical());
                    }
                    (libc::SOL_UDP, libc::UDP_GRO) if holds(size_of::<libc::c_int>()) => {
                        let size = data.cast::<libc::c_int>().read_unaligned();
                        received.segment = usize::try_from(size).ok().filter(|size| *size > 0);
                    }
                    _ => {}
                }
                header = libc::CMSG_NXTHDR(message, header);
            }
        }
        received
    }
}
