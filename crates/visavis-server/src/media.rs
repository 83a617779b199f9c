//! The media port and the thread behind it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use visavis_net::UdpSocket;

use crate::config::Config;
use crate::listen::{ListenError, no_such_address};

/// Opens the UDP port on every address: browsers on this machine come from its
/// network addresses too, and media is for those whom signaling let in.
pub(crate) fn bind(config: &Config) -> Result<UdpSocket, ListenError> {
    let port = config.rtc.udp_port.unwrap_or(config.port);
    let open = |ip: IpAddr| {
        let address = SocketAddr::new(ip, port);
        let opened: io::Result<UdpSocket> = UdpSocket::bind(address);
        opened.map_err(|error| (address, error))
    };
    let opened = open(Ipv6Addr::UNSPECIFIED.into()).or_else(|(address, error)| {
        if no_such_address(&error) {
            open(Ipv4Addr::UNSPECIFIED.into())
        } else {
            Err((address, error))
        }
    });
    opened.map_err(|(address, error)| ListenError::new("UDP", address, error))
}

/// Where clients send media to: `ips` at the port that is really open.
pub(crate) fn addresses(socket: &UdpSocket, ips: &[IpAddr]) -> Vec<SocketAddr> {
    let local = socket.local_addr();
    let reachable = ips.iter().filter(|ip| local.is_ipv6() || ip.is_ipv4());
    reachable
        .map(|ip| SocketAddr::new(*ip, local.port()))
        .collect()
}
