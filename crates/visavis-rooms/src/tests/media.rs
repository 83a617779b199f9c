use std::time::Instant;

use super::*;

#[test]
fn tracks_reach_others_when_media_is_there_and_versions_grow() {
    let mut rooms = rooms(RoomsConfig::default());
    let anna = join(&mut rooms, "anna");
    let ben = join(&mut rooms, "ben");
    drain(&mut rooms);
    assert_eq!(
        rooms.handle_media(&ben, "cam", TrackKind::Video, "video/VP8"),
        Ok(None)
    );
    let track = rooms.add_track(&ben, camera("cam")).unwrap();
    let outputs = drain(&mut rooms);
    assert!(told(&outputs, &anna).is_empty(), "no media yet");
    assert!(
        matches!(&outputs[..], [Output::Notify(to, Notice::TrackPublished { .. })] if *to == ben)
    );
    // The client calls it otherwise in its session description.
    let matched = rooms.handle_media(&ben, "{other}", TrackKind::Video, "video/VP8");
    assert_eq!(matched, Ok(Some(track.clone())));
    let outputs = drain(&mut rooms);
    let subscribe = Output::Subscribe {
        subscriber: anna.clone(),
        track: track.clone(),
    };
    assert!(outputs.contains(&subscribe));
    let mut version = told(&outputs, &anna)[0].version;
    rooms.mute(&ben, &track, true).unwrap();
    rooms.mute(&ben, &track, true).unwrap();
    rooms.unpublish(&ben, &track).unwrap();
    let outputs = drain(&mut rooms);
    for info in told(&outputs, &anna) {
        assert!(info.version > version);
        version = info.version;
    }
    assert_eq!(
        told(&outputs, &anna).len(),
        2,
        "the second mute changed nothing"
    );
    assert_eq!(
        told(&outputs, &ben).len(),
        1,
        "its own client hears of the mute only"
    );
    assert_eq!(rooms.unpublish(&ben, &track), Err(Refused::NotFound));
    // The same cid comes back as another track.
    assert_ne!(publish(&mut rooms, &ben, "cam"), track);
}

#[test]
fn subscriptions_are_what_was_asked_for() {
    let mut rooms = rooms(RoomsConfig::default());
    let anna = join(&mut rooms, "anna");
    let track = publish(&mut rooms, &anna, "cam");
    let choosy = JoinRequest {
        auto_subscribe: false,
        ..request("choosy")
    };
    let choosy = rooms.join(choosy, Instant::now()).unwrap().participant.sid;
    drain(&mut rooms);
    let tracks = [track.clone(), TrackSid::from("TR_gone")];
    rooms.update_subscription(&choosy, &tracks, true).unwrap();
    rooms.update_subscription(&choosy, &tracks, true).unwrap();
    rooms.update_subscription(&anna, &tracks, true).unwrap();
    let subscribe = Output::Subscribe {
        subscriber: choosy.clone(),
        track: track.clone(),
    };
    assert_eq!(drain(&mut rooms), [subscribe]);
    rooms.update_subscription(&choosy, &tracks, false).unwrap();
    assert_eq!(
        drain(&mut rooms),
        [Output::Unsubscribe {
            subscriber: choosy,
            track
        }]
    );
}

#[test]
fn announcing_has_its_limits() {
    let mut rooms = rooms(RoomsConfig::default());
    let anna = join(&mut rooms, "anna");
    for _ in 0..3 {
        rooms.add_track(&anna, camera("cam")).unwrap();
    }
    assert_eq!(
        rooms.add_track(&anna, camera("cam")),
        Err(Refused::LimitExceeded)
    );
    for n in 0..17 {
        rooms.add_track(&anna, camera(&n.to_string())).unwrap();
    }
    assert_eq!(
        rooms.add_track(&anna, camera("more")),
        Err(Refused::LimitExceeded)
    );
}

#[test]
fn data_goes_where_it_is_sent() {
    let mut rooms = rooms(RoomsConfig::default());
    let [anna, ben, cleo] = ["anna", "ben", "cleo"].map(|identity| join(&mut rooms, identity));
    let all = rooms.route_data(&anna, &Destinations::everybody()).unwrap();
    assert_eq!((all.len(), all.contains(&anna)), (2, false));
    let mut some = Destinations {
        identities: vec!["ben".into(), "nobody".into()],
        sids: Vec::new(),
    };
    assert_eq!(rooms.route_data(&anna, &some), Ok(vec![ben.clone()]));
    some.identities.clear();
    some.sids.push(ben.clone());
    assert_eq!(rooms.route_data(&anna, &some), Ok(vec![ben.clone()]));
    assert!(some.include(&ben, "ben") && !some.include(&cleo, "cleo"));
    rooms.remove(&cleo, RemovalReason::ClientInitiated, Instant::now());
    assert_eq!(
        rooms.route_data(&cleo, &Destinations::everybody()),
        Err(DataRefused::NotJoined)
    );
}

#[test]
fn what_is_said_about_a_track_is_told_and_has_limits() {
    let mut rooms = rooms(RoomsConfig::default());
    let [anna, ben] = ["anna", "ben"].map(|identity| join(&mut rooms, identity));
    let layer = VideoLayer {
        quality: Quality::Low,
        width: 320,
        height: 180,
        bitrate: 150_000,
        ssrc: 0,
        rid: "q".into(),
    };
    let too_much = [
        NewTrack {
            layers: vec![layer.clone(); 9],
            ..camera("cam")
        },
        NewTrack {
            layers: vec![VideoLayer {
                rid: "q".repeat(257),
                ..layer.clone()
            }],
            ..camera("cam")
        },
        camera(&"c".repeat(257)),
    ];
    for new in too_much {
        assert_eq!(rooms.add_track(&anna, new), Err(Refused::LimitExceeded));
    }
    let track = publish(&mut rooms, &anna, "cam");
    drain(&mut rooms);
    rooms.update_video_track(&anna, &track, 640, 360).unwrap();
    rooms.update_video_track(&anna, &track, 640, 360).unwrap();
    let outputs = drain(&mut rooms);
    let seen = told(&outputs, &ben);
    assert_eq!(seen.len(), 1, "the second changed nothing");
    let announced = &seen[0].tracks[0].announced;
    assert_eq!((announced.width, announced.height), (640, 360));
    let features = vec![AudioFeature::Stereo, AudioFeature::EchoCancellation];
    rooms.update_audio_track(&anna, &track, features).unwrap();
    assert!(rooms.track(&track).unwrap().announced.stereo);
    let unknown = rooms.update_audio_track(&ben, &track, Vec::new());
    assert_eq!(unknown, Err(Refused::NotFound), "it is not ben's");
}

#[test]
fn a_participant_has_so_many_tracks_and_no_more() {
    let mut rooms = rooms(RoomsConfig::default());
    let anna = join(&mut rooms, "anna");
    for n in 0..100 {
        publish(&mut rooms, &anna, &n.to_string());
    }
    let more = rooms.add_track(&anna, camera("more"));
    assert_eq!(more, Err(Refused::LimitExceeded));
}

#[test]
fn who_asks_learns_what_is_there_and_leaving_frees_all() {
    let mut rooms = rooms(RoomsConfig::default());
    let [anna, ben] = ["anna", "ben"].map(|identity| join(&mut rooms, identity));
    let track = publish(&mut rooms, &anna, "cam");
    assert_eq!(rooms.publisher(&track), Some(&anna));
    assert_eq!(rooms.find("daily", "ben").unwrap().sid, ben);
    assert_eq!(rooms.room(&ben).unwrap().num_publishers, 1);
    assert_eq!(rooms.subscriptions(&ben).collect::<Vec<_>>(), [&track]);
    rooms
        .update_subscription(&ben, std::slice::from_ref(&track), false)
        .unwrap();
    for sid in [&anna, &ben] {
        rooms.remove(sid, RemovalReason::ClientInitiated, Instant::now());
    }
    assert!(rooms.publisher(&track).is_none() && rooms.participant(&anna).is_none());
    assert!(rooms.places.is_empty() && rooms.publishers.is_empty());
    rooms.handle_timeout(rooms.poll_timeout().unwrap());
    assert!(rooms.rooms.is_empty());
    assert_eq!(rooms.poll_timeout(), None);
}
