//! Entry points for fuzzing: plain functions that must return for any input.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use livekit_protocol as proto;
use prost::Message as _;
use visavis_rooms::{
    ClientFeatures, Grants, ParticipantInfo, ParticipantKind, ParticipantSid, ParticipantState,
};

use crate::data::{DataKind, DataSender};
use crate::frame::{decode_binary, decode_text};
use crate::join::JoinParams;
use crate::token;

/// Frames of the signaling connection.
pub fn fuzz_frame(data: &[u8]) {
    let _ = decode_binary(data);
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = decode_text(text);
    }
}

/// Parameters of the signaling connection: as the octets of `join_request`, as
/// its text, and as other parameters.
pub fn fuzz_join(data: &[u8]) {
    let encoded = URL_SAFE_NO_PAD.encode(data);
    let _ = JoinParams::parse(true, [("join_request", &*encoded)]);
    let text = String::from_utf8_lossy(data);
    let _ = JoinParams::parse(true, [("join_request", &*text)]);
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    let _ = JoinParams::parse(false, pairs);
}

/// Data packets. What is passed on names the sender, whatever came.
pub fn fuzz_data_packet(data: &[u8]) {
    let info = ParticipantInfo {
        sid: ParticipantSid::from("PA_fuzz"),
        identity: "fuzz".to_owned(),
        name: String::new(),
        state: ParticipantState::Active,
        metadata: String::new(),
        attributes: BTreeMap::new(),
        tracks: Vec::new(),
        version: 1,
        grants: Grants::default(),
        kind: ParticipantKind::Standard,
        features: ClientFeatures::default(),
        joined_at: 0,
        reason: None,
    };
    let mut sender = DataSender::new(&info);
    for kind in [DataKind::Reliable, DataKind::Lossy] {
        let Ok(message) = sender.handle_packet(kind, data) else {
            continue;
        };
        // What is inside is not ours to judge; the envelope is.
        if let Ok(packet) = proto::DataPacket::decode(&*message.packet) {
            assert_eq!(
                (&*packet.participant_sid, &*packet.participant_identity),
                ("PA_fuzz", "fuzz")
            );
        }
    }
}

/// Access tokens.
pub fn fuzz_token(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let _ = token::verify(&text, |_| Some("secret"), 1_800_000_000);
}
