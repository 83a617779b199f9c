//! The fuzz entry points over valid input, mutated with a fixed seed.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't go on should stop"
)]
#![allow(deprecated, reason = "clients still write it")]

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use livekit_protocol as proto;
use prost::Message as _;
use proto::signal_request::Message;
use visavis_signal::fuzz::{fuzz_data_packet, fuzz_frame, fuzz_join, fuzz_token};
use visavis_signal::token::{Claims, mint};

/// Mutations per valid input: a few seconds in all.
const MUTATIONS: usize = 10_000;

struct Random(u64);

impl Random {
    fn next(&mut self) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 as usize
    }

    fn mutate(&mut self, valid: &[u8]) -> Vec<u8> {
        let mut bytes = valid.to_vec();
        for _ in 0..self.next() % 6 {
            let at = self.next() % bytes.len();
            bytes[at] = self.next() as u8;
        }
        if self.next().is_multiple_of(2) {
            bytes.truncate(self.next() % bytes.len() + 1);
        }
        bytes
    }
}

fn requests() -> Vec<proto::SignalRequest> {
    let add = proto::AddTrackRequest {
        cid: "c1".into(),
        layers: vec![proto::VideoLayer::default(); 3],
        simulcast_codecs: vec![proto::SimulcastCodec::default(); 2],
        audio_features: vec![0, 1],
        ..Default::default()
    };
    let trickle = proto::TrickleRequest {
        candidate_init: r#"{"candidate":"candidate:1 1 udp 1 ::1 1 typ host","sdpMid":"0"}"#.into(),
        ..Default::default()
    };
    let state = proto::SyncState {
        answer: Some(proto::SessionDescription {
            sdp: "v=0\r\n".into(),
            ..Default::default()
        }),
        publish_tracks: vec![proto::TrackPublishedResponse {
            cid: "c1".into(),
            track: Some(proto::TrackInfo::default()),
        }],
        ..Default::default()
    };
    let metadata = proto::UpdateParticipantMetadata {
        attributes: [("k".to_owned(), "v".to_owned())].into(),
        ..Default::default()
    };
    [
        Message::AddTrack(add),
        Message::Trickle(trickle),
        Message::SyncState(state),
        Message::UpdateMetadata(metadata),
        Message::Ping(5),
    ]
    .map(|message| proto::SignalRequest {
        message: Some(message),
    })
    .to_vec()
}

#[test]
fn mutated_frames_never_panic() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    for request in requests() {
        let json = serde_json::to_vec(&request).unwrap();
        for valid in [request.encode_to_vec(), json] {
            for _ in 0..MUTATIONS {
                fuzz_frame(&random.mutate(&valid));
            }
        }
    }
}

#[test]
fn mutated_joins_never_panic() {
    let request = proto::JoinRequest {
        client_info: Some(proto::ClientInfo::default()),
        metadata: "m".into(),
        ..Default::default()
    };
    let request = request.encode_to_vec();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&request).unwrap();
    let wrap = |compression: i32, join_request: Vec<u8>| {
        let wrapped = proto::WrappedJoinRequest {
            compression,
            join_request,
        };
        wrapped.encode_to_vec()
    };
    let query = b"protocol=17&sdk=js&reconnect=1&sid=PA_a&attributes=eyJrIjoidiJ9".to_vec();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for valid in [wrap(0, request), wrap(1, encoder.finish().unwrap()), query] {
        for _ in 0..MUTATIONS {
            fuzz_join(&random.mutate(&valid));
        }
    }
}

#[test]
fn mutated_data_packets_never_panic_and_never_lie() {
    let value = proto::data_packet::Value::User(proto::UserPacket {
        participant_identity: "boss".into(),
        payload: vec![1, 2, 3],
        destination_identities: vec!["ben".into()],
        ..Default::default()
    });
    let packet = proto::DataPacket {
        participant_identity: "boss".into(),
        participant_sid: "PA_boss".into(),
        destination_identities: vec!["ben".into()],
        sequence: 7,
        value: Some(value),
        ..Default::default()
    };
    let valid = packet.encode_to_vec();
    let mut random = Random(0x1234_5678_9abc_def1);
    for _ in 0..MUTATIONS * 10 {
        fuzz_data_packet(&random.mutate(&valid));
    }
}

#[test]
fn mutated_tokens_never_panic() {
    let claims = Claims {
        identity: "anna".into(),
        expires: 1_800_000_600,
        ..Claims::default()
    };
    let valid = mint(&claims, "devkey", "secret", 1_800_000_000).unwrap();
    let mut random = Random(0x0f1e_2d3c_4b5a_6978);
    for _ in 0..MUTATIONS {
        fuzz_token(&random.mutate(valid.as_bytes()));
    }
}
