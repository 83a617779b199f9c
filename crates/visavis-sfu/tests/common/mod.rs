//! A table with one publisher and many receivers, all with real SRTP keys.
#![allow(dead_code, reason = "each test and the benchmark use their part")]

use std::time::{Duration, Instant};

use visavis_rtp::ntp::NtpTime;
use visavis_rtp::srtp::{Profile, SrtpTx, server_contexts};
use visavis_rtp::{Codec, ExtensionKind, ExtensionMap, MediaKind, RtpFields, RtpWriter};
use visavis_sfu::{
    LayerSize, PacketSink, PayloadCodec, PeerId, ReceiveSection, Sections, SendSection, Sfu,
    TrackId, TrackParams,
};

pub(crate) const VP8: PayloadCodec = PayloadCodec {
    payload_type: 96,
    rtx: Some(97),
    codec: Codec::Vp8,
    clock_rate: 90_000,
    nack: true,
};
pub(crate) const OPUS: PayloadCodec = PayloadCodec {
    payload_type: 111,
    rtx: None,
    codec: Codec::Opus,
    clock_rate: 48_000,
    nack: true,
};
pub(crate) const RIDS: [&str; 3] = ["q", "h", "f"];
const PUBLISHER: PeerId = PeerId(0);

/// Where sealed packets go: counted, and written over.
pub(crate) struct Sink {
    slot: [u8; 1_500],
    pub(crate) rtp: usize,
    pub(crate) rtcp: usize,
}

impl Default for Sink {
    fn default() -> Self {
        Self {
            slot: [0; 1_500],
            rtp: 0,
            rtcp: 0,
        }
    }
}

impl PacketSink for Sink {
    fn begin(&mut self, _: PeerId) -> Option<&mut [u8]> {
        Some(&mut self.slot)
    }

    fn commit(&mut self, len: usize) {
        match (192..224).contains(&self.slot[1]) {
            _ if len == 0 => {}
            true => self.rtcp += 1,
            false => self.rtp += 1,
        }
    }
}

pub(crate) fn extensions() -> ExtensionMap {
    let ids = [
        (ExtensionKind::AudioLevel, 1),
        (ExtensionKind::TransportCc, 3),
        (ExtensionKind::Mid, 4),
        (ExtensionKind::Rid, 10),
        (ExtensionKind::RepairedRid, 11),
    ];
    ids.into_iter().collect()
}

/// What DTLS would have made for a peer: client key, server key, and salts.
fn material(profile: Profile, peer: u64) -> Vec<u8> {
    let octet = |at: usize| (at as u8).wrapping_mul(31) ^ peer as u8 ^ (peer >> 8) as u8;
    (0..profile.material_len()).map(octet).collect()
}

/// The sending half that a peer's client has, or the server for it.
pub(crate) fn sender(profile: Profile, peer: u64, is_client: bool) -> SrtpTx {
    let material = material(profile, peer);
    let (keys, salts) = material.split_at(2 * profile.key_len());
    let (client_key, server_key) = keys.split_at(profile.key_len());
    let (client_salt, server_salt) = salts.split_at(profile.salt_len());
    let (key, salt) = match is_client {
        true => (client_key, client_salt),
        false => (server_key, server_salt),
    };
    SrtpTx::new(profile, key, salt).unwrap()
}

/// One publisher, and receivers that are sent all of its tracks.
pub(crate) struct Table {
    pub(crate) sfu: Sfu,
    pub(crate) sink: Sink,
    pub(crate) now: Instant,
    tx: SrtpTx,
    number: u16,
    sections: Sections,
}

/// A packet of the publisher.
#[derive(Clone, Copy)]
pub(crate) struct Packet<'a> {
    pub(crate) codec: PayloadCodec,
    pub(crate) mid: &'a str,
    pub(crate) rid: Option<&'a str>,
    pub(crate) ssrc: u32,
    pub(crate) sequence: u64,
    pub(crate) timestamp: u32,
    pub(crate) marker: bool,
    pub(crate) payload: &'a [u8],
}

impl Table {
    pub(crate) fn new(profile: Profile) -> Self {
        let now = Instant::now();
        let mut table = Self {
            sfu: Sfu::new(now, NtpTime::from_unix(Duration::from_secs(1_000_000_000))),
            sink: Sink::default(),
            now,
            tx: sender(profile, PUBLISHER.0, true),
            number: 0,
            sections: Sections {
                extensions: extensions(),
                ..Sections::default()
            },
        };
        table.add_peer(profile, PUBLISHER);
        table
    }

    fn add_peer(&mut self, profile: Profile, peer: PeerId) {
        let (tx, rx) = server_contexts(profile, &material(profile, peer.0)).unwrap();
        self.sfu.add_peer(peer, self.now);
        self.sfu.set_keys(peer, tx, rx);
    }

    /// Publishes a track on the section that is named like it.
    pub(crate) fn publish(&mut self, track: u64, codec: PayloadCodec, rids: &[&str]) {
        self.sections.receives.push(ReceiveSection {
            mid: track.to_string(),
            codecs: vec![codec],
            rids: rids.iter().map(|rid| (*rid).to_owned()).collect(),
            sources: vec![],
        });
        self.sfu.set_sections(PUBLISHER, self.sections.clone());
        let size = |n: u32| LayerSize {
            width: 320 << n,
            height: 180 << n,
        };
        let params = TrackParams {
            publisher: PUBLISHER,
            mid: track.to_string(),
            kind: codec.codec.kind(),
            layers: (0..rids.len() as u32).map(size).collect(),
            muted: false,
        };
        self.sfu.add_track(TrackId(track), params);
    }

    /// A receiver comes and is sent `tracks`; its n-th source is
    /// [`source`](Self::source).
    pub(crate) fn receive(&mut self, profile: Profile, peer: u64, tracks: &[(u64, PayloadCodec)]) {
        self.add_peer(profile, PeerId(peer));
        let section = |(nth, (track, codec)): (usize, &(u64, PayloadCodec))| {
            let ssrc = Self::source(peer, nth);
            SendSection {
                mid: nth.to_string(),
                track: TrackId(*track),
                ssrc,
                rtx: codec.rtx.map(|payload_type| (ssrc + 1, payload_type)),
                payload_type: codec.payload_type,
                codec: codec.codec,
                clock_rate: codec.clock_rate,
                cname: "somebody".into(),
            }
        };
        let sections = Sections {
            receives: vec![],
            sends: tracks.iter().enumerate().map(section).collect(),
            extensions: extensions(),
        };
        self.sfu.set_sections(PeerId(peer), sections);
    }

    pub(crate) fn source(peer: u64, nth: usize) -> u32 {
        peer as u32 * 1_000 + nth as u32 * 2
    }

    /// Seals a packet as the publisher does, into `out`; gives its length.
    pub(crate) fn seal(&mut self, packet: &Packet<'_>, out: &mut [u8]) -> usize {
        let fields = RtpFields {
            marker: packet.marker,
            payload_type: packet.codec.payload_type,
            sequence: packet.sequence as u16,
            timestamp: packet.timestamp,
            ssrc: packet.ssrc,
        };
        let mut writer = RtpWriter::new(out, &fields, false).unwrap();
        writer.extension(4, packet.mid.as_bytes()).unwrap();
        if let Some(rid) = packet.rid {
            writer.extension(10, rid.as_bytes()).unwrap();
        }
        if packet.codec.codec.kind() == MediaKind::Audio {
            writer.extension(1, &[0x80 | 30]).unwrap();
        }
        writer.extension(3, &self.number.to_be_bytes()).unwrap();
        self.number = self.number.wrapping_add(1);
        let header = writer.finish().unwrap();
        self.tx
            .seal_rtp(out, header, 0, packet.payload, packet.sequence)
            .unwrap()
    }

    /// Seals what claims to be an RTP packet, and hands it over.
    pub(crate) fn lie(&mut self, packet: &[u8], header: usize, index: u64) {
        let mut sealed = [0; 1_500];
        sealed[..header].copy_from_slice(&packet[..header]);
        let rest = &packet[header..];
        let len = self.tx.seal_rtp(&mut sealed, header, 0, rest, index);
        self.handle(&mut sealed[..len.unwrap()]);
    }

    /// Seals what claims to be an RTCP compound, and hands it over.
    pub(crate) fn lie_rtcp(&mut self, compound: &[u8]) {
        let mut sealed = [0; 1_500];
        sealed[..compound.len()].copy_from_slice(compound);
        let len = self.tx.seal_rtcp(&mut sealed, compound.len());
        self.handle(&mut sealed[..len.unwrap()]);
    }

    /// Hands over what the publisher sealed.
    pub(crate) fn handle(&mut self, sealed: &mut [u8]) {
        let Self { sfu, sink, now, .. } = self;
        sfu.handle_srtp(PUBLISHER, sealed, *now, sink);
    }

    pub(crate) fn flush(&mut self) {
        self.sfu.flush(self.now, &mut self.sink);
    }

    /// Does what is due, and empties the events.
    pub(crate) fn handle_timeout(&mut self) {
        if self.sfu.poll_timeout().is_some_and(|due| due <= self.now) {
            self.sfu.handle_timeout(self.now, &mut self.sink);
        }
        while self.sfu.poll_event().is_some() {}
    }
}
