use visavis_rooms::Quality;
use visavis_sfu::{Appetite, LayerSize, Sections, Wanted};
use visavis_signal::request::{Subscription, TrackSettings};
use visavis_signal::response::SubscriptionError;

use super::*;

fn last_sections(media: &[MediaCommand], transport: TransportId) -> Sections {
    let sections = media.iter().rev().find_map(|command| match command {
        MediaCommand::SetSections(to, sections) if *to == transport => Some(sections.clone()),
        _ => None,
    });
    sections.expect("sections")
}

fn wants(media: &[MediaCommand], transport: TransportId) -> Vec<Appetite> {
    let wants = media.iter().filter_map(|command| match command {
        MediaCommand::Want(to, _, appetite) if *to == transport => Some(*appetite),
        _ => None,
    });
    wants.collect()
}

fn settings(track: &TrackSid) -> TrackSettings {
    TrackSettings {
        tracks: vec![track.clone()],
        disabled: false,
        quality: Some(Quality::High),
        width: 0,
        height: 0,
        fps: 0,
        priority: 0,
    }
}

#[test]
fn the_second_to_join_has_all_tracks_in_the_very_first_answer() {
    let mut world = World::new();
    let mut anna = world.join("anna", single());
    world.add_track(&anna, microphone("mic"));
    anna.sdp.microphone("mic");
    let (camera, _) = world.publish_camera(&mut anna, "cam");
    world.media();
    let ben = world.join("ben", single());
    let answer = answer_of(&ben.welcome).unwrap();
    let msid = format!("a=msid:{}|{camera} {camera}\r\n", anna.sid);
    assert!(answer.sdp.contains(&msid), "{}", answer.sdp);
    let mids: Vec<&str> = answer.mid_to_track_id.keys().map(|mid| &**mid).collect();
    assert_eq!(mids, ["0", "3"]);
    assert_eq!(answer.mid_to_track_id["3"], camera);
    let media = world.media();
    let sections = last_sections(&media, ben.publisher.unwrap());
    let sends: Vec<_> = sections
        .sends
        .iter()
        .map(|s| (&*s.mid, s.payload_type))
        .collect();
    assert_eq!(sends, [("0", 111), ("3", 96)]);
    assert_eq!(sections.sends[1].rtx.map(|rtx| rtx.1), Some(97));
    assert_eq!(sections.sends[0].cname, sections.sends[1].cname);
    assert_eq!(
        sections.extensions.id(visavis_rtp::ExtensionKind::Mid),
        Some(4)
    );
    assert_eq!(wants(&media, ben.publisher.unwrap()).len(), 2);
    assert!(
        world
            .told(anna.session)
            .contains(&Response::TrackSubscribed(camera))
    );
}

#[test]
fn livekits_browser_client_gets_streams_that_play_in_sync() {
    let mut world = World::new();
    let mut anna = world.join("anna", single());
    let (camera, _) = world.publish_camera(&mut anna, "cam");
    let mut params = single();
    params.client.sdk = visavis_signal::join::Sdk::Js;
    let ben = world.join("ben", params);
    let answer = answer_of(&ben.welcome).unwrap();
    let msid = format!("a=msid:{}|camera {camera}\r\n", anna.sid);
    assert!(answer.sdp.contains(&msid));
    assert_eq!(answer.mid_to_track_id["3"], camera);
}

#[test]
fn later_tracks_ask_for_an_offer_and_only_for_the_sections_that_lack() {
    let mut world = World::new();
    let mut anna = world.join("anna", single());
    let mut ben = world.join("ben", single());
    let asked = |told: Vec<Response>| -> Vec<(u32, u32)> {
        let asked = told.into_iter().filter_map(|response| match response {
            Response::MediaSectionsRequirement { audios, videos } => Some((audios, videos)),
            _ => None,
        });
        asked.collect()
    };
    let settle = Duration::from_millis(200);
    world.pass(settle);
    for cid in ["1", "2", "3"] {
        world.publish_camera(&mut anna, cid);
    }
    // The sections are there, but only the client's offer can fill them; that
    // LiveKit's clients add some all the same costs nothing but lines.
    let first = asked(world.told(ben.session));
    assert_eq!(first, [(0, 1), (0, 1), (0, 1)]);
    for _ in 0..3 {
        ben.sdp.video("recvonly", "");
    }
    let answer = world.offer(&mut ben);
    assert_eq!(answer.mid_to_track_id.len(), 3);
    for cid in ["4", "5", "6", "7"] {
        world.publish_camera(&mut anna, cid);
    }
    assert_eq!(asked(world.told(ben.session)), [], "it has just offered");
    world.pass(settle);
    assert_eq!(asked(world.told(ben.session)), [(0, 4)], "one for all");
    // An offer that was on its way does not double the wish.
    let answer = world.offer(&mut ben);
    assert_eq!(answer.mid_to_track_id.len(), 6);
    world.pass(settle);
    assert_eq!(asked(world.told(ben.session)), []);
    ben.sdp.video("recvonly", "");
    let answer = world.offer(&mut ben);
    assert_eq!(answer.mid_to_track_id.len(), 7);
}

#[test]
fn with_two_connections_new_tracks_are_offered_one_offer_at_a_time() {
    let mut world = World::new();
    let mut anna = world.join("anna", single());
    let ben = world.join("ben", dual());
    world.told.insert(ben.session, ben.welcome.clone());
    let first = world.answer_offers(&ben).unwrap();
    assert_eq!(first.id, 1);
    let (one, _) = world.publish_camera(&mut anna, "1");
    let (two, _) = world.publish_camera(&mut anna, "2");
    world.media();
    let offers = |world: &World| {
        let told = world.told.get(&ben.session).unwrap();
        told.iter()
            .filter(|r| matches!(r, Response::Offer(_)))
            .count()
    };
    assert_eq!(offers(&world), 1, "the second waits for the answer");
    let last = world.answer_offers(&ben).unwrap();
    assert_eq!(last.id, 3);
    let named: Vec<_> = last.mid_to_track_id.values().cloned().collect();
    assert_eq!(named, [one, two]);
    let sections = last_sections(&world.media(), ben.subscriber.unwrap());
    assert_eq!(sections.sends.len(), 2);
}

#[test]
fn a_late_answer_changes_nothing() {
    let mut world = World::new();
    let ben = world.join("ben", dual());
    world.told.insert(ben.session, ben.welcome.clone());
    let offer = world.answer_offers(&ben).unwrap();
    world.media();
    for id in [1, 0, 7] {
        let sdp = sdp::answer(&offer.sdp);
        world.ask(&ben, Request::Answer(Description { id, sdp }));
    }
    assert_eq!(world.media(), []);
    assert_eq!(world.closed, []);
}

#[test]
fn a_codec_that_a_client_lacks_is_said_and_other_tracks_still_come() {
    let mut world = World::new();
    let mut anna = world.join("anna", single());
    let (track, _) = world.publish_camera(&mut anna, "cam");
    world.add_track(&anna, microphone("mic"));
    anna.sdp.microphone("mic");
    world.offer(&mut anna);
    let mut params = single();
    let offer = params.publisher_offer.as_mut().unwrap();
    offer.sdp = offer.sdp.replace("VP8/90000", "VP7/90000");
    let ben = world.join("ben", params);
    let error = SubscriptionError::CodecUnsupported;
    assert!(
        ben.welcome
            .contains(&Response::SubscriptionResponse { track, error })
    );
    assert_eq!(answer_of(&ben.welcome).unwrap().mid_to_track_id.len(), 1);
}

#[test]
fn appetite_follows_the_clients_kind_and_its_settings() {
    let mut world = World::new();
    let mut anna = world.join("anna", single());
    let (track, _) = world.publish_camera(&mut anna, "cam");
    world.media();
    let ben = world.join("ben", single());
    let to = ben.publisher.unwrap();
    let size = |world: &mut World| wants(&world.media(), to).pop().map(|a| a.size);
    assert_eq!(size(&mut world), Some(Wanted::Layer(u8::MAX)));
    let medium = TrackSettings {
        quality: Some(Quality::Medium),
        ..settings(&track)
    };
    world.ask(&ben, Request::UpdateTrackSettings(medium.clone()));
    assert_eq!(size(&mut world), Some(Wanted::Layer(1)));
    world.ask(&ben, Request::UpdateTrackSettings(medium.clone()));
    assert_eq!(size(&mut world), None, "nothing has changed");
    let sized = TrackSettings {
        width: 320,
        height: 180,
        ..medium.clone()
    };
    world.ask(&ben, Request::UpdateTrackSettings(sized));
    let wanted = LayerSize {
        width: 320,
        height: 180,
    };
    assert_eq!(size(&mut world), Some(Wanted::Size(wanted)));
    let off = TrackSettings {
        disabled: true,
        ..medium
    };
    world.ask(&ben, Request::UpdateTrackSettings(off));
    assert!(wants(&world.media(), to)[0].disabled);

    let mut params = single();
    params.adaptive_stream = true;
    let carla = world.join("carla", params);
    let first = wants(&world.media(), carla.publisher.unwrap());
    assert_eq!(first[0].size, Wanted::Layer(0));
}

#[test]
fn a_track_that_was_given_up_and_is_wanted_again_is_offered_anew() {
    let mut world = World::new();
    let mut anna = world.join("anna", single());
    let (track, _) = world.publish_camera(&mut anna, "cam");
    let ben = world.join("ben", dual());
    world.told.insert(ben.session, ben.welcome.clone());
    let first = world.answer_offers(&ben).unwrap();
    let wish = |subscribe| {
        Request::UpdateSubscription(Subscription {
            tracks: vec![track.clone()],
            subscribe,
        })
    };
    world.ask(&ben, wish(false));
    world.ask(&ben, wish(true));
    let last = world.answer_offers(&ben).unwrap();
    assert_eq!(last.id, first.id + 2, "given up in between");
    // On another section: some clients miss a track that comes back to its own.
    let (mid, again) = last.mid_to_track_id.iter().next().unwrap();
    assert_eq!(again, &track);
    assert!(!first.mid_to_track_id.contains_key(mid));
    let to = ben.subscriber.unwrap();
    let media = world.media();
    assert_eq!(last_sections(&media, to).sends.len(), 1);
    assert!(!wants(&media, to).last().unwrap().disabled);
}

#[test]
fn who_has_used_up_all_source_numbers_must_join_anew() {
    let mut world = World::new();
    let mut anna = world.join("anna", single());
    let (track, _) = world.publish_camera(&mut anna, "cam");
    let ben = world.join("ben", single());
    for _ in 0..8_001 {
        for subscribe in [false, true] {
            let tracks = vec![track.clone()];
            let wish = Subscription { tracks, subscribe };
            world.ask(&ben, Request::UpdateSubscription(wish));
        }
    }
    world.pass(Duration::from_secs(2));
    assert!(matches!(
        world.told(ben.session).last(),
        Some(Response::Leave { .. })
    ));
}

#[test]
fn without_automatic_subscription_tracks_come_when_asked_for_and_go_at_once() {
    let mut world = World::new();
    let mut anna = world.join("anna", single());
    let (track, _) = world.publish_camera(&mut anna, "cam");
    let params = JoinParams {
        auto_subscribe: false,
        ..single()
    };
    let mut ben = world.join("ben", params);
    assert!(answer_of(&ben.welcome).unwrap().mid_to_track_id.is_empty());
    let wish = |subscribe| {
        Request::UpdateSubscription(Subscription {
            tracks: vec![track.clone()],
            subscribe,
        })
    };
    world.ask(&ben, wish(true));
    assert_eq!(world.offer(&mut ben).mid_to_track_id.len(), 1);
    world.media();
    world.ask(&ben, wish(false));
    // Before any negotiation: it may be that the track is not to be had any more.
    assert!(wants(&world.media(), ben.publisher.unwrap())[0].disabled);
    assert!(world.offer(&mut ben).mid_to_track_id.is_empty());
    let sections = last_sections(&world.media(), ben.publisher.unwrap());
    assert_eq!(sections.sends, []);
}
