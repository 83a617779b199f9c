//! One str0m client and what it saw.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::config::Fingerprint as StrFingerprint;
use str0m::media::Rid;
use str0m::net::{Protocol, Receive};
use str0m::rtp::RawPacket;
use str0m::rtp::rtcp::Rtcp;
use str0m::{Candidate, Event, IceCreds, Input, Output, Rtc};
use visavis_sfu::Sections;
use visavis_shard::TransportId;
use visavis_transport::{Fingerprint, IceCredentials, RemoteParams};

use crate::network::Link;
use crate::sources::{Camera, Microphone};

/// A packet that reached a client.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    pub at: Instant,
    pub ssrc: u32,
    /// Extended by str0m.
    pub sequence: u64,
    pub timestamp: u32,
    pub marker: bool,
    pub payload: Arc<[u8]>,
}

pub(crate) struct Client {
    pub id: TransportId,
    pub rtc: Rtc,
    /// The addresses it has, and how each is seen from outside (its NAT).
    pub addresses: Vec<(SocketAddr, SocketAddr)>,
    /// Addresses over which nothing goes.
    pub cut: Vec<SocketAddr>,
    pub up: Link,
    pub down: Link,
    pub cameras: Vec<Camera>,
    pub microphones: Vec<Microphone>,
    pub sections: Sections,
    pub connected: bool,
    pub packets: Vec<Got>,
    pub rtcp: Vec<(Instant, Rtcp)>,
    pub keyframe_requests: Vec<(Instant, Option<Rid>)>,
    pub estimates: Vec<u64>,
    /// What leaves this client, with the address it leaves from.
    pub outbox: Vec<(SocketAddr, SocketAddr, Vec<u8>)>,
}

/// What both sides tell each other before a client connects.
pub(crate) struct Introduction {
    pub local: IceCredentials,
    pub fingerprint: Vec<u8>,
    pub servers: Vec<SocketAddr>,
}

impl Client {
    pub(crate) fn new(
        id: TransportId,
        addresses: &[SocketAddr],
        introduction: &Introduction,
        now: Instant,
    ) -> (Self, RemoteParams) {
        let mut rtc = Rtc::builder()
            .set_rtp_mode(true)
            .enable_raw_packets(true)
            .set_rtcp_report_interval_audio(Duration::from_secs(1))
            .enable_bwe(Some(str0m::bwe::Bitrate::mbps(10)))
            .build(now);
        for address in addresses {
            rtc.add_local_candidate(Candidate::host(*address, Protocol::Udp).unwrap());
        }
        for server in &introduction.servers {
            rtc.add_remote_candidate(Candidate::host(*server, Protocol::Udp).unwrap());
        }
        let mut api = rtc.direct_api();
        api.set_ice_controlling(true);
        api.set_remote_ice_credentials(IceCreds {
            ufrag: introduction.local.ufrag.clone(),
            pass: introduction.local.pwd.clone(),
        });
        api.set_remote_fingerprint(StrFingerprint {
            hash_func: "sha-256".into(),
            bytes: introduction.fingerprint.clone(),
        });
        let IceCreds { ufrag, pass } = api.local_ice_credentials();
        let fingerprint = Fingerprint {
            algorithm: "sha-256".into(),
            bytes: api.local_dtls_fingerprint().bytes.clone(),
        };
        api.start_dtls(true).unwrap();
        let remote = RemoteParams {
            ice: IceCredentials { ufrag, pwd: pass },
            candidates: vec![],
            fingerprint,
            sctp: None,
        };
        let client = Self {
            id,
            rtc,
            addresses: addresses.iter().map(|at| (*at, *at)).collect(),
            cut: Vec::new(),
            up: Link::GOOD,
            down: Link::GOOD,
            cameras: Vec::new(),
            microphones: Vec::new(),
            sections: Sections::default(),
            connected: false,
            packets: Vec::new(),
            rtcp: Vec::new(),
            keyframe_requests: Vec::new(),
            estimates: Vec::new(),
            outbox: Vec::new(),
        };
        (client, remote)
    }

    /// Sends what is due and lets the client's clock go on.
    pub(crate) fn tick(&mut self, start: Instant, now: Instant) {
        if self.connected {
            for camera in &mut self.cameras {
                camera.send(&mut self.rtc, start, now);
            }
            for microphone in &mut self.microphones {
                microphone.send(&mut self.rtc, start, now);
            }
        }
        self.rtc.handle_input(Input::Timeout(now)).unwrap();
        self.drain(now);
    }

    /// A datagram arrives at the address that is seen as `seen_as`.
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        server: SocketAddr,
        seen_as: SocketAddr,
        bytes: &[u8],
    ) {
        let home = self.addresses.iter().find(|(_, seen)| *seen == seen_as);
        let Some((home, _)) = home.filter(|(home, _)| !self.cut.contains(home)) else {
            return;
        };
        let receive = Receive {
            proto: Protocol::Udp,
            source: server,
            destination: *home,
            contents: bytes.try_into().unwrap(),
        };
        self.rtc.handle_input(Input::Receive(now, receive)).unwrap();
        self.drain(now);
    }

    fn drain(&mut self, now: Instant) {
        loop {
            match self.rtc.poll_output().unwrap() {
                Output::Timeout(_) => return,
                Output::Transmit(sent) => {
                    let mut known = self.addresses.iter();
                    let seen = known
                        .find(|(home, _)| *home == sent.source)
                        .map(|(_, s)| *s);
                    if let Some(seen) = seen.filter(|_| !self.cut.contains(&sent.source)) {
                        let bytes = sent.contents.to_vec();
                        self.outbox.push((seen, sent.destination, bytes));
                    }
                }
                Output::Event(event) => self.note(event, now),
            }
        }
    }

    fn note(&mut self, event: Event, now: Instant) {
        match event {
            Event::Connected => {
                self.connected = true;
                for camera in &mut self.cameras {
                    camera.next = now;
                }
                for microphone in &mut self.microphones {
                    microphone.next = now;
                }
            }
            Event::RtpPacket(packet) => self.packets.push(Got {
                at: now,
                ssrc: *packet.header.ssrc,
                sequence: *packet.seq_no,
                timestamp: packet.header.timestamp,
                marker: packet.header.marker,
                payload: packet.payload,
            }),
            Event::RawPacket(raw) => {
                if let RawPacket::RtcpRx(rtcp) = *raw {
                    self.rtcp.push((now, rtcp));
                }
            }
            Event::KeyframeRequest(request) => {
                self.keyframe_requests.push((now, request.rid));
                let cameras = self.cameras.iter_mut().filter(|c| c.mid == request.mid);
                for layer in cameras.flat_map(|camera| &mut camera.layers) {
                    layer.key |= layer.rid == request.rid;
                }
            }
            Event::EgressBitrateEstimate(str0m::bwe::BweKind::Twcc { estimate, .. }) => {
                self.estimates.push(estimate.as_u64());
            }
            _ => {}
        }
    }

    /// What arrived from one of our sources, in order of arrival.
    pub(crate) fn media(&self, ssrc: u32) -> Vec<&Got> {
        self.packets.iter().filter(|got| got.ssrc == ssrc).collect()
    }

    /// The sender reports about a source.
    pub(crate) fn sender_reports(&self, ssrc: u32) -> Vec<str0m::rtp::rtcp::SenderInfo> {
        let report = |(_, rtcp): &(Instant, Rtcp)| match rtcp {
            Rtcp::SenderReport(report) => Some(report.sender_info),
            _ => None,
        };
        let reports = self.rtcp.iter().filter_map(report);
        reports.filter(|info| *info.ssrc == ssrc).collect()
    }
}
