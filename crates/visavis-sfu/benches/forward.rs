//! What forwarding costs without the send, as a multiple of a bare seal of the
//! same bytes, both in one process and in turns.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program for a terminal"
)]
#![allow(missing_docs, reason = "a program")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use visavis_rtp::srtp::{Profile, SrtpTx};
use visavis_rtp::{Codec, ExtensionKind, RtpFields, RtpHeader, RtpWriter};
use visavis_sfu::{Downlink, PacketCache, PacketMeta, SendParams, SendStream, pass_on};

/// Octets of a packet, its header included.
const SIZE: usize = 1_200;
/// Rounds, each of all cases in turn; the least of each case counts.
const ROUNDS: usize = 9;
/// Forwards per case and round.
const FORWARDS: usize = 60_000;

struct Receiver {
    stream: SendStream,
    downlink: Downlink,
    tx: SrtpTx,
}

struct Case {
    profile: Profile,
    receivers: Vec<Receiver>,
    frame: u64,
    cache: PacketCache,
    next: u64,
    now: Instant,
    best: Duration,
    bare: Duration,
}

fn keys(profile: Profile, n: usize) -> SrtpTx {
    let key: Vec<u8> = (0..profile.key_len()).map(|at| (at + n) as u8).collect();
    SrtpTx::new(profile, &key, &vec![3; profile.salt_len()]).unwrap()
}

impl Case {
    fn new(profile: Profile, receivers: usize, frame: u64) -> Self {
        let extensions = [(ExtensionKind::TransportCc, 3), (ExtensionKind::Mid, 4)];
        let receiver = |n: usize| Receiver {
            stream: SendStream::new(SendParams {
                ssrc: 10 + n as u32,
                payload_type: 100,
                rtx: Some((50_000 + n as u32, 101)),
                clock_rate: 90_000,
                extensions: extensions.into_iter().collect(),
                mid: "0".into(),
                first_sequence: 0,
            }),
            downlink: Downlink::default(),
            tx: keys(profile, n),
        };
        Self {
            profile,
            receivers: (0..receivers).map(receiver).collect(),
            frame,
            cache: PacketCache::default(),
            next: 0,
            now: Instant::now(),
            best: Duration::MAX,
            bare: Duration::MAX,
        }
    }

    /// One frame into the cache.
    fn publish(&mut self) {
        self.now += Duration::from_millis(33);
        for n in self.next..self.next + self.frame {
            let mut packet = [7; SIZE];
            let fields = RtpFields {
                marker: n + 1 == self.next + self.frame,
                payload_type: 96,
                sequence: n as u16,
                timestamp: (self.next / self.frame * 3_000) as u32,
                ssrc: 1,
            };
            let header = RtpWriter::new(&mut packet, &fields, false)
                .unwrap()
                .finish()
                .unwrap();
            let picture = (self.next / self.frame % 0x7fff) as u16 | 0x8000;
            let [high, low] = picture.to_be_bytes();
            packet[header..header + 5].copy_from_slice(&[0x80, 0xc0, high, low, 9]);
            let header = RtpHeader::parse(&packet).unwrap();
            let payload = header.payload(&packet);
            let meta = PacketMeta::read(&header, n, Codec::Vp8, payload, self.now);
            let mut passed = [0; 255];
            let none = <_>::default();
            let len = pass_on(&header, &packet, &none, &mut passed);
            self.cache.push(meta, payload, &passed[..len]);
        }
    }

    fn forward(&mut self) -> Duration {
        let mut slot = [0; 1_500];
        let mut spent = Duration::ZERO;
        let mut count = 0;
        while count < FORWARDS {
            self.publish();
            let frame = self.next..self.next + self.frame;
            self.next = frame.end;
            let start = Instant::now();
            for receiver in &mut self.receivers {
                for sequence in frame.clone() {
                    let cached = self.cache.get(sequence).unwrap();
                    let Receiver {
                        stream,
                        downlink,
                        tx,
                    } = receiver;
                    let sent =
                        stream.forward(&cached, sequence == 0, downlink, tx, &mut slot, self.now);
                    black_box(sent.unwrap());
                    count += 1;
                }
            }
            spent += start.elapsed();
            black_box(&slot);
        }
        spent / count as u32
    }

    fn seal(&mut self) -> Duration {
        let mut slot = [0; 1_500];
        slot[0] = 0x80;
        let rest = [7; SIZE - 20];
        let start = Instant::now();
        for n in 0..FORWARDS {
            let tx = &self.receivers[n / self.frame as usize % self.receivers.len()].tx;
            black_box(
                tx.seal_rtp(black_box(&mut slot), 20, 0, black_box(&rest), n as u64)
                    .unwrap(),
            );
        }
        start.elapsed() / FORWARDS as u32
    }
}

fn main() {
    let mut cases = Vec::new();
    for profile in [
        Profile::AeadAes256Gcm,
        Profile::AeadAes128Gcm,
        Profile::AesCm128HmacSha1_80,
    ] {
        for (receivers, frame) in [(1, 8), (1, 1), (100, 8), (500, 8), (500, 1)] {
            cases.push(Case::new(profile, receivers, frame));
        }
    }
    for _ in 0..ROUNDS {
        for case in &mut cases {
            case.bare = case.bare.min(case.seal());
            case.best = case.best.min(case.forward());
        }
    }
    println!("| profile | receivers | packets per frame | seal, ns | forward, ns | ratio |");
    println!("|---|---|---|---|---|---|");
    for case in &cases {
        let ratio = case.best.as_nanos() as f64 / case.bare.as_nanos() as f64;
        println!(
            "| {:?} | {} | {} | {} | {} | {ratio:.2} |",
            case.profile,
            case.receivers.len(),
            case.frame,
            case.bare.as_nanos(),
            case.best.as_nanos(),
        );
    }
}
