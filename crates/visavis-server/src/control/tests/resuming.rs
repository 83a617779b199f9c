use visavis_rooms::RemovalReason;
use visavis_shard::CloseReason;
use visavis_signal::join::{ReconnectReason, Resume};
use visavis_signal::request::{Scenario, SyncState};
use visavis_signal::response::LeaveAction;

use super::*;

fn back(client: &Client, single: bool) -> Hello {
    let params = JoinParams {
        single_peer_connection: single,
        auto_subscribe: true,
        resume: Some(Resume {
            participant: Some(client.sid.clone()),
            reason: ReconnectReason::SignalDisconnected,
        }),
        ..JoinParams::default()
    };
    hello("anna", params)
}

fn must_join_anew(told: &[Response]) -> bool {
    told.last()
        == Some(&Response::Leave {
            reason: RemovalReason::StateMismatch,
            action: LeaveAction::Reconnect,
        })
}

fn lose(world: &mut World, client: &Client) {
    world.control.handle_signal_lost(client.session, world.now);
    world.drain();
}

#[test]
fn a_client_with_one_connection_comes_back_and_restarts_ice_itself() {
    let mut world = World::new();
    let mut anna = world.join("anna", single());
    world.connect(&anna);
    let (track, _) = world.publish_camera(&mut anna, "cam");
    let ben = world.join("ben", single());
    lose(&mut world, &anna);
    world.told(ben.session);
    world.media();
    world.pass(Duration::from_secs(8));
    assert_eq!(world.told(ben.session), [], "nobody notices");
    let other = world.join("carla", dual());
    let gone = world.join("dora", dual());
    world.ask(&gone, Request::Leave { reason: None });

    anna.session = world.control.join(back(&anna, true), world.now).unwrap();
    let told = world.told(anna.session);
    assert!(matches!(told[0], Response::Reconnect(_)));
    let Response::Update(everybody) = &told[1] else {
        panic!("{:?}", told[1]);
    };
    let mut sids: Vec<_> = everybody.iter().map(|info| info.sid.clone()).collect();
    sids.sort();
    // Who has gone meanwhile is told as gone, or the client would keep it.
    let mut expected = vec![anna.sid.clone(), ben.sid.clone(), other.sid, gone.sid];
    expected.sort();
    assert_eq!(sids, expected);
    assert!(matches!(told[2], Response::RoomUpdate(_)));

    let state = SyncState {
        published: vec![("cam".into(), track)],
        ..SyncState::default()
    };
    world.ask(&anna, Request::SyncState(Box::new(state)));
    world.media();
    anna.sdp.restart("fresh");
    let answer = world.offer(&mut anna);
    let media = world.media();
    let MediaCommand::RestartIce(transport, fresh) = &media[0] else {
        panic!("{:?}", media[0]);
    };
    assert_eq!(Some(*transport), anna.publisher);
    assert!(
        answer
            .sdp
            .contains(&format!("a=ice-ufrag:{}\r\n", fresh.ufrag))
    );
    let restarted = |command: &MediaCommand| match command {
        MediaCommand::SetRemote(_, remote) => remote.ice.ufrag == "fresh",
        _ => false,
    };
    assert!(media.iter().any(restarted));
    let ended = |command: &MediaCommand| {
        matches!(
            command,
            MediaCommand::RemoveTrack(_) | MediaCommand::Close(_) | MediaCommand::Open { .. }
        )
    };
    assert!(!media.iter().any(ended), "media goes on");
    // The same offer again restarts nothing.
    world.offer(&mut anna);
    assert!(!matches!(world.media()[0], MediaCommand::RestartIce(..)));
}

#[test]
fn with_two_connections_ours_is_restarted_by_a_new_offer() {
    let mut world = World::new();
    let mut anna = world.join("anna", dual());
    world.told.insert(anna.session, anna.welcome.clone());
    let before = world.answer_offers(&anna).unwrap();
    world.connect(&anna);
    lose(&mut world, &anna);
    world.media();
    anna.session = world.control.join(back(&anna, false), world.now).unwrap();
    let media = world.media();
    let MediaCommand::RestartIce(transport, fresh) = &media[0] else {
        panic!("{:?}", media[0]);
    };
    assert_eq!(Some(*transport), anna.subscriber);
    let offer = world.answer_offers(&anna).unwrap();
    assert_eq!(offer.id, before.id + 1);
    assert!(
        offer
            .sdp
            .contains(&format!("a=ice-ufrag:{}\r\n", fresh.ufrag))
    );
}

#[test]
fn a_new_connection_takes_over_from_one_that_does_not_know_it_is_dead() {
    let mut world = World::new();
    let anna = world.join("anna", single());
    let session = world.control.join(back(&anna, true), world.now).unwrap();
    world.drain();
    assert_eq!(world.closed, [anna.session]);
    lose(&mut world, &anna);
    world.told(session);
    world
        .control
        .handle_request(session, Request::Ping(0), world.now);
    assert_eq!(world.told(session).len(), 1, "the new one lives");
}

#[test]
fn who_is_not_there_any_more_must_join_anew() {
    let mut world = World::new();
    let mut anna = world.join("anna", single());
    let mut stranger = back(&anna, true);
    stranger.claims.identity = "mallory".into();
    let mut other = anna.sid.clone();
    std::mem::swap(&mut other, &mut anna.sid);
    let mut unknown = back(&anna, true);
    unknown.params.resume = Some(Resume {
        participant: Some(ParticipantSid::from("PA_unknown")),
        reason: ReconnectReason::Unknown,
    });
    anna.sid = other;
    for hello in [stranger, unknown, back(&anna, false)] {
        let session = world.control.join(hello, world.now).unwrap();
        let told = world.told(session);
        assert!(told.len() == 1 && must_join_anew(&told));
        assert_eq!(world.closed.pop(), Some(session));
    }
    world.ask(&anna, Request::Leave { reason: None });
    let session = world.control.join(back(&anna, true), world.now).unwrap();
    assert!(must_join_anew(&world.told(session)));
}

#[test]
fn a_client_that_believes_in_a_track_we_do_not_know_must_join_anew() {
    let mut world = World::new();
    let anna = world.join("anna", single());
    let state = SyncState {
        published: vec![("cam".into(), TrackSid::from("TR_unknown"))],
        ..SyncState::default()
    };
    world.ask(&anna, Request::SyncState(Box::new(state)));
    assert!(must_join_anew(&world.told(anna.session)));
    assert_eq!(world.closed, [anna.session]);
}

#[test]
fn without_both_connections_a_participant_is_gone() {
    let mut world = World::new();
    let anna = world.join("anna", single());
    let ben = world.join("ben", single());
    world.connect(&anna);
    lose(&mut world, &anna);
    world.told(ben.session);
    let closed = MediaEvent::Closed(anna.publisher.unwrap(), CloseReason::TimedOut);
    world.event(closed);
    let told = world.told(ben.session);
    let reason = info_of(&told, &anna.sid).unwrap().reason;
    assert_eq!(reason, Some(RemovalReason::ConnectionLost));
    // One that never had media goes after a few seconds.
    lose(&mut world, &ben);
    world.pass(Duration::from_secs(6));
    assert_eq!(world.control.participant_names("daily"), [""; 0]);
}

#[test]
fn a_client_whose_media_ends_is_told_to_join_anew() {
    let mut world = World::new();
    for (reason, removal) in [
        (CloseReason::TimedOut, RemovalReason::ConnectionLost),
        (CloseReason::Failed, RemovalReason::MediaFailure),
    ] {
        let anna = world.join("anna", single());
        world.event(MediaEvent::Closed(anna.publisher.unwrap(), reason));
        assert_eq!(
            world.told(anna.session).last(),
            Some(&Response::Leave {
                reason: removal,
                action: LeaveAction::Reconnect,
            })
        );
    }
}

#[test]
fn who_closes_its_connection_first_may_still_say_that_it_leaves() {
    let mut world = World::new();
    let anna = world.join("anna", single());
    let ben = world.join("ben", single());
    let close =
        |client: &Client| MediaEvent::Closed(client.publisher.unwrap(), CloseReason::ByPeer);
    world.event(close(&ben));
    world.ask(&ben, Request::Leave { reason: None });
    let told = world.told(anna.session);
    let reason = info_of(&told, &ben.sid).unwrap().reason;
    assert_eq!(reason, Some(RemovalReason::ClientInitiated));

    let carla = world.join("carla", single());
    world.event(close(&carla));
    world.pass(Duration::from_secs(4));
    let told = world.told(anna.session);
    let reason = info_of(&told, &carla.sid).unwrap().reason;
    assert_eq!(reason, Some(RemovalReason::ConnectionLost));
}

#[test]
fn disturbances_that_a_client_orders_are_its_own() {
    let mut world = World::new();
    let mut anna = world.join("anna", single());
    let ben = world.join("ben", single());
    world.connect(&anna);
    world.ask(&anna, Request::Simulate(Scenario::DisconnectOnResume));
    world.ask(&anna, Request::Simulate(Scenario::Migration));
    assert_eq!(world.closed, [anna.session]);
    anna.session = world.control.join(back(&anna, true), world.now).unwrap();
    let told = world.told(anna.session);
    assert!(matches!(told[..], [Response::Reconnect(_)]));
    assert_eq!(world.closed.last(), Some(&anna.session));
    anna.session = world.control.join(back(&anna, true), world.now).unwrap();
    assert!(world.told(anna.session).len() > 2, "only once");
    world.ask(&anna, Request::Simulate(Scenario::FullReconnect));
    assert!(must_join_anew(&world.told(anna.session)));
    let farewell = |r: &Response| matches!(r, Response::Leave { .. });
    assert!(!world.told(ben.session).iter().any(farewell));
}
