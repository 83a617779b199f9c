use super::*;

fn only(identity: &str, tracks: &[&TrackSid]) -> SubscriptionPermission {
    SubscriptionPermission {
        all_participants: false,
        participants: vec![TrackPermission {
            identity: identity.into(),
            all_tracks: tracks.is_empty(),
            tracks: tracks.iter().map(|track| (*track).clone()).collect(),
            ..TrackPermission::default()
        }],
    }
}

fn everybody() -> SubscriptionPermission {
    SubscriptionPermission {
        all_participants: true,
        ..SubscriptionPermission::default()
    }
}

fn told_permission(publisher: &ParticipantSid, track: &TrackSid, allowed: bool) -> Notice {
    Notice::SubscriptionPermission {
        publisher: publisher.clone(),
        track: track.clone(),
        allowed,
    }
}

#[test]
fn a_publisher_says_who_gets_its_tracks() {
    let mut rooms = rooms(RoomsConfig::default());
    let [anna, ben, cleo] = ["anna", "ben", "cleo"].map(|identity| join(&mut rooms, identity));
    let track = publish(&mut rooms, &anna, "cam");
    drain(&mut rooms);
    rooms
        .update_subscription_permission(&anna, everybody())
        .unwrap();
    assert_eq!(drain(&mut rooms), [], "it was so before");

    rooms
        .update_subscription_permission(&anna, only("ben", &[]))
        .unwrap();
    let withdrawn = [
        Output::Unsubscribe {
            subscriber: cleo.clone(),
            track: track.clone(),
        },
        Output::Notify(cleo.clone(), told_permission(&anna, &track, false)),
    ];
    assert_eq!(drain(&mut rooms), withdrawn);
    // Asking does not help.
    let tracks = std::slice::from_ref(&track);
    rooms.update_subscription(&cleo, tracks, true).unwrap();
    assert_eq!(rooms.subscriptions(&cleo).count(), 0);
    assert_eq!(rooms.subscriptions(&ben).count(), 1);
    drain(&mut rooms);

    rooms
        .update_subscription_permission(&anna, everybody())
        .unwrap();
    let given = [
        Output::Notify(cleo.clone(), told_permission(&anna, &track, true)),
        Output::Subscribe {
            subscriber: cleo,
            track,
        },
    ];
    assert_eq!(drain(&mut rooms), given);
}

#[test]
fn permission_holds_for_new_tracks_and_newcomers() {
    let mut rooms = rooms(RoomsConfig::default());
    let [anna, ben] = ["anna", "ben"].map(|identity| join(&mut rooms, identity));
    let first = publish(&mut rooms, &anna, "first");
    rooms
        .update_subscription_permission(&anna, only("ben", &[&first]))
        .unwrap();
    let second = publish(&mut rooms, &anna, "second");
    assert_eq!(rooms.subscriptions(&ben).collect::<Vec<_>>(), [&first]);
    drain(&mut rooms);
    let cleo = join(&mut rooms, "cleo");
    let outputs = drain(&mut rooms);
    assert_eq!(rooms.subscriptions(&cleo).count(), 0);
    for track in [&first, &second] {
        let notice = told_permission(&anna, track, false);
        assert!(outputs.contains(&Output::Notify(cleo.clone(), notice)));
    }
    // By sid, and for everything of anna's.
    let by_sid = SubscriptionPermission {
        all_participants: false,
        participants: vec![TrackPermission {
            sid: Some(cleo.clone()),
            all_tracks: true,
            ..TrackPermission::default()
        }],
    };
    rooms.update_subscription_permission(&anna, by_sid).unwrap();
    assert_eq!(rooms.subscriptions(&cleo).count(), 2);
    assert_eq!(rooms.subscriptions(&ben).count(), 0);
}

#[test]
fn who_does_not_want_a_track_does_not_get_it_when_it_is_allowed() {
    let mut rooms = rooms(RoomsConfig::default());
    let [anna, ben] = ["anna", "ben"].map(|identity| join(&mut rooms, identity));
    let track = publish(&mut rooms, &anna, "cam");
    let nobody = SubscriptionPermission::default();
    rooms.update_subscription_permission(&anna, nobody).unwrap();
    rooms
        .update_subscription(&ben, std::slice::from_ref(&track), false)
        .unwrap();
    drain(&mut rooms);
    rooms
        .update_subscription_permission(&anna, everybody())
        .unwrap();
    assert_eq!(drain(&mut rooms), []);
    assert_eq!(rooms.subscriptions(&ben).count(), 0);
}

#[test]
fn a_permission_names_so_many_and_no_more() {
    let mut rooms = rooms(RoomsConfig::default());
    let anna = join(&mut rooms, "anna");
    let named = |participants: usize, tracks: usize| SubscriptionPermission {
        all_participants: false,
        participants: vec![
            TrackPermission {
                identity: "ben".into(),
                tracks: vec![TrackSid::from("TR_a"); tracks],
                ..TrackPermission::default()
            };
            participants
        ],
    };
    for (participants, tracks, expected) in [
        (10_000, 0, Ok(())),
        (10_001, 0, Err(Refused::LimitExceeded)),
        (1, 10_000, Err(Refused::LimitExceeded)),
    ] {
        let permission = named(participants, tracks);
        assert_eq!(
            rooms.update_subscription_permission(&anna, permission),
            expected
        );
    }
}
