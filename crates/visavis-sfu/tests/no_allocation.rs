//! Forwarding in a steady stream allocates nothing: counted, not believed.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop")]
#![allow(
    unsafe_code,
    reason = "an allocator is unsafe by its trait; this one only counts"
)]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::{Duration, Instant};

use common::{OPUS, Packet, RIDS, Table, VP8};
use visavis_rtp::rtcp::{Builder, ReportBlock};
use visavis_rtp::srtp::{Profile, SrtpTx};
use visavis_rtp::{Codec, ExtensionKind, MediaKind, RtpFields, RtpHeader, RtpWriter};
use visavis_sfu::{
    ArrivalLog, Downlink, Origin, PacketCache, PacketMeta, PeerId, ReceiveStream, Received,
    SendParams, SendStream, Step, pass_on,
};

const ORIGIN: Origin = Origin(1);

fn step(first: bool) -> Step {
    if first {
        Step::Switch(None)
    } else {
        Step::Next
    }
}

struct Counting;

thread_local! {
    /// Of this test only: others run at the same time.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

fn allocations() -> usize {
    ALLOCATIONS.with(Cell::get)
}

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promises are those that the system's asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_steady_stream_is_received_and_forwarded_without_allocating() {
    let start = Instant::now();
    let extensions = [(ExtensionKind::TransportCc, 3), (ExtensionKind::Mid, 4)];
    let extensions = extensions.into_iter().collect();
    let tx = SrtpTx::new(Profile::AeadAes256Gcm, &[1; 32], &[2; 12]).unwrap();
    let mut cache = PacketCache::default();
    let mut receiver = ReceiveStream::new(1, 90_000, true, start);
    let mut arrivals = ArrivalLog::new(start);
    let mut downlink = Downlink::default();
    let mut feedback = Vec::with_capacity(4_096);
    let mut nacks = Vec::with_capacity(64);
    let mut slot = [0; 1_500];
    let mut streams: Vec<_> = (0..3u32)
        .map(|n| {
            SendStream::new(SendParams {
                kind: MediaKind::Video,
                ssrc: 10 + n,
                payload_type: 100,
                rtx: Some((20 + n, 101)),
                clock_rate: 90_000,
                extensions,
                mid: "0".into(),
                first_sequence: 0,
            })
        })
        .collect();
    let mut packet = [7; 1_200];
    let mut allocated = Vec::new();
    // Four seconds of 250 packets/s to warm up, then ten that are counted.
    for n in 0..3_500u16 {
        let now = start + Duration::from_millis(4) * u32::from(n);
        let before = allocations();
        let fields = RtpFields {
            marker: false,
            payload_type: 96,
            sequence: n,
            timestamp: u32::from(n) * 360,
            ssrc: 1,
        };
        let mut writer = RtpWriter::new(&mut packet, &fields, false).unwrap();
        writer.extension(3, &n.to_be_bytes()).unwrap();
        let len = writer.finish().unwrap();
        packet[len] = 0x10;
        let header = RtpHeader::parse(&packet).unwrap();
        arrivals.handle_packet(n, now);
        feedback.clear();
        arrivals.poll_feedback(now, 1, 1, &mut feedback);
        let received = receiver.handle_packet(n, true, Some(header.timestamp), now);
        let Received::New(sequence) = received else {
            panic!("{received:?}")
        };
        nacks.clear();
        receiver.poll_nack(now, Duration::from_millis(50), &mut nacks);
        let payload = header.payload(&packet);
        let meta = PacketMeta::read(&header, sequence, Codec::Vp8, payload, now);
        let mut passed = [0; 255];
        let len = pass_on(&header, &packet, &extensions, &mut passed);
        cache.push(meta, payload, &passed[..len]);
        let cached = cache.get(sequence).unwrap();
        for stream in &mut streams {
            let sent = stream.forward(
                &cached,
                (ORIGIN, step(n == 0)),
                &mut downlink,
                &tx,
                &mut slot,
                now,
            );
            assert!(sent.unwrap().is_some());
            if n > 10 {
                let again =
                    stream.resend(n - 5, |_| Some(&cache), &mut downlink, &tx, &mut slot, now);
                assert!(again.unwrap().is_some());
            }
        }
        if n >= 1_000 {
            allocated.push(allocations() - before);
        }
    }
    assert_eq!(allocated.iter().sum::<usize>(), 0);
}

/// A layer of the camera, and the microphone.
struct Source {
    codec: visavis_sfu::PayloadCodec,
    mid: &'static str,
    rid: Option<&'static str>,
    ssrc: u32,
    packets: u64,
    sequence: u64,
}

fn source(layer: Option<usize>) -> Source {
    Source {
        codec: if layer.is_some() { VP8 } else { OPUS },
        mid: if layer.is_some() { "1" } else { "2" },
        rid: layer.map(|layer| RIDS[layer]),
        ssrc: 5_000_000 + layer.map_or(9, |layer| layer as u32),
        packets: [1, 1, 3, 8][layer.map_or(0, |layer| layer + 1)],
        sequence: 100,
    }
}

impl Source {
    /// Seals one frame, and hands over all of it except packets that get lost.
    fn send(&mut self, table: &mut Table, frame: u64, lost: impl Fn(u64) -> bool) {
        let mut payload = [7; 1_100];
        let [high, low] = (frame as u16 | 0x8000).to_be_bytes();
        let len = if self.rid.is_some() { 1_100 } else { 80 };
        for nth in 0..self.packets {
            let first = if nth == 0 { 0x90 } else { 0x80 };
            let delta = u8::from(frame > 0);
            payload[..6].copy_from_slice(&[first, 0xc0, high, low, frame as u8, delta]);
            let packet = Packet {
                codec: self.codec,
                mid: self.mid,
                rid: self.rid,
                ssrc: self.ssrc,
                sequence: self.sequence,
                timestamp: frame as u32 * self.codec.clock_rate / 30,
                marker: nth + 1 == self.packets,
                payload: &payload[..len],
            };
            self.sequence += 1;
            let mut sealed = [0; 1_500];
            let len = table.seal(&packet, &mut sealed);
            if !lost(self.sequence) {
                table.handle(&mut sealed[..len]);
            }
        }
    }
}

/// What a receiver says twice a second: a report, and three packets that it misses.
fn feedback(peer: u64, tx: &mut SrtpTx, sequence: u16, out: &mut [u8]) -> usize {
    let ssrc = Table::source(peer, 0);
    let mut rtcp = Vec::new();
    let mut builder = Builder::new(&mut rtcp);
    let block = ReportBlock {
        ssrc,
        highest_sequence: u32::from(sequence),
        ..ReportBlock::default()
    };
    builder.receiver_report(1, &[block]);
    builder.nack(1, ssrc, &[sequence, sequence - 3, sequence - 4]);
    out[..rtcp.len()].copy_from_slice(&rtcp);
    tx.seal_rtcp(out, rtcp.len()).unwrap()
}

#[test]
fn a_whole_table_forwards_repairs_and_reports_without_allocating() {
    let profile = Profile::AeadAes256Gcm;
    let mut table = Table::new(profile);
    table.publish(1, VP8, &RIDS);
    table.publish(2, OPUS, &[]);
    let mut senders = Vec::new();
    for peer in 1..=20 {
        table.receive(profile, peer, &[(1, VP8), (2, OPUS)]);
        senders.push(common::sender(profile, peer, true));
    }
    let mut sources = [Some(0), Some(1), Some(2), None].map(source);
    let (mut warming, mut allocated) = (0, 0);
    // Ten seconds to warm up, ten that are counted.
    for frame in 0..600u64 {
        table.now += Duration::from_millis(33);
        let before = allocations();
        for source in &mut sources {
            // A fiftieth is lost: requests for it go out, and time out.
            source.send(&mut table, frame, |n| frame > 5 && n % 50 == 7);
        }
        table.flush();
        table.handle_timeout();
        let mut counted = allocations() - before;
        if frame % 15 == 14 {
            for (peer, tx) in (1..).zip(&mut senders) {
                let mut sealed = [0; 1_500];
                let first = (Table::source(peer, 0) ^ Table::source(peer, 0) >> 16) as u16;
                let sequence = (first & 0x7fff) + frame as u16 * 8 - 30;
                let len = feedback(peer, tx, sequence, &mut sealed);
                let before = allocations();
                let (now, sink) = (table.now, &mut table.sink);
                table
                    .sfu
                    .handle_srtp(PeerId(peer), &mut sealed[..len], now, sink);
                counted += allocations() - before;
            }
        }
        match frame < 300 {
            true => warming += counted,
            false => allocated += counted,
        }
    }
    let counters = table.sfu.counters();
    assert!(table.sink.rtp > 20 * 599 * 8, "{}", table.sink.rtp);
    assert!(table.sink.rtcp > 500, "{}", table.sink.rtcp);
    assert!(counters.resent > 1_000, "{counters:?}");
    assert_eq!((counters.forged, counters.unbound), (0, 0));
    assert!(warming > 0, "the counter counts");
    assert_eq!(allocated, 0);
}
