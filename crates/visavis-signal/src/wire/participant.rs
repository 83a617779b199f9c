//! Participants and rooms.

use livekit_protocol as proto;
use visavis_rooms::{Grants, ParticipantInfo, ParticipantKind, RoomInfo, Speaker};

use super::enums::Enum;
use super::track::write_track;
use crate::codecs::publishable;

pub(crate) fn write_participant(info: &ParticipantInfo) -> proto::ParticipantInfo {
    let joined_at = i64::try_from(info.joined_at).unwrap_or(i64::MAX);
    let features = info.features;
    let capabilities = [
        (
            features.packet_trailer,
            proto::client_info::Capability::CapPacketTrailer,
        ),
        (
            features.deflate_raw,
            proto::client_info::Capability::CapCompressionDeflateRaw,
        ),
    ];
    let capabilities = capabilities.into_iter().filter(|(has, _)| *has);
    let attributes = info.attributes.iter();
    proto::ParticipantInfo {
        sid: info.sid.to_string(),
        identity: info.identity.clone(),
        state: info.state.write(),
        tracks: info.tracks.iter().map(write_track).collect(),
        metadata: info.metadata.clone(),
        joined_at: joined_at / 1_000,
        joined_at_ms: joined_at,
        name: info.name.clone(),
        version: info.version,
        permission: Some(write_permission(&info.grants, info.kind)),
        is_publisher: !info.tracks.is_empty(),
        kind: info.kind.write(),
        attributes: attributes.map(|(k, v)| (k.clone(), v.clone())).collect(),
        disconnect_reason: info.reason.map_or(0, Enum::write),
        client_protocol: features.client_protocol,
        capabilities: capabilities.map(|(_, number)| number.into()).collect(),
        ..proto::ParticipantInfo::default()
    }
}

/// `livekit-client` publishes nothing without it.
#[allow(deprecated, reason = "older clients read it only there")]
fn write_permission(grants: &Grants, kind: ParticipantKind) -> proto::ParticipantPermission {
    let sources = grants.can_publish_sources.iter();
    proto::ParticipantPermission {
        can_subscribe: grants.may_subscribe(),
        can_publish: grants.may_publish(),
        can_publish_data: grants.may_publish_data(),
        can_publish_sources: sources.map(|source| source.write()).collect(),
        hidden: grants.hidden,
        recorder: grants.recorder,
        can_update_metadata: grants.may_update_own_metadata(),
        agent: kind == ParticipantKind::Agent,
        ..proto::ParticipantPermission::default()
    }
}

pub(crate) fn write_room(room: &RoomInfo) -> proto::Room {
    let created_at = i64::try_from(room.created_at).unwrap_or(i64::MAX);
    proto::Room {
        sid: room.sid.to_string(),
        name: room.name.clone(),
        creation_time: created_at / 1_000,
        creation_time_ms: created_at,
        enabled_codecs: write_codecs(),
        num_participants: saturate(room.num_participants),
        num_publishers: saturate(room.num_publishers),
        ..proto::Room::default()
    }
}

pub(crate) fn write_codecs() -> Vec<proto::Codec> {
    let codec = |mime: &str| proto::Codec {
        mime: mime.to_owned(),
        fmtp_line: String::new(),
    };
    publishable().map(codec).collect()
}

pub(crate) fn write_speaker(speaker: &Speaker) -> proto::SpeakerInfo {
    proto::SpeakerInfo {
        sid: speaker.participant.to_string(),
        level: f32::from(speaker.loudness.eighths) / 8.0,
        active: speaker.loudness.active,
    }
}

fn saturate(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
