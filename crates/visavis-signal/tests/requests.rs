//! What a client writes with LiveKit's own types is what we read.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't go on should stop"
)]

use livekit_protocol as proto;
use prost::Message as _;
use proto::signal_request::Message;
use visavis_rooms::{
    AudioFeature, BackupCodecPolicy, Encryption, ParticipantSid, Quality, RemovalReason, Source,
    TrackKind, TrackSid,
};
use visavis_signal::request::{
    Description, PeerConnection, Request, Scenario, Subscription, TrackSettings,
};
use visavis_signal::{FrameError, MAX_FRAME, decode_binary, decode_text};

/// Both forms of a message are read as the same.
fn read(message: Message) -> Request {
    let wire = proto::SignalRequest {
        message: Some(message),
    };
    let request = decode_binary(&wire.encode_to_vec()).unwrap();
    let json = serde_json::to_string(&wire).unwrap();
    assert_eq!(decode_text(&json).unwrap(), request);
    request
}

fn trickle(init: &str, target: i32) -> proto::SignalRequest {
    let wire = proto::TrickleRequest {
        candidate_init: init.into(),
        target,
        r#final: false,
    };
    proto::SignalRequest {
        message: Some(Message::Trickle(wire)),
    }
}

#[test]
fn descriptions_keep_their_numbers() {
    let wire = proto::SessionDescription {
        r#type: "offer".into(),
        sdp: "v=0\r\n".into(),
        id: 7,
        ..Default::default()
    };
    let expected = Description {
        id: 7,
        sdp: "v=0\r\n".into(),
    };
    assert_eq!(
        read(Message::Offer(wire.clone())),
        Request::Offer(expected.clone())
    );
    assert_eq!(read(Message::Answer(wire)), Request::Answer(expected));
}

#[test]
fn candidates_are_taken_out_of_what_browsers_write() {
    let line = "candidate:1 1 udp 2122 192.0.2.1 5000 typ host";
    let inits = [
        (
            format!(r#"{{"candidate":"{line}","sdpMid":"0","sdpMLineIndex":0}}"#),
            true,
        ),
        (format!(r#"{{"candidate":"a={line}","sdpMid":null}}"#), true),
        (r#"{"candidate":"","sdpMid":"0"}"#.to_owned(), false),
        (r#"{"sdpMid":"0"}"#.to_owned(), false),
        ("null".to_owned(), false),
        (String::new(), false),
    ];
    for (init, there) in inits {
        let wire = trickle(&init, proto::SignalTarget::Subscriber.into());
        let expected = Request::Trickle {
            peer_connection: PeerConnection::Subscriber,
            candidate: there.then(|| line.to_owned()),
        };
        assert_eq!(decode_binary(&wire.encode_to_vec()), Ok(expected), "{init}");
    }
    for (init, target) in [("{", 0), (r#"{"candidate":1}"#, 0), ("7", 0), ("", 2)] {
        let frame = trickle(init, target).encode_to_vec();
        assert_eq!(decode_binary(&frame), Err(FrameError::Malformed), "{init}");
    }
}

#[test]
#[allow(deprecated, reason = "clients still write it")]
fn tracks_come_with_all_that_is_announced() {
    let layer = proto::VideoLayer {
        quality: proto::VideoQuality::High.into(),
        width: 1280,
        height: 720,
        bitrate: 1_700_000,
        rid: "f".into(),
        ..Default::default()
    };
    let off = proto::VideoLayer {
        quality: proto::VideoQuality::Off.into(),
        ..Default::default()
    };
    let wire = proto::AddTrackRequest {
        cid: "c1".into(),
        name: "cam".into(),
        r#type: proto::TrackType::Video.into(),
        source: proto::TrackSource::Camera.into(),
        width: 1280,
        height: 720,
        muted: true,
        layers: vec![layer.clone(), off],
        simulcast_codecs: vec![proto::SimulcastCodec {
            codec: "vp8".into(),
            cid: "c1".into(),
            layers: vec![layer],
            ..Default::default()
        }],
        sid: "TR_old".into(),
        disable_red: true,
        encryption: proto::encryption::Type::Gcm.into(),
        stream: "camera".into(),
        backup_codec_policy: proto::BackupCodecPolicy::Simulcast.into(),
        ..Default::default()
    };
    let Request::AddTrack(add) = read(Message::AddTrack(wire.clone())) else {
        panic!("another request");
    };
    assert_eq!(add.sid, Some(TrackSid::from("TR_old")));
    let track = &add.track;
    assert_eq!(
        (&*track.cid, &*track.name, &*track.stream),
        ("c1", "cam", "camera")
    );
    assert_eq!(
        (track.kind, track.source),
        (TrackKind::Video, Source::Camera)
    );
    assert_eq!((track.width, track.height, track.muted), (1280, 720, true));
    assert_eq!(
        (track.layers.len(), track.layers[0].quality),
        (1, Quality::High)
    );
    assert_eq!(
        (&*track.layers[0].rid, track.layers[0].bitrate),
        ("f", 1_700_000)
    );
    assert_eq!(
        (&*track.codecs[0].codec, track.codecs[0].layers.len()),
        ("vp8", 1)
    );
    assert_eq!(
        (track.disable_red, track.encryption),
        (true, Encryption::Gcm)
    );
    assert_eq!(track.backup_codec_policy, BackupCodecPolicy::Simulcast);

    // The old and the new way of saying the same.
    let features = [
        (true, true, vec![]),
        (
            false,
            false,
            vec![
                proto::AudioTrackFeature::TfStereo.into(),
                proto::AudioTrackFeature::TfNoDtx.into(),
            ],
        ),
    ];
    for (stereo, disable_dtx, audio_features) in features {
        let wire = proto::AddTrackRequest {
            stereo,
            disable_dtx,
            audio_features,
            ..Default::default()
        };
        let Request::AddTrack(add) = read(Message::AddTrack(wire)) else {
            panic!("another request");
        };
        let mut features = add.track.audio_features.clone();
        features.sort_by_key(|feature| *feature != AudioFeature::Stereo);
        assert_eq!(features, [AudioFeature::Stereo, AudioFeature::NoDtx]);
        assert!(add.track.stereo && add.track.disable_dtx && add.sid.is_none());
    }
    let data = proto::AddTrackRequest {
        r#type: proto::TrackType::Data.into(),
        ..wire
    };
    assert_eq!(read(Message::AddTrack(data)), Request::Unknown);
}

#[test]
fn subscriptions_name_tracks_flat_or_by_participant() {
    let wire = proto::UpdateSubscription {
        track_sids: vec!["TR_a".into()],
        subscribe: true,
        participant_tracks: vec![proto::ParticipantTracks {
            participant_sid: "PA_x".into(),
            track_sids: vec!["TR_b".into(), "TR_c".into()],
        }],
    };
    let expected = Subscription {
        tracks: ["TR_a", "TR_b", "TR_c"].map(TrackSid::from).to_vec(),
        subscribe: true,
    };
    assert_eq!(
        read(Message::Subscription(wire)),
        Request::UpdateSubscription(expected)
    );
    let wire = proto::UpdateTrackSettings {
        track_sids: vec!["TR_a".into()],
        disabled: true,
        quality: proto::VideoQuality::Medium.into(),
        width: 640,
        height: 360,
        fps: 15,
        priority: 2,
    };
    let expected = TrackSettings {
        tracks: vec![TrackSid::from("TR_a")],
        disabled: true,
        quality: Some(Quality::Medium),
        width: 640,
        height: 360,
        fps: 15,
        priority: 2,
    };
    assert_eq!(
        read(Message::TrackSetting(wire)),
        Request::UpdateTrackSettings(expected)
    );
    let wire = proto::SubscriptionPermission {
        all_participants: false,
        track_permissions: vec![
            proto::TrackPermission {
                participant_sid: "PA_x".into(),
                all_tracks: true,
                ..Default::default()
            },
            proto::TrackPermission {
                participant_identity: "ben".into(),
                track_sids: vec!["TR_a".into()],
                ..Default::default()
            },
        ],
    };
    let Request::SubscriptionPermission(permission) = read(Message::SubscriptionPermission(wire))
    else {
        panic!("another request");
    };
    let [first, second] = &permission.participants[..] else {
        panic!("not two");
    };
    assert!(!permission.all_participants && first.all_tracks);
    assert_eq!(first.sid, Some(ParticipantSid::from("PA_x")));
    assert_eq!((&second.sid, &*second.identity), (&None, "ben"));
    assert_eq!(second.tracks, [TrackSid::from("TR_a")]);
}

#[test]
fn a_resuming_client_says_what_it_has() {
    let description = |sdp: &str| proto::SessionDescription {
        sdp: sdp.into(),
        id: 3,
        ..Default::default()
    };
    let wire = proto::SyncState {
        answer: Some(description("answer")),
        offer: Some(description("offer")),
        subscription: Some(proto::UpdateSubscription {
            track_sids: vec!["TR_a".into()],
            ..Default::default()
        }),
        publish_tracks: vec![
            proto::TrackPublishedResponse {
                cid: "c1".into(),
                track: Some(proto::TrackInfo {
                    sid: "TR_mine".into(),
                    ..Default::default()
                }),
            },
            proto::TrackPublishedResponse::default(),
        ],
        data_channels: vec![proto::DataChannelInfo {
            label: "_reliable".into(),
            id: 1,
            target: proto::SignalTarget::Publisher.into(),
        }],
        track_sids_disabled: vec!["TR_b".into()],
        datachannel_receive_states: vec![proto::DataChannelReceiveState {
            publisher_sid: "PA_x".into(),
            last_seq: 9,
        }],
        ..Default::default()
    };
    let Request::SyncState(state) = read(Message::SyncState(wire)) else {
        panic!("another request");
    };
    assert_eq!(state.answer.unwrap().sdp, "answer");
    assert_eq!(state.offer.unwrap().id, 3);
    assert_eq!(state.subscription.unwrap().tracks.len(), 1);
    assert_eq!(
        state.published,
        [("c1".to_owned(), TrackSid::from("TR_mine"))]
    );
    assert_eq!(state.received, [(ParticipantSid::from("PA_x"), 9)]);
    assert_eq!(state.disabled, [TrackSid::from("TR_b")]);
    assert_eq!(&*state.channels[0].label, "_reliable");
}

#[test]
fn small_messages_are_what_they_are() {
    let track = || TrackSid::from("TR_a");
    let leave = proto::LeaveRequest {
        reason: proto::DisconnectReason::ClientInitiated.into(),
        ..Default::default()
    };
    let reason = Some(RemovalReason::ClientInitiated);
    assert_eq!(read(Message::Leave(leave)), Request::Leave { reason });
    let reason = None;
    assert_eq!(
        read(Message::Leave(proto::LeaveRequest::default())),
        Request::Leave { reason }
    );
    let mute = proto::MuteTrackRequest {
        sid: "TR_a".into(),
        muted: true,
    };
    let muted = true;
    assert_eq!(
        read(Message::Mute(mute)),
        Request::Mute {
            track: track(),
            muted
        }
    );
    assert_eq!(read(Message::Ping(5)), Request::Ping(5));
    let (timestamp, rtt) = (6, 7);
    assert_eq!(
        read(Message::PingReq(proto::Ping { timestamp, rtt })),
        Request::PingRequest { timestamp, rtt }
    );
    let features = vec![0, 99, 6];
    let wire = proto::UpdateLocalAudioTrack {
        track_sid: "TR_a".into(),
        features,
    };
    let wire = proto::SignalRequest {
        message: Some(Message::UpdateAudioTrack(wire)),
    };
    let features = vec![AudioFeature::Stereo, AudioFeature::PreconnectBuffer];
    assert_eq!(
        decode_binary(&wire.encode_to_vec()),
        Ok(Request::UpdateAudioTrack {
            track: track(),
            features
        }),
        "what is newer than we is passed over"
    );
    let (width, height) = (1, 2);
    let wire = proto::UpdateLocalVideoTrack {
        track_sid: "TR_a".into(),
        width,
        height,
    };
    assert_eq!(
        read(Message::UpdateVideoTrack(wire)),
        Request::UpdateVideoTrack {
            track: track(),
            width,
            height
        }
    );
    let wire = proto::UpdateParticipantMetadata {
        name: "Anna".into(),
        metadata: "m".into(),
        attributes: [("k".to_owned(), "v".to_owned())].into(),
        request_id: 4,
    };
    assert_eq!(
        read(Message::UpdateMetadata(wire)),
        Request::UpdateMetadata {
            request_id: 4,
            name: "Anna".into(),
            metadata: "m".into(),
            attributes: [("k".to_owned(), "v".to_owned())].into(),
        }
    );
}

#[test]
fn scenarios_are_read_and_the_rest_is_unknown() {
    use proto::simulate_scenario::Scenario as Wire;
    let simulate = |scenario| Message::Simulate(proto::SimulateScenario { scenario });
    for (wire, scenario) in [
        (Wire::SpeakerUpdate(3), Scenario::Speaker(3)),
        (Wire::NodeFailure(true), Scenario::NodeFailure),
        (Wire::Migration(true), Scenario::Migration),
        (Wire::ServerLeave(true), Scenario::ServerLeave),
        (
            Wire::SwitchCandidateProtocol(1),
            Scenario::SwitchCandidateProtocol(1),
        ),
        (
            Wire::SubscriberBandwidth(100_000),
            Scenario::SubscriberBandwidth(100_000),
        ),
        (
            Wire::DisconnectSignalOnResume(true),
            Scenario::DisconnectOnResume,
        ),
        (
            Wire::DisconnectSignalOnResumeNoMessages(true),
            Scenario::DisconnectOnResumeSilently,
        ),
        (
            Wire::LeaveRequestFullReconnect(true),
            Scenario::FullReconnect,
        ),
    ] {
        assert_eq!(read(simulate(Some(wire))), Request::Simulate(scenario));
    }
    assert_eq!(read(simulate(None)), Request::Unknown);
    let blob = proto::GetDataBlobRequest::default();
    assert_eq!(read(Message::GetDataBlobRequest(blob)), Request::Unknown);
    assert_eq!(decode_binary(&[]), Ok(Request::Unknown));
    assert_eq!(decode_text("{}"), Ok(Request::Unknown));
    // Of a protocol that does not exist yet.
    assert_eq!(decode_binary(&[0xa2, 0x06, 1, 0]), Ok(Request::Unknown));
    assert_eq!(
        decode_text(r#"{"hologram":{"a":[1]}}"#),
        Ok(Request::Unknown)
    );
}

#[test]
fn what_is_no_message_is_refused() {
    for bad in [&b"\xff\xff\xff"[..], b"\x0a\x05abc", b"hello world", b"{}"] {
        assert_eq!(decode_binary(bad), Err(FrameError::Malformed), "{bad:?}");
    }
    for bad in [
        "",
        "[]",
        "{",
        "null",
        r#"{"mute":{"muted":"yes"}}"#,
        r#"{"offer":7}"#,
    ] {
        assert_eq!(decode_text(bad), Err(FrameError::Malformed), "{bad}");
    }
    let deep = "[".repeat(10_000);
    assert_eq!(decode_text(&deep), Err(FrameError::Malformed));
}

#[test]
fn what_is_too_large_or_of_too_many_parts_is_refused() {
    let long = proto::SignalRequest {
        message: Some(Message::Offer(proto::SessionDescription {
            sdp: "x".repeat(MAX_FRAME - 100),
            ..Default::default()
        })),
    };
    let mut frame = long.encode_to_vec();
    assert!(matches!(decode_binary(&frame), Ok(Request::Offer(_))));
    frame.resize(MAX_FRAME + 1, 0);
    assert_eq!(decode_binary(&frame), Err(FrameError::TooLarge));
    let text = format!(r#"{{"offer":{{"sdp":"{}"}}}}"#, "x".repeat(MAX_FRAME));
    assert_eq!(decode_text(&text), Err(FrameError::TooLarge));

    // 60 kB on the wire, ten megabytes decoded.
    let many = proto::SignalRequest {
        message: Some(Message::SyncState(proto::SyncState {
            publish_tracks: vec![proto::TrackPublishedResponse::default(); 30_000],
            ..Default::default()
        })),
    };
    let frame = many.encode_to_vec();
    assert!(frame.len() < 64 << 10);
    assert_eq!(decode_binary(&frame), Err(FrameError::TooLarge));
    let text = serde_json::to_string(&many).unwrap();
    assert_eq!(decode_text(&text), Err(FrameError::TooLarge));
}
