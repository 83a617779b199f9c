//! Media reaches those who want it, whole and in order.

use std::time::Duration;

use visavis_rtp::MediaKind;
use visavis_sfu::TrackId;
use visavis_shard::MediaEvent;

use crate::meeting::Meeting;
use crate::sources::Mark;

const CAMERA: TrackId = TrackId(1);
const MICROPHONE: TrackId = TrackId(2);

#[test]
fn a_camera_and_a_microphone_reach_two_receivers_whole_and_in_order() {
    let mut meeting = Meeting::new(1);
    let publisher = meeting.join();
    meeting.publish_camera(publisher, CAMERA, &[]);
    meeting.publish_microphone(publisher, MICROPHONE);
    let mut receivers = Vec::new();
    for _ in 0..2 {
        let who = meeting.join();
        let video = meeting.subscribe(who, CAMERA, MediaKind::Video);
        let audio = meeting.subscribe(who, MICROPHONE, MediaKind::Audio);
        receivers.push((who, video, audio));
    }
    meeting.connect();
    meeting.run(Duration::from_secs(5));
    for (who, video, audio) in receivers {
        let client = &meeting.clients[who];
        let video: Vec<Mark> = client
            .media(video)
            .iter()
            .map(|got| {
                let (mark, _) = Mark::of_video(&got.payload);
                assert_eq!(got.marker, mark.packet == 7);
                mark
            })
            .collect();
        assert!(video.len() > 1_100, "{}", video.len());
        assert!(video[0].key && video[0].packet == 0);
        let place = |mark: &Mark| u64::from(mark.frame) * 8 + u64::from(mark.packet);
        let gapless = video
            .windows(2)
            .all(|pair| place(&pair[1]) == place(&pair[0]) + 1);
        assert!(gapless);
        let audio = client.media(audio);
        assert!(audio.len() > 230, "{}", audio.len());
        for pair in audio.windows(2) {
            let [before, after] = [&pair[0], &pair[1]].map(|got| Mark::of_audio(&got.payload));
            assert_eq!(after.frame, before.frame + 1);
            assert_eq!(pair[1].sequence, pair[0].sequence + 1);
            assert_eq!(pair[1].timestamp.wrapping_sub(pair[0].timestamp), 960);
        }
    }
    for track in [CAMERA, MICROPHONE] {
        let flows = MediaEvent::TrackFlows(track);
        assert_eq!(meeting.events.iter().filter(|e| **e == flows).count(), 1);
    }
    // A level of -30 dB under full scale is 97 of 127.
    assert!(meeting.events.contains(&MediaEvent::Level(MICROPHONE, 97)));
    let (core, sfu) = meeting.core.counters();
    assert_eq!((core.strangers, core.unknown, core.panics), (0, 0, 0));
    assert_eq!((sfu.forged, sfu.unbound, sfu.malformed), (0, 0, 0));
}

#[test]
fn seventy_thousand_packets_are_read_across_rollovers_of_their_numbers() {
    let mut meeting = Meeting::new(2);
    let publisher = meeting.join();
    meeting.publish_camera(publisher, CAMERA, &[]);
    let camera = &mut meeting.clients[publisher].cameras[0];
    // str0m lets one packet go per millisecond.
    camera.interval = Duration::from_millis(8);
    camera.size = 60;
    camera.layers[0].sequence = 65_500;
    let receiver = meeting.join();
    let ssrc = meeting.subscribe(receiver, CAMERA, MediaKind::Video);
    meeting.connect();
    let all = |meeting: &Meeting| meeting.clients[receiver].packets.len() >= 70_000;
    assert!(meeting.run_until(Duration::from_secs(80), all));
    let got = meeting.clients[receiver].media(ssrc);
    assert!(got.last().unwrap().sequence >> 16 >= 1);
    for pair in got.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence + 1);
        let [before, after] = [&pair[0], &pair[1]].map(|got| Mark::of_video(&got.payload).0);
        assert_eq!(
            u64::from(after.frame) * 8 + u64::from(after.packet),
            u64::from(before.frame) * 8 + u64::from(before.packet) + 1
        );
    }
    let (_, sfu) = meeting.core.counters();
    assert_eq!((sfu.forged, sfu.replayed, sfu.unbound), (0, 0, 0));
}

#[test]
fn a_track_that_is_published_later_reaches_whoever_waits_for_it() {
    let mut meeting = Meeting::new(3);
    let (publisher, receiver) = (meeting.join(), meeting.join());
    let video = meeting.subscribe(receiver, CAMERA, MediaKind::Video);
    meeting.connect();
    meeting.publish_camera(publisher, CAMERA, &[]);
    meeting.run(Duration::from_secs(1));
    let got = meeting.clients[receiver].media(video);
    assert!(got.len() > 200, "{}", got.len());
    assert!(Mark::of_video(&got[0].payload).0.key);
}
