//! What nobody honest sends is dropped and counted.

use std::net::SocketAddr;
use std::time::Duration;

use visavis_rtp::MediaKind;
use visavis_sfu::TrackId;

use crate::meeting::Meeting;

const CAMERA: TrackId = TrackId(1);

fn busy(seed: u64) -> (Meeting, usize) {
    let mut meeting = Meeting::new(seed);
    let publisher = meeting.join();
    meeting.publish_camera(publisher, CAMERA, &[]);
    let receiver = meeting.join();
    meeting.subscribe(receiver, CAMERA, MediaKind::Video);
    meeting.connect();
    meeting.run(Duration::from_secs(1));
    (meeting, receiver)
}

#[test]
fn replayed_truncated_and_forged_media_is_dropped_and_counted() {
    let (mut meeting, receiver) = busy(31);
    let (_, source, authentic) = meeting
        .arrived
        .iter()
        .rev()
        .find(|(_, _, bytes)| bytes[0] & 0xc0 == 0x80 && bytes[1] & 0x7f == 96)
        .unwrap()
        .clone();
    let before = meeting.core.counters();
    let received = meeting.clients[receiver].packets.len();
    meeting.inject(source, &authentic);
    assert_eq!(meeting.core.counters().1.replayed, before.1.replayed + 1);
    let mut refused = 0;
    for len in 1..authentic.len() {
        meeting.inject(source, &authentic[..len]);
        refused += 1;
    }
    for at in 1..authentic.len() {
        let mut forged = authentic.clone();
        forged[at] ^= 0x10;
        meeting.inject(source, &forged);
        refused += 1;
    }
    let after = meeting.core.counters();
    let counted = |c: visavis_sfu::SfuCounters| c.forged + c.replayed;
    assert_eq!(counted(after.1) - counted(before.1), refused + 1);
    assert_eq!(after.1.received, before.1.received);
    assert_eq!(after.0.panics, 0);
    meeting.run(Duration::from_secs(1));
    assert!(
        meeting.clients[receiver].packets.len() > received + 200,
        "the call goes on"
    );
}

#[test]
fn strangers_are_dropped_and_counted() {
    let (mut meeting, _) = busy(32);
    let stranger: SocketAddr = "203.0.113.66:6".parse().unwrap();
    let media = meeting
        .arrived
        .iter()
        .rev()
        .find(|(_, _, b)| b[0] & 0xc0 == 0x80);
    let media = media.unwrap().2.clone();
    let check = meeting
        .arrived
        .iter()
        .rev()
        .find(|(_, _, b)| b[..2] == [0, 1]);
    let check = check.unwrap().2.clone();
    let sent = meeting.sent.len();
    let before = meeting.core.counters().0;
    meeting.inject(stranger, &media);
    meeting.inject(stranger, &[22, 254, 253, 0, 0]);
    let counters = meeting.core.counters().0;
    assert_eq!(counters.strangers, before.strangers + 2);
    // A check with a broken signature, one for nobody, an answer nobody asked for.
    for at in [30, check.len() - 12] {
        let mut forged = check.clone();
        forged[at] ^= 1;
        meeting.inject(stranger, &forged);
    }
    let mut answer = check.clone();
    answer[..2].copy_from_slice(&[1, 1]);
    meeting.inject(stranger, &answer);
    for first in [4, 19, 64, 127, 192, 255] {
        meeting.inject(stranger, &[first; 40]);
    }
    meeting.inject(stranger, &[]);
    let counters = meeting.core.counters().0;
    assert_eq!(counters.refused_checks, before.refused_checks + 3);
    assert_eq!(counters.unknown, before.unknown + 7);
    assert_eq!((meeting.sent.len(), counters.panics), (sent, 0));
    meeting.inject(stranger, &media);
    assert_eq!(meeting.core.counters().0.strangers, before.strangers + 3);
}

#[test]
fn whoever_asks_for_its_address_is_told_within_a_budget() {
    let mut meeting = Meeting::new(33);
    let stranger: SocketAddr = "203.0.113.66:6000".parse().unwrap();
    let mut request = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
    request.extend([7; 12]);
    for _ in 0..3_000 {
        meeting.inject(stranger, &request);
    }
    let answered = meeting.sent.len() as u64;
    assert_eq!(answered + meeting.core.counters().0.unanswered, 3_000);
    assert!((1..=1_000).contains(&answered), "{answered}");
    let answer = &meeting.sent[0];
    assert_eq!((answer.to, &answer.bytes[..2]), (stranger, &[1, 1][..]));
    assert_eq!(answer.bytes[8..20], [7; 12]);
    meeting.run(Duration::from_millis(1_100));
    meeting.inject(stranger, &request);
    assert_eq!(meeting.sent.len() as u64, answered + 1);
}

#[test]
fn noise_at_every_door_harms_nobody() {
    let (mut meeting, receiver) = busy(34);
    let known = meeting.clients[0].addresses[0].1;
    let stranger: SocketAddr = "203.0.113.66:6".parse().unwrap();
    for _ in 0..20_000 {
        let len = meeting.random.next() % 120;
        let mut noise: Vec<u8> = (0..len).map(|_| meeting.random.next() as u8).collect();
        if let Some(first) = noise.first_mut() {
            let doors = [0, 1, 22, 23, 128, 144, 160, *first];
            *first = doors[(meeting.random.next() % 8) as usize];
        }
        let source = if meeting.random.happens(50) {
            known
        } else {
            stranger
        };
        meeting.inject(source, &noise);
    }
    let received = meeting.clients[receiver].packets.len();
    meeting.run(Duration::from_secs(1));
    assert!(meeting.clients[receiver].packets.len() > received + 200);
    assert_eq!(meeting.core.counters().0.panics, 0);
    assert_eq!(meeting.core.transports(), 2);
}
