use visavis_rooms::{AnnouncedCodec, Quality, VideoLayer};
use visavis_sfu::{LayerSize, TrackId, TrackParams};
use visavis_signal::response::{RequestOutcome, RequestResponse};

use super::*;

fn tracks_added(media: &[MediaCommand]) -> Vec<(TrackId, TrackParams)> {
    let added = media.iter().filter_map(|command| match command {
        MediaCommand::AddTrack(id, params) => Some((*id, params.clone())),
        _ => None,
    });
    added.collect()
}

#[test]
fn a_track_is_published_when_it_is_both_announced_and_sent_in_either_order() {
    for announced_first in [true, false] {
        let mut world = World::new();
        let mut anna = world.join("anna", single());
        let ben = world.join("ben", single());
        world.told(ben.session);
        let mid = anna.sdp.camera("cam");
        if announced_first {
            world.add_track(&anna, camera("cam"));
            assert_eq!(info_of(&world.told(ben.session), &anna.sid), None);
            world.offer(&mut anna);
        } else {
            world.offer(&mut anna);
            assert_eq!(info_of(&world.told(ben.session), &anna.sid), None);
            world.add_track(&anna, camera("cam"));
        }
        let told = world.told(ben.session);
        let tracks = &info_of(&told, &anna.sid).unwrap().tracks;
        let own = world.told(anna.session);
        assert_eq!(tracks[0].sid, published(&own).unwrap().sid);
        assert_eq!(tracks[0].mime_type, "video/VP8");
        let added = tracks_added(&world.media());
        assert_eq!(added.len(), 1);
        assert_eq!(added[0].1.mid, mid);
        assert_eq!(added[0].1.publisher, anna.publisher.unwrap().into());
    }
}

#[test]
fn layers_are_told_lowest_first_and_rids_in_the_same_order() {
    let mut world = World::new();
    let mut anna = world.join("anna", single());
    let layer = |quality, width, height| VideoLayer {
        quality,
        width,
        height,
        bitrate: 0,
        ssrc: 0,
        rid: String::new(),
    };
    let track = NewTrack {
        layers: vec![
            layer(Quality::High, 1280, 720),
            layer(Quality::Low, 320, 180),
            layer(Quality::Medium, 640, 360),
        ],
        ..camera("cam")
    };
    world.add_track(&anna, track);
    anna.sdp.camera("cam");
    world.offer(&mut anna);
    let media = world.media();
    let sizes = &tracks_added(&media)[0].1.layers;
    assert_eq!(
        sizes.iter().map(|size| size.width).collect::<Vec<_>>(),
        [320, 640, 1280]
    );
    let sections = media.iter().rev().find_map(|command| match command {
        MediaCommand::SetSections(_, sections) => Some(sections),
        _ => None,
    });
    assert_eq!(sections.unwrap().receives[0].rids, ["q", "h", "f"]);
    assert_eq!(
        sizes[0],
        LayerSize {
            width: 320,
            height: 180
        }
    );
}

#[test]
fn the_answer_lists_the_announced_codec_first() {
    let mut world = World::new();
    let mut anna = world.join("anna", single());
    let ben = world.join("ben", single());
    let track = NewTrack {
        codecs: vec![AnnouncedCodec {
            codec: "h264".into(),
            cid: "cam".into(),
            layers: Vec::new(),
        }],
        ..camera("cam")
    };
    world.add_track(&anna, track);
    anna.sdp.camera("cam");
    let answer = world.offer(&mut anna);
    assert!(
        answer
            .sdp
            .contains("m=video 9 UDP/TLS/RTP/SAVPF 102 103 96 97\r\n")
    );
    let told = world.told(ben.session);
    let info = info_of(&told, &anna.sid).unwrap();
    assert_eq!(info.tracks[0].mime_type, "video/H264");
}

#[test]
fn a_section_that_goes_inactive_ends_its_track() {
    let mut world = World::new();
    let mut anna = world.join("anna", single());
    let (_, mid) = world.publish_camera(&mut anna, "cam");
    let ben = world.join("ben", single());
    world.pass(Duration::from_millis(200));
    world.told(ben.session);
    world.media();
    anna.sdp.turn(&mid, "sendonly", "inactive");
    world.offer(&mut anna);
    let told = world.told(ben.session);
    assert!(info_of(&told, &anna.sid).unwrap().tracks.is_empty());
    // The client must offer for its section to become free.
    assert!(told.contains(&Response::MediaSectionsRequirement {
        audios: 0,
        videos: 0,
    }));
    let ended = |command: &MediaCommand| matches!(command, MediaCommand::RemoveTrack(_));
    assert!(world.media().iter().any(ended));
}

#[test]
fn the_same_cid_can_be_published_again() {
    let mut world = World::new();
    let mut anna = world.join("anna", single());
    let ben = world.join("ben", single());
    let (first, mid) = world.publish_camera(&mut anna, "cam");
    world.add_track(&anna, camera("cam"));
    anna.sdp.turn(&mid, "sendonly", "inactive");
    anna.sdp.camera("cam");
    world.offer(&mut anna);
    let again = published(&world.told(anna.session)).unwrap().sid.clone();
    assert_ne!(first, again);
    let told = world.told(ben.session);
    let tracks = &info_of(&told, &anna.sid).unwrap().tracks;
    assert_eq!(tracks.len(), 1);
    assert_eq!(tracks[0].sid, again);
}

#[test]
fn muting_is_seen_by_others_and_known_to_the_media_thread() {
    let mut world = World::new();
    let mut anna = world.join("anna", single());
    let ben = world.join("ben", single());
    let (track, _) = world.publish_camera(&mut anna, "cam");
    let (id, _) = tracks_added(&world.media())[0].clone();
    world.told(ben.session);
    let muted = true;
    world.ask(&anna, Request::Mute { track, muted });
    let told = world.told(ben.session);
    assert!(info_of(&told, &anna.sid).unwrap().tracks[0].muted);
    assert_eq!(world.media(), [MediaCommand::SetMuted(id, true)]);
}

#[test]
fn a_track_that_is_muted_before_it_is_sent_comes_up_muted() {
    let mut world = World::new();
    let mut anna = world.join("anna", single());
    world.add_track(&anna, microphone("mic"));
    let track = published(&world.told(anna.session)).unwrap().sid.clone();
    let muted = true;
    world.ask(&anna, Request::Mute { track, muted });
    anna.sdp.microphone("mic");
    world.offer(&mut anna);
    assert!(tracks_added(&world.media())[0].1.muted);
}

#[test]
fn a_backup_codec_is_answered_with_the_track_and_its_section_is_nobodys() {
    let mut world = World::new();
    let mut anna = world.join("anna", single());
    let ben = world.join("ben", single());
    let (track, _) = world.publish_camera(&mut anna, "cam");
    let backup = AddTrack {
        sid: Some(track.clone()),
        track: NewTrack {
            codecs: vec![AnnouncedCodec {
                codec: "vp8".into(),
                cid: "backup".into(),
                layers: Vec::new(),
            }],
            ..camera("cam")
        },
    };
    world.ask(&anna, Request::AddTrack(Box::new(backup)));
    assert_eq!(published(&world.told(anna.session)).unwrap().sid, track);
    anna.sdp.camera("backup");
    world.offer(&mut anna);
    // A screen that is announced now must not take it for its own.
    let screen = NewTrack {
        source: Source::ScreenShare,
        ..camera("screen")
    };
    world.add_track(&anna, screen);
    let told = world.told(ben.session);
    assert_eq!(info_of(&told, &anna.sid).unwrap().tracks.len(), 1);
}

#[test]
fn who_may_not_publish_is_told_so_and_nothing_happens() {
    let mut world = World::new();
    let mut hello = hello("anna", single());
    hello.claims.grants.can_publish = Some(false);
    let mut anna = world.join_as(hello);
    let ben = world.join("ben", single());
    world.told(ben.session);
    world.told(anna.session);
    world.add_track(&anna, camera("cam"));
    let told = world.told(anna.session);
    assert!(matches!(
        &told[..],
        [Response::RequestResponse(RequestResponse {
            outcome: RequestOutcome::NotAllowed,
            ..
        })]
    ));
    anna.sdp.camera("cam");
    world.offer(&mut anna);
    assert_eq!(world.told(ben.session), []);
    assert_eq!(tracks_added(&world.media()), []);
}

#[test]
fn a_stream_name_that_would_end_a_line_is_not_taken_over() {
    let mut world = World::new();
    let mut anna = world.join("anna", single());
    let track = NewTrack {
        stream: "x\r\na=ice-ufrag:evil".into(),
        ..camera("cam")
    };
    world.add_track(&anna, track);
    anna.sdp.camera("cam");
    world.offer(&mut anna);
    let mut params = single();
    params.client.sdk = visavis_signal::join::Sdk::Js;
    let ben = world.join("ben", params);
    let answer = answer_of(&ben.welcome).unwrap();
    assert!(answer.sdp.contains("|camera TR_"));
    assert!(!answer.sdp.contains("evil"));
}
