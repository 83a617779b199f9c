//! The addresses that clients are told to send media to.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use thiserror::Error;

use crate::config::{Config, RtcConfig};
use crate::stun::{self, StunFailed};

/// Most addresses that are told: each is one more candidate in every session,
/// and machines with hundreds of container bridges exist.
const MAX_ADDRESSES: usize = 16;

/// An address of one of the machine's interfaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Interface {
    pub(crate) name: String,
    pub(crate) ip: IpAddr,
}

/// Why no media address is known.
#[derive(Debug, Error)]
pub enum AddressesError {
    /// The system does not say which interfaces there are.
    #[error("the machine's addresses can't be read: {0}; set rtc.node_ip")]
    Interfaces(#[from] io::Error),
    /// Everything was left out.
    #[error("no interface has an address for media; set rtc.node_ip or change rtc.interfaces")]
    None,
    /// The address that the internet sees stayed unknown.
    #[error("rtc.use_external_ip: {0}; set rtc.node_ip instead")]
    External(#[from] StunFailed),
}

/// What the machine has now.
pub(crate) fn interfaces() -> io::Result<Vec<Interface>> {
    let found = if_addrs::get_if_addrs()?.into_iter();
    let found = found.map(|interface| Interface {
        ip: interface.ip(),
        name: interface.name,
    });
    Ok(found.collect())
}

/// The addresses to tell, the preferred ones first. Asks a STUN server when the
/// configuration says so, which takes seconds when it does not answer.
pub(crate) fn advertised(config: &Config) -> Result<Vec<IpAddr>, AddressesError> {
    let interfaces = interfaces()?;
    let mut chosen = choose(&config.rtc, &interfaces, config.listens_beyond_loopback());
    if config.rtc.use_external_ip && config.rtc.node_ip.is_empty() {
        let external = stun::external_addresses(&config.rtc.stun_servers)?;
        chosen = with_external(chosen, &external);
    }
    if chosen.is_empty() {
        return Err(AddressesError::None);
    }
    Ok(chosen)
}

/// Addresses by which this machine's pages can be opened from elsewhere.
pub(crate) fn of_the_network(interfaces: &[Interface]) -> Vec<IpAddr> {
    let mut found: Vec<IpAddr> = Vec::new();
    for Interface { ip, .. } in interfaces {
        if usable(*ip) && !ip.is_loopback() && !found.contains(ip) {
            found.push(*ip);
        }
    }
    // What people can type comes first.
    found.sort_by_key(IpAddr::is_ipv6);
    found
}

/// `beyond_loopback` says whether others than this machine's browsers come.
fn choose(rtc: &RtcConfig, interfaces: &[Interface], beyond_loopback: bool) -> Vec<IpAddr> {
    let wanted = |interface: &&Interface| {
        let included =
            rtc.interface_includes.is_empty() || rtc.interface_includes.contains(&interface.name);
        included && !rtc.interface_excludes.contains(&interface.name)
    };
    let of_interfaces: Vec<Interface> = interfaces.iter().filter(wanted).cloned().collect();
    let mut chosen = match &rtc.node_ip {
        said if said.is_empty() => of_the_network(&of_interfaces),
        said => said.clone(),
    };
    // Browsers on this machine: Chromium takes either kind, Firefox pairs no
    // loopback address with its own, so that both kinds are told.
    let local = !beyond_loopback && rtc.node_ip.is_empty();
    if local || rtc.enable_loopback_candidate || chosen.is_empty() {
        let loopback = of_interfaces.iter().map(|interface| interface.ip);
        let loopback = loopback.filter(|ip| standard_loopback(*ip));
        chosen.extend(
            loopback
                .filter(|ip| !rtc.node_ip.contains(ip))
                .collect::<Vec<_>>(),
        );
    }
    chosen.truncate(MAX_ADDRESSES);
    chosen
}

/// What the internet sees stands in for what only the house sees.
fn with_external(chosen: Vec<IpAddr>, external: &[IpAddr]) -> Vec<IpAddr> {
    let kept = chosen.into_iter().filter(|ip| {
        ip.is_loopback() || !external.iter().any(|seen| seen.is_ipv4() == ip.is_ipv4())
    });
    external
        .iter()
        .copied()
        .chain(kept)
        .take(MAX_ADDRESSES)
        .collect()
}

/// Link-local addresses need an interface's number, which a candidate has not.
fn usable(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => {
            !v4.is_link_local() && !v4.is_unspecified() && !v4.is_multicast() && !v4.is_broadcast()
        }
        IpAddr::V6(v6) => !v6.is_unicast_link_local() && !v6.is_unspecified() && !v6.is_multicast(),
    }
}

fn standard_loopback(ip: IpAddr) -> bool {
    ip == IpAddr::V4(Ipv4Addr::LOCALHOST) || ip == IpAddr::V6(Ipv6Addr::LOCALHOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Vec<Interface> {
        let addresses = [
            ("lo", "127.0.0.1"),
            ("lo", "::1"),
            ("eth0", "fe80::1"),
            ("eth0", "2001:db8::5"),
            ("eth0", "192.0.2.5"),
            ("docker0", "172.17.0.1"),
            ("eth1", "169.254.3.4"),
        ];
        let interface = |(name, ip): (&str, &str)| Interface {
            name: name.to_owned(),
            ip: ip.parse().unwrap(),
        };
        addresses.map(interface).to_vec()
    }

    fn chosen(rtc: &RtcConfig, beyond_loopback: bool) -> Vec<String> {
        let chosen = choose(rtc, &machine(), beyond_loopback);
        chosen.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn others_are_told_the_interfaces_and_this_machine_loopback_too() {
        let rtc = RtcConfig::default();
        assert_eq!(
            chosen(&rtc, true),
            ["192.0.2.5", "172.17.0.1", "2001:db8::5"]
        );
        let local = ["192.0.2.5", "172.17.0.1", "2001:db8::5", "127.0.0.1", "::1"];
        assert_eq!(chosen(&rtc, false), local);
        let asked = RtcConfig {
            enable_loopback_candidate: true,
            ..RtcConfig::default()
        };
        assert_eq!(chosen(&asked, true), local);
    }

    #[test]
    fn interfaces_are_taken_and_left_by_name() {
        let rtc = RtcConfig {
            interface_excludes: vec!["docker0".to_owned()],
            ..RtcConfig::default()
        };
        assert_eq!(chosen(&rtc, true), ["192.0.2.5", "2001:db8::5"]);
        let rtc = RtcConfig {
            interface_includes: vec!["docker0".to_owned()],
            ..RtcConfig::default()
        };
        assert_eq!(chosen(&rtc, true), ["172.17.0.1"]);
        let rtc = RtcConfig {
            interface_includes: vec!["lo".to_owned()],
            ..RtcConfig::default()
        };
        assert_eq!(
            chosen(&rtc, true),
            ["127.0.0.1", "::1"],
            "better than nothing"
        );
        let rtc = RtcConfig {
            interface_includes: vec!["wlan7".to_owned()],
            ..RtcConfig::default()
        };
        assert!(chosen(&rtc, true).is_empty());
    }

    #[test]
    fn what_is_said_counts_alone() {
        let rtc = RtcConfig {
            node_ip: vec!["198.51.100.7".parse().unwrap()],
            ..RtcConfig::default()
        };
        assert_eq!(chosen(&rtc, true), ["198.51.100.7"]);
        assert_eq!(chosen(&rtc, false), ["198.51.100.7"]);
    }

    #[test]
    fn the_external_address_takes_the_place_of_its_family() {
        let inside = choose(&RtcConfig::default(), &machine(), true);
        let seen = ["198.51.100.7".parse().unwrap()];
        let told: Vec<_> = with_external(inside, &seen)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(told, ["198.51.100.7", "2001:db8::5"]);
    }
}
