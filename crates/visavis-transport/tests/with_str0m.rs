//! A transport against str0m as the client, in virtual time.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use str0m::channel::{ChannelConfig, ChannelId};
use str0m::config::Fingerprint as StrFingerprint;
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, IceCreds, Input, Output, Rtc};
use visavis_transport::{
    Certificate, Channel, Fingerprint, IceCredentials, Path, RemoteParams, SctpParams, Transport,
    TransportConfig, TransportEvent,
};

/// One way through the simulated network.
const LATENCY: Duration = Duration::from_millis(10);

struct Call {
    now: Instant,
    server: Transport,
    client: Rtc,
    /// The client's address as the server sees it.
    client_address: SocketAddr,
    server_address: SocketAddr,
    wire: Vec<(Instant, bool, SocketAddr, Vec<u8>)>,
    remote: RemoteParams,
    server_events: Vec<TransportEvent>,
    client_events: Vec<Event>,
}

impl Call {
    fn new(open_channels: bool, honest: bool) -> Self {
        let now = Instant::now();
        let server_address: SocketAddr = "192.0.2.1:7880".parse().unwrap();
        let client_address: SocketAddr = "198.51.100.7:50000".parse().unwrap();
        let certificate = Certificate::generate().unwrap();
        let local_ice = IceCredentials::generate();
        let config = TransportConfig {
            certificate: certificate.clone(),
            local_ice: local_ice.clone(),
            ice_lite: true,
            local_addresses: vec![server_address],
            open_channels,
        };
        let mut server = Transport::new(&config, now).unwrap();
        let mut client = Rtc::builder().build(now);
        client.add_local_candidate(Candidate::host(client_address, "udp").unwrap());
        client.add_remote_candidate(Candidate::host(server_address, "udp").unwrap());
        let mut api = client.direct_api();
        api.set_ice_controlling(true);
        api.set_remote_ice_credentials(IceCreds {
            ufrag: local_ice.ufrag,
            pass: local_ice.pwd,
        });
        api.set_remote_fingerprint(StrFingerprint {
            hash_func: "sha-256".into(),
            bytes: certificate.fingerprint_sha256().to_vec(),
        });
        let IceCreds { ufrag, pass } = api.local_ice_credentials();
        let mut bytes = api.local_dtls_fingerprint().bytes.clone();
        if !honest {
            bytes[0] ^= 1;
        }
        api.start_dtls(true).unwrap();
        api.start_sctp(true);
        let remote = RemoteParams {
            ice: IceCredentials { ufrag, pwd: pass },
            candidates: vec![],
            fingerprint: Fingerprint {
                algorithm: "sha-256".into(),
                bytes,
            },
            sctp: Some(SctpParams {
                max_message_size: 65_536,
            }),
        };
        server.set_remote(&remote);
        Self {
            now,
            server,
            client,
            client_address,
            server_address,
            wire: Vec::new(),
            remote,
            server_events: Vec::new(),
            client_events: Vec::new(),
        }
    }

    /// Lets the network and both clocks run for `span`.
    fn run(&mut self, span: Duration) {
        let end = self.now + span;
        while self.now < end {
            self.client.handle_input(Input::Timeout(self.now)).unwrap();
            self.server.handle_timeout(self.now);
            self.drain();
            while let Some(at) = self.wire.iter().position(|(at, ..)| *at <= self.now) {
                let (_, to_server, source, bytes) = self.wire.remove(at);
                self.deliver(to_server, source, &bytes);
                self.drain();
            }
            self.now += Duration::from_millis(1);
        }
    }

    fn deliver(&mut self, to_server: bool, source: SocketAddr, bytes: &[u8]) {
        if to_server {
            let path = Path {
                local: self.server_address,
                remote: source,
            };
            match bytes[0] {
                0..=3 => _ = self.server.handle_stun(self.now, path, bytes),
                _ => self.server.handle_dtls(self.now, bytes),
            }
            return;
        }
        let receive = Receive {
            proto: Protocol::Udp,
            source,
            destination: "198.51.100.7:50000".parse().unwrap(),
            contents: bytes.try_into().unwrap(),
        };
        self.client
            .handle_input(Input::Receive(self.now, receive))
            .unwrap();
    }

    fn drain(&mut self) {
        let arrival = self.now + LATENCY;
        while let Some(transmit) = self.server.poll_transmit() {
            // What goes to an address that the client has left is lost.
            if transmit.path.remote == self.client_address {
                self.wire
                    .push((arrival, false, self.server_address, transmit.payload));
            }
        }
        while let Some(event) = self.server.poll_event() {
            self.server_events.push(event);
        }
        loop {
            match self.client.poll_output().unwrap() {
                Output::Timeout(_) => return,
                Output::Transmit(t) => {
                    self.wire
                        .push((arrival, true, self.client_address, t.contents.to_vec()));
                }
                Output::Event(event) => self.client_events.push(event),
            }
        }
    }

    fn client_channel(&self, wanted: &str) -> Option<ChannelId> {
        self.client_events.iter().find_map(|event| match event {
            Event::ChannelOpen(id, label) if label == wanted => Some(*id),
            _ => None,
        })
    }

    fn client_data(&self) -> Vec<&[u8]> {
        let mut all = Vec::new();
        for event in &self.client_events {
            if let Event::ChannelData(data) = event {
                all.push(&data.data[..]);
            }
        }
        all
    }
}

#[test]
fn a_client_connects_and_both_ends_hold_the_same_keys() {
    let mut call = Call::new(false, true);
    call.run(Duration::from_secs(1));
    assert!(
        call.server_events.contains(&TransportEvent::Connected),
        "{:?}",
        call.server_events
    );
    assert!(
        call.client_events
            .iter()
            .any(|event| matches!(event, Event::Connected))
    );
    assert!(call.server.take_srtp().is_some() && call.server.take_srtp().is_none());
}

#[test]
fn a_certificate_that_was_not_promised_ends_the_transport() {
    let mut call = Call::new(false, false);
    call.run(Duration::from_secs(1));
    let failed = |event: &TransportEvent| {
        matches!(
            event,
            TransportEvent::Failed(visavis_transport::TransportError::FingerprintMismatch)
        )
    };
    assert_eq!(
        call.server_events
            .iter()
            .filter(|event| failed(event))
            .count(),
        1
    );
    assert!(!call.server_events.contains(&TransportEvent::Connected));
    assert!(call.server.take_srtp().is_none());
}

#[test]
fn channels_that_the_client_opens_carry_data_both_ways() {
    let mut call = Call::new(false, true);
    call.client.direct_api().create_data_channel(ChannelConfig {
        label: "_reliable".into(),
        ..ChannelConfig::default()
    });
    call.run(Duration::from_secs(1));
    let id = call.client_channel("_reliable").expect("opened");
    assert!(
        call.server_events
            .contains(&TransportEvent::ChannelOpen(Channel::Reliable))
    );
    call.client.channel(id).unwrap().write(true, b"up").unwrap();
    call.server
        .send_data(call.now, &Channel::Reliable, b"down")
        .unwrap();
    call.server
        .send_data(call.now, &Channel::Reliable, &[7; 60_000])
        .unwrap();
    call.run(Duration::from_secs(2));
    let up = TransportEvent::Data(Channel::Reliable, b"up".to_vec());
    assert!(call.server_events.contains(&up));
    assert_eq!(call.client_data(), [&b"down"[..], &[7; 60_000]]);
}

#[test]
fn channels_that_the_server_opens_carry_data() {
    let mut call = Call::new(true, true);
    // str0m starts SCTP as the client, as browsers do.
    call.run(Duration::from_secs(1));
    assert!(call.client_channel("_reliable").is_some() && call.client_channel("_lossy").is_some());
    call.server
        .send_data(call.now, &Channel::Lossy, b"now")
        .unwrap();
    call.run(Duration::from_millis(100));
    assert_eq!(call.client_data(), [b"now"]);
}

#[test]
fn data_has_its_limits() {
    let mut call = Call::new(true, true);
    use visavis_transport::SendDataError::{Full, NotOpen, TooLarge};
    assert_eq!(
        call.server.send_data(call.now, &Channel::Lossy, b"x"),
        Err(NotOpen)
    );
    call.run(Duration::from_secs(1));
    let (now, reliable) = (call.now, Channel::Reliable);
    assert_eq!(
        call.server.send_data(now, &reliable, &[0; 70_000]),
        Err(TooLarge)
    );
    let sent = (0..64).take_while(|_| call.server.send_data(now, &reliable, &[0; 60_000]).is_ok());
    assert_eq!(sent.count(), 17);
    assert_eq!(
        call.server.send_data(now, &reliable, &[0; 60_000]),
        Err(Full)
    );
}

#[test]
fn media_follows_a_client_that_moves_within_one_check() {
    let mut call = Call::new(false, true);
    call.run(Duration::from_secs(1));
    let home = call.server.path().unwrap();
    assert_eq!(home.remote, call.client_address);
    // The client's NAT gives it a new address; str0m keeps checking its pair.
    for address in ["203.0.113.9:1111", "198.51.100.7:50000"] {
        let before = call.server_events.len();
        call.client_address = address.parse().unwrap();
        let start = call.now;
        while call.server.path().unwrap().remote != call.client_address {
            call.run(Duration::from_millis(20));
            assert!(
                call.now - start < Duration::from_secs(6),
                "media did not follow"
            );
        }
        let selected = call.server_events[before..]
            .iter()
            .filter(|event| matches!(event, TransportEvent::PathSelected(_)))
            .count();
        assert_eq!(selected, 1);
    }
    assert_eq!(call.server.path(), Some(home));
}

#[test]
fn an_ice_restart_keeps_the_path_until_the_new_session_is_checked() {
    let mut call = Call::new(false, true);
    call.run(Duration::from_secs(1));
    let home = call.server.path();
    let fresh = IceCredentials::generate();
    call.server.restart_ice(&fresh);
    call.server.set_remote(&call.remote.clone());
    // Checks of the old session are refused, and media goes on.
    call.client_address = "203.0.113.9:1111".parse().unwrap();
    call.run(Duration::from_secs(3));
    assert_eq!(call.server.path(), home);
    assert!(call.server.take_srtp().is_some());
    // The client learns the new credentials and comes from where it is now.
    call.client
        .direct_api()
        .set_remote_ice_credentials(IceCreds {
            ufrag: fresh.ufrag,
            pass: fresh.pwd,
        });
    call.run(Duration::from_secs(6));
    assert_eq!(call.server.path().unwrap().remote, call.client_address);
    let connected = |event: &&TransportEvent| **event == TransportEvent::Connected;
    assert_eq!(
        call.server_events.iter().filter(connected).count(),
        1,
        "DTLS goes on"
    );
}

#[test]
fn garbage_is_dropped() {
    let certificate = Certificate::generate().unwrap();
    let mut seed = 0x2545_f491_4f6c_dd1du64;
    let mut random = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    for _ in 0..500 {
        let len = (random() % 200) as usize;
        let mut bytes: Vec<u8> = (0..len).map(|_| random() as u8).collect();
        if let (Some(first), true) = (bytes.first_mut(), random() % 2 == 0) {
            *first = [0, 1, 20, 22][(random() % 4) as usize];
        }
        visavis_transport::fuzz::fuzz_datagram(&certificate, &bytes);
        visavis_transport::fuzz::fuzz_dcep(&bytes);
    }
}
