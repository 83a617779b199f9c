//! Clients and the media core of a server in one virtual time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use str0m::media::{MediaKind as StrKind, Rid};
use visavis_rtp::ntp::NtpTime;
use visavis_rtp::{Codec, ExtensionKind, MediaKind};
use visavis_sfu::{
    Appetite, LayerSize, PayloadCodec, ReceiveSection, SendSection, TrackId, TrackParams, Wanted,
};
use visavis_shard::{
    Core, CoreConfig, DatagramSink, Incoming, MediaCommand, MediaEvent, TransportId,
};
use visavis_transport::{Certificate, IceCredentials};

use crate::client::{Client, Introduction};
use crate::network::Random;
use crate::sources::{Camera, Layer, Microphone, OPUS, VP8, VP8_RTX};

/// Sizes of the layers of a simulcast track, lowest first.
pub(crate) const SIZES: [LayerSize; 3] = [size(320, 180), size(640, 360), size(1280, 720)];
pub(crate) const RIDS: [&str; 3] = ["q", "h", "f"];

pub(crate) const fn size(width: u32, height: u32) -> LayerSize {
    LayerSize { width, height }
}

/// A datagram that the server sent.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub at: Instant,
    pub to: SocketAddr,
    pub bytes: Vec<u8>,
}

impl Sent {
    pub(crate) fn is_media(&self) -> bool {
        (128..192).contains(&self.bytes[0])
    }

    /// The source of an RTP packet, and its number.
    pub(crate) fn rtp(&self) -> Option<(u32, u16)> {
        let rtp = self.is_media() && !(192..224).contains(&self.bytes[1]);
        rtp.then(|| {
            let ssrc = u32::from_be_bytes(self.bytes[8..12].try_into().unwrap());
            (ssrc, u16::from_be_bytes([self.bytes[2], self.bytes[3]]))
        })
    }
}

#[derive(Default)]
struct Outbox {
    begun: Option<SocketAddr>,
    slot: Vec<u8>,
    sent: Vec<(SocketAddr, Vec<u8>)>,
}

impl DatagramSink for Outbox {
    fn begin(&mut self, destination: SocketAddr, source: Option<IpAddr>) -> Option<&mut [u8]> {
        assert!(source.is_none_or(|source| source == server().ip()));
        self.begun = Some(destination);
        self.slot.resize(1_500, 0);
        Some(&mut self.slot)
    }

    fn commit(&mut self, len: usize) {
        let destination = self.begun.take().unwrap();
        if len > 0 {
            self.sent.push((destination, self.slot[..len].to_vec()));
        }
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Flight {
    arrival: Instant,
    order: u64,
    to_server: bool,
    /// The client's address, as it is seen from outside.
    client: SocketAddr,
    bytes: Vec<u8>,
}

pub(crate) struct Meeting {
    pub now: Instant,
    pub start: Instant,
    pub core: Core,
    pub clients: Vec<Client>,
    pub events: Vec<MediaEvent>,
    /// Everything that the server sent.
    pub sent: Vec<Sent>,
    /// Everything that reached the server: when, whence, and its octets.
    pub arrived: Vec<(Instant, SocketAddr, Vec<u8>)>,
    pub random: Random,
    flights: BinaryHeap<Reverse<Flight>>,
    fingerprint: Vec<u8>,
    transports: u64,
    ssrcs: u32,
    /// Datagrams that arrive at the same time do so in the order of sending.
    order: u64,
}

pub(crate) fn server() -> SocketAddr {
    "192.0.2.1:7880".parse().unwrap()
}

fn address(n: u64) -> SocketAddr {
    SocketAddr::from(([198, 51, 100, n as u8], 40_000 + n as u16))
}

impl Meeting {
    pub(crate) fn new(seed: u64) -> Self {
        let now = Instant::now();
        let certificate = Certificate::generate().unwrap();
        let fingerprint = certificate.fingerprint_sha256().to_vec();
        let config = CoreConfig {
            certificate,
            advertised: vec![server()],
        };
        // Our clock is not the clients': they live now, we in 2001.
        let wall = NtpTime::from_unix(Duration::from_secs(1_000_000_000));
        Self {
            now,
            start: now,
            core: Core::new(config, now, wall),
            clients: Vec::new(),
            events: Vec::new(),
            sent: Vec::new(),
            arrived: Vec::new(),
            random: Random::new(seed),
            flights: BinaryHeap::new(),
            fingerprint,
            transports: 0,
            ssrcs: 0,
            order: 0,
        }
    }

    /// A client with one address comes; gives its place.
    pub(crate) fn join(&mut self) -> usize {
        let home = address(self.transports + 1);
        self.join_from(&[home])
    }

    /// A client with these addresses comes.
    pub(crate) fn join_from(&mut self, addresses: &[SocketAddr]) -> usize {
        self.transports += 1;
        let id = TransportId(self.transports);
        let local = IceCredentials::generate();
        let introduction = Introduction {
            local: local.clone(),
            fingerprint: self.fingerprint.clone(),
            servers: vec![server()],
        };
        let (client, remote) = Client::new(id, addresses, &introduction, self.now);
        self.command(MediaCommand::Open {
            transport: id,
            local,
            ice_lite: true,
            open_channels: false,
        });
        self.command(MediaCommand::SetRemote(id, remote));
        self.clients.push(client);
        let who = self.clients.len() - 1;
        self.clients[who].sections.extensions = [
            (ExtensionKind::AudioLevel, 1),
            (ExtensionKind::AbsSendTime, 2),
            (ExtensionKind::TransportCc, 3),
            (ExtensionKind::Mid, 4),
            (ExtensionKind::Rid, 10),
            (ExtensionKind::RepairedRid, 11),
        ]
        .into_iter()
        .collect();
        who
    }

    fn new_ssrc(&mut self) -> u32 {
        self.ssrcs += 2;
        0x1234_0000 + self.ssrcs
    }

    fn set_sections(&mut self, who: usize) {
        let client = &self.clients[who];
        let command = MediaCommand::SetSections(client.id, client.sections.clone());
        self.command(command);
    }

    /// The next free mid of a client.
    fn new_mid(&self, who: usize) -> String {
        let sections = &self.clients[who].sections;
        (sections.receives.len() + sections.sends.len()).to_string()
    }

    /// Publishes a camera: 30 frames/s of 8 packets, 1,000 octets each.
    pub(crate) fn publish_camera(&mut self, who: usize, track: TrackId, rids: &[&str]) {
        let mid = self.new_mid(who);
        let count = rids.len().max(1);
        let layers: Vec<Layer> = (0..count)
            .map(|nth| {
                let rid = rids.get(nth).map(|rid| Rid::from(*rid));
                Layer::new(nth as u8, rid, self.new_ssrc())
            })
            .collect();
        let now = self.now;
        let client = &mut self.clients[who];
        let mut api = client.rtc.direct_api();
        api.declare_media(mid.as_str().into(), StrKind::Video);
        for layer in &layers {
            let mid = mid.as_str().into();
            let stream = api.declare_stream_tx(layer.ssrc, Some(layer.rtx), mid, layer.rid);
            stream.set_rtx_cache(2_000, Duration::from_secs(2), None);
            stream.set_unpaced(true);
        }
        client.cameras.push(Camera {
            mid: mid.as_str().into(),
            layers,
            interval: Duration::from_nanos(33_333_333),
            packets: 8,
            size: 1_000,
            frame: 0,
            next: now,
        });
        client.sections.receives.push(ReceiveSection {
            mid: mid.clone(),
            codecs: vec![PayloadCodec {
                payload_type: VP8,
                rtx: Some(VP8_RTX),
                codec: Codec::Vp8,
                clock_rate: 90_000,
                nack: true,
            }],
            rids: rids.iter().map(|rid| (*rid).to_owned()).collect(),
            sources: vec![],
        });
        self.publish(who, track, mid, MediaKind::Video);
    }

    /// Publishes a microphone: 50 packets/s.
    pub(crate) fn publish_microphone(&mut self, who: usize, track: TrackId) {
        let mid = self.new_mid(who);
        let ssrc = self.new_ssrc().into();
        let now = self.now;
        let client = &mut self.clients[who];
        let mut api = client.rtc.direct_api();
        api.declare_media(mid.as_str().into(), StrKind::Audio);
        api.declare_stream_tx(ssrc, None, mid.as_str().into(), None);
        client.microphones.push(Microphone {
            ssrc,
            frame: 0,
            next: now,
        });
        client.sections.receives.push(ReceiveSection {
            mid: mid.clone(),
            codecs: vec![PayloadCodec {
                payload_type: OPUS,
                rtx: None,
                codec: Codec::Opus,
                clock_rate: 48_000,
                nack: true,
            }],
            rids: vec![],
            sources: vec![],
        });
        self.publish(who, track, mid, MediaKind::Audio);
    }

    fn publish(&mut self, who: usize, track: TrackId, mid: String, kind: MediaKind) {
        self.set_sections(who);
        let simulcast = self.clients[who]
            .sections
            .receives
            .last()
            .unwrap()
            .rids
            .len()
            > 1;
        let params = TrackParams {
            publisher: self.clients[who].id.into(),
            mid,
            kind,
            layers: if simulcast { SIZES.to_vec() } else { vec![] },
            muted: false,
        };
        self.command(MediaCommand::AddTrack(track, params));
    }

    /// Subscribes to a track; gives our source.
    pub(crate) fn subscribe(&mut self, who: usize, track: TrackId, kind: MediaKind) -> u32 {
        let mid = self.new_mid(who);
        let ssrc = self.new_ssrc();
        let (codec, payload_type, clock_rate, rtx, str_kind) = match kind {
            MediaKind::Video => (Codec::Vp8, VP8, 90_000, true, StrKind::Video),
            MediaKind::Audio => (Codec::Opus, OPUS, 48_000, false, StrKind::Audio),
        };
        let client = &mut self.clients[who];
        let mut api = client.rtc.direct_api();
        api.declare_media(mid.as_str().into(), str_kind);
        let str_rtx = rtx.then(|| (ssrc + 1).into());
        api.expect_stream_rx(ssrc.into(), str_rtx, mid.as_str().into(), None);
        client.sections.sends.push(SendSection {
            mid,
            track,
            ssrc,
            rtx: rtx.then_some((ssrc + 1, VP8_RTX)),
            payload_type,
            codec,
            clock_rate,
            cname: "somebody".into(),
        });
        self.set_sections(who);
        ssrc
    }

    /// Says at which size a client shows a track.
    pub(crate) fn want(&mut self, who: usize, track: TrackId, wanted: LayerSize) {
        let appetite = Appetite {
            disabled: false,
            size: Wanted::Size(wanted),
        };
        let id = self.clients[who].id;
        self.command(MediaCommand::Want(id, track, appetite));
    }

    pub(crate) fn command(&mut self, command: MediaCommand) {
        let mut out = Outbox::default();
        self.core.handle_command(self.now, command, &mut out);
        self.post(out);
    }

    /// Hands a datagram to the server as if it came from `source`.
    pub(crate) fn inject(&mut self, source: SocketAddr, bytes: &[u8]) {
        let mut out = Outbox::default();
        self.hand_over(source, &mut bytes.to_vec(), &mut out);
        self.core.flush(self.now, &mut out);
        self.post(out);
    }

    fn hand_over(&mut self, source: SocketAddr, bytes: &mut [u8], out: &mut Outbox) {
        let incoming = Incoming {
            source,
            local_ip: Some(server().ip()),
            payload: bytes,
        };
        self.core.handle_datagram(self.now, incoming, out);
    }

    /// Lets everything run for `span`.
    pub(crate) fn run(&mut self, span: Duration) {
        let end = self.now + span;
        while self.now < end {
            self.step();
        }
    }

    /// Lets everything run until `done`, at most for `span`; whether it came.
    pub(crate) fn run_until(
        &mut self,
        span: Duration,
        mut done: impl FnMut(&Self) -> bool,
    ) -> bool {
        let end = self.now + span;
        while self.now < end {
            if done(self) {
                return true;
            }
            self.step();
        }
        done(self)
    }

    /// Lets all clients connect.
    pub(crate) fn connect(&mut self) {
        let all = |meeting: &Self| meeting.clients.iter().all(|client| client.connected);
        assert!(self.run_until(Duration::from_secs(5), all), "connected");
    }

    /// One millisecond.
    fn step(&mut self) {
        for client in &mut self.clients {
            client.tick(self.start, self.now);
        }
        self.collect();
        let mut out = Outbox::default();
        while let Some(Reverse(next)) = self.flights.peek() {
            if next.arrival > self.now {
                break;
            }
            let Some(Reverse(mut flight)) = self.flights.pop() else {
                break;
            };
            if flight.to_server {
                let copy = flight.bytes.clone();
                self.arrived.push((self.now, flight.client, copy));
                self.hand_over(flight.client, &mut flight.bytes, &mut out);
            } else {
                self.reach_client(&flight);
            }
        }
        if self.core.poll_timeout().is_some_and(|due| due <= self.now) {
            self.core.handle_timeout(self.now, &mut out);
        }
        self.core.flush(self.now, &mut out);
        self.post(out);
        self.collect();
        self.now += Duration::from_millis(1);
    }

    fn reach_client(&mut self, flight: &Flight) {
        let now = self.now;
        let here = |client: &&mut Client| {
            let mut addresses = client.addresses.iter();
            addresses.any(|(_, seen)| *seen == flight.client)
        };
        if let Some(client) = self.clients.iter_mut().find(here) {
            client.receive(now, server(), flight.client, &flight.bytes);
        }
    }

    /// Puts what the clients sent on the wire.
    fn collect(&mut self) {
        for client in &mut self.clients {
            for (seen, destination, bytes) in client.outbox.drain(..) {
                assert_eq!(destination, server());
                if let Some(arrival) = client.up.arrival(&mut self.random, self.now) {
                    self.order += 1;
                    self.flights.push(Reverse(Flight {
                        arrival,
                        order: self.order,
                        to_server: true,
                        client: seen,
                        bytes,
                    }));
                }
            }
        }
    }

    /// Puts what the server sent on the wire.
    fn post(&mut self, out: Outbox) {
        for (to, bytes) in out.sent {
            let here = |client: &&Client| client.addresses.iter().any(|(_, seen)| *seen == to);
            let down = self.clients.iter().find(here).map(|client| client.down);
            self.sent.push(Sent {
                at: self.now,
                to,
                bytes: bytes.clone(),
            });
            let arrival = down.and_then(|down| down.arrival(&mut self.random, self.now));
            if let Some(arrival) = arrival {
                self.order += 1;
                self.flights.push(Reverse(Flight {
                    arrival,
                    order: self.order,
                    to_server: false,
                    client: to,
                    bytes,
                }));
            }
        }
        while let Some(event) = self.core.poll_event() {
            self.events.push(event);
        }
    }
}
