use std::collections::BTreeMap;
use std::time::Instant;

use super::*;

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
        rooms.route_data(&listener, &Destinations::everybody()),
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

#[test]
fn what_a_client_brings_itself_needs_its_grant() {
    let mut rooms = rooms(RoomsConfig::default());
    let token = JoinRequest {
        metadata: "token".into(),
        attributes: BTreeMap::from([("a".into(), "1".into()), ("b".into(), "2".into())]),
        kind: ParticipantKind::Agent,
        joined_at: 1_800_000_000_000,
        ..request("anna")
    };
    let joined = rooms.join(token.clone(), Instant::now()).unwrap();
    let info = &joined.participant;
    assert_eq!((&*info.metadata, info.attributes.len()), ("token", 2));
    assert_eq!(
        (info.kind, info.joined_at, joined.room.created_at),
        (ParticipantKind::Agent, 1_800_000_000_000, 1_800_000_000_000)
    );
    let brings = [
        JoinRequest {
            own_metadata: "own".into(),
            ..token.clone()
        },
        JoinRequest {
            own_attributes: BTreeMap::from([("a".into(), "3".into())]),
            ..token
        },
    ];
    for mut brings in brings {
        let refused = rooms.join(brings.clone(), Instant::now());
        assert_eq!(refused, Err(JoinError::OwnMetadata));
        brings.grants.can_update_own_metadata = Some(true);
        brings.own_metadata = "own".into();
        brings.own_attributes = BTreeMap::from([("a".into(), "3".into())]);
        let joined = rooms.join(brings, Instant::now()).unwrap();
        let attributes = &joined.participant.attributes;
        assert_eq!(joined.participant.metadata, "own");
        assert_eq!((&*attributes["a"], &*attributes["b"]), ("3", "2"));
    }
}

#[test]
fn what_a_hidden_participant_publishes_reaches_nobody() {
    let mut rooms = rooms(RoomsConfig::default());
    let anna = join(&mut rooms, "anna");
    let mut ghost = request("ghost");
    ghost.grants.hidden = true;
    let ghost = rooms.join(ghost, Instant::now()).unwrap().participant.sid;
    let track = publish(&mut rooms, &ghost, "cam");
    rooms.update_subscription(&anna, &[track], true).unwrap();
    assert_eq!(rooms.subscriptions(&anna).count(), 0);
    let cam = publish(&mut rooms, &anna, "cam");
    assert_eq!(rooms.subscriptions(&ghost).collect::<Vec<_>>(), [&cam]);
}
