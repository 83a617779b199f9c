//! What clients send.

use livekit_protocol as proto;
use proto::signal_request::Message;
use proto::simulate_scenario::Scenario as WireScenario;
use serde::Deserialize;
use visavis_rooms::{
    ParticipantSid, Quality, RemovalReason, SubscriptionPermission, TrackPermission, TrackSid,
};

use super::enums::Enum;
use super::track::{read_add_track, read_features};
use crate::request::{
    ChannelInfo, Description, PeerConnection, Request, Scenario, Subscription, SyncState,
    TrackSettings,
};

/// What the browser calls `RTCIceCandidateInit`; we need no more of it, because
/// all sections are bundled.
#[derive(Deserialize)]
struct CandidateInit {
    #[serde(default)]
    candidate: Option<String>,
}

/// What is inside a message makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Senseless;

pub(crate) fn read_request(wire: proto::SignalRequest) -> Result<Request, Senseless> {
    Ok(match wire.message {
        Some(Message::Offer(wire)) => Request::Offer(read_description(wire)),
        Some(Message::Answer(wire)) => Request::Answer(read_description(wire)),
        Some(Message::Trickle(wire)) => read_trickle(&wire)?,
        Some(Message::AddTrack(wire)) => match read_add_track(wire) {
            Some(add) => Request::AddTrack(Box::new(add)),
            None => Request::Unknown,
        },
        Some(Message::Mute(wire)) => Request::Mute {
            track: track_sid(&wire.sid),
            muted: wire.muted,
        },
        Some(Message::Subscription(wire)) => Request::UpdateSubscription(read_subscription(&wire)),
        Some(Message::TrackSetting(wire)) => Request::UpdateTrackSettings(TrackSettings {
            tracks: track_sids(&wire.track_sids),
            disabled: wire.disabled,
            quality: Quality::read(wire.quality),
            width: wire.width,
            height: wire.height,
            fps: wire.fps,
            priority: wire.priority,
        }),
        Some(Message::Leave(wire)) => Request::Leave {
            reason: RemovalReason::read(wire.reason),
        },
        Some(Message::SubscriptionPermission(wire)) => {
            Request::SubscriptionPermission(read_permission(wire))
        }
        Some(Message::SyncState(wire)) => Request::SyncState(Box::new(read_sync_state(wire))),
        Some(Message::Simulate(wire)) => read_scenario(wire.scenario),
        Some(Message::Ping(timestamp)) => Request::Ping(timestamp),
        Some(Message::PingReq(wire)) => Request::PingRequest {
            timestamp: wire.timestamp,
            rtt: wire.rtt,
        },
        Some(Message::UpdateMetadata(wire)) => Request::UpdateMetadata {
            request_id: wire.request_id,
            name: wire.name,
            metadata: wire.metadata,
            attributes: wire.attributes.into_iter().collect(),
        },
        Some(Message::UpdateAudioTrack(wire)) => Request::UpdateAudioTrack {
            track: track_sid(&wire.track_sid),
            features: read_features(&wire.features),
        },
        Some(Message::UpdateVideoTrack(wire)) => Request::UpdateVideoTrack {
            track: track_sid(&wire.track_sid),
            width: wire.width,
            height: wire.height,
        },
        _ => Request::Unknown,
    })
}

pub(crate) fn read_description(wire: proto::SessionDescription) -> Description {
    Description {
        id: wire.id,
        sdp: wire.sdp,
    }
}

fn read_trickle(wire: &proto::TrickleRequest) -> Result<Request, Senseless> {
    let candidate = if wire.candidate_init.is_empty() {
        None
    } else {
        let init: Option<CandidateInit> =
            serde_json::from_str(&wire.candidate_init).map_err(|_| Senseless)?;
        init.and_then(|init| init.candidate)
    };
    Ok(Request::Trickle {
        peer_connection: PeerConnection::read(wire.target).ok_or(Senseless)?,
        candidate: candidate
            .map(|text| text.strip_prefix("a=").unwrap_or(&text).to_owned())
            .filter(|text| !text.is_empty()),
    })
}

fn read_subscription(wire: &proto::UpdateSubscription) -> Subscription {
    let nested = wire.participant_tracks.iter();
    let nested = nested.flat_map(|participant| &participant.track_sids);
    let all = wire.track_sids.iter().chain(nested);
    Subscription {
        tracks: all.map(|sid| track_sid(sid)).collect(),
        subscribe: wire.subscribe,
    }
}

fn read_permission(wire: proto::SubscriptionPermission) -> SubscriptionPermission {
    let permission = |wire: proto::TrackPermission| TrackPermission {
        sid: (!wire.participant_sid.is_empty()).then(|| participant_sid(&wire.participant_sid)),
        identity: wire.participant_identity,
        all_tracks: wire.all_tracks,
        tracks: track_sids(&wire.track_sids),
    };
    SubscriptionPermission {
        all_participants: wire.all_participants,
        participants: wire.track_permissions.into_iter().map(permission).collect(),
    }
}

pub(crate) fn read_sync_state(wire: proto::SyncState) -> SyncState {
    let published = wire.publish_tracks.into_iter();
    let received = wire.datachannel_receive_states.iter();
    SyncState {
        answer: wire.answer.map(read_description),
        offer: wire.offer.map(read_description),
        subscription: wire.subscription.as_ref().map(read_subscription),
        published: published
            .filter_map(|published| Some((published.cid, track_sid(&published.track?.sid))))
            .collect(),
        channels: wire
            .data_channels
            .into_iter()
            .filter_map(read_channel)
            .collect(),
        received: received
            .map(|state| (participant_sid(&state.publisher_sid), state.last_seq))
            .collect(),
        disabled: track_sids(&wire.track_sids_disabled),
    }
}

fn read_channel(wire: proto::DataChannelInfo) -> Option<ChannelInfo> {
    Some(ChannelInfo {
        label: wire.label,
        id: wire.id,
        peer_connection: PeerConnection::read(wire.target)?,
    })
}

fn read_scenario(wire: Option<WireScenario>) -> Request {
    Request::Simulate(match wire {
        Some(WireScenario::SpeakerUpdate(seconds)) => Scenario::Speaker(seconds),
        Some(WireScenario::NodeFailure(true)) => Scenario::NodeFailure,
        Some(WireScenario::Migration(true)) => Scenario::Migration,
        Some(WireScenario::ServerLeave(true)) => Scenario::ServerLeave,
        Some(WireScenario::SwitchCandidateProtocol(protocol)) => {
            Scenario::SwitchCandidateProtocol(protocol)
        }
        Some(WireScenario::SubscriberBandwidth(limit)) => Scenario::SubscriberBandwidth(limit),
        Some(WireScenario::DisconnectSignalOnResume(true)) => Scenario::DisconnectOnResume,
        Some(WireScenario::DisconnectSignalOnResumeNoMessages(true)) => {
            Scenario::DisconnectOnResumeSilently
        }
        Some(WireScenario::LeaveRequestFullReconnect(true)) => Scenario::FullReconnect,
        _ => return Request::Unknown,
    })
}

fn track_sid(sid: &str) -> TrackSid {
    TrackSid::from(sid)
}

fn track_sids(sids: &[String]) -> Vec<TrackSid> {
    sids.iter().map(|sid| track_sid(sid)).collect()
}

pub(crate) fn participant_sid(sid: &str) -> ParticipantSid {
    ParticipantSid::from(sid)
}
