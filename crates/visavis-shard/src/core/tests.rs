use std::time::Duration;

use super::*;

struct Nowhere;

impl DatagramSink for Nowhere {
    fn begin(&mut self, _: SocketAddr, _: Option<IpAddr>) -> Option<&mut [u8]> {
        None
    }

    fn commit(&mut self, _: usize) {}
}

fn core_with(transports: &[TransportId], now: Instant) -> Core {
    let config = CoreConfig {
        certificate: Certificate::generate().unwrap(),
        advertised: vec!["192.0.2.1:7880".parse().unwrap()],
    };
    let mut core = Core::new(config, now, NtpTime::from_unix(Duration::ZERO));
    for transport in transports {
        let open = MediaCommand::Open {
            transport: *transport,
            local: IceCredentials::generate(),
            ice_lite: true,
            open_channels: true,
        };
        core.handle_command(now, open, &mut Nowhere);
    }
    core
}

#[test]
fn a_transport_that_panics_is_closed_alone() {
    let now = Instant::now();
    let (first, second) = (TransportId(1), TransportId(2));
    let mut core = core_with(&[first, second], now);
    core.with(first, |_| panic!("as a parser might"));
    assert_eq!(core.transports(), 1);
    assert_eq!(core.counters().0.panics, 1);
    let closed = MediaEvent::Closed(first, CloseReason::Failed);
    assert_eq!(core.poll_event(), Some(closed));
    assert_eq!(core.poll_event(), None);
    // The other one goes on, and what still comes for the dead one is passed over.
    let mut called = false;
    core.with(second, |_| called = true);
    core.with(first, |_| unreachable!());
    core.pump(first, now, &mut Nowhere);
    assert!(called);
    core.handle_command(now, MediaCommand::Close(second), &mut Nowhere);
    let later = now + Duration::from_secs(10);
    core.handle_timeout(later, &mut Nowhere);
    assert!(core.is_empty());
}
