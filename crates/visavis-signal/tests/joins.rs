//! What clients say when they connect.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't go on should stop"
)]

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use flate2::Compression;
use flate2::write::GzEncoder;
use livekit_protocol as proto;
use prost::Message as _;
use proto::wrapped_join_request::Compression as Wrapping;
use visavis_rooms::ParticipantSid;
use visavis_signal::join::{ReconnectReason, Resume, Sdk};
use visavis_signal::{JoinParams, JoinParamsError};

fn gzip(octets: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(octets).unwrap();
    encoder.finish().unwrap()
}

fn wrap(compression: Wrapping, join_request: Vec<u8>) -> Vec<u8> {
    let wrapped = proto::WrappedJoinRequest {
        compression: compression.into(),
        join_request,
    };
    wrapped.encode_to_vec()
}

fn parse(join_request: &str) -> Result<JoinParams, JoinParamsError> {
    let parameters = [("access_token", "x"), ("join_request", join_request)];
    let params = JoinParams::parse(true, parameters);
    // On the old path it means the same.
    assert_eq!(JoinParams::parse(false, parameters), params);
    params
}

fn request() -> proto::JoinRequest {
    proto::JoinRequest {
        client_info: Some(proto::ClientInfo {
            sdk: proto::client_info::Sdk::Js.into(),
            version: "2.23.0".into(),
            protocol: 17,
            os: "Linux".into(),
            browser: "Firefox".into(),
            browser_version: "150".into(),
            device_model: "x".into(),
            client_protocol: 2,
            capabilities: vec![2, 99],
            ..Default::default()
        }),
        connection_settings: Some(proto::ConnectionSettings {
            auto_subscribe: false,
            adaptive_stream: true,
            subscriber_allow_pause: Some(true),
            disable_ice_lite: true,
            ..Default::default()
        }),
        metadata: "m".into(),
        participant_attributes: [("k".to_owned(), "v".to_owned())].into(),
        add_track_requests: vec![proto::AddTrackRequest {
            cid: "c1".into(),
            ..Default::default()
        }],
        publisher_offer: Some(proto::SessionDescription {
            sdp: "v=0".into(),
            id: 1,
            ..Default::default()
        }),
        reconnect: true,
        reconnect_reason: proto::ReconnectReason::RrSignalDisconnected.into(),
        participant_sid: "PA_me".into(),
        sync_state: Some(proto::SyncState::default()),
    }
}

#[test]
fn a_join_request_is_read_in_all_its_wrappings() {
    let plain = wrap(Wrapping::None, request().encode_to_vec());
    let zipped = wrap(Wrapping::Gzip, gzip(&request().encode_to_vec()));
    let expected = parse(&URL_SAFE.encode(&plain)).unwrap();
    for wrapped in [plain, zipped] {
        let plus = STANDARD.encode(&wrapped);
        for encoded in [
            URL_SAFE.encode(&wrapped),
            URL_SAFE_NO_PAD.encode(&wrapped),
            plus.replace('+', " "),
            plus,
        ] {
            assert_eq!(parse(&encoded).as_ref(), Ok(&expected), "{encoded}");
        }
    }
    assert!(expected.single_peer_connection && expected.adaptive_stream);
    assert!(expected.disable_ice_lite && !expected.auto_subscribe);
    assert_eq!(expected.subscriber_allow_pause, Some(true));
    let client = &expected.client;
    assert_eq!((client.sdk, client.protocol), (Sdk::Js, 17));
    assert_eq!((&*client.browser, &*client.version), ("Firefox", "2.23.0"));
    assert_eq!(client.features.client_protocol, 2);
    assert!(client.features.deflate_raw && !client.features.packet_trailer);
    assert_eq!(
        (&*expected.metadata, &*expected.attributes["k"]),
        ("m", "v")
    );
    assert_eq!(expected.add_tracks[0].track.cid, "c1");
    let offer = expected.publisher_offer.unwrap();
    assert_eq!((offer.id, &*offer.sdp), (1, "v=0"));
    let resume = Resume {
        participant: Some(ParticipantSid::from("PA_me")),
        reason: ReconnectReason::SignalDisconnected,
    };
    assert_eq!(expected.resume, Some(resume));
    assert!(expected.sync_state.is_some());
}

#[test]
fn an_empty_join_request_gets_everything() {
    let wrapped = wrap(Wrapping::None, Vec::new());
    // Nothing of it is written, but it must be there.
    assert_eq!(wrapped, [0u8; 0]);
    let wrapped = wrap(Wrapping::Gzip, gzip(&[]));
    let params = parse(&URL_SAFE.encode(wrapped)).unwrap();
    assert!(params.auto_subscribe && params.single_peer_connection);
    assert_eq!((params.resume, params.publisher_offer), (None, None));
}

#[test]
fn query_parameters_mean_two_peer_connections() {
    let attributes = URL_SAFE.encode(r#"{"k":"v"}"#);
    let params = JoinParams::parse(
        false,
        [
            ("protocol", "13"),
            ("sdk", "android"),
            ("version", "2.0"),
            ("os", "Android"),
            ("os_version", "16"),
            ("device_model", "Pixel"),
            ("auto_subscribe", "0"),
            ("adaptive_stream", "1"),
            ("subscriber_allow_pause", "false"),
            ("disable_ice_lite", "true"),
            ("reconnect", "1"),
            ("sid", "PA_me"),
            ("reconnect_reason", "3"),
            ("client_protocol", "1"),
            ("capabilities", "CAP_PACKET_TRAILER,CAP_OTHER"),
            ("attributes", &attributes),
            ("hologram", "yes"),
        ],
    );
    let params = params.unwrap();
    assert!(!params.single_peer_connection && !params.auto_subscribe);
    assert!(params.adaptive_stream && params.disable_ice_lite);
    assert_eq!(params.subscriber_allow_pause, Some(false));
    let client = &params.client;
    assert_eq!((client.sdk, client.protocol), (Sdk::Android, 13));
    assert_eq!(
        (&*client.os_version, &*client.device_model),
        ("16", "Pixel")
    );
    assert_eq!(client.features.client_protocol, 1);
    assert!(client.features.packet_trailer && !client.features.deflate_raw);
    assert_eq!(params.attributes["k"], "v");
    let resume = params.resume.unwrap();
    assert_eq!(resume.reason, ReconnectReason::SubscriberFailed);
    assert_eq!(resume.participant, Some(ParticipantSid::from("PA_me")));

    let nothing = JoinParams::parse(false, []).unwrap();
    assert!(nothing.auto_subscribe && !nothing.adaptive_stream && nothing.resume.is_none());
    let by_identity = JoinParams::parse(false, [("reconnect", "1")]).unwrap();
    assert_eq!(by_identity.resume.unwrap().participant, None);
}

#[test]
fn what_makes_no_sense_is_refused_with_its_reason() {
    use JoinParamsError::{Base64, Malformed, Missing, Parameter};
    assert_eq!(JoinParams::parse(true, []), Err(Missing));
    assert_eq!(
        JoinParams::parse(true, [("join_request", "")]),
        Err(Missing)
    );
    for bad in ["!", "ä", "AAAA=AAA", "A"] {
        assert_eq!(parse(bad), Err(Base64), "{bad}");
    }
    let no_gzip = wrap(Wrapping::Gzip, b"not gzip".to_vec());
    let mut cut = gzip(&request().encode_to_vec());
    cut.truncate(cut.len() / 2);
    let cut = wrap(Wrapping::Gzip, cut);
    let inside = wrap(Wrapping::None, b"\x0a\x7f".to_vec());
    for bad in [b"no protobuf".to_vec(), no_gzip, cut, inside] {
        assert_eq!(parse(&URL_SAFE.encode(bad)), Err(Malformed));
    }
    for (name, value) in [
        ("protocol", "seventeen"),
        ("client_protocol", "99999999999"),
        ("attributes", "!"),
        ("attributes", "bm8ganNvbg"),
    ] {
        assert_eq!(
            JoinParams::parse(false, [(name, value)]),
            Err(Parameter(name))
        );
    }
    let reason = [("reconnect", "1"), ("reconnect_reason", "x")];
    assert_eq!(
        JoinParams::parse(false, reason),
        Err(Parameter("reconnect_reason"))
    );
}

#[test]
fn bombs_are_refused() {
    // A gigabyte in a megabyte.
    let mut bomb = GzEncoder::new(Vec::new(), Compression::fast());
    for _ in 0..1_000 {
        bomb.write_all(&[0; 1 << 20]).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    assert!(bomb.len() > 1 << 20);
    let smaller = gzip(&vec![0; 64 << 20]);
    let long = vec![0; (1 << 20) + 1];
    for wrapped in [
        wrap(Wrapping::Gzip, bomb),
        wrap(Wrapping::Gzip, smaller),
        wrap(Wrapping::None, long),
    ] {
        let encoded = URL_SAFE.encode(wrapped);
        assert_eq!(parse(&encoded), Err(JoinParamsError::TooLarge));
    }
    // Small even when inflated, but made of too many parts.
    let many = proto::JoinRequest {
        add_track_requests: vec![proto::AddTrackRequest::default(); 30_000],
        ..Default::default()
    };
    let wrapped = wrap(Wrapping::Gzip, gzip(&many.encode_to_vec()));
    assert!(wrapped.len() < 1_000);
    assert_eq!(
        parse(&URL_SAFE.encode(wrapped)),
        Err(JoinParamsError::TooLarge)
    );
}
