//! Entry points for fuzzing: plain functions that must return for any input.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

use crate::{Certificate, IceCredentials, Path, Transport, TransportConfig, dcep};

/// DCEP messages.
pub fn fuzz_dcep(data: &[u8]) {
    let _ = dcep::Message::parse(data);
}

/// STUN and DTLS datagrams of a peer that knows nothing.
///
pub fn fuzz_datagram(certificate: &Certificate, data: &[u8]) {
    let now = Instant::now();
    let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 7_880));
    let config = TransportConfig {
        certificate: certificate.clone(),
        local_ice: IceCredentials {
            ufrag: "ufrag".into(),
            pwd: "p".repeat(22),
        },
        ice_lite: true,
        local_addresses: vec![local],
        open_channels: false,
    };
    let Ok(mut transport) = Transport::new(&config, now) else {
        return;
    };
    let path = Path {
        local,
        remote: SocketAddr::from((Ipv4Addr::LOCALHOST, 9)),
    };
    transport.handle_stun(now, path, data);
    transport.handle_dtls(now, data);
}
