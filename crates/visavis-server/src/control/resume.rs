//! How a client comes back after it lost its signaling connection. Its media
//! goes on meanwhile.

use std::time::Duration;

use visavis_rooms::{ParticipantSid, RemovalReason};
use visavis_shard::MediaCommand;
use visavis_signal::Response;
use visavis_signal::join::Resume;
use visavis_signal::request::SyncState;
use visavis_signal::response::{LeaveAction, Reconnect};

use super::core::{Control, ControlOutput, Moment, SessionId};
use super::handle::{Hello, JoinRefused};
use super::peer::{Cut, Session, renew};
use super::sessions::REFRESH;

/// How long a client that has come back is given to offer of its own accord,
/// with its ICE restart, before it is asked to.
const OWN_OFFER: Duration = Duration::from_secs(5);

impl Control {
    /// Gives a participant a new session. One that is not there any more, or not
    /// this client's, is told to join anew.
    pub(super) fn resume(
        &mut self,
        hello: Hello,
        resume: &Resume,
        now: Moment,
    ) -> Result<SessionId, JoinRefused> {
        if !hello.claims.grants.may_join(&hello.room) {
            return Err(visavis_rooms::JoinError::NotAllowed.into());
        }
        let identity = &hello.claims.identity;
        let own = self.rooms.find(&hello.room, identity);
        let own = own.map(|info| info.sid.clone()).filter(|own| {
            let named = resume.participant.as_ref();
            named.is_none_or(|named| named == own)
        });
        let known = own.and_then(|sid| self.peers.get(&sid)).filter(|peer| {
            !peer.missed_too_much()
                && peer.ends.is_none()
                && peer.single == hello.params.single_peer_connection
        });
        let Some((sid, old)) = known.map(|peer| (peer.sid.clone(), peer.session)) else {
            return Ok(self.turn_away(Response::Leave {
                reason: RemovalReason::StateMismatch,
                action: LeaveAction::Reconnect,
            }));
        };
        let sid = &sid;
        // A connection that this one replaces is over, whether it knows or not.
        if let Some(old) = old {
            self.close(old.id);
        }
        let session = self.next_session();
        self.sessions.insert(session, sid.clone());
        if let Some(peer) = self.peers.get_mut(sid) {
            peer.api_key = hello.api_key;
            peer.token_expires = hello.claims.expires;
            peer.session = Some(Session {
                id: session,
                last_heard: now.instant,
                refresh_at: now.instant + REFRESH,
            });
        }
        self.wake_sweep(now);
        let params = hello.params;
        let cut = self
            .peers
            .get_mut(sid)
            .and_then(|peer| peer.cut_on_resume.take());
        self.guarded(sid, now, |control| {
            control.welcome_back(sid, now);
            if let Some(cut) = cut {
                return control.cut_off(sid, session, cut, now);
            }
            if let Some(state) = params.sync_state {
                control.handle_sync_state(sid, &state, now);
            }
            if let Some(offer) = params.publisher_offer {
                control.handle_offer(sid, &offer, now);
            }
        });
        self.settle(now);
        Ok(session)
    }

    fn welcome_back(&mut self, sid: &ParticipantSid, now: Moment) {
        let Some(peer) = self.peers.get_mut(sid) else {
            return;
        };
        let last_message_seq = peer.data.last_sequence();
        let departed = std::mem::take(&mut peer.departed);
        let Ok(joined) = self.rooms.handle_signal_resumed(sid) else {
            return;
        };
        let reconnect = Reconnect {
            ice_servers: self.config.ice_servers.clone(),
            client_configuration: None,
            last_message_seq,
            server: self.config.server.clone(),
        };
        self.respond(sid, Response::Reconnect(reconnect));
        let mut everybody = vec![joined.participant];
        everybody.extend(joined.others);
        everybody.extend(departed);
        self.respond(sid, Response::Update(everybody));
        self.respond(sid, Response::RoomUpdate(joined.room));
        self.refresh_token(sid, now);
        self.renegotiate(sid, now);
    }

    /// What was on its way when the connection broke is lost: in dual mode we
    /// offer anew, and restart ICE with it; in single mode the client does.
    fn renegotiate(&mut self, sid: &ParticipantSid, now: Moment) {
        let Some(peer) = self.peers.get_mut(sid) else {
            return;
        };
        peer.publisher.asked = None;
        if peer.single {
            peer.publisher.quiet_until = Some(now.instant + OWN_OFFER);
        }
        if let Some(subscriber) = &mut peer.subscriber {
            let fresh = renew(&mut subscriber.local);
            subscriber.offerer.set_local(subscriber.local.clone());
            subscriber.outstanding = false;
            let transport = subscriber.transport;
            self.command(MediaCommand::RestartIce(transport, fresh));
        }
        self.changed.insert(sid.clone());
    }

    /// Does what the client ordered for a test.
    fn cut_off(&mut self, sid: &ParticipantSid, session: SessionId, cut: Cut, now: Moment) {
        let mut left = match cut {
            Cut::BeforeAny => 0,
            Cut::AfterFirst => 1,
        };
        self.outputs.retain(|output| match output {
            ControlOutput::Respond(to, _) if *to == session => {
                left -= 1;
                left >= 0
            }
            _ => true,
        });
        self.cut(sid, now);
    }

    /// What a client that came back believes.
    pub(super) fn handle_sync_state(
        &mut self,
        sid: &ParticipantSid,
        state: &SyncState,
        now: Moment,
    ) {
        let Some(peer) = self.peers.get(sid) else {
            return;
        };
        let all_known = state
            .published
            .iter()
            .all(|(_, track)| peer.announced.contains_key(track));
        if !all_known {
            let reason = RemovalReason::StateMismatch;
            return self.dismiss(sid, reason, LeaveAction::Reconnect, now);
        }
        self.replay_after(sid, &state.received, now);
    }
}
