//! What the server sends.

use livekit_protocol as proto;
use proto::signal_response::Message;
use serde::Serialize;
use visavis_rooms::{Quality, RemovalReason, TrackSid};

use super::enums::Enum;
use super::participant::{write_codecs, write_participant, write_room, write_speaker};
use super::track::write_track;
use crate::request::PeerConnection;
use crate::response::{
    ClientConfiguration, IceServer, Join, LeaveAction, PermissionUpdate, Pong, QualityInfo,
    Reconnect, RequestResponse, Response, ServerDescription, ServerInfo, StreamState, WantedCodec,
};

/// What we say we are. Clients switch features by it: an empty one is refused by
/// `livekit-client`, above 1.13.6 it sends VP9 and AV1 as simulcast by rid.
const VERSION: &str = "1.13.5";
/// The protocol's level. 18 would mean negotiated data channels.
const PROTOCOL: i32 = 17;
/// Seconds between a client's pings. With 0 the Rust SDK panics.
const PING_INTERVAL: i32 = 5;
/// Seconds without an answer after which a client gives the connection up.
const PING_TIMEOUT: i32 = 15;

/// A candidate as browsers name its parts. The Rust SDK takes no null for the
/// last two.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CandidateInit<'a> {
    candidate: &'a str,
    sdp_mid: &'a str,
    sdp_m_line_index: u16,
}

pub(crate) fn write_response(response: &Response) -> proto::SignalResponse {
    proto::SignalResponse {
        message: Some(write_message(response)),
    }
}

fn write_message(response: &Response) -> Message {
    match response {
        Response::Join(join) => Message::Join(write_join(join)),
        Response::Reconnect(reconnect) => Message::Reconnect(write_reconnect(reconnect)),
        Response::Answer(answer) => Message::Answer(write_description("answer", answer)),
        Response::Offer(offer) => Message::Offer(write_description("offer", offer)),
        Response::Trickle {
            peer_connection,
            candidate,
            mid,
            last,
        } => Message::Trickle(write_trickle(*peer_connection, candidate, mid, *last)),
        Response::Update(infos) => {
            let participants = infos.iter().map(write_participant).collect();
            Message::Update(proto::ParticipantUpdate { participants })
        }
        Response::TrackPublished { cid, track } => {
            let (cid, track) = (cid.clone(), Some(write_track(track)));
            Message::TrackPublished(proto::TrackPublishedResponse { cid, track })
        }
        Response::TrackUnpublished(track) => {
            let track_sid = track.to_string();
            Message::TrackUnpublished(proto::TrackUnpublishedResponse { track_sid })
        }
        Response::Mute { track, muted } => {
            let (sid, muted) = (track.to_string(), *muted);
            Message::Mute(proto::MuteTrackRequest { sid, muted })
        }
        Response::RoomUpdate(room) => {
            let room = Some(write_room(room));
            Message::RoomUpdate(proto::RoomUpdate { room })
        }
        Response::SpeakersChanged(speakers) => {
            let speakers = speakers.iter().map(write_speaker).collect();
            Message::SpeakersChanged(proto::SpeakersChanged { speakers })
        }
        Response::RefreshToken(token) => Message::RefreshToken(token.0.clone()),
        Response::Leave { reason, action } => Message::Leave(write_leave(*reason, *action)),
        Response::Pong(timestamp) => Message::Pong(*timestamp),
        Response::PongResponse(pong) => Message::PongResp(write_pong(pong)),
        Response::RequestResponse(answer) => Message::RequestResponse(write_answer(answer)),
        Response::SubscriptionResponse { track, error } => {
            let (track_sid, err) = (track.to_string(), error.write());
            Message::SubscriptionResponse(proto::SubscriptionResponse { track_sid, err })
        }
        Response::SubscriptionPermissionUpdate(update) => {
            Message::SubscriptionPermissionUpdate(write_permission_update(update))
        }
        Response::StreamStateUpdate(states) => {
            let stream_states = states.iter().map(write_stream_state).collect();
            Message::StreamStateUpdate(proto::StreamStateUpdate { stream_states })
        }
        Response::ConnectionQuality(infos) => {
            let updates = infos.iter().map(write_quality).collect();
            Message::ConnectionQuality(proto::ConnectionQualityUpdate { updates })
        }
        Response::SubscribedQualityUpdate { track, codecs } => {
            Message::SubscribedQualityUpdate(write_wanted(track, codecs))
        }
        Response::TrackSubscribed(track) => {
            let track_sid = track.to_string();
            Message::TrackSubscribed(proto::TrackSubscribed { track_sid })
        }
        Response::MediaSectionsRequirement { audios, videos } => {
            let (num_audios, num_videos) = (*audios, *videos);
            Message::MediaSectionsRequirement(proto::MediaSectionsRequirement {
                num_audios,
                num_videos,
            })
        }
    }
}

fn write_join(join: &Join) -> proto::JoinResponse {
    let joined = &join.joined;
    proto::JoinResponse {
        room: Some(write_room(&joined.room)),
        participant: Some(write_participant(&joined.participant)),
        other_participants: joined.others.iter().map(write_participant).collect(),
        // What clients read that do not know `server_info`.
        server_version: VERSION.to_owned(),
        server_region: join.server.region.clone(),
        ice_servers: join.ice_servers.iter().map(write_ice_server).collect(),
        subscriber_primary: join.subscriber_primary,
        client_configuration: join.client_configuration.map(write_configuration),
        ping_timeout: PING_TIMEOUT,
        ping_interval: PING_INTERVAL,
        server_info: Some(write_server(&join.server)),
        enabled_publish_codecs: write_codecs(),
        fast_publish: join.fast_publish,
        ..proto::JoinResponse::default()
    }
}

fn write_reconnect(reconnect: &Reconnect) -> proto::ReconnectResponse {
    let ice_servers = reconnect.ice_servers.iter();
    proto::ReconnectResponse {
        ice_servers: ice_servers.map(write_ice_server).collect(),
        client_configuration: reconnect.client_configuration.map(write_configuration),
        server_info: Some(write_server(&reconnect.server)),
        last_message_seq: reconnect.last_message_seq,
    }
}

fn write_ice_server(server: &IceServer) -> proto::IceServer {
    proto::IceServer {
        urls: server.urls.clone(),
        username: server.username.clone(),
        credential: server.credential.0.clone(),
    }
}

fn write_configuration(configuration: ClientConfiguration) -> proto::ClientConfiguration {
    use proto::ClientConfigSetting::{Disabled, Enabled, Unset};
    let resume = if configuration.no_resume {
        Disabled
    } else {
        Unset
    };
    let relay = if configuration.force_relay {
        Enabled
    } else {
        Unset
    };
    proto::ClientConfiguration {
        resume_connection: resume.into(),
        force_relay: relay.into(),
        ..proto::ClientConfiguration::default()
    }
}

fn write_server(server: &ServerInfo) -> proto::ServerInfo {
    proto::ServerInfo {
        edition: proto::server_info::Edition::Standard.into(),
        version: VERSION.to_owned(),
        protocol: PROTOCOL,
        region: server.region.clone(),
        node_id: server.node_id.clone(),
        ..proto::ServerInfo::default()
    }
}

fn write_description(kind: &str, description: &ServerDescription) -> proto::SessionDescription {
    let tracks = description.mid_to_track_id.iter();
    proto::SessionDescription {
        r#type: kind.to_owned(),
        sdp: description.sdp.clone(),
        id: description.id,
        mid_to_track_id: tracks
            .map(|(mid, track)| (mid.clone(), track.to_string()))
            .collect(),
    }
}

fn write_trickle(
    peer_connection: PeerConnection,
    candidate: &str,
    mid: &str,
    last: bool,
) -> proto::TrickleRequest {
    let init = CandidateInit {
        candidate,
        sdp_mid: mid,
        sdp_m_line_index: 0,
    };
    proto::TrickleRequest {
        // Strings and a number always make JSON.
        candidate_init: serde_json::to_string(&init).unwrap_or_default(),
        target: peer_connection.write(),
        r#final: last,
    }
}

fn write_leave(reason: RemovalReason, action: LeaveAction) -> proto::LeaveRequest {
    proto::LeaveRequest {
        // What clients before protocol 13 read.
        can_reconnect: action != LeaveAction::Disconnect,
        reason: reason.write(),
        action: action.write(),
        regions: None,
    }
}

fn write_pong(pong: &Pong) -> proto::Pong {
    proto::Pong {
        last_ping_timestamp: pong.last_ping_timestamp,
        timestamp: pong.timestamp,
    }
}

fn write_answer(answer: &RequestResponse) -> proto::RequestResponse {
    proto::RequestResponse {
        request_id: answer.request_id,
        reason: answer.outcome.write(),
        message: answer.message.clone(),
        request: None,
    }
}

fn write_permission_update(update: &PermissionUpdate) -> proto::SubscriptionPermissionUpdate {
    proto::SubscriptionPermissionUpdate {
        participant_sid: update.publisher.to_string(),
        track_sid: update.track.to_string(),
        allowed: update.allowed,
    }
}

fn write_stream_state(state: &StreamState) -> proto::StreamStateInfo {
    let wire = if state.paused {
        proto::StreamState::Paused
    } else {
        proto::StreamState::Active
    };
    proto::StreamStateInfo {
        participant_sid: state.publisher.to_string(),
        track_sid: state.track.to_string(),
        state: wire.into(),
    }
}

fn write_quality(info: &QualityInfo) -> proto::ConnectionQualityInfo {
    proto::ConnectionQualityInfo {
        participant_sid: info.participant.to_string(),
        quality: info.quality.write(),
        score: info.score,
    }
}

fn write_wanted(track: &TrackSid, codecs: &[WantedCodec]) -> proto::SubscribedQualityUpdate {
    let quality = |(quality, enabled): &(Quality, bool)| proto::SubscribedQuality {
        quality: quality.write(),
        enabled: *enabled,
    };
    let codec = |wanted: &WantedCodec| proto::SubscribedCodec {
        codec: wanted.codec.clone(),
        qualities: wanted.qualities.iter().map(quality).collect(),
    };
    proto::SubscribedQualityUpdate {
        track_sid: track.to_string(),
        subscribed_codecs: codecs.iter().map(codec).collect(),
        ..proto::SubscribedQualityUpdate::default()
    }
}
