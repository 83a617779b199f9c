//! What we write is what LiveKit's own types read, with all that its clients
//! stumble over when it is missing.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't go on should stop"
)]

use std::collections::BTreeMap;
use std::time::Instant;

use livekit_protocol as proto;
use prost::Message as _;
use proto::signal_response::Message;
use visavis_rooms::{
    AnnouncedCodec, ClientFeatures, Grants, IdSource, JoinRequest, Joined, Loudness, NewTrack,
    ParticipantKind, ParticipantSid, Quality, RemovalReason, Rooms, RoomsConfig, Source, Speaker,
    TrackInfo, TrackKind, TrackSid, VideoLayer,
};
use visavis_signal::request::PeerConnection;
use visavis_signal::response::{
    ClientConfiguration, ConnectionQuality, IceServer, Join, LeaveAction, PermissionUpdate, Pong,
    QualityInfo, Reconnect, RequestOutcome, RequestResponse, Response, Secret, ServerDescription,
    ServerInfo, StreamState, SubscriptionError, WantedCodec,
};
use visavis_signal::{Format, Frame, encode};

/// Both forms of a message say the same.
fn written(response: &Response) -> Message {
    let Frame::Binary(frame) = encode(response, Format::Binary) else {
        panic!("no binary frame");
    };
    let message = proto::SignalResponse::decode(frame).unwrap();
    let Frame::Text(text) = encode(response, Format::Json) else {
        panic!("no text frame");
    };
    let json: proto::SignalResponse = serde_json::from_str(&text).unwrap();
    assert_eq!(json, message);
    message.message.unwrap()
}

fn track() -> NewTrack {
    let layer = |quality, width, rid: &str| VideoLayer {
        quality,
        width,
        height: width * 9 / 16,
        bitrate: 150_000,
        ssrc: 0,
        rid: rid.into(),
    };
    let layers = vec![
        layer(Quality::Low, 320, "q"),
        layer(Quality::High, 1280, "f"),
    ];
    NewTrack {
        cid: "c1".into(),
        name: "cam".into(),
        kind: TrackKind::Video,
        source: Source::Camera,
        width: 1280,
        height: 720,
        layers: layers.clone(),
        codecs: vec![AnnouncedCodec {
            codec: "vp8".into(),
            cid: "c1".into(),
            layers: Vec::new(),
        }],
        ..NewTrack::default()
    }
}

/// A room with somebody who publishes, as a newcomer with a restricted token
/// sees it.
fn joined() -> Joined {
    let mut count = 0;
    let ids = IdSource::new(move |octets| {
        count += 1;
        octets.fill(count);
    });
    let mut rooms = Rooms::new(RoomsConfig::default(), ids);
    let request = |identity: &str| JoinRequest {
        room: "daily".into(),
        identity: identity.into(),
        name: identity.to_uppercase(),
        metadata: "m".into(),
        attributes: BTreeMap::from([("k".into(), "v".into())]),
        grants: Grants {
            room_join: true,
            room: "daily".into(),
            ..Grants::default()
        },
        joined_at: 1_800_000_000_123,
        ..JoinRequest::default()
    };
    let now = Instant::now();
    let anna = rooms.join(request("anna"), now).unwrap().participant.sid;
    rooms.handle_active(&anna).unwrap();
    rooms.add_track(&anna, track()).unwrap();
    let media = rooms.handle_media(&anna, "c1", TrackKind::Video, "video/VP8");
    rooms.mute(&anna, &media.unwrap().unwrap(), true).unwrap();
    let mut ben = request("ben");
    ben.kind = ParticipantKind::Agent;
    ben.grants.can_publish_sources = vec![Source::Microphone];
    ben.grants.can_subscribe = Some(false);
    ben.features = ClientFeatures {
        client_protocol: 2,
        packet_trailer: false,
        deflate_raw: true,
    };
    rooms.join(ben, now).unwrap()
}

fn server() -> ServerInfo {
    ServerInfo {
        region: "eu".into(),
        node_id: "ND_1".into(),
    }
}

fn ice_servers() -> Vec<IceServer> {
    vec![IceServer {
        urls: vec!["turn:192.0.2.1:7880?transport=udp".into()],
        username: "user".into(),
        credential: Secret("word".into()),
    }]
}

fn join() -> proto::JoinResponse {
    let join = Join {
        joined: joined(),
        ice_servers: ice_servers(),
        subscriber_primary: true,
        fast_publish: true,
        client_configuration: Some(ClientConfiguration {
            no_resume: true,
            force_relay: true,
        }),
        server: server(),
    };
    let Message::Join(join) = written(&Response::Join(Box::new(join))) else {
        panic!("another message");
    };
    join
}

#[test]
fn a_join_says_all_that_clients_insist_on() {
    let join = join();
    assert_eq!((join.ping_interval, join.ping_timeout), (5, 15));
    let info = join.server_info.unwrap();
    assert_eq!((&*info.version, info.protocol), ("1.13.5", 17));
    assert_eq!(info.edition(), proto::server_info::Edition::Standard);
    assert_eq!((&*info.region, &*info.node_id), ("eu", "ND_1"));
    assert_eq!(
        (&*join.server_version, &*join.server_region),
        ("1.13.5", "eu")
    );
    assert!(join.subscriber_primary && join.fast_publish);
    let codecs: Vec<_> = join
        .enabled_publish_codecs
        .iter()
        .map(|c| &*c.mime)
        .collect();
    let expected = [
        "video/VP8",
        "video/H264",
        "video/VP9",
        "video/AV1",
        "audio/opus",
    ];
    assert_eq!(codecs, expected);
    assert_eq!(join.ice_servers[0].credential, "word");
    let configuration = join.client_configuration.unwrap();
    assert_eq!(
        (
            configuration.resume_connection(),
            configuration.force_relay()
        ),
        (
            proto::ClientConfigSetting::Disabled,
            proto::ClientConfigSetting::Enabled
        )
    );
    let room = join.room.unwrap();
    assert!(room.sid.starts_with("RM_"));
    assert_eq!((&*room.name, room.creation_time), ("daily", 1_800_000_000));
    assert_eq!(room.creation_time_ms, 1_800_000_000_123);
    assert_eq!((room.num_participants, room.num_publishers), (2, 1));
}

#[test]
#[allow(deprecated, reason = "older clients read it")]
fn participants_come_with_permission_kind_and_times() {
    let join = join();
    let own = join.participant.unwrap();
    assert!(own.sid.starts_with("PA_"));
    assert_eq!(
        (&*own.identity, &*own.name, &*own.metadata),
        ("ben", "BEN", "m")
    );
    assert_eq!(own.state(), proto::participant_info::State::Joined);
    assert_eq!(own.kind(), proto::participant_info::Kind::Agent);
    assert_eq!(
        (own.joined_at, own.joined_at_ms),
        (1_800_000_000, 1_800_000_000_123)
    );
    assert_eq!(
        (own.version, own.is_publisher, own.client_protocol),
        (1, false, 2)
    );
    let deflate = proto::client_info::Capability::CapCompressionDeflateRaw;
    assert_eq!(own.capabilities, [i32::from(deflate)]);
    assert_eq!(own.attributes["k"], "v");
    let permission = own.permission.unwrap();
    assert!(permission.can_publish && permission.can_publish_data && permission.agent);
    assert!(!permission.can_subscribe && !permission.can_update_metadata);
    let microphone = proto::TrackSource::Microphone;
    assert_eq!(permission.can_publish_sources, [i32::from(microphone)]);

    let other = &join.other_participants[0];
    assert_eq!(other.state(), proto::participant_info::State::Active);
    assert!(other.is_publisher && other.permission.as_ref().unwrap().can_subscribe);
    let track = &other.tracks[0];
    assert!(track.sid.starts_with("TR_") && track.muted && track.simulcast);
    assert_eq!((&*track.stream, &*track.mime_type), ("camera", "video/VP8"));
    assert_eq!((track.width, track.height), (1280, 720));
    assert_eq!((track.layers.len(), &*track.layers[1].rid), (2, "f"));
    assert_eq!(&*track.codecs[0].mime_type, "video/VP8");
    assert_eq!(track.codecs[0].layers, track.layers);
}

#[test]
fn who_is_gone_is_named_with_the_reason() {
    for (reason, wire) in [
        (
            RemovalReason::DuplicateIdentity,
            proto::DisconnectReason::DuplicateIdentity,
        ),
        (
            RemovalReason::ConnectionLost,
            proto::DisconnectReason::ConnectionTimeout,
        ),
        (
            RemovalReason::MediaFailure,
            proto::DisconnectReason::MediaFailure,
        ),
    ] {
        let mut gone = joined().participant;
        gone.reason = Some(reason);
        let Message::Update(update) = written(&Response::Update(vec![gone])) else {
            panic!("another message");
        };
        assert_eq!(update.participants[0].identity, "ben");
        assert_eq!(update.participants[0].disconnect_reason(), wire);
    }
}

#[test]
fn a_published_track_says_which_codec_to_send() {
    let published = |announced: NewTrack| {
        let track = TrackInfo {
            sid: TrackSid::from("TR_a"),
            muted: false,
            announced,
            mime_type: String::new(),
        };
        let cid = "c1".to_owned();
        let Message::TrackPublished(published) = written(&Response::TrackPublished { cid, track })
        else {
            panic!("another message");
        };
        assert_eq!(published.cid, "c1");
        published.track.unwrap()
    };
    for (name, mime) in [
        ("vp9", "video/VP9"),
        ("H264", "video/H264"),
        ("video/AV1", "video/AV1"),
        ("h265", "video/VP8"),
        ("", ""),
    ] {
        let mut new = track();
        new.codecs[0].codec = name.into();
        assert_eq!(published(new).codecs[0].mime_type, mime);
    }
    let sound = NewTrack {
        cid: "c1".into(),
        source: Source::ScreenShareAudio,
        disable_dtx: true,
        ..NewTrack::default()
    };
    let sound = published(sound);
    assert_eq!(
        (&*sound.codecs[0].mime_type, &*sound.codecs[0].cid),
        ("audio/opus", "c1")
    );
    assert_eq!(
        (&*sound.stream, sound.r#type()),
        ("screen", proto::TrackType::Audio)
    );
    let plain = NewTrack {
        layers: Vec::new(),
        codecs: Vec::new(),
        ..track()
    };
    assert_eq!(published(plain).codecs.len(), 1);
}

#[test]
fn candidates_have_a_mid_and_a_line() {
    let trickle = Response::Trickle {
        peer_connection: PeerConnection::Subscriber,
        candidate: "candidate:1 1 udp 1 192.0.2.1 7880 typ host".into(),
        mid: "0".into(),
        last: true,
    };
    let Message::Trickle(trickle) = written(&trickle) else {
        panic!("another message");
    };
    assert_eq!(trickle.target(), proto::SignalTarget::Subscriber);
    assert!(trickle.r#final);
    let init: serde_json::Value = serde_json::from_str(&trickle.candidate_init).unwrap();
    assert_eq!(
        init,
        serde_json::json!({
            "candidate": "candidate:1 1 udp 1 192.0.2.1 7880 typ host",
            "sdpMid": "0",
            "sdpMLineIndex": 0,
        })
    );
}

#[test]
fn descriptions_say_what_they_are_and_whose_tracks_they_carry() {
    let description = ServerDescription {
        id: 4,
        sdp: "v=0".into(),
        mid_to_track_id: BTreeMap::from([("3".into(), TrackSid::from("TR_a"))]),
    };
    let Message::Answer(answer) = written(&Response::Answer(description.clone())) else {
        panic!("another message");
    };
    assert_eq!(
        (&*answer.r#type, answer.id, &*answer.sdp),
        ("answer", 4, "v=0")
    );
    assert_eq!(answer.mid_to_track_id["3"], "TR_a");
    let Message::Offer(offer) = written(&Response::Offer(description)) else {
        panic!("another message");
    };
    assert_eq!(offer.r#type, "offer");
}

#[test]
fn a_reconnect_tells_the_last_message() {
    let reconnect = Reconnect {
        ice_servers: ice_servers(),
        client_configuration: None,
        last_message_seq: 9,
        server: server(),
    };
    let Message::Reconnect(reconnect) = written(&Response::Reconnect(reconnect)) else {
        panic!("another message");
    };
    assert_eq!(reconnect.last_message_seq, 9);
    assert_eq!(reconnect.server_info.unwrap().version, "1.13.5");
    assert_eq!(reconnect.ice_servers.len(), 1);
}

#[test]
fn leaving_says_what_to_do_next() {
    for (action, wire, can_reconnect) in [
        (
            LeaveAction::Disconnect,
            proto::leave_request::Action::Disconnect,
            false,
        ),
        (
            LeaveAction::Resume,
            proto::leave_request::Action::Resume,
            true,
        ),
        (
            LeaveAction::Reconnect,
            proto::leave_request::Action::Reconnect,
            true,
        ),
    ] {
        let reason = RemovalReason::StateMismatch;
        let Message::Leave(leave) = written(&Response::Leave { reason, action }) else {
            panic!("another message");
        };
        assert_eq!((leave.action(), leave.can_reconnect), (wire, can_reconnect));
        assert_eq!(leave.reason(), proto::DisconnectReason::StateMismatch);
    }
}

#[test]
fn small_messages_carry_what_they_should() {
    let track = TrackSid::from("TR_a");
    let participant = ParticipantSid::from("PA_x");
    assert_eq!(written(&Response::Pong(5)), Message::Pong(5));
    let pong = Pong {
        last_ping_timestamp: 1,
        timestamp: 2,
    };
    let expected = proto::Pong {
        last_ping_timestamp: 1,
        timestamp: 2,
    };
    assert_eq!(
        written(&Response::PongResponse(pong)),
        Message::PongResp(expected)
    );
    let token = Response::RefreshToken(Secret("token".into()));
    assert_eq!(written(&token), Message::RefreshToken("token".into()));
    assert!(!format!("{token:?}").contains("token\""));
    let Message::SpeakersChanged(changed) = written(&Response::SpeakersChanged(vec![Speaker {
        participant: participant.clone(),
        loudness: Loudness {
            eighths: 3,
            active: true,
        },
    }])) else {
        panic!("another message");
    };
    let speaker = &changed.speakers[0];
    assert_eq!(
        (&*speaker.sid, speaker.level, speaker.active),
        ("PA_x", 0.375, true)
    );
    let Message::RoomUpdate(update) = written(&Response::RoomUpdate(joined().room)) else {
        panic!("another message");
    };
    assert_eq!(update.room.unwrap().name, "daily");
    let answer = RequestResponse {
        request_id: 4,
        outcome: RequestOutcome::LimitExceeded,
        message: "too long".into(),
    };
    let Message::RequestResponse(answer) = written(&Response::RequestResponse(answer)) else {
        panic!("another message");
    };
    assert_eq!(
        answer.reason(),
        proto::request_response::Reason::LimitExceeded
    );
    assert_eq!((answer.request_id, &*answer.message), (4, "too long"));
    let error = SubscriptionError::CodecUnsupported;
    let refused = Response::SubscriptionResponse {
        track: track.clone(),
        error,
    };
    let Message::SubscriptionResponse(refused) = written(&refused) else {
        panic!("another message");
    };
    assert_eq!(refused.err(), proto::SubscriptionError::SeCodecUnsupported);
    let update = PermissionUpdate {
        publisher: participant,
        track,
        allowed: true,
    };
    let Message::SubscriptionPermissionUpdate(update) =
        written(&Response::SubscriptionPermissionUpdate(update))
    else {
        panic!("another message");
    };
    assert_eq!(
        (&*update.participant_sid, &*update.track_sid),
        ("PA_x", "TR_a")
    );
    assert!(update.allowed);
}

#[test]
fn news_about_tracks_and_connections_are_written() {
    let track = TrackSid::from("TR_a");
    let participant = ParticipantSid::from("PA_x");
    let Message::StreamStateUpdate(update) =
        written(&Response::StreamStateUpdate(vec![StreamState {
            publisher: participant.clone(),
            track: track.clone(),
            paused: true,
        }]))
    else {
        panic!("another message");
    };
    let state = &update.stream_states[0];
    assert_eq!(
        (&*state.track_sid, state.state()),
        ("TR_a", proto::StreamState::Paused)
    );
    let Message::ConnectionQuality(update) =
        written(&Response::ConnectionQuality(vec![QualityInfo {
            participant,
            quality: ConnectionQuality::Excellent,
            score: 4.5,
        }]))
    else {
        panic!("another message");
    };
    let quality = &update.updates[0];
    assert_eq!(quality.quality(), proto::ConnectionQuality::Excellent);
    assert_eq!((&*quality.participant_sid, quality.score), ("PA_x", 4.5));
    let codecs = vec![WantedCodec {
        codec: "vp8".into(),
        qualities: vec![(Quality::Low, true), (Quality::High, false)],
    }];
    let wanted = Response::SubscribedQualityUpdate {
        track: track.clone(),
        codecs,
    };
    let Message::SubscribedQualityUpdate(wanted) = written(&wanted) else {
        panic!("another message");
    };
    let qualities = &wanted.subscribed_codecs[0].qualities;
    assert_eq!(qualities[1].quality(), proto::VideoQuality::High);
    assert!(qualities[0].enabled && !qualities[1].enabled);
    let muted = true;
    let expected = proto::MuteTrackRequest {
        sid: "TR_a".into(),
        muted,
    };
    let mute = Response::Mute {
        track: track.clone(),
        muted,
    };
    assert_eq!(written(&mute), Message::Mute(expected));
    let Message::TrackSubscribed(subscribed) = written(&Response::TrackSubscribed(track.clone()))
    else {
        panic!("another message");
    };
    assert_eq!(subscribed.track_sid, "TR_a");
    let Message::TrackUnpublished(over) = written(&Response::TrackUnpublished(track)) else {
        panic!("another message");
    };
    assert_eq!(over.track_sid, "TR_a");
    let (audios, videos) = (1, 0);
    let needs = Response::MediaSectionsRequirement { audios, videos };
    let Message::MediaSectionsRequirement(needs) = written(&needs) else {
        panic!("another message");
    };
    assert_eq!((needs.num_audios, needs.num_videos), (1, 0));
    let Frame::Text(text) = encode(
        &Response::MediaSectionsRequirement { audios, videos },
        Format::Json,
    ) else {
        panic!("no text frame");
    };
    assert_eq!(text, r#"{"mediaSectionsRequirement":{"numAudios":1}}"#);
}
