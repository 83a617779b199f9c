//! Which layer of a simulcast track a receiver gets, and how it changes.

use std::time::{Duration, Instant};

use visavis_rtp::MediaKind;
use visavis_sfu::TrackId;
use visavis_shard::MediaCommand;

use crate::client::Got;
use crate::meeting::{Meeting, RIDS, size};
use crate::network::Link;
use crate::sources::Mark;

const CAMERA: TrackId = TrackId(1);
const MICROPHONE: TrackId = TrackId(2);
const SECOND: Duration = Duration::from_secs(1);

/// One publisher with three layers and speech, one receiver.
fn watch(seed: u64) -> (Meeting, usize, u32, u32) {
    let mut meeting = Meeting::new(seed);
    let publisher = meeting.join();
    meeting.publish_camera(publisher, CAMERA, &RIDS);
    meeting.publish_microphone(publisher, MICROPHONE);
    let receiver = meeting.join();
    let video = meeting.subscribe(receiver, CAMERA, MediaKind::Video);
    let audio = meeting.subscribe(receiver, MICROPHONE, MediaKind::Audio);
    meeting.connect();
    (meeting, receiver, video, audio)
}

fn mark(got: &Got) -> Mark {
    Mark::of_video(&got.payload).0
}

/// The layers in the order in which they came, each once per change.
fn layers(got: &[&Got], since: Instant) -> Vec<u8> {
    let later = got.iter().filter(|got| got.at >= since);
    let mut layers: Vec<u8> = later.map(|got| mark(got).layer).collect();
    layers.dedup();
    layers
}

/// Asserts that a receiver sees one stream, whatever layers it is made of.
fn assert_continuous(got: &[&Got]) {
    for pair in got.windows(2) {
        let [(old, before), (new, after)] =
            [&pair[0], &pair[1]].map(|got| Mark::of_video(&got.payload));
        assert_eq!(pair[1].sequence, pair[0].sequence + 1);
        let ticks = pair[1].timestamp.wrapping_sub(pair[0].timestamp) as i32;
        let [id_before, id_after] = [before, after].map(|d| d.picture_id.unwrap().0);
        let [tl0_before, tl0_after] = [before, after].map(|d| d.tl0_pic_idx.unwrap());
        if (old.frame, old.layer) == (new.frame, new.layer) {
            assert_eq!((ticks, id_after, tl0_after), (0, id_before, tl0_before));
            continue;
        }
        assert_eq!(id_after, (id_before + 1) & 0x7fff, "{old:?} {new:?}");
        assert_eq!(tl0_after, tl0_before.wrapping_add(1));
        if old.layer == new.layer {
            let captured = (new.captured - old.captured) as i32;
            assert_eq!(ticks, captured * 90);
        } else {
            assert!(new.key && new.packet == 0, "{old:?} {new:?}");
            // Within 60 ms of what the picture's capture says, and never back.
            let captured = (new.captured as i32 - old.captured as i32) * 90;
            assert!(
                ticks > 0 && (ticks - captured).abs() < 5_400,
                "{ticks} {captured}"
            );
        }
    }
}

#[test]
fn the_layer_follows_the_size_at_which_it_is_shown_both_ways() {
    let (mut meeting, receiver, video, _) = watch(11);
    meeting.run(SECOND * 3);
    for (wanted, layer) in [
        (size(160, 90), 0),
        (size(1280, 720), 2),
        (size(480, 270), 1),
        (size(1920, 1080), 2),
        (size(320, 180), 0),
    ] {
        let since = meeting.now;
        meeting.want(receiver, CAMERA, wanted);
        meeting.run(SECOND * 2);
        let got = meeting.clients[receiver].media(video);
        let last = got.iter().rev().find(|got| got.at > since).unwrap();
        assert_eq!(mark(last).layer, layer, "{wanted:?}");
        let changed = got
            .iter()
            .find(|got| got.at > since && mark(got).layer == layer);
        let took = changed.unwrap().at - since;
        assert!(took < Duration::from_millis(700), "{took:?}");
    }
    let got = meeting.clients[receiver].media(video);
    assert_continuous(&got);
    assert!(layers(&got, meeting.start).len() >= 6);
}

#[test]
fn requests_of_many_receivers_become_one_and_a_keyframe_ends_them() {
    let mut meeting = Meeting::new(12);
    let publisher = meeting.join();
    meeting.publish_camera(publisher, CAMERA, &RIDS);
    let receivers: Vec<usize> = (0..10).map(|_| meeting.join()).collect();
    for who in &receivers {
        meeting.subscribe(*who, CAMERA, MediaKind::Video);
    }
    meeting.connect();
    meeting.run(SECOND * 3);
    let before = meeting.clients[publisher].keyframe_requests.len();
    for who in &receivers {
        meeting.want(*who, CAMERA, size(320, 180));
    }
    meeting.run(SECOND * 2);
    let requests = &meeting.clients[publisher].keyframe_requests[before..];
    assert_eq!(requests.len(), 1, "{requests:?}");
    assert_eq!(requests[0].1, Some(RIDS[0].into()));
    // Receivers that ask again and again are answered twice a second at most.
    let before = meeting.clients[publisher].keyframe_requests.len();
    for _ in 0..100 {
        for who in &receivers {
            let client = &mut meeting.clients[*who];
            let ssrc = client.sections.sends[0].ssrc.into();
            client.rtc.direct_api().send_pli_feedback(1.into(), ssrc);
        }
        meeting.run(Duration::from_millis(30));
    }
    let requests = &meeting.clients[publisher].keyframe_requests[before..];
    assert!((5..=7).contains(&requests.len()), "{}", requests.len());
}

#[test]
fn a_layer_that_stops_is_replaced_and_comes_back() {
    let (mut meeting, receiver, video, _) = watch(13);
    meeting.run(SECOND * 3);
    let since = meeting.now;
    meeting.clients[0].cameras[0].layers[2].active = false;
    meeting.run(SECOND * 5);
    let got = meeting.clients[receiver].media(video);
    assert_eq!(layers(&got, since + SECOND), [1]);
    let last = got.last().unwrap().at;
    assert!(meeting.now - last < Duration::from_millis(100), "it flows");
    let back = meeting.now;
    let layer = &mut meeting.clients[0].cameras[0].layers[2];
    (layer.active, layer.key) = (true, false);
    meeting.run(SECOND * 3);
    let got = meeting.clients[receiver].media(video);
    assert_eq!(layers(&got, back), [1, 2]);
    assert_continuous(&got);
    // How long nothing came: at most the time after which a layer counts as gone.
    let gap = got.windows(2).map(|pair| pair[1].at - pair[0].at).max();
    assert!(gap < Some(Duration::from_millis(3_500)), "{gap:?}");
}

#[test]
fn reported_loss_steps_the_picture_down_and_back_up_and_spares_speech() {
    let (mut meeting, receiver, video, audio) = watch(14);
    meeting.run(SECOND * 5);
    let calm = meeting.now;
    // str0m counts what was repaired as received and then reports no loss.
    let mut api = meeting.clients[receiver].rtc.direct_api();
    api.stream_rx(&video.into()).unwrap().suppress_nack(true);
    meeting.clients[receiver].down = Link {
        loss: 20,
        ..Link::GOOD
    };
    meeting.run(SECOND * 3);
    let lossy = meeting.now;
    meeting.clients[receiver].down = Link::GOOD;
    meeting.run(SECOND * 30);
    let got = meeting.clients[receiver].media(video);
    let before: Vec<&Got> = got.iter().copied().filter(|got| got.at < calm).collect();
    assert_eq!(layers(&before, calm - SECOND * 2), [2]);
    let lower = got
        .iter()
        .filter(|got| (calm..lossy + SECOND).contains(&got.at));
    assert!(
        lower.map(|got| mark(got).layer).min() < Some(2),
        "it stepped down"
    );
    assert_eq!(layers(&got, meeting.now - SECOND * 5), [2], "and back up");
    // Not one packet of speech was held back.
    let sent = meeting.sent.iter().filter_map(|sent| sent.rtp());
    let mut speech: Vec<u16> = sent
        .filter(|(ssrc, _)| *ssrc == audio)
        .map(|(_, n)| n)
        .collect();
    speech.sort_unstable();
    speech.dedup();
    let client = &meeting.clients[receiver];
    let first = Mark::of_audio(&client.media(audio)[0].payload).frame;
    let spoken = meeting.clients[0].microphones[0].frame - first;
    // The last one may still be on its way to the server.
    assert!(
        speech.len() as u32 + 1 >= spoken,
        "{} of {spoken}",
        speech.len()
    );
}

#[test]
fn a_muted_or_disabled_track_asks_for_nothing() {
    let (mut meeting, receiver, video, _) = watch(15);
    meeting.run(SECOND * 2);
    meeting.command(MediaCommand::SetMuted(CAMERA, true));
    for layer in &mut meeting.clients[0].cameras[0].layers {
        layer.active = false;
    }
    meeting.run(SECOND);
    let before = meeting.clients[0].keyframe_requests.len();
    meeting.run(SECOND * 10);
    assert_eq!(meeting.clients[0].keyframe_requests.len(), before);
    meeting.command(MediaCommand::SetMuted(CAMERA, false));
    for layer in &mut meeting.clients[0].cameras[0].layers {
        (layer.active, layer.key) = (true, true);
    }
    let since = meeting.now;
    meeting.run(SECOND * 2);
    let got = meeting.clients[receiver].media(video);
    assert!(got.iter().filter(|got| got.at > since).count() > 400);
}
