//! A client moves to another address and back, and media follows.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use str0m::Candidate;
use str0m::net::Protocol;
use visavis_rtp::MediaKind;
use visavis_sfu::TrackId;

use crate::meeting::Meeting;

const CAMERA: TrackId = TrackId(1);

/// Whether this is a check that nominates its path (RFC 8445 section 7.1.2).
fn nominates(bytes: &[u8]) -> bool {
    if bytes[..2] != [0, 1] {
        return false;
    }
    let mut at = 20;
    while let Some([kind_high, kind, len_high, len]) = bytes.get(at..at + 4) {
        if [*kind_high, *kind] == [0, 0x25] {
            return true;
        }
        at += 4 + usize::from(u16::from_be_bytes([*len_high, *len])).next_multiple_of(4);
    }
    false
}

/// When the first nominating check since `since` came from this address.
fn first_check(meeting: &Meeting, source: SocketAddr, since: Instant) -> Option<Instant> {
    let mut arrived = meeting.arrived.iter();
    arrived
        .find(|(at, from, bytes)| *at >= since && *from == source && nominates(bytes))
        .map(|(at, ..)| *at)
}

/// Lets a client come from `new` and asserts that media goes there from its
/// first check on, and nothing to `old`.
fn follows(meeting: &mut Meeting, receiver: usize, old: SocketAddr, new: SocketAddr, wait: u64) {
    let since = meeting.now;
    let wait = Duration::from_secs(wait);
    assert!(
        meeting.run_until(wait, |meeting| first_check(meeting, new, since).is_some()),
        "a check from {new}"
    );
    let check = first_check(meeting, new, since).unwrap();
    meeting.run(Duration::from_secs(1));
    let media = |from: Instant, to: SocketAddr| {
        let sent = meeting.sent.iter().filter(|sent| sent.is_media());
        sent.filter(|sent| sent.at >= from && sent.to == to).count()
    };
    assert!(media(since, old) > 0, "until the check, the old address");
    // The batch in which the check came is the last that may go there.
    assert_eq!(media(check + Duration::from_millis(1), old), 0);
    assert!(media(check, new) > 200, "{}", media(check, new));
    let got = &meeting.clients[receiver].packets;
    assert!(got.iter().filter(|got| got.at > check).count() > 200);
}

fn watch(addresses: &[SocketAddr]) -> (Meeting, usize) {
    let mut meeting = Meeting::new(4);
    let publisher = meeting.join();
    meeting.publish_camera(publisher, CAMERA, &[]);
    let receiver = meeting.join_from(addresses);
    meeting.subscribe(receiver, CAMERA, MediaKind::Video);
    meeting.connect();
    meeting.run(Duration::from_secs(2));
    (meeting, receiver)
}

#[test]
fn media_follows_a_client_whose_nat_gives_it_another_address_and_back() {
    let home: SocketAddr = "198.51.100.7:50000".parse().unwrap();
    let away: SocketAddr = "203.0.113.9:1111".parse().unwrap();
    let (mut meeting, receiver) = watch(&[home]);
    for (old, new) in [(home, away), (away, home)] {
        meeting.clients[receiver].addresses = vec![(home, new)];
        follows(&mut meeting, receiver, old, new, 6);
    }
}

#[test]
fn media_follows_a_client_to_a_pair_of_lower_priority_and_back() {
    let wifi: SocketAddr = "198.51.100.7:50000".parse().unwrap();
    let mobile: SocketAddr = "203.0.113.9:1111".parse().unwrap();
    let (mut meeting, receiver) = watch(&[wifi, mobile]);
    let media_to = |meeting: &Meeting| {
        let mut sent = meeting.sent.iter().rev();
        sent.find(|sent| sent.is_media() && [wifi, mobile].contains(&sent.to))
            .map(|sent| sent.to)
            .unwrap()
    };
    let first = media_to(&meeting);
    let other = if first == wifi { mobile } else { wifi };
    // Its first network goes away: it nominates the other pair.
    meeting.clients[receiver].cut = vec![first];
    follows(&mut meeting, receiver, first, other, 40);
    // It is back under another port, as after joining the network again.
    let back = SocketAddr::new(first.ip(), first.port() + 1);
    let client = &mut meeting.clients[receiver];
    client.addresses.push((back, back));
    let candidate = Candidate::host(back, Protocol::Udp).unwrap();
    client.rtc.add_local_candidate(candidate);
    meeting.run(Duration::from_secs(2));
    meeting.clients[receiver].cut = vec![other];
    follows(&mut meeting, receiver, other, back, 40);
}

#[test]
fn a_publisher_that_moves_is_heard_from_its_new_address() {
    let (mut meeting, receiver) = watch(&["198.51.100.7:50000".parse().unwrap()]);
    let (home, _) = meeting.clients[0].addresses[0];
    let away: SocketAddr = "203.0.113.9:1111".parse().unwrap();
    meeting.clients[0].addresses = vec![(home, away)];
    let since = meeting.now;
    assert!(meeting.run_until(Duration::from_secs(6), |meeting| {
        first_check(meeting, away, since).is_some()
    }));
    let before = meeting.clients[receiver].packets.len();
    meeting.run(Duration::from_secs(2));
    assert!(meeting.clients[receiver].packets.len() > before + 400);
}
