//! A published VP8 stream through cache, rewriting, sealing and opening.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop")]

use std::time::Instant;

use visavis_rtp::srtp::{Profile, SrtpRx, SrtpTx};
use visavis_rtp::{Codec, ExtensionKind, ExtensionMap, MediaKind, RtpFields, RtpHeader, RtpWriter};
use visavis_sfu::{
    Downlink, Origin, PacketCache, PacketMeta, SendParams, SendStream, Step, pass_on,
};

const ORIGIN: Origin = Origin(1);

fn step(first: bool) -> Step {
    if first {
        Step::Switch(None)
    } else {
        Step::Next
    }
}

/// Where the numbers begin: the upper half of what was asked for is not used.
const FIRST: u16 = 65_530 & 0x7fff;

const LEVEL: &[u8] = &[0x85];

/// A publisher's packet: three octets of VP8 descriptor with a 7-bit picture id.
fn published(sequence: u16, picture: u8, ids: &ExtensionMap) -> Vec<u8> {
    let mut out = vec![0; 300];
    let fields = RtpFields {
        marker: true,
        payload_type: 96,
        sequence,
        timestamp: u32::from(sequence) * 3_000,
        ssrc: 1,
    };
    let mut writer = RtpWriter::new(&mut out, &fields, false).unwrap();
    writer
        .extension(ids.id(ExtensionKind::AudioLevel).unwrap(), LEVEL)
        .unwrap();
    writer
        .extension(ids.id(ExtensionKind::TransportCc).unwrap(), &[1, 2])
        .unwrap();
    writer.extension(9, b"unknown").unwrap();
    let header = writer.finish().unwrap();
    out.truncate(header);
    out.extend_from_slice(&[0x90, 0x80, picture & 0x7f]);
    out.extend((0..200).map(|octet| octet ^ sequence as u8));
    out
}

fn params(rtx: Option<(u32, u8)>) -> SendParams {
    let theirs = [
        (ExtensionKind::AudioLevel, 20),
        (ExtensionKind::TransportCc, 5),
        (ExtensionKind::Mid, 4),
    ];
    SendParams {
        kind: MediaKind::Video,
        ssrc: 77,
        payload_type: 100,
        rtx,
        clock_rate: 90_000,
        extensions: theirs.into_iter().collect(),
        mid: "7".into(),
        first_sequence: 65_530,
    }
}

struct Forwarder {
    ids: ExtensionMap,
    cache: PacketCache,
    stream: SendStream,
    downlink: Downlink,
    tx: SrtpTx,
    rx: SrtpRx,
    now: Instant,
    count: u64,
}

impl Forwarder {
    fn new(rtx: Option<(u32, u8)>) -> Self {
        let ids = [
            (ExtensionKind::AudioLevel, 1),
            (ExtensionKind::TransportCc, 3),
        ];
        let profile = Profile::AeadAes128Gcm;
        let stream = SendStream::new(params(rtx));
        Self {
            ids: ids.into_iter().collect(),
            cache: PacketCache::default(),
            stream,
            downlink: Downlink::default(),
            tx: SrtpTx::new(profile, &[1; 16], &[2; 12]).unwrap(),
            rx: SrtpRx::new(profile, &[1; 16], &[2; 12]).unwrap(),
            now: Instant::now(),
            count: 0,
        }
    }

    /// Publishes the next packet and gives it as it is sent, sealed.
    fn forward(&mut self) -> Vec<u8> {
        let packet = published(self.count as u16, self.count as u8, &self.ids);
        let header = RtpHeader::parse(&packet).unwrap();
        let payload = header.payload(&packet);
        let meta = PacketMeta::read(&header, self.count, Codec::Vp8, payload, self.now);
        let mut passed = [0; 255];
        let len = pass_on(&header, &packet, &self.ids, &mut passed);
        self.cache.push(meta, payload, &passed[..len]);
        let cached = self.cache.get(self.count).unwrap();
        let mut slot = [0; 1_500];
        let first = self.count == 0;
        let sent = self
            .stream
            .forward(
                &cached,
                (ORIGIN, step(first)),
                &mut self.downlink,
                &self.tx,
                &mut slot,
                self.now,
            )
            .unwrap()
            .unwrap();
        self.count += 1;
        slot[..sent].to_vec()
    }

    fn resend(&mut self, sequence: u16) -> Option<Vec<u8>> {
        let mut slot = [0; 1_500];
        let (cache, downlink) = (&self.cache, &mut self.downlink);
        let sent = self
            .stream
            .resend(
                sequence,
                |_| Some(cache),
                downlink,
                &self.tx,
                &mut slot,
                self.now,
            )
            .unwrap();
        sent.map(|len| slot[..len].to_vec())
    }

    fn open(&mut self, sealed: &[u8]) -> (RtpHeader, Vec<u8>) {
        let mut packet = sealed.to_vec();
        let len = self.rx.open_rtp(&mut packet).unwrap();
        packet.truncate(len);
        (RtpHeader::parse(&packet).unwrap(), packet)
    }
}

fn extension(header: &RtpHeader, packet: &[u8], id: u8) -> Option<Vec<u8>> {
    header
        .extensions(packet)
        .find(|(known, _)| *known == id)
        .map(|(_, value)| value.to_vec())
}

#[test]
fn a_receiver_sees_one_gapless_stream_with_its_own_ids() {
    let mut forwarder = Forwarder::new(Some((78, 101)));
    for n in 0..200u16 {
        let sealed = forwarder.forward();
        let size = sealed.len();
        let (header, packet) = forwarder.open(&sealed);
        assert_eq!(
            (header.ssrc, header.payload_type, header.marker),
            (77, 100, true)
        );
        assert_eq!(header.sequence, FIRST + n);
        assert_eq!(extension(&header, &packet, 20).as_deref(), Some(LEVEL));
        assert_eq!(
            extension(&header, &packet, 5),
            Some(n.to_be_bytes().to_vec())
        );
        let mid = (n < 100).then(|| b"7".to_vec());
        assert_eq!(extension(&header, &packet, 4), mid);
        assert_eq!(header.extensions(&packet).count(), 2 + usize::from(n < 100));
        let payload = header.payload(&packet);
        // The picture id has 15 bits now.
        assert_eq!(payload[..4], [0x90, 0x80, 0x80, n as u8 & 0x7f]);
        assert!(
            payload[4..]
                .iter()
                .enumerate()
                .all(|(at, octet)| *octet == at as u8 ^ n as u8)
        );
        assert_eq!(usize::from(forwarder.downlink.sent(n).unwrap().size), size);
    }
    assert_eq!(forwarder.stream.counts().packets, 200);
    assert_eq!(forwarder.stream.counts().octets, 200 * 203);
}

#[test]
fn a_retransmission_carries_the_original_number_and_payload() {
    let mut forwarder = Forwarder::new(Some((78, 101)));
    let originals: Vec<_> = (0..20).map(|_| forwarder.forward()).collect();
    for (n, expected_number) in [(10u16, 20u16), (10, 21), (3, 22)] {
        let (original, plain) = {
            let mut other = Forwarder::new(None);
            other.open(&originals[usize::from(n)])
        };
        let sequence = FIRST + n;
        let sealed = forwarder.resend(sequence).unwrap();
        let (header, packet) = forwarder.open(&sealed);
        assert_eq!((header.ssrc, header.payload_type), (78, 101));
        assert_eq!(header.timestamp, original.timestamp);
        let payload = header.payload(&packet);
        assert_eq!(payload[..2], sequence.to_be_bytes());
        assert_eq!(&payload[2..], original.payload(&plain));
        assert_eq!(
            extension(&header, &packet, 5),
            Some(expected_number.to_be_bytes().to_vec())
        );
    }
    assert_eq!(forwarder.resend(FIRST - 1), None);
    assert_eq!(forwarder.resend(FIRST + 30), None);
}

#[test]
fn without_rtx_a_packet_is_repeated_to_the_letter() {
    let mut forwarder = Forwarder::new(None);
    let originals: Vec<_> = (0..150).map(|_| forwarder.forward()).collect();
    for n in [0u16, 99, 100, 149] {
        let again = forwarder.resend(FIRST + n).unwrap();
        assert_eq!(again, originals[usize::from(n)], "packet {n}");
    }
}

#[test]
fn what_was_sent_by_other_parameters_is_not_sent_again() {
    let mut forwarder = Forwarder::new(None);
    for _ in 0..10 {
        forwarder.forward();
    }
    forwarder.stream.set_params(params(None));
    assert!(forwarder.resend(FIRST + 9).is_some(), "nothing changed");
    forwarder.stream.set_params(SendParams {
        payload_type: 101,
        ..params(None)
    });
    // Other bytes under the same index would give the key away.
    assert_eq!(forwarder.resend(FIRST + 9), None);
    let original = forwarder.forward();
    assert_eq!(forwarder.resend(FIRST + 10), Some(original.clone()));
    let (header, packet) = forwarder.open(&original);
    assert_eq!((header.sequence, header.payload_type), (FIRST + 10, 101));
    let mid = extension(&header, &packet, 4);
    assert_eq!(mid.as_deref(), Some(&b"7"[..]), "named again");
}
