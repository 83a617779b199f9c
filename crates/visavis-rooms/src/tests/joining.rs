use std::time::{Duration, Instant};

use super::*;

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
    rooms.create("daily", 0, now);
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
fn who_lost_its_media_first_does_not_stay_as_a_ghost() {
    let mut rooms = rooms(RoomsConfig::default());
    let start = Instant::now();
    let anna = join(&mut rooms, "anna");
    let later = start + Duration::from_secs(5);
    rooms.handle_active(&anna).unwrap();
    rooms.handle_media_lost(&anna, start);
    assert_eq!(rooms.poll_timeout(), None, "its client is there");
    rooms.handle_signal_lost(&anna, start).unwrap();
    assert_eq!(rooms.poll_timeout(), Some(later));
    rooms.handle_signal_resumed(&anna).unwrap();
    rooms.handle_timeout(later);
    assert!(rooms.participant(&anna).is_some());
    rooms.handle_active(&anna).unwrap();
    rooms.handle_signal_lost(&anna, start).unwrap();
    assert_eq!(rooms.poll_timeout(), None, "its media is there again");
    rooms.handle_media_lost(&anna, start);
    let removed = Output::Removed(anna, RemovalReason::ConnectionLost);
    assert!(drain(&mut rooms).contains(&removed));
}

#[test]
fn who_loses_both_for_long_is_given_up() {
    let mut rooms = rooms(RoomsConfig::default());
    let start = Instant::now();
    let anna = join(&mut rooms, "anna");
    rooms.handle_active(&anna).unwrap();
    rooms.handle_media_lost(&anna, start);
    rooms.handle_signal_lost(&anna, start).unwrap();
    rooms.handle_timeout(start + Duration::from_secs(5));
    let removed = Output::Removed(anna, RemovalReason::ConnectionLost);
    assert!(drain(&mut rooms).contains(&removed));
}

#[test]
fn asking_whether_one_may_join_changes_nothing() {
    let mut rooms = rooms(RoomsConfig {
        max_participants: 1,
        ..RoomsConfig::default()
    });
    assert_eq!(rooms.validate(request("anna")), Ok(()));
    assert_eq!(rooms.poll_timeout(), None, "no room was opened");
    let anna = join(&mut rooms, "anna");
    drain(&mut rooms);
    assert_eq!(rooms.validate(request("anna")), Ok(()));
    assert_eq!(rooms.validate(request("ben")), Err(JoinError::Full));
    assert_eq!(drain(&mut rooms), []);
    assert!(rooms.participant(&anna).is_some());
}
