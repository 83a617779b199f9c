//! Data packets between LiveKit's own types.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't go on should stop"
)]
#![allow(deprecated, reason = "clients still write it")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use livekit_protocol as proto;
use prost::Message as _;
use proto::data_packet::Value;
use visavis_rooms::{
    ClientFeatures, Destinations, Grants, ParticipantInfo, ParticipantKind, ParticipantSid,
    ParticipantState,
};
use visavis_signal::{DataError, DataKind, DataMessage, DataSender, ReliableLog};

fn info(identity: &str) -> ParticipantInfo {
    ParticipantInfo {
        sid: ParticipantSid::from(&*format!("PA_{identity}")),
        identity: identity.into(),
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
    }
}

fn sender() -> DataSender {
    DataSender::new(&info("anna"))
}

fn chat(text: &str) -> Value {
    Value::ChatMessage(proto::ChatMessage {
        message: text.into(),
        ..Default::default()
    })
}

fn packet(value: Value) -> proto::DataPacket {
    proto::DataPacket {
        value: Some(value),
        ..Default::default()
    }
}

fn passed(message: &DataMessage) -> proto::DataPacket {
    proto::DataPacket::decode(&*message.packet).unwrap()
}

#[test]
fn a_packet_names_its_sender_whatever_it_claims() {
    let wire = proto::DataPacket {
        kind: proto::data_packet::Kind::Lossy.into(),
        participant_identity: "boss".into(),
        participant_sid: "PA_boss".into(),
        destination_identities: vec!["ben".into(), "cleo".into()],
        sequence: 1,
        value: Some(chat("hello")),
    };
    let mut sender = sender();
    let message = sender
        .handle_packet(DataKind::Reliable, &wire.encode_to_vec())
        .unwrap();
    assert_eq!((message.kind, message.sequence), (DataKind::Reliable, 1));
    assert_eq!(message.destinations.identities, ["ben", "cleo"]);
    let expected = proto::DataPacket {
        kind: proto::data_packet::Kind::Reliable.into(),
        participant_identity: "anna".into(),
        participant_sid: "PA_anna".into(),
        ..wire.clone()
    };
    assert_eq!(passed(&message), expected);

    let message = sender
        .handle_packet(DataKind::Lossy, &wire.encode_to_vec())
        .unwrap();
    let expected = proto::DataPacket {
        kind: proto::data_packet::Kind::Lossy.into(),
        sequence: 0,
        ..expected
    };
    assert_eq!(passed(&message), expected);
}

#[test]
fn the_older_form_is_stamped_and_routed_as_well() {
    let user = proto::UserPacket {
        participant_identity: "boss".into(),
        participant_sid: "PA_boss".into(),
        payload: vec![1, 2, 3],
        topic: Some("t".into()),
        destination_identities: vec!["ben".into()],
        destination_sids: vec!["PA_cleo".into()],
        ..Default::default()
    };
    let wire = packet(Value::User(user.clone()));
    let message = sender()
        .handle_packet(DataKind::Reliable, &wire.encode_to_vec())
        .unwrap();
    let expected = Destinations {
        identities: vec!["ben".into()],
        sids: vec![ParticipantSid::from("PA_cleo")],
    };
    assert_eq!(message.destinations, expected);
    let expected = proto::UserPacket {
        participant_identity: "anna".into(),
        participant_sid: "PA_anna".into(),
        ..user
    };
    assert_eq!(passed(&message).value, Some(Value::User(expected)));
}

#[test]
fn repeated_packets_come_through_once() {
    let mut sender = sender();
    let numbered = |sequence| {
        let wire = proto::DataPacket {
            sequence,
            ..packet(chat("hello"))
        };
        wire.encode_to_vec()
    };
    let mut send = |sequence| sender.handle_packet(DataKind::Reliable, &numbered(sequence));
    assert!(send(1).is_ok() && send(2).is_ok());
    assert_eq!(send(1), Err(DataError::Repeated));
    assert_eq!(send(2), Err(DataError::Repeated));
    assert!(send(5).is_ok());
    // Older clients do not number.
    assert!(send(0).is_ok() && send(0).is_ok());
    assert_eq!(sender.last_sequence(), 5);
}

#[test]
fn what_participants_do_not_send_is_not_passed_on() {
    let transcription = packet(Value::Transcription(proto::Transcription::default()));
    let speaker = packet(Value::Speaker(proto::ActiveSpeakerUpdate::default()));
    let metrics = packet(Value::Metrics(proto::MetricsBatch::default()));
    for wire in [&transcription, &speaker, &metrics] {
        let refused = sender().handle_packet(DataKind::Reliable, &wire.encode_to_vec());
        assert_eq!(refused, Err(DataError::NotAllowed));
    }
    let mut agent = info("agent");
    agent.kind = ParticipantKind::Agent;
    let wire = proto::DataPacket {
        participant_identity: "ben".into(),
        ..transcription
    };
    let message = DataSender::new(&agent)
        .handle_packet(DataKind::Reliable, &wire.encode_to_vec())
        .unwrap();
    let passed = passed(&message);
    assert_eq!(
        passed.participant_identity, "ben",
        "agents speak for others"
    );
    assert_eq!(passed.participant_sid, "PA_agent");
}

#[test]
fn a_hidden_sender_stays_hidden() {
    let mut hidden = info("ghost");
    hidden.grants.hidden = true;
    let wire = packet(Value::User(proto::UserPacket::default()));
    let message = DataSender::new(&hidden)
        .handle_packet(DataKind::Reliable, &wire.encode_to_vec())
        .unwrap();
    assert_eq!(passed(&message), wire);
}

#[test]
fn everything_between_clients_goes_on_as_it_came() {
    let values = [
        Value::RpcRequest(proto::RpcRequest {
            id: "1".into(),
            payload: "p".into(),
            ..Default::default()
        }),
        Value::RpcAck(proto::RpcAck::default()),
        Value::RpcResponse(proto::RpcResponse::default()),
        Value::StreamHeader(proto::data_stream::Header::default()),
        Value::StreamChunk(proto::data_stream::Chunk {
            content: vec![0; 15_000],
            ..Default::default()
        }),
        Value::StreamTrailer(proto::data_stream::Trailer::default()),
        Value::EncryptedPacket(proto::EncryptedPacket {
            encrypted_value: vec![9; 100],
            ..Default::default()
        }),
        Value::SipDtmf(proto::SipDtmf::default()),
    ];
    for value in values {
        let wire = packet(value.clone()).encode_to_vec();
        let message = sender().handle_packet(DataKind::Lossy, &wire).unwrap();
        assert_eq!(passed(&message).value, Some(value));
    }
    // A value that does not exist yet: field 40.
    let future = [0xc2, 0x02, 2, 7, 7];
    let message = sender().handle_packet(DataKind::Reliable, &future).unwrap();
    assert!(message.packet.ends_with(&future));
}

#[test]
fn what_is_no_packet_is_refused() {
    let malformed = [
        &b""[..],
        b"\xff",
        b"\x12\x05abc",
        // Nothing in it.
        b"\x08\x00",
        // A number where text belongs, and the other way round.
        b"\x20\x01",
        b"\x10\x01",
        b"\x82\x01\x01a\x12\x00",
        // An identity that is no text.
        b"\x2a\x01\xff\x12\x00",
        // The inside of the older form.
        b"\x12\x01\xff",
    ];
    for bad in malformed {
        let refused = sender().handle_packet(DataKind::Reliable, bad);
        assert_eq!(refused, Err(DataError::Malformed), "{bad:?}");
    }
    let long = packet(chat(&"x".repeat(65_536))).encode_to_vec();
    let refused = sender().handle_packet(DataKind::Reliable, &long);
    assert_eq!(refused, Err(DataError::TooLarge));
}

fn sent(sequence: u32, len: usize, to: Option<&str>) -> DataMessage {
    DataMessage {
        kind: DataKind::Reliable,
        destinations: Destinations {
            identities: to.map(str::to_owned).into_iter().collect(),
            sids: Vec::new(),
        },
        sequence,
        packet: vec![sequence as u8; len].into(),
    }
}

#[test]
fn a_receiver_gets_what_it_missed_and_what_was_for_it() {
    let mut log = ReliableLog::new();
    let start = Instant::now();
    let second = Duration::from_secs(1);
    log.push(sent(1, 10, None), start);
    log.push(sent(2, 10, Some("cleo")), start + second);
    log.push(sent(3, 10, Some("ben")), start + second);
    log.push(sent(0, 10, None), start + second);
    let ben = info("ben");
    let firsts = |packets: Vec<bytes::Bytes>| -> Vec<u8> {
        packets.iter().map(|packet| packet[0]).collect()
    };
    let now = start + second;
    assert_eq!(firsts(log.after(&ben, 0, now)), [1, 3]);
    assert_eq!(firsts(log.after(&ben, 1, now)), [3]);
    assert_eq!(firsts(log.since(&ben, start, now)), [1, 3, 0]);
    assert_eq!(firsts(log.since(&ben, now, now)), [3, 0]);
    assert_eq!(firsts(log.after(&ben, 0, start + 3 * second)), [3]);
    assert_eq!(firsts(log.since(&ben, start, start + 4 * second)), [0u8; 0]);
}

#[test]
fn what_is_kept_is_bounded() {
    let mut log = ReliableLog::new();
    let now = Instant::now();
    for sequence in 1..=200 {
        log.push(sent(sequence, 1_000, None), now);
    }
    let kept = log.after(&info("ben"), 0, now);
    assert_eq!(kept.len(), 90, "99,000 octets with what they cost");
    assert_eq!(kept.last().unwrap()[0], 200);
    for sequence in 201..20_000 {
        log.push(sent(sequence, 0, None), now);
    }
    assert_eq!(log.after(&info("ben"), 0, now).len(), 1_000);
    log.push(sent(20_001, 100_001, None), now);
    assert_eq!(log.after(&info("ben"), 0, now).len(), 0);
}
