//! Forwarding in a steady stream allocates nothing: counted, not believed.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop")]
#![allow(
    unsafe_code,
    reason = "an allocator is unsafe by its trait; this one only counts"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use visavis_rtp::srtp::{Profile, SrtpTx};
use visavis_rtp::{Codec, ExtensionKind, RtpFields, RtpHeader, RtpWriter};
use visavis_sfu::{
    ArrivalLog, Downlink, PacketCache, PacketMeta, ReceiveStream, Received, SendParams, SendStream,
    pass_on,
};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
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
        let before = ALLOCATIONS.load(Ordering::Relaxed);
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
            let sent = stream.forward(&cached, n == 0, &mut downlink, &tx, &mut slot, now);
            assert!(sent.unwrap().is_some());
            if n > 10 {
                let again = stream.resend(n - 5, &cache, &mut downlink, &tx, &mut slot, now);
                assert!(again.unwrap().is_some());
            }
        }
        if n >= 1_000 {
            allocated.push(ALLOCATIONS.load(Ordering::Relaxed) - before);
        }
    }
    assert_eq!(allocated.iter().sum::<usize>(), 0);
}
