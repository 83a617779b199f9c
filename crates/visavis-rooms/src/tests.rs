use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::*;

fn rooms(config: RoomsConfig) -> Rooms {
    let mut count = 0u8;
    let ids = IdSource::new(move |octets| {
        count += 1;
        octets.fill(0);
        octets[0] = count % 32;
        octets[1] = count / 32;
    });
    Rooms::new(config, ids)
}

fn request(identity: &str) -> JoinRequest {
    JoinRequest {
        room: "daily".into(),
        identity: identity.into(),
        grants: Grants {
            room_join: true,
            room: "daily".into(),
            ..Grants::default()
        },
        auto_subscribe: true,
        ..JoinRequest::default()
    }
}

fn join(rooms: &mut Rooms, identity: &str) -> ParticipantSid {
    rooms
        .join(request(identity), Instant::now())
        .unwrap()
        .participant
        .sid
}

fn drain(rooms: &mut Rooms) -> Vec<Output> {
    std::iter::from_fn(|| rooms.poll_output()).collect()
}

fn camera(cid: &str) -> NewTrack {
    NewTrack {
        cid: cid.into(),
        name: String::new(),
        kind: TrackKind::Video,
        source: Source::Camera,
        muted: false,
        width: 1280,
        height: 720,
        stream: String::new(),
    }
}

fn publish(rooms: &mut Rooms, sid: &ParticipantSid, cid: &str) -> TrackSid {
    rooms.add_track(sid, camera(cid)).unwrap();
    rooms
        .handle_media(sid, cid, TrackKind::Video, "video/VP8")
        .unwrap()
        .unwrap()
}

/// The infos that `to` was told of.
fn told<'a>(outputs: &'a [Output], to: &ParticipantSid) -> Vec<&'a ParticipantInfo> {
    let mut infos = Vec::new();
    for output in outputs {
        if let Output::Notify(sid, Notice::Participants(list)) = output
            && sid == to
        {
            infos.extend(list);
        }
    }
    infos
}

#[test]
fn newcomers_see_who_is_there_and_are_seen() {
    let mut rooms = rooms(RoomsConfig::default());
    let anna = join(&mut rooms, "anna");
    assert_eq!(drain(&mut rooms), []);
    assert!(anna.as_str().starts_with("PA_"));
    let joined = rooms.join(request("ben"), Instant::now()).unwrap();
    assert_eq!(joined.others.len(), 1);
    assert_eq!(
        (joined.others[0].sid.clone(), joined.room.num_participants),
        (anna.clone(), 2)
    );
    let outputs = drain(&mut rooms);
    assert_eq!(told(&outputs, &anna), [&joined.participant]);
    assert!(outputs.contains(&Output::Notify(anna, Notice::Room(joined.room))));
}

#[test]
fn a_token_for_another_room_opens_nothing() {
    let mut rooms = rooms(RoomsConfig::default());
    let now = Instant::now();
    let other = JoinRequest {
        room: "weekly".into(),
        ..request("anna")
    };
    assert_eq!(rooms.join(other, now), Err(JoinError::NotAllowed));
    let nowhere = JoinRequest {
        grants: Grants::default(),
        ..request("anna")
    };
    assert_eq!(rooms.join(nowhere, now), Err(JoinError::NotAllowed));
    assert_eq!(
        rooms.join(request(""), now),
        Err(JoinError::Invalid("identity"))
    );
    let long = JoinRequest {
        name: "x".repeat(10_000),
        ..request("anna")
    };
    assert_eq!(rooms.join(long, now), Err(JoinError::Invalid("name")));
    assert_eq!(rooms.poll_timeout(), None);
}

#[test]
fn rooms_have_their_limits() {
    let mut rooms = rooms(RoomsConfig {
        auto_create: false,
        max_participants: 2,
        ..RoomsConfig::default()
    });
    let now = Instant::now();
    assert_eq!(
        rooms.join(request("anna"), now),
        Err(JoinError::RoomNotFound)
    );
    rooms.create("daily", now);
    join(&mut rooms, "anna");
    join(&mut rooms, "ben");
    assert_eq!(rooms.join(request("cleo"), now), Err(JoinError::Full));
    // Who comes back takes its own place.
    assert!(rooms.join(request("ben"), now).is_ok());
}

#[test]
fn the_same_identity_replaces_the_old_one() {
    let mut rooms = rooms(RoomsConfig::default());
    let anna = join(&mut rooms, "anna");
    let old = join(&mut rooms, "ben");
    let track = publish(&mut rooms, &old, "cam");
    drain(&mut rooms);
    let new = join(&mut rooms, "ben");
    assert_ne!(old, new);
    let outputs = drain(&mut rooms);
    assert!(outputs.contains(&Output::Removed(
        old.clone(),
        RemovalReason::DuplicateIdentity
    )));
    assert!(outputs.contains(&Output::Unsubscribe {
        subscriber: anna.clone(),
        track
    }));
    let seen = told(&outputs, &anna);
    assert_eq!(seen.len(), 2);
    assert_eq!(
        (&seen[0].sid, seen[0].state),
        (&old, ParticipantState::Disconnected)
    );
    assert_eq!((&*seen[0].identity, seen[0].tracks.len()), ("ben", 0));
    assert_eq!(
        (&seen[1].sid, seen[1].state),
        (&new, ParticipantState::Joined)
    );
}

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
fn what_a_token_does_not_allow_does_not_happen() {
    let mut rooms = rooms(RoomsConfig::default());
    let mut listener = request("listener");
    listener.grants.can_publish = Some(false);
    let mut speaker = request("speaker");
    speaker.grants.can_publish_sources = vec![Source::Microphone];
    speaker.grants.can_subscribe = Some(false);
    let listener = rooms
        .join(listener, Instant::now())
        .unwrap()
        .participant
        .sid;
    let speaker = rooms.join(speaker, Instant::now()).unwrap().participant.sid;
    assert_eq!(
        rooms.add_track(&listener, camera("cam")),
        Err(Refused::NotAllowed)
    );
    assert_eq!(
        rooms.add_track(&speaker, camera("cam")),
        Err(Refused::NotAllowed)
    );
    assert_eq!(
        rooms.route_data(&listener, &[]),
        Err(DataRefused::NotAllowed)
    );
    let update = rooms.update_metadata(&speaker, Some("boss".into()), None, BTreeMap::new());
    assert_eq!(update, Err(Refused::NotAllowed));
    let anna = join(&mut rooms, "anna");
    let track = publish(&mut rooms, &anna, "cam");
    let wanted = rooms.update_subscription(&speaker, std::slice::from_ref(&track), true);
    assert_eq!(wanted, Err(Refused::NotAllowed));
    let subscribed: Vec<_> = drain(&mut rooms)
        .into_iter()
        .filter(|output| matches!(output, Output::Subscribe { .. }))
        .collect();
    assert_eq!(
        subscribed,
        [Output::Subscribe {
            subscriber: listener,
            track
        }]
    );
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
fn hidden_participants_are_not_announced_but_see_all() {
    let mut rooms = rooms(RoomsConfig::default());
    let anna = join(&mut rooms, "anna");
    let mut ghost = request("ghost");
    ghost.grants.hidden = true;
    let ghost = rooms.join(ghost, Instant::now()).unwrap();
    assert_eq!((ghost.others.len(), ghost.room.num_participants), (1, 1));
    assert!(told(&drain(&mut rooms), &anna).is_empty());
    let ben = rooms.join(request("ben"), Instant::now()).unwrap();
    assert_eq!(ben.others.len(), 1);
    assert_eq!(told(&drain(&mut rooms), &ghost.participant.sid).len(), 1);
}

#[test]
fn who_never_gets_media_through_is_given_up() {
    let mut rooms = rooms(RoomsConfig::default());
    let start = Instant::now();
    let waiting = rooms
        .join(request("waiting"), start)
        .unwrap()
        .participant
        .sid;
    let gone = rooms.join(request("gone"), start).unwrap().participant.sid;
    let fine = rooms.join(request("fine"), start).unwrap().participant.sid;
    rooms.handle_active(&fine).unwrap();
    rooms.handle_signal_lost(&gone, start).unwrap();
    rooms.handle_signal_lost(&fine, start).unwrap();
    drain(&mut rooms);
    let removed = |rooms: &mut Rooms| -> Vec<ParticipantSid> {
        let removed = |output| match output {
            Output::Removed(sid, _) => Some(sid),
            _ => None,
        };
        drain(rooms).into_iter().filter_map(removed).collect()
    };
    assert_eq!(rooms.poll_timeout(), Some(start + Duration::from_secs(5)));
    rooms.handle_timeout(start + Duration::from_secs(5));
    assert_eq!(removed(&mut rooms), [gone]);
    rooms.handle_timeout(start + Duration::from_secs(60));
    assert_eq!(removed(&mut rooms), [waiting]);
    // With media, losing the signal alone is not leaving.
    rooms.handle_timeout(start + Duration::from_secs(600));
    assert_eq!(rooms.handle_signal_resumed(&fine).unwrap().others, []);
    rooms.handle_media_lost(&fine, start);
    assert!(removed(&mut rooms).is_empty());
    rooms.handle_signal_lost(&fine, start).unwrap();
    rooms.handle_media_lost(&fine, start);
    assert_eq!(removed(&mut rooms), [fine]);
}

#[test]
fn empty_rooms_end_and_a_name_begins_a_new_life() {
    let mut rooms = rooms(RoomsConfig::default());
    let start = Instant::now();
    let joined = rooms.join(request("anna"), start).unwrap();
    rooms.handle_active(&joined.participant.sid).unwrap();
    assert_eq!(rooms.poll_timeout(), None);
    rooms.remove(
        &joined.participant.sid,
        RemovalReason::ClientInitiated,
        start,
    );
    rooms.remove(
        &joined.participant.sid,
        RemovalReason::ClientInitiated,
        start,
    );
    assert_eq!(rooms.poll_timeout(), Some(start + Duration::from_secs(20)));
    rooms.handle_timeout(start + Duration::from_secs(20));
    let outputs = drain(&mut rooms);
    assert!(
        matches!(outputs.last(), Some(Output::RoomClosed(room)) if room.sid == joined.room.sid)
    );
    assert_eq!(outputs.len(), 2);
    assert_ne!(
        rooms.join(request("anna"), start).unwrap().room.sid,
        joined.room.sid
    );
}

#[test]
fn data_goes_where_it_is_sent() {
    let mut rooms = rooms(RoomsConfig::default());
    let [anna, ben, cleo] = ["anna", "ben", "cleo"].map(|identity| join(&mut rooms, identity));
    let all = rooms.route_data(&anna, &[]).unwrap();
    assert_eq!((all.len(), all.contains(&anna)), (2, false));
    assert_eq!(
        rooms.route_data(&anna, &["ben".into(), "nobody".into()]),
        Ok(vec![ben.clone()])
    );
    rooms.remove(&cleo, RemovalReason::ClientInitiated, Instant::now());
    assert_eq!(rooms.route_data(&cleo, &[]), Err(DataRefused::NotJoined));
}

#[test]
fn people_change_what_they_say_within_limits() {
    let mut rooms = rooms(RoomsConfig::default());
    let mut anna = request("anna");
    anna.grants.can_update_own_metadata = Some(true);
    anna.attributes = BTreeMap::from([("a".into(), "1".into()), ("b".into(), "2".into())]);
    let anna = rooms.join(anna, Instant::now()).unwrap().participant.sid;
    let changes = BTreeMap::from([("a".into(), String::new()), ("c".into(), "3".into())]);
    rooms
        .update_metadata(&anna, Some("Anna".into()), None, changes)
        .unwrap();
    let outputs = drain(&mut rooms);
    let info = told(&outputs, &anna)[0];
    let keys: Vec<_> = info.attributes.keys().map(String::as_str).collect();
    assert_eq!((&*info.name, keys), ("Anna", vec!["b", "c"]));
    let long = BTreeMap::from([("x".into(), "y".repeat(64_000))]);
    assert_eq!(
        rooms.update_metadata(&anna, None, None, long),
        Err(Refused::LimitExceeded)
    );
    assert_eq!(drain(&mut rooms), []);
}
