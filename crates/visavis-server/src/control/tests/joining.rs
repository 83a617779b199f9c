use visavis_rooms::{JoinError, ParticipantState, RemovalReason};
use visavis_shard::{MediaCommand, MediaEvent};
use visavis_signal::response::{LeaveAction, Pong};
use visavis_signal::token::verify;

use super::*;
use crate::control::JoinRefused;

#[test]
fn a_client_with_one_connection_is_answered_right_after_the_welcome() {
    let mut world = World::new();
    let anna = world.join("anna", single());
    let join = join_of(&anna.welcome);
    assert!(!join.subscriber_primary && join.fast_publish);
    let Response::Answer(answer) = &anna.welcome[1] else {
        panic!("{:?}", anna.welcome[1]);
    };
    assert_eq!(answer.id, 1);
    assert_eq!(answer.sdp.matches("a=inactive\r\n").count(), 6);
    assert!(answer.sdp.contains("192.0.2.1 7880 typ host"));
    let media = world.media();
    let MediaCommand::Open {
        transport,
        local,
        ice_lite: true,
        open_channels: false,
    } = &media[0]
    else {
        panic!("{:?}", media[0]);
    };
    assert!(
        answer
            .sdp
            .contains(&format!("a=ice-ufrag:{}\r\n", local.ufrag))
    );
    let MediaCommand::SetRemote(to, remote) = &media[1] else {
        panic!("{:?}", media[1]);
    };
    assert_eq!((to, &*remote.ice.ufrag), (transport, "Qmz7"));
    assert!(matches!(&media[2], MediaCommand::SetSections(..)));
}

#[test]
fn the_second_identical_offer_is_answered_the_same_way() {
    let mut world = World::new();
    let mut anna = world.join("anna", single());
    let first = answer_of(&anna.welcome).unwrap().clone();
    let second = world.offer(&mut anna);
    assert_eq!(second.id, 2);
    let media = |sdp: &str| sdp[sdp.find("m=").unwrap()..].to_owned();
    assert_eq!(media(&first.sdp), media(&second.sdp));
    let asked = |r: &Response| matches!(r, Response::MediaSectionsRequirement { .. });
    assert!(!world.told(anna.session).iter().any(asked));
}

#[test]
fn a_client_with_two_connections_is_offered_data_channels_at_once() {
    let mut world = World::new();
    let mut anna = world.join("anna", dual());
    assert!(join_of(&anna.welcome).subscriber_primary);
    let offer = anna.welcome.iter().find_map(|response| match response {
        Response::Offer(offer) => Some(offer),
        _ => None,
    });
    let offer = offer.unwrap().clone();
    assert_eq!(offer.id, 1);
    assert!(offer.sdp.contains("m=application"));
    assert!(matches!(
        world.media()[..],
        [MediaCommand::Open {
            open_channels: true,
            ..
        }]
    ));
    let answer = Description {
        id: 1,
        sdp: sdp::answer(&offer.sdp),
    };
    world.ask(&anna, Request::Answer(answer));
    assert_eq!(
        world.media().len(),
        2,
        "the client's side, and its sections"
    );
    let answer = world.offer(&mut anna);
    assert!(answer.mid_to_track_id.is_empty());
    assert_ne!(anna.publisher, anna.subscriber);
    assert!(anna.publisher.is_some());
}

#[test]
fn without_the_right_to_subscribe_the_publishers_connection_is_primary() {
    let mut world = World::new();
    let mut hello = hello("anna", dual());
    hello.claims.grants.can_subscribe = Some(false);
    let mut anna = world.join_as(hello);
    assert!(!join_of(&anna.welcome).subscriber_primary);
    assert_eq!(world.media(), []);
    world.offer(&mut anna);
    let ben = world.join("ben", single());
    world.event(MediaEvent::Connected(anna.publisher.unwrap()));
    let told = world.told(ben.session);
    assert_eq!(
        info_of(&told, &anna.sid).unwrap().state,
        ParticipantState::Active
    );
}

#[test]
fn others_see_who_comes_and_when_its_media_stands() {
    let mut world = World::new();
    let anna = world.join("anna", single());
    let ben = world.join("ben", dual());
    let told = world.told(anna.session);
    let info = info_of(&told, &ben.sid).unwrap();
    assert_eq!(info.state, ParticipantState::Joined);
    world.connect(&ben);
    let told = world.told(anna.session);
    let info = info_of(&told, &ben.sid).unwrap();
    assert_eq!(info.state, ParticipantState::Active);
    assert_eq!(join_of(&ben.welcome).joined.others.len(), 1);
    assert_eq!(world.control.participant_names("daily"), ["anna", "ben"]);
}

#[test]
fn the_same_identity_replaces_the_old_session() {
    let mut world = World::new();
    let old = world.join("anna", single());
    let new = world.join("anna", dual());
    assert_ne!(old.sid, new.sid);
    assert_eq!(
        world.told(old.session).last(),
        Some(&Response::Leave {
            reason: RemovalReason::DuplicateIdentity,
            action: LeaveAction::Disconnect,
        })
    );
    assert_eq!(world.closed, [old.session]);
    assert!(join_of(&new.welcome).joined.others.is_empty());
    let closed = MediaCommand::Close(old.publisher.unwrap());
    assert!(world.media().contains(&closed));
}

#[test]
fn what_the_token_or_the_room_does_not_allow_is_refused_with_a_status() {
    let mut settings = config();
    settings.rooms.auto_create = false;
    let mut world = World::with(settings);
    let refused = |world: &mut World, hello: Hello| {
        let validated = world.control.validate(&hello, world.now);
        let joined = world.control.join(hello, world.now);
        assert_eq!(joined.as_ref().err(), validated.as_ref().err());
        joined.unwrap_err()
    };
    let missing = refused(&mut world, hello("anna", single()));
    assert_eq!(missing, JoinRefused::Rooms(JoinError::RoomNotFound));
    assert_eq!(
        (missing.status(), &*missing.to_string()),
        (404, "requested room does not exist")
    );
    let mut elsewhere = hello("anna", single());
    elsewhere.room = "other".into();
    assert_eq!(refused(&mut world, elsewhere).status(), 401);

    let mut world = World::new();
    let mut own = hello("anna", single());
    own.params.metadata = "mine".into();
    assert_eq!(refused(&mut world, own).status(), 401);
    assert_eq!(refused(&mut world, hello("", single())).status(), 400);
    assert!(world.control.poll_output().is_none());
}

#[test]
fn a_session_gets_tokens_to_come_back_with() {
    let mut world = World::new();
    let mut hello = hello("anna", single());
    hello.claims.name = "Anna".into();
    hello.claims.grants.can_update_own_metadata = Some(true);
    let anna = world.join_as(hello);
    let token = |told: &[Response]| {
        let mut tokens = told.iter().filter_map(|response| match response {
            Response::RefreshToken(token) => Some(token.0.clone()),
            _ => None,
        });
        tokens.next_back()
    };
    let first = token(&anna.welcome).unwrap();
    let claims = verify(&first, |_| Some("secret"), 1_800_000_000).unwrap();
    assert_eq!((&*claims.identity, &*claims.name), ("anna", "Anna"));
    assert!(claims.grants.may_join("daily"));
    assert_eq!(claims.expires, 1_800_000_600, "at least ten minutes");

    world.connect(&anna);
    let rename = Request::UpdateMetadata {
        request_id: 7,
        name: "Anna B.".into(),
        metadata: String::new(),
        attributes: [].into(),
    };
    world.ask(&anna, rename);
    for _ in 0..31 {
        world.pass(Duration::from_secs(10));
        world.ask(&anna, Request::Ping(0));
    }
    let told = world.told(anna.session);
    let claims = verify(&token(&told).unwrap(), |_| Some("secret"), 1_800_000_310).unwrap();
    assert_eq!(claims.name, "Anna B.");
}

#[test]
fn both_pings_are_answered_and_silence_ends_the_session_but_not_the_participant() {
    let mut world = World::new();
    let anna = world.join("anna", single());
    world.connect(&anna);
    world.ask(&anna, Request::Ping(1));
    let ping = Request::PingRequest {
        timestamp: 42,
        rtt: 3,
    };
    world.ask(&anna, ping);
    let told = world.told(anna.session);
    assert!(told.contains(&Response::Pong(1_800_000_000_000)));
    assert!(told.contains(&Response::PongResponse(Pong {
        last_ping_timestamp: 42,
        timestamp: 1_800_000_000_000,
    })));
    world.pass(Duration::from_secs(14));
    assert_eq!(world.closed, []);
    world.pass(Duration::from_secs(3));
    assert_eq!(world.closed, [anna.session]);
    assert_eq!(world.control.participant_names("daily"), ["anna"]);
}

#[test]
fn who_leaves_is_gone_at_once() {
    let mut world = World::new();
    let anna = world.join("anna", single());
    let ben = world.join("ben", single());
    world.told(anna.session);
    world.ask(&ben, Request::Leave { reason: None });
    let told = world.told(anna.session);
    let info = info_of(&told, &ben.sid).unwrap();
    assert_eq!(info.state, ParticipantState::Disconnected);
    assert_eq!(info.identity, "ben");
    assert_eq!(info.reason, Some(RemovalReason::ClientInitiated));
    assert_eq!(world.closed, [ben.session]);
    let farewell = |r: &Response| matches!(r, Response::Leave { .. });
    assert!(!world.told(ben.session).iter().any(farewell));
    assert!(
        world
            .media()
            .contains(&MediaCommand::Close(ben.publisher.unwrap()))
    );
}

#[test]
fn at_shutdown_everybody_is_told_to_come_back() {
    let mut world = World::new();
    let anna = world.join("anna", single());
    let ben = world.join("ben", dual());
    world.control.shutdown(world.now);
    for client in [&anna, &ben] {
        assert_eq!(
            world.told(client.session).last(),
            Some(&Response::Leave {
                reason: RemovalReason::ServerShutdown,
                action: LeaveAction::Reconnect,
            })
        );
    }
    assert_eq!(world.closed.len(), 2);
    assert_eq!(world.control.participant_names("daily"), [""; 0]);
}
