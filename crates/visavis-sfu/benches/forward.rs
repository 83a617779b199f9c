//! What forwarding costs without the send, through the whole table, as a
//! multiple of a bare seal of the same bytes, both in one process and in turns.
//!
//! Timed is `Sfu::flush`: layer filter, rewriting, header, transport-wide number
//! and send history, entry for retransmission, seal. Opening and remembering the
//! publisher's packet is not: it is done once, whatever the number of receivers.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program for a terminal"
)]
#![allow(missing_docs, reason = "a program")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::hint::black_box;
use std::time::{Duration, Instant};

use common::{Packet, Table, VP8, sender};
use rustix::time::{ClockId, clock_gettime};
use visavis_rtp::srtp::{Profile, SrtpTx};

/// Octets of a sent packet, its header included.
const SIZE: usize = 1_200;
/// Octets of its header: 12, and the transport-wide number as an extension.
const HEADER: usize = 20;
/// Rounds, each of all cases in turn; the least of each case counts.
const ROUNDS: usize = 99;
/// Rounds of each case that must have passed undisturbed.
const LEAST: usize = 20;
/// Forwards per case and round, at least: a millisecond or two, so that many
/// rounds pass without the scheduler even on a machine that does other things.
const FORWARDS: usize = 4_000;
/// Frames of each track before anything is timed: by then all buffers have their
/// size, and no packet carries its mid any more.
const WARM_UP: u64 = 120;

/// How a case differs from the others of its profile.
#[derive(Clone, Copy)]
struct Shape {
    receivers: u64,
    /// Media sections of the publisher, and of each receiver.
    tracks: u64,
    /// Packets per frame.
    frame: u64,
}

const fn shape(receivers: u64, tracks: u64, frame: u64) -> Shape {
    Shape {
        receivers,
        tracks,
        frame,
    }
}

const SHAPES: [Shape; 10] = [
    shape(1, 1, 8),
    shape(1, 1, 1),
    shape(100, 1, 8),
    shape(100, 1, 1),
    shape(500, 1, 8),
    shape(500, 1, 1),
    shape(20, 1, 8),
    shape(20, 1, 1),
    shape(20, 100, 8),
    shape(20, 100, 1),
];
/// What growth is told of: from which shape to which other.
const GROWTHS: [(usize, usize); 4] = [(0, 4), (1, 5), (6, 8), (7, 9)];

struct Case {
    profile: Profile,
    shape: Shape,
    table: Table,
    keys: Vec<SrtpTx>,
    /// Frames that each track has sent.
    frames: Vec<u64>,
    turn: usize,
    forward: Duration,
    seal: Duration,
    /// Rounds that were not disturbed.
    counted: usize,
}

impl Case {
    fn new(profile: Profile, shape: Shape) -> Self {
        let mut table = Table::new(profile);
        let tracks: Vec<_> = (0..shape.tracks).map(|track| (track, VP8)).collect();
        for (track, codec) in &tracks {
            table.publish(*track, *codec, &[]);
        }
        let peers = 1..=shape.receivers;
        for peer in peers.clone() {
            table.receive(profile, peer, &tracks);
        }
        let keys = peers.map(|peer| sender(profile, peer, false)).collect();
        let mut case = Self {
            profile,
            shape,
            table,
            keys,
            frames: vec![0; tracks.len()],
            turn: 0,
            forward: Duration::MAX,
            seal: Duration::MAX,
            counted: 0,
        };
        for _ in 0..WARM_UP * shape.tracks {
            case.publish();
            case.table.flush();
        }
        case
    }

    /// One frame of one track to the table; the tracks take turns.
    fn publish(&mut self) {
        let track = self.turn % self.frames.len();
        self.turn += 1;
        if track == 0 {
            self.table.now += Duration::from_millis(33);
        }
        self.table.handle_timeout();
        let frame = self.frames[track];
        self.frames[track] += 1;
        let mut payload = [7; SIZE - HEADER];
        let [high, low] = (frame as u16 | 0x8000).to_be_bytes();
        let delta = u8::from(frame > 0);
        let mid = track.to_string();
        for nth in 0..self.shape.frame {
            let first = if nth == 0 { 0x90 } else { 0x80 };
            payload[..6].copy_from_slice(&[first, 0xc0, high, low, frame as u8, delta]);
            let packet = Packet {
                codec: VP8,
                mid: &mid,
                rid: None,
                ssrc: 7_000_000 + track as u32,
                sequence: frame * self.shape.frame + nth,
                timestamp: frame as u32 * 3_000,
                marker: nth + 1 == self.shape.frame,
                payload: &payload,
            };
            let mut sealed = [0; 1_500];
            let len = self.table.seal(&packet, &mut sealed);
            self.table.handle(&mut sealed[..len]);
        }
    }

    fn forward(&mut self, clock: Duration) -> Option<Duration> {
        let mut spent = Duration::ZERO;
        let mut count = 0;
        undisturbed(|| {
            while count < FORWARDS {
                self.publish();
                let before = self.table.sink.rtp;
                let start = Instant::now();
                self.table.flush();
                spent += start.elapsed().saturating_sub(clock);
                let sent = self.table.sink.rtp - before;
                assert_eq!(sent as u64, self.shape.receivers * self.shape.frame);
                count += sent;
            }
        })?;
        Some(spent / count as u32)
    }

    /// The same octets by the same keys, frame by frame, and nothing else.
    fn seal(&mut self) -> Option<Duration> {
        let mut slot = [0; 1_500];
        slot[0] = 0x80;
        let rest = [7; SIZE - HEADER];
        let frame = self.shape.frame as usize;
        let spent = undisturbed(|| {
            for n in 0..FORWARDS {
                let tx = &self.keys[n / frame % self.keys.len()];
                let out = black_box(&mut slot);
                black_box(
                    tx.seal_rtp(out, HEADER, 0, black_box(&rest), n as u64)
                        .unwrap(),
                );
            }
        })?;
        Some(spent / FORWARDS as u32)
    }

    /// One round; what was disturbed does not count.
    fn measure(&mut self, clock: Duration) {
        let (seal, forward) = (self.seal(), self.forward(clock));
        self.seal = self.seal.min(seal.unwrap_or(Duration::MAX));
        self.forward = self.forward.min(forward.unwrap_or(Duration::MAX));
        self.counted += usize::from(seal.is_some() && forward.is_some());
    }

    fn ratio(&self) -> f64 {
        self.forward.as_nanos() as f64 / self.seal.as_nanos() as f64
    }
}

fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// How long `work` takes, unless the thread did not run all the time: then the
/// clock on the wall, the only one fine enough for a single packet, does not
/// tell processor time.
fn undisturbed(work: impl FnOnce()) -> Option<Duration> {
    let (start, before) = (Instant::now(), thread_time());
    work();
    let (spent, elapsed) = (thread_time() - before, start.elapsed());
    (elapsed.saturating_sub(spent) < elapsed / 50).then_some(elapsed)
}

/// What reading the clock adds to a span that is measured with it.
fn clock_cost() -> Duration {
    let pairs = (0..100_000).map(|_| black_box(Instant::now()).elapsed());
    pairs.min().unwrap_or_default()
}

/// Per cent by which the second case is dearer than the first.
fn growth(cases: &[Case], from: usize, to: usize) -> f64 {
    let [from, to] = [from, to].map(|at| cases[at].forward.as_nanos() as f64);
    (to / from - 1.0) * 100.0
}

fn main() {
    println!(
        "| profile | receivers | sections | packets per frame | seal, ns | forward, ns | ratio |"
    );
    println!("|---|---|---|---|---|---|---|");
    let mut growths = String::new();
    let clock = clock_cost();
    for profile in [
        Profile::AeadAes256Gcm,
        Profile::AeadAes128Gcm,
        Profile::AesCm128HmacSha1_80,
    ] {
        let mut cases = SHAPES.map(|shape| Case::new(profile, shape));
        for round in 0.. {
            let enough = cases.iter().all(|case| case.counted >= LEAST);
            if round >= ROUNDS && enough {
                break;
            }
            assert!(round < 20 * ROUNDS, "the machine is too busy");
            for case in &mut cases {
                case.measure(clock);
            }
        }
        for case in &cases {
            println!(
                "| {:?} | {} | {} | {} | {} | {} | {:.2} |",
                case.profile,
                case.shape.receivers,
                case.shape.tracks,
                case.shape.frame,
                case.seal.as_nanos(),
                case.forward.as_nanos(),
                case.ratio(),
            );
        }
        let grown = GROWTHS.map(|(from, to)| format!("{:+.0} %", growth(&cases, from, to)));
        growths += &format!("| {profile:?} | {} |\n", grown.join(" | "));
    }
    println!(
        "\n| profile | 1 to 500 receivers, frames of 8 | single packets \
         | 1 to 100 sections, frames of 8 | single packets |"
    );
    println!("|---|---|---|---|---|\n{growths}");
    println!("Reading the clock, deducted from each flush: {clock:?}.");
}
