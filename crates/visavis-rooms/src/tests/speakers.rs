use std::time::{Duration, Instant};

use super::*;

const INTERVAL: Duration = Duration::from_millis(400);

fn microphone(rooms: &mut Rooms, sid: &ParticipantSid) -> TrackSid {
    sound(rooms, sid, Source::Microphone)
}

fn sound(rooms: &mut Rooms, sid: &ParticipantSid, source: Source) -> TrackSid {
    let new = NewTrack {
        cid: "mic".into(),
        source,
        ..NewTrack::default()
    };
    rooms.add_track(sid, new).unwrap();
    rooms
        .handle_media(sid, "mic", TrackKind::Audio, "audio/opus")
        .unwrap()
        .unwrap()
}

/// Who was told how loud `of` is.
fn heard(rooms: &mut Rooms, of: &ParticipantSid) -> Vec<(ParticipantSid, u8)> {
    let mut heard = Vec::new();
    for output in drain(rooms) {
        if let Output::Notify(to, Notice::Speakers(speakers)) = output {
            for speaker in speakers {
                assert_eq!(&speaker.participant, of);
                assert_eq!(speaker.loudness.active, speaker.loudness.eighths > 0);
                heard.push((to.clone(), speaker.loudness.eighths));
            }
        }
    }
    heard.sort();
    heard
}

#[test]
fn speakers_are_told_to_those_who_hear_them_and_to_themselves() {
    let mut rooms = rooms(RoomsConfig::default());
    let [anna, ben] = ["anna", "ben"].map(|identity| join(&mut rooms, identity));
    let deaf = JoinRequest {
        auto_subscribe: false,
        ..request("deaf")
    };
    rooms.join(deaf, Instant::now()).unwrap();
    let track = microphone(&mut rooms, &anna);
    let start = Instant::now();
    drain(&mut rooms);
    rooms.handle_level(&track, 91, start);
    assert_eq!(heard(&mut rooms, &anna), [], "-36 dB is no speech");
    rooms.handle_level(&track, 127, start);
    assert_eq!(
        heard(&mut rooms, &anna),
        [(anna.clone(), 8), (ben.clone(), 8)]
    );
    // -12 dB is a quarter of the amplitude; not before the interval is over.
    rooms.handle_level(&track, 115, start);
    rooms.handle_level(&track, 115, start + INTERVAL / 2);
    assert_eq!(heard(&mut rooms, &anna), []);
    assert_eq!(rooms.poll_timeout(), Some(start + INTERVAL));
    rooms.handle_timeout(start + INTERVAL);
    assert_eq!(
        heard(&mut rooms, &anna),
        [(anna.clone(), 3), (ben.clone(), 3)]
    );
    // A pause is no end, quiet is.
    let later = start + INTERVAL * 2;
    rooms.handle_level(&track, 86, later);
    assert_eq!(
        heard(&mut rooms, &anna),
        [(anna.clone(), 1), (ben.clone(), 1)]
    );
    rooms.handle_level(&track, 0, later + INTERVAL);
    assert_eq!(heard(&mut rooms, &anna), [(anna, 0), (ben, 0)]);
}

#[test]
fn what_came_back_within_the_interval_is_not_told() {
    let mut rooms = rooms(RoomsConfig::default());
    let [anna, _] = ["anna", "ben"].map(|identity| join(&mut rooms, identity));
    let track = microphone(&mut rooms, &anna);
    let start = Instant::now();
    rooms.handle_level(&track, 127, start);
    drain(&mut rooms);
    rooms.handle_level(&track, 0, start);
    rooms.handle_level(&track, 127, start);
    rooms.handle_timeout(start + INTERVAL);
    assert_eq!(heard(&mut rooms, &anna), []);
}

#[test]
fn who_mutes_or_stops_is_silent() {
    let mut rooms = rooms(RoomsConfig::default());
    let [anna, ben] = ["anna", "ben"].map(|identity| join(&mut rooms, identity));
    let track = microphone(&mut rooms, &anna);
    let start = Instant::now();
    rooms.handle_level(&track, 127, start);
    rooms.mute(&anna, &track, true).unwrap();
    drain(&mut rooms);
    rooms.handle_level(&track, 127, start);
    rooms.handle_timeout(start + INTERVAL);
    assert_eq!(
        heard(&mut rooms, &anna),
        [(anna.clone(), 0), (ben.clone(), 0)]
    );
    rooms.mute(&anna, &track, false).unwrap();
    rooms.handle_level(&track, 127, start + INTERVAL * 2);
    drain(&mut rooms);
    rooms.unpublish(&anna, &track).unwrap();
    assert_eq!(
        heard(&mut rooms, &anna),
        [(anna.clone(), 0), (ben.clone(), 0)]
    );

    let track = microphone(&mut rooms, &anna);
    rooms.handle_level(&track, 127, start + INTERVAL * 4);
    drain(&mut rooms);
    rooms.remove(&anna, RemovalReason::ClientInitiated, start);
    assert_eq!(heard(&mut rooms, &anna), [(ben, 0)]);
    rooms.handle_level(&track, 127, start + INTERVAL * 6);
    assert_eq!(drain(&mut rooms), []);
}

#[test]
fn who_comes_later_learns_who_speaks() {
    let mut rooms = rooms(RoomsConfig::default());
    let anna = join(&mut rooms, "anna");
    let track = microphone(&mut rooms, &anna);
    rooms.handle_level(&track, 127, Instant::now());
    drain(&mut rooms);
    let ben = join(&mut rooms, "ben");
    assert_eq!(heard(&mut rooms, &anna), [(ben, 8)]);
}

#[test]
fn the_sound_of_a_screen_is_nobodys_voice() {
    let mut rooms = rooms(RoomsConfig::default());
    let [anna, _] = ["anna", "ben"].map(|identity| join(&mut rooms, identity));
    let track = sound(&mut rooms, &anna, Source::ScreenShareAudio);
    let video = publish(&mut rooms, &anna, "cam");
    for track in [track, video, TrackSid::from("TR_gone")] {
        rooms.handle_level(&track, 127, Instant::now());
    }
    assert_eq!(heard(&mut rooms, &anna), []);
    assert!(rooms.poll_timeout().is_some(), "only that nobody has media");
}
