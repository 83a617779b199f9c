//! Where load may be sent: this machine, and networks made for tests.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use thiserror::Error;
use tokio_tungstenite::tungstenite::http::Uri;

/// Why an address is no target.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TargetError {
    /// Not of the form `ws://address:port`.
    #[error("\"{0}\" is not of the form ws://ADDRESS:PORT (an IP address, or localhost)")]
    Malformed(String),
    /// The address may be somebody else's.
    #[error(
        "{0} is refused: load goes only to loopback and to the addresses reserved for \
         benchmarks (198.18.0.0/15, 2001:2::/48), which test namespaces use"
    )]
    Foreign(IpAddr),
}

/// A server that may be loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target(SocketAddr);

impl Target {
    /// Where its signaling is.
    #[must_use]
    pub fn address(self) -> SocketAddr {
        self.0
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(url: &str) -> Result<Self, TargetError> {
        let malformed = || TargetError::Malformed(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| malformed())?;
        if uri.scheme_str() != Some("ws") || !matches!(uri.path(), "" | "/") {
            return Err(malformed());
        }
        let host = uri.host().ok_or_else(malformed)?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let ip = match host {
            "localhost" => Ipv4Addr::LOCALHOST.into(),
            _ => host.parse().map_err(|_| malformed())?,
        };
        if !is_allowed(ip) {
            return Err(TargetError::Foreign(ip));
        }
        Ok(Self((ip, uri.port_u16().unwrap_or(80)).into()))
    }
}

/// Whether packets may be sent to `ip`: loopback, and what is reserved for
/// benchmarks (RFC 2544, RFC 5180) and therefore never somebody's.
#[must_use]
pub fn is_allowed(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            v4.is_loopback() || (first == 198 && second & 0xfe == 18)
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.segments()[..3] == [0x2001, 2, 0],
    }
}

/// `sdp` without the candidates that point elsewhere: a server that advertises
/// all its addresses must not draw load to them.
#[must_use]
pub fn only_allowed(sdp: &str) -> String {
    let keep = |line: &&str| {
        let candidate = line
            .strip_prefix("a=")
            .filter(|line| line.starts_with("candidate:"));
        candidate.is_none_or(is_candidate_allowed)
    };
    sdp.split_inclusive('\n').filter(keep).collect()
}

/// Whether a candidate line (RFC 8839 section 5.1) names an allowed address.
#[must_use]
pub fn is_candidate_allowed(candidate: &str) -> bool {
    let address = candidate.split_ascii_whitespace().nth(4);
    address
        .and_then(|address| address.parse().ok())
        .is_some_and(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_and_benchmark_networks_are_targets() {
        for (url, address) in [
            ("ws://127.0.0.1:7880", "127.0.0.1:7880"),
            ("ws://localhost:1/", "127.0.0.1:1"),
            ("ws://[::1]:7880", "[::1]:7880"),
            ("ws://198.19.255.1", "198.19.255.1:80"),
            ("ws://[2001:2::5]:9", "[2001:2::5]:9"),
        ] {
            let target: Target = url.parse().unwrap();
            assert_eq!(target.address(), address.parse().unwrap(), "{url}");
        }
    }

    #[test]
    fn other_peoples_machines_are_refused() {
        for url in [
            "ws://192.0.2.1:7880",
            "ws://10.0.0.1:1",
            "ws://[2001:db8::1]:1",
        ] {
            let refused = url.parse::<Target>();
            assert!(matches!(refused, Err(TargetError::Foreign(_))), "{url}");
        }
        for url in [
            "http://127.0.0.1:1",
            "ws://example.org:1",
            "127.0.0.1",
            "ws://127.0.0.1/x",
            "",
        ] {
            let refused = url.parse::<Target>();
            assert!(matches!(refused, Err(TargetError::Malformed(_))), "{url}");
        }
    }

    #[test]
    fn candidates_elsewhere_are_taken_out_of_a_description() {
        let sdp = "v=0\r\na=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n\
                   a=candidate:2 1 udp 1 192.0.2.1 9 typ host\r\na=mid:0\r\n";
        assert_eq!(
            only_allowed(sdp),
            "v=0\r\na=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\na=mid:0\r\n"
        );
        assert!(!is_candidate_allowed(
            "candidate:1 1 udp 1 some.local 9 typ host"
        ));
    }
}
