//! What keeps a session alive, and small requests about oneself.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use visavis_rooms::{AudioFeature, ParticipantSid, RemovalReason, TrackSid};
use visavis_sfu::TrackId;
use visavis_shard::TransportId;
use visavis_signal::Response;
use visavis_signal::request::Scenario;
use visavis_signal::response::{LeaveAction, Pong, RequestOutcome, RequestResponse, Secret};
use visavis_signal::token::{Claims, mint};

use super::core::{Control, Moment};
use super::peer::Cut;
use super::publish::outcome_of;

/// How often a session gets a new token to come back with, as LiveKit does.
pub(super) const REFRESH: Duration = Duration::from_secs(300);
/// How long such a token holds at least.
const TOKEN_SECONDS: u64 = 600;
/// How often sessions are looked at. Their deadlines are many seconds long.
const SWEEP: Duration = Duration::from_secs(1);

impl Control {
    /// Sessions are looked at while there are any.
    pub(super) fn wake_sweep(&mut self, now: Moment) {
        self.next_sweep.get_or_insert(now.instant + SWEEP);
    }

    /// Sessions are looked at then at the latest.
    pub(super) fn wake_at(&mut self, at: Instant) {
        self.next_sweep = Some(self.next_sweep.map_or(at, |next| next.min(at)));
    }

    /// Ends sessions without a sign of life, sends tokens that are due, and gives
    /// up what was to end.
    pub(super) fn sweep(&mut self, now: Moment) {
        self.next_sweep = (!self.peers.is_empty()).then_some(now.instant + SWEEP);
        let everybody: Vec<ParticipantSid> = self.peers.keys().cloned().collect();
        for sid in everybody {
            self.guarded(&sid, now, |control| control.look_after(&sid, now));
        }
    }

    fn look_after(&mut self, sid: &ParticipantSid, now: Moment) {
        let timeout = self.config.ping_timeout;
        let Some(peer) = self.peers.get_mut(sid) else {
            return;
        };
        if peer.ends.is_some_and(|at| at <= now.instant) {
            let reason = RemovalReason::ConnectionLost;
            return self.dismiss(sid, reason, LeaveAction::Reconnect, now);
        }
        if peer.is_used_up() {
            let reason = RemovalReason::StateMismatch;
            return self.dismiss(sid, reason, LeaveAction::Reconnect, now);
        }
        let session = peer.session;
        let quiet = &mut peer.publisher.quiet_until;
        match *quiet {
            Some(until) if until <= now.instant => {
                *quiet = None;
                self.changed.insert(sid.clone());
            }
            Some(until) => self.wake_at(until),
            None => {}
        }
        let Some(session) = session else { return };
        if now.instant.duration_since(session.last_heard) > timeout {
            self.cut(sid, now);
        } else if session.refresh_at <= now.instant {
            self.refresh_token(sid, now);
        }
    }

    /// A client pings; the newer kind says when.
    pub(super) fn handle_ping(&mut self, sid: &ParticipantSid, sent: Option<i64>, now: Moment) {
        let time = i64::try_from(now.unix_ms).unwrap_or(i64::MAX);
        let response = match sent {
            None => Response::Pong(time),
            Some(last_ping_timestamp) => Response::PongResponse(Pong {
                last_ping_timestamp,
                timestamp: time,
            }),
        };
        self.respond(sid, response);
    }

    /// Sends a token that says what holds now.
    pub(super) fn refresh_token(&mut self, sid: &ParticipantSid, now: Moment) {
        let Some(peer) = self.peers.get_mut(sid) else {
            return;
        };
        if let Some(session) = &mut peer.session {
            session.refresh_at = now.instant + REFRESH;
        }
        let (Some(info), Some(secret)) = (
            self.rooms.participant(sid),
            self.config.keys.get(&peer.api_key),
        ) else {
            return;
        };
        let seconds = now.unix_ms / 1_000;
        let claims = Claims {
            identity: info.identity.clone(),
            name: info.name.clone(),
            metadata: info.metadata.clone(),
            attributes: info.attributes.clone(),
            grants: info.grants.clone(),
            kind: info.kind,
            expires: peer.token_expires.max(seconds + TOKEN_SECONDS),
        };
        match mint(&claims, &peer.api_key, secret, seconds) {
            Ok(token) => self.respond(sid, Response::RefreshToken(Secret(token))),
            Err(error) => tracing::error!(%error, "a token can't be made"),
        }
    }

    /// The client changes what it says about itself.
    pub(super) fn handle_update_metadata(
        &mut self,
        sid: &ParticipantSid,
        request_id: u32,
        name: String,
        metadata: String,
        attributes: BTreeMap<String, String>,
    ) {
        let said = |text: String| Some(text).filter(|text| !text.is_empty());
        let outcome = self
            .rooms
            .update_metadata(sid, said(name), said(metadata), attributes);
        let (outcome, message) = match outcome {
            Ok(()) => (RequestOutcome::Ok, String::new()),
            Err(refused) => (outcome_of(refused), refused.to_string()),
        };
        self.respond(
            sid,
            Response::RequestResponse(RequestResponse {
                request_id,
                outcome,
                message,
            }),
        );
    }

    /// The client changes what is said about a track's sound.
    pub(super) fn handle_audio_features(
        &mut self,
        sid: &ParticipantSid,
        track: &TrackSid,
        features: Vec<AudioFeature>,
    ) {
        // A track that has ended meanwhile is nobody's error.
        let _ = self.rooms.update_audio_track(sid, track, features);
    }

    /// The client changes the size of a track's picture.
    pub(super) fn handle_video_size(
        &mut self,
        sid: &ParticipantSid,
        track: &TrackSid,
        width: u32,
        height: u32,
    ) {
        // A track that has ended meanwhile is nobody's error.
        let _ = self.rooms.update_video_track(sid, track, width, height);
    }

    /// A transport stands. With the primary one the participant is there for all.
    pub(super) fn handle_connected(&mut self, sid: &ParticipantSid, transport: TransportId) {
        let primary = self.peers.get(sid).and_then(|peer| peer.primary());
        if primary == Some(transport) {
            // It is there: the peer is.
            let _ = self.rooms.handle_active(sid);
        }
    }

    /// How loud a track is.
    pub(super) fn handle_level(&mut self, track: TrackId, level: u8, now: Moment) {
        if let Some(track) = self.tracks.get(track) {
            self.rooms.handle_level(&track.sid, level, now.instant);
        }
    }

    /// A client orders a disturbance, for a test: only what can hurt nobody else.
    pub(super) fn handle_scenario(
        &mut self,
        sid: &ParticipantSid,
        scenario: Scenario,
        now: Moment,
    ) {
        let Some(peer) = self.peers.get_mut(sid) else {
            return;
        };
        let (reason, reconnect) = (RemovalReason::ServerShutdown, LeaveAction::Reconnect);
        match scenario {
            Scenario::DisconnectOnResume => peer.cut_on_resume = Some(Cut::AfterFirst),
            Scenario::DisconnectOnResumeSilently => peer.cut_on_resume = Some(Cut::BeforeAny),
            Scenario::FullReconnect => {
                self.dismiss(sid, RemovalReason::StateMismatch, reconnect, now);
            }
            Scenario::ServerLeave => self.dismiss(sid, reason, LeaveAction::Disconnect, now),
            Scenario::Migration => self.cut(sid, now),
            Scenario::NodeFailure => {
                // The connection just ends; when the client comes back, it is unknown.
                self.cut(sid, now);
                self.rooms.remove(sid, reason, now.instant);
            }
            Scenario::Speaker(_)
            | Scenario::SwitchCandidateProtocol(_)
            | Scenario::SubscriberBandwidth(_) => {
                tracing::debug!(?scenario, "a scenario that this server does not play");
            }
        }
    }
}
