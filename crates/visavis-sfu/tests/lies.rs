//! Packets of a participant who has the keys, and lies.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop")]

mod common;

use std::time::Duration;

use common::{OPUS, Packet, Table, VP8};
use visavis_rtp::srtp::Profile;

const SSRC: u32 = 5_000_000;

fn table() -> Table {
    let profile = Profile::AeadAes256Gcm;
    let mut table = Table::new(profile);
    table.publish(1, VP8, &[]);
    table.publish(2, OPUS, &[]);
    table.receive(profile, 1, &[(1, VP8), (2, OPUS)]);
    table
}

/// A keyframe of one packet; how many packets reached the receiver.
fn honest(table: &mut Table, ssrc: u32, sequence: u64) -> usize {
    let packet = Packet {
        codec: VP8,
        mid: "1",
        rid: None,
        ssrc,
        sequence,
        timestamp: sequence as u32 * 3_000,
        marker: true,
        payload: &[0x90, 0xc0, 0x80, 7, 7, 0, 1, 2, 3],
    };
    let mut sealed = [0; 1_500];
    let len = table.seal(&packet, &mut sealed);
    let before = table.sink.rtp;
    table.handle(&mut sealed[..len]);
    table.flush();
    table.sink.rtp - before
}

/// A header with these flags, and how many octets its own fields say it has.
fn header(first: u8, payload_type: u8, sequence: u16, extension: Option<&[u8]>) -> Vec<u8> {
    let mut packet = vec![first, payload_type];
    packet.extend(sequence.to_be_bytes());
    packet.extend([0; 4]);
    packet.extend(SSRC.to_be_bytes());
    packet.extend(vec![9; 4 * usize::from(first & 0x0f)]);
    if let Some(extension) = extension {
        packet.extend([0xbe, 0xde]);
        packet.extend((extension.len() as u16 / 4).to_be_bytes());
        packet.extend(extension);
    }
    packet
}

#[test]
fn lengths_that_lie_inside_authentic_packets_harm_nobody() {
    let mut table = table();
    assert_eq!(honest(&mut table, SSRC, 100), 1);
    // Padding longer than the packet, and of no octet at all.
    for (nth, padding) in [255, 0, 3].into_iter().enumerate() {
        let mut packet = header(0xa0, 96, 200 + nth as u16, None);
        let len = packet.len();
        packet.extend([0x90, padding]);
        table.lie(&packet, len, 200 + nth as u64);
    }
    assert_eq!(table.sfu.counters().malformed, 3);
    // An extension's element that goes on behind the extension.
    let packet = header(0x90, 96, 210, Some(&[0x4f, b'1', 0x3f, 0]));
    table.lie(&packet, packet.len(), 210);
    // Retransmissions without the number they repeat, on a source of their own.
    for (nth, payload) in [(0u8, &[][..]), (1, &[1])] {
        let mut packet = header(0x90, 97, u16::from(nth), Some(&[0x40, b'1', 0, 0]));
        packet[11] += 1;
        let len = packet.len();
        packet.extend(payload);
        table.lie(&packet, len, u64::from(nth));
    }
    let before = table.sfu.counters();
    // A retransmission among the media; a descriptor that ends early.
    for (nth, payload_type) in [(0, 97), (1, 96)] {
        let mut packet = header(0x80, payload_type, 220 + nth, None);
        let len = packet.len();
        packet.extend([0x90, 0xf0]);
        table.lie(&packet, len, 220 + u64::from(nth));
    }
    let after = table.sfu.counters();
    assert_eq!(after.unbound, before.unbound + 1);
    table.flush();
    assert_eq!(honest(&mut table, SSRC, 300), 1);
}

#[test]
fn reports_whose_counts_lie_harm_nobody() {
    let mut table = table();
    assert_eq!(honest(&mut table, SSRC, 100), 1);
    let compounds: [&[u8]; 7] = [
        // A receiver report of 31 blocks that are not there.
        &[0x9f, 201, 0, 1, 0, 0, 0, 1],
        // A sender report without its sender's clock.
        &[0x80, 200, 0, 1, 0, 0, 0, 1],
        // A length behind the end, and a NACK of nothing.
        &[0x81, 205, 0xff, 0xff, 0, 0, 0, 1],
        &[0x81, 205, 0, 1, 0, 0, 0, 1],
        // Transport-wide feedback about 65,535 packets in no chunk.
        &[
            0x8f, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0xff, 0xff, 0, 0, 0, 0,
        ],
        // Padding longer than the packet.
        &[0xa1, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 255],
        // A goodbye of 31 sources, none there.
        &[0x9f, 203, 0, 1, 0, 0, 0, 1],
    ];
    for compound in compounds {
        table.lie_rtcp(compound);
    }
    assert_eq!(table.sfu.counters().forged, 0, "they were authentic");
    assert_eq!(honest(&mut table, SSRC, 101), 1);
}

#[test]
fn noise_inside_authentic_packets_harms_nobody() {
    let mut table = table();
    assert_eq!(honest(&mut table, SSRC, 1), 1);
    let mut seed = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    for index in 2..30_000u64 {
        table.now += Duration::from_micros(500);
        let noise: Vec<u8> = (0..4 * (random() % 12)).map(|_| random() as u8).collect();
        if random() % 3 == 0 {
            let mut compound = vec![0x80 | random() as u8 & 0x1f, 200 + (random() % 7) as u8, 0];
            compound.push((random() % 8) as u8);
            compound.extend([0, 0, 0, 1]);
            compound.extend(noise);
            table.lie_rtcp(&compound);
        } else {
            let first = 0x80 | random() as u8 & 0x32;
            let payload_type = [96, 97, 111, 96 | 0x80][(random() % 4) as usize];
            let extension: Vec<u8> = (0..4 * (random() % 5)).map(|_| random() as u8).collect();
            let extension = (first & 0x10 != 0).then_some(&extension[..]);
            let mut packet = header(first, payload_type, index as u16, extension);
            let len = packet.len();
            packet.extend(noise);
            table.lie(&packet, len, index);
        }
        if index % 7 == 0 {
            table.flush();
            table.handle_timeout();
        }
    }
    let counters = table.sfu.counters();
    assert_eq!(counters.forged, 0);
    assert!(
        counters.malformed > 1_000 && counters.received > 1_000,
        "{counters:?}"
    );
    // Somebody else's stream of the same publisher is not touched.
    assert_eq!(honest(&mut table, SSRC + 7, 5), 1);
}
