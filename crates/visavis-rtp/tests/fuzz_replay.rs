//! The fuzz entry points over valid packets, mutated with a fixed seed.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop")]

use visavis_rtp::fuzz::{fuzz_rtcp, fuzz_rtp, fuzz_srtp};
use visavis_rtp::rtcp::{Builder, ReportBlock, SenderInfo, write_twcc};
use visavis_rtp::{RtpFields, RtpWriter};

/// Mutations per valid packet: a few seconds in all.
const MUTATIONS: usize = 20_000;

struct Random(u64);

impl Random {
    fn next(&mut self) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 as usize
    }

    fn mutate(&mut self, valid: &[u8]) -> Vec<u8> {
        let mut bytes = valid.to_vec();
        for _ in 0..self.next() % 6 {
            let at = self.next() % bytes.len();
            bytes[at] = self.next() as u8;
        }
        bytes.truncate(self.next() % (bytes.len() * 2) + 1);
        bytes
    }
}

fn rtp_packets() -> Vec<Vec<u8>> {
    let payloads: [&[u8]; 4] = [
        &[0x90, 0xf0, 0x92, 0x34, 0x56, 0xa3, 0, 1, 2],
        &[0xa8, 0x81, 0x02, 0x30, 1, 2, 3],
        &[0x78, 0, 1, 0x09, 0, 2, 0x67, 1],
        &[0x20, 0x03, 0x08, 0, 0, 9],
    ];
    let fields = RtpFields {
        marker: true,
        payload_type: 96,
        sequence: 1,
        timestamp: 2,
        ssrc: 3,
    };
    let mut packets = Vec::new();
    for payload in payloads {
        for two_byte in [false, true] {
            let mut out = vec![0; 64];
            let mut writer = RtpWriter::new(&mut out, &fields, two_byte).unwrap();
            writer.extension(1, b"mid").unwrap();
            writer.extension(3, &[1, 2]).unwrap();
            let len = writer.finish().unwrap();
            out.truncate(len);
            out.extend_from_slice(payload);
            packets.push(out);
        }
    }
    packets
}

#[test]
fn mutated_rtp_never_panics() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    for valid in rtp_packets() {
        for _ in 0..MUTATIONS {
            let bytes = random.mutate(&valid);
            fuzz_rtp(&bytes);
            fuzz_srtp(&bytes);
        }
    }
}

#[test]
fn mutated_rtcp_never_panics() {
    let mut valid = Vec::new();
    let mut builder = Builder::new(&mut valid);
    builder.sender_report(1, &SenderInfo::default(), &[ReportBlock::default(); 2]);
    builder.cname(1, "anna");
    builder.nack(1, 2, &[1, 2, 40]);
    builder.pli(1, 2);
    builder.fir(1, 2, 3);
    builder.goodbye(1);
    let arrivals: Vec<_> = (0..40).map(|n| (n % 3 != 0).then_some(n * 5_000)).collect();
    write_twcc(&mut valid, 1, 2, 3, 65_530, &arrivals);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..MUTATIONS * 4 {
        let bytes = random.mutate(&valid);
        fuzz_rtcp(&bytes);
        fuzz_srtp(&bytes);
    }
}
