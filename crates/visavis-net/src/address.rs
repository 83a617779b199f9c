//! Addresses as the kernel writes them.

use std::mem::size_of;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

/// Room for an IPv4 or IPv6 socket address.
#[derive(Clone, Copy)]
pub(crate) union RawAddress {
    pub(crate) v4: libc::sockaddr_in,
    pub(crate) v6: libc::sockaddr_in6,
    family: libc::sa_family_t,
}

impl RawAddress {
    pub(crate) const LEN: libc::socklen_t = size_of::<Self>() as libc::socklen_t;

    pub(crate) fn zeroed() -> Self {
        // SAFETY: both structures are plain integers, for which zero is valid.
        unsafe { std::mem::zeroed() }
    }

    /// Writes `address` for a socket of the given family; an IPv4 address on an
    /// IPv6 socket is mapped.
    pub(crate) fn write(address: SocketAddr, socket_is_v6: bool) -> (Self, libc::socklen_t) {
        let mut raw = Self::zeroed();
        let v6 = match (address, socket_is_v6) {
            (SocketAddr::V4(v4), false) => {
                raw.v4 = libc::sockaddr_in {
                    sin_family: libc::AF_INET as libc::sa_family_t,
                    sin_port: v4.port().to_be(),
                    sin_addr: libc::in_addr {
                        s_addr: u32::from(*v4.ip()).to_be(),
                    },
                    sin_zero: [0; 8],
                };
                return (raw, size_of::<libc::sockaddr_in>() as libc::socklen_t);
            }
            (SocketAddr::V4(v4), true) => {
                SocketAddrV6::new(v4.ip().to_ipv6_mapped(), v4.port(), 0, 0)
            }
            (SocketAddr::V6(v6), _) => v6,
        };
        raw.v6 = libc::sockaddr_in6 {
            sin6_family: libc::AF_INET6 as libc::sa_family_t,
            sin6_port: v6.port().to_be(),
            sin6_flowinfo: v6.flowinfo(),
            sin6_addr: libc::in6_addr {
                s6_addr: v6.ip().octets(),
            },
            sin6_scope_id: v6.scope_id(),
        };
        (raw, size_of::<libc::sockaddr_in6>() as libc::socklen_t)
    }

    /// Reads what the kernel wrote; a mapped IPv4 address becomes IPv4 again.
    pub(crate) fn read(&self) -> Option<SocketAddr> {
        // SAFETY: the family is at the same place in both structures, and the
        // union was zeroed before the kernel wrote it.
        let family = libc::c_int::from(unsafe { self.family });
        if family == libc::AF_INET {
            // SAFETY: the family says which member was written.
            let v4 = unsafe { self.v4 };
            let ip = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
            return Some(SocketAddr::from((ip, u16::from_be(v4.sin_port))));
        }
        if family == libc::AF_INET6 {
            // SAFETY: as above.
            let v6 = unsafe { self.v6 };
            let port = u16::from_be(v6.sin6_port);
            let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
            return Some(match ip.to_ipv4_mapped() {
                Some(ip) => SocketAddr::from((ip, port)),
                None => SocketAddrV6::new(ip, port, 0, v6.sin6_scope_id).into(),
            });
        }
        None
    }
}

/// The IPv6 form of any address.
pub(crate) fn to_v6(ip: IpAddr) -> Ipv6Addr {
    match ip {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_make_the_way_there_and_back() {
        for (text, v6_socket) in [
            ("192.0.2.7:7880", false),
            ("192.0.2.7:7880", true),
            ("[2001:db8::1]:443", true),
            ("[fe80::1%3]:9", true),
        ] {
            let address: SocketAddr = text.parse().unwrap();
            let (raw, _) = RawAddress::write(address, v6_socket);
            assert_eq!(raw.read(), Some(address));
        }
        assert_eq!(RawAddress::zeroed().read(), None);
    }
}
