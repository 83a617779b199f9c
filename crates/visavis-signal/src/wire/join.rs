//! What a client says when it connects.

use livekit_protocol as proto;
use proto::client_info::Capability;
use visavis_rooms::{ClientFeatures, ParticipantSid};

use super::enums::Enum;
use super::request::{read_description, read_sync_state};
use super::track::read_add_track;
use crate::join::{ClientInfo, JoinParams, ReconnectReason, Resume, Sdk};

/// A join request always means a single PeerConnection.
pub(crate) fn read_join(wire: proto::JoinRequest) -> JoinParams {
    let settings = wire.connection_settings;
    let adds = wire.add_track_requests.into_iter();
    JoinParams {
        single_peer_connection: true,
        client: wire.client_info.map(read_client).unwrap_or_default(),
        // Who says nothing gets everything, as without a join request.
        auto_subscribe: settings.is_none_or(|settings| settings.auto_subscribe),
        adaptive_stream: settings.is_some_and(|settings| settings.adaptive_stream),
        subscriber_allow_pause: settings.and_then(|settings| settings.subscriber_allow_pause),
        disable_ice_lite: settings.is_some_and(|settings| settings.disable_ice_lite),
        resume: wire
            .reconnect
            .then(|| read_resume(&wire.participant_sid, wire.reconnect_reason)),
        metadata: wire.metadata,
        attributes: wire.participant_attributes.into_iter().collect(),
        add_tracks: adds.filter_map(read_add_track).collect(),
        publisher_offer: wire.publisher_offer.map(read_description),
        sync_state: wire
            .sync_state
            .map(|state| Box::new(read_sync_state(state))),
    }
}

pub(crate) fn read_resume(sid: &str, reason: i32) -> Resume {
    Resume {
        participant: (!sid.is_empty()).then(|| ParticipantSid::from(sid)),
        reason: ReconnectReason::read(reason).unwrap_or_default(),
    }
}

fn read_client(wire: proto::ClientInfo) -> ClientInfo {
    let capable = |capability: Capability| wire.capabilities.contains(&capability.into());
    ClientInfo {
        sdk: Sdk::read(wire.sdk).unwrap_or_default(),
        features: ClientFeatures {
            client_protocol: wire.client_protocol,
            packet_trailer: capable(Capability::CapPacketTrailer),
            deflate_raw: capable(Capability::CapCompressionDeflateRaw),
        },
        version: wire.version,
        protocol: wire.protocol,
        os: wire.os,
        os_version: wire.os_version,
        device_model: wire.device_model,
        browser: wire.browser,
        browser_version: wire.browser_version,
    }
}
