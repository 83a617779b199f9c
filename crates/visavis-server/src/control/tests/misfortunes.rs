use visavis_rooms::RemovalReason;
use visavis_signal::response::LeaveAction;

use super::*;

fn dismissed(told: &[Response]) -> bool {
    told.last()
        == Some(&Response::Leave {
            reason: RemovalReason::MediaFailure,
            action: LeaveAction::Disconnect,
        })
}

#[test]
fn a_panic_over_one_participant_removes_that_one_only() {
    let mut world = World::new();
    let mut anna = world.join("anna", single());
    world.publish_camera(&mut anna, "cam");
    let mut ben = world.join("ben", single());
    world.connect(&ben);
    let carla = world.join("carla", dual());
    world.told(ben.session);
    world.control.trap = Some(anna.sid.clone());
    world.ask(&anna, Request::Ping(0));
    assert!(dismissed(&world.told(anna.session)));
    assert_eq!(world.closed, [anna.session]);
    let told = world.told(ben.session);
    let info = info_of(&told, &anna.sid).unwrap();
    assert_eq!(info.reason, Some(RemovalReason::MediaFailure));
    assert!(info.tracks.is_empty());
    assert_eq!(world.control.participant_names("daily"), ["ben", "carla"]);
    // The others go on.
    world.publish_camera(&mut ben, "cam");
    let told = world.told(carla.session);
    assert_eq!(info_of(&told, &ben.sid).unwrap().tracks.len(), 1);
}

#[test]
fn a_panic_over_a_media_event_removes_its_participant_only() {
    let mut world = World::new();
    let anna = world.join("anna", single());
    let _ben = world.join("ben", single());
    world.control.trap = Some(anna.sid.clone());
    world.connect(&anna);
    assert!(dismissed(&world.told(anna.session)));
    assert_eq!(world.control.participant_names("daily"), ["ben"]);
}

#[test]
fn bad_descriptions_end_the_session_of_whoever_sent_them() {
    let good = ClientSdp::single().offer();
    let section = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n";
    for bad in [
        String::new(),
        "hello".to_owned(),
        good.replace("a=fingerprint", "a=fingerprynt"),
        good.clone() + &section.repeat(1_000),
        "a=x\r\n".repeat(1 << 20),
    ] {
        let mut world = World::new();
        let anna = world.join("anna", single());
        let ben = world.join("ben", single());
        world.told(ben.session);
        let offer = Description { id: 2, sdp: bad };
        world.ask(&anna, Request::Offer(offer));
        assert!(dismissed(&world.told(anna.session)));
        assert_eq!(world.closed, [anna.session]);
        assert_eq!(world.control.participant_names("daily"), ["ben"]);
    }
}

#[test]
fn a_bad_first_offer_and_a_bad_answer_are_no_better() {
    let mut world = World::new();
    let mut params = single();
    params.publisher_offer.as_mut().unwrap().sdp = "v=0\r\n".into();
    let session = world
        .control
        .join(hello("anna", params), world.now)
        .unwrap();
    assert!(dismissed(&world.told(session)));
    let ben = world.join("ben", dual());
    let answer = Description {
        id: 1,
        sdp: "v=0\r\n".into(),
    };
    world.ask(&ben, Request::Answer(answer));
    assert!(dismissed(&world.told(ben.session)));
}

#[test]
fn an_offer_of_another_peer_connection_starts_the_session_anew() {
    let mut world = World::new();
    let anna = world.join("anna", single());
    let sdp = anna.sdp.offer().replace("sha-256 0A", "sha-256 0B");
    world.ask(&anna, Request::Offer(Description { id: 2, sdp }));
    assert_eq!(
        world.told(anna.session).last(),
        Some(&Response::Leave {
            reason: RemovalReason::StateMismatch,
            action: LeaveAction::Reconnect,
        })
    );
}

#[test]
fn requests_and_events_of_those_who_are_gone_are_passed_over() {
    let mut world = World::new();
    let anna = world.join("anna", single());
    world.ask(&anna, Request::Leave { reason: None });
    world.told(anna.session);
    world.media();
    world.ask(&anna, Request::Ping(0));
    world.ask(
        &anna,
        Request::Offer(Description {
            id: 2,
            sdp: anna.sdp.offer(),
        }),
    );
    world.connect(&anna);
    world.control.handle_signal_lost(anna.session, world.now);
    assert_eq!(world.told(anna.session), []);
    assert_eq!(world.media(), []);
}

#[test]
fn who_never_gets_media_through_is_removed() {
    let mut world = World::new();
    let anna = world.join("anna", single());
    for _ in 0..7 {
        world.ask(&anna, Request::Ping(0));
        world.pass(Duration::from_secs(10));
    }
    assert_eq!(
        world.told(anna.session).last(),
        Some(&Response::Leave {
            reason: RemovalReason::JoinFailure,
            action: LeaveAction::Disconnect,
        })
    );
}

#[test]
fn candidates_reach_their_transport_even_before_the_first_offer() {
    let mut world = World::new();
    let anna = world.join("anna", dual());
    world.media();
    let trickle = |peer_connection| Request::Trickle {
        peer_connection,
        candidate: Some("candidate:1 1 udp 1 192.0.2.9 9 typ host".into()),
    };
    use visavis_signal::request::PeerConnection::{Publisher, Subscriber};
    world.ask(&anna, trickle(Subscriber));
    world.ask(&anna, trickle(Publisher));
    let media = world.media();
    assert!(matches!(&media[0], MediaCommand::AddCandidate(to, _) if Some(*to) == anna.subscriber));
    assert!(matches!(&media[1], MediaCommand::Open { .. }));
    assert!(matches!(&media[2], MediaCommand::AddCandidate(..)));
}
