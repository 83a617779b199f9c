//! What is lost is repaired.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use str0m::rtp::rtcp::Rtcp;
use visavis_rtp::MediaKind;
use visavis_sfu::TrackId;

use crate::meeting::Meeting;
use crate::network::Link;
use crate::sources::Mark;

const CAMERA: TrackId = TrackId(1);
const MICROPHONE: TrackId = TrackId(2);

#[test]
fn five_percent_loss_on_every_way_leaves_less_than_a_thousandth() {
    let mut meeting = Meeting::new(0x5eed);
    let publisher = meeting.join();
    meeting.publish_camera(publisher, CAMERA, &[]);
    let receivers: Vec<_> = (0..2)
        .map(|_| {
            let who = meeting.join();
            (who, meeting.subscribe(who, CAMERA, MediaKind::Video))
        })
        .collect();
    meeting.connect();
    meeting.run(Duration::from_secs(1));
    for client in &mut meeting.clients {
        (client.up, client.down) = (Link::LOSSY, Link::LOSSY);
    }
    let first = meeting.clients[publisher].cameras[0].frame;
    meeting.run(Duration::from_secs(30));
    let last = meeting.clients[publisher].cameras[0].frame;
    meeting.run(Duration::from_secs(2));
    let expected = u64::from(last - first) * 8;
    assert!(expected > 7_000);
    for (who, ssrc) in receivers {
        let got = meeting.clients[who].media(ssrc);
        let marks = got.iter().map(|got| Mark::of_video(&got.payload).0);
        let mut seen: HashMap<Mark, u64> = HashMap::new();
        for mark in marks.filter(|mark| (first..last).contains(&mark.frame)) {
            *seen.entry(mark).or_default() += 1;
        }
        assert!(
            seen.values().all(|times| *times == 1),
            "nothing comes twice"
        );
        let residual = expected - seen.len() as u64;
        assert!(residual * 1_000 < expected, "{residual} of {expected}");
    }
    // It was repaired, not spared: a tenth of the packets is missing somewhere.
    assert!(meeting.core.counters().1.resent > 300);
}

#[test]
fn speech_without_a_retransmission_stream_is_repeated_word_for_word() {
    let mut meeting = Meeting::new(0xbeef);
    let publisher = meeting.join();
    meeting.publish_microphone(publisher, MICROPHONE);
    let receiver = meeting.join();
    let ssrc = meeting.subscribe(receiver, MICROPHONE, MediaKind::Audio);
    meeting.connect();
    meeting.run(Duration::from_secs(1));
    meeting.clients[receiver].down = Link::LOSSY;
    let first = meeting.clients[publisher].microphones[0].frame;
    meeting.run(Duration::from_secs(40));
    let last = meeting.clients[publisher].microphones[0].frame;
    meeting.run(Duration::from_secs(1));
    let got = meeting.clients[receiver].media(ssrc);
    let marks = got.iter().map(|got| Mark::of_audio(&got.payload).frame);
    let seen: HashSet<u32> = marks
        .filter(|frame| (first..last).contains(frame))
        .collect();
    let expected = (last - first) as usize;
    let residual = expected - seen.len();
    assert!(residual * 1_000 < expected, "{residual} of {expected}");
    let resent = meeting.core.counters().1.resent;
    assert!(resent > 50, "{resent}");
    let mut bytes: HashMap<u16, (&[u8], u64)> = HashMap::new();
    for sent in &meeting.sent {
        let Some((_, number)) = sent.rtp().filter(|(source, _)| *source == ssrc) else {
            continue;
        };
        let (before, times) = bytes.entry(number).or_insert((&sent.bytes, 0));
        assert!(*before == sent.bytes, "the same index with other bytes");
        *times += 1;
    }
    let again: u64 = bytes.values().map(|(_, times)| times - 1).sum();
    assert_eq!(again, resent);
}

#[test]
fn a_publisher_is_asked_once_for_what_two_receivers_miss() {
    let mut meeting = Meeting::new(7);
    let publisher = meeting.join();
    meeting.publish_camera(publisher, CAMERA, &[]);
    for _ in 0..2 {
        let who = meeting.join();
        meeting.subscribe(who, CAMERA, MediaKind::Video);
    }
    meeting.connect();
    meeting.run(Duration::from_secs(1));
    meeting.clients[publisher].up.loss = 5;
    meeting.run(Duration::from_secs(10));
    meeting.clients[publisher].up.loss = 0;
    meeting.run(Duration::from_secs(1));
    let mut asked = HashMap::<u16, u64>::new();
    for (_, rtcp) in &meeting.clients[publisher].rtcp {
        if let Rtcp::Nack(nack) = rtcp {
            for entry in &nack.reports {
                *asked.entry(entry.pid).or_default() += 1;
                for bit in (0..16).filter(|bit| entry.blp & 1 << bit != 0) {
                    *asked.entry(entry.pid.wrapping_add(bit + 1)).or_default() += 1;
                }
            }
        }
    }
    // 2,400 packets, 5 % of them: 120, and some of the repetitions.
    assert!((90..160).contains(&asked.len()), "{}", asked.len());
    let total: u64 = asked.values().sum();
    assert!(total < asked.len() as u64 * 3 / 2, "{total} requests");
    // Receivers miss nothing that has a number: they ask for what they see.
    for sent in asked.keys() {
        assert!(asked[sent] <= 5);
    }
}
