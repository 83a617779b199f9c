//! How a participant goes, by whose will it may be.

use std::time::Duration;

use visavis_rooms::{ParticipantSid, RemovalReason};
use visavis_shard::{CloseReason, MediaCommand, TransportId};
use visavis_signal::Response;
use visavis_signal::response::LeaveAction;

use super::core::{Control, ControlOutput, Moment, SessionId};

/// A client that closes its PeerConnections says why over its signaling
/// connection; that message may come a little later.
const WORD_OF_FAREWELL: Duration = Duration::from_secs(2);

impl Control {
    /// Removes a participant and tells its client what to do.
    pub(super) fn dismiss(
        &mut self,
        sid: &ParticipantSid,
        reason: RemovalReason,
        action: LeaveAction,
        now: Moment,
    ) {
        if let Some(peer) = self.peers.get_mut(sid) {
            peer.farewell = Some(action);
        }
        self.rooms.remove(sid, reason, now.instant);
    }

    /// A participant is out of its room: everything of it is closed.
    pub(super) fn forget(&mut self, sid: &ParticipantSid, reason: RemovalReason) {
        let Some(peer) = self.peers.remove(sid) else {
            return;
        };
        self.changed.remove(sid);
        for publication in peer.publications.values() {
            self.tracks.remove(publication.id);
            self.command(MediaCommand::RemoveTrack(publication.id));
        }
        for transport in peer.transports() {
            self.transports.remove(&transport);
            self.command(MediaCommand::Close(transport));
        }
        let Some(session) = peer.session else { return };
        // Whoever leaves does not wait for an answer.
        if reason != RemovalReason::ClientInitiated {
            let action = peer.farewell.unwrap_or_else(|| action(reason));
            self.outputs.push_back(ControlOutput::Respond(
                session.id,
                Response::Leave { reason, action },
            ));
        }
        self.close(session.id);
    }

    /// Ends a session; its participant stays as it is.
    pub(super) fn close(&mut self, session: SessionId) {
        self.sessions.remove(&session);
        self.outputs.push_back(ControlOutput::Close(session));
    }

    /// The signaling connection of a session is lost, or given up by the caller.
    /// With media, its participant stays.
    pub fn handle_signal_lost(&mut self, session: SessionId, now: Moment) {
        let Some(sid) = self.sessions.remove(&session) else {
            return;
        };
        self.guarded(&sid, now, |control| control.part(&sid, now));
        self.settle(now);
    }

    /// Cuts a participant's signaling connection from our side.
    pub(super) fn cut(&mut self, sid: &ParticipantSid, now: Moment) {
        let session = self.peers.get(sid).and_then(|peer| peer.session);
        if let Some(session) = session {
            self.close(session.id);
            self.part(sid, now);
        }
    }

    fn part(&mut self, sid: &ParticipantSid, now: Moment) {
        let Some(peer) = self.peers.get_mut(sid) else {
            return;
        };
        peer.session = None;
        if peer.ends.is_some() {
            let reason = RemovalReason::ConnectionLost;
            self.rooms.remove(sid, reason, now.instant);
        } else {
            // It is there: the peer is.
            let _ = self.rooms.handle_signal_lost(sid, now.instant);
        }
    }

    /// A transport of a participant has ended.
    pub(super) fn handle_closed(
        &mut self,
        sid: &ParticipantSid,
        transport: TransportId,
        reason: CloseReason,
        now: Moment,
    ) {
        self.transports.remove(&transport);
        let Some(peer) = self.peers.get_mut(sid) else {
            return;
        };
        if peer.session.is_none() {
            self.rooms
                .remove(sid, RemovalReason::ConnectionLost, now.instant);
            return;
        }
        match reason {
            CloseReason::ByPeer => peer.ends = Some(now.instant + WORD_OF_FAREWELL),
            // The keys are gone with the transport: nothing can be resumed.
            CloseReason::TimedOut => {
                self.dismiss(
                    sid,
                    RemovalReason::ConnectionLost,
                    LeaveAction::Reconnect,
                    now,
                );
            }
            CloseReason::Failed => {
                self.dismiss(
                    sid,
                    RemovalReason::MediaFailure,
                    LeaveAction::Reconnect,
                    now,
                );
            }
        }
    }

    /// Takes leave of everybody. Clients try to come back: the server may be
    /// there again, or another one in its place.
    pub fn shutdown(&mut self, now: Moment) {
        let everybody: Vec<ParticipantSid> = self.peers.keys().cloned().collect();
        for sid in everybody {
            self.dismiss(
                &sid,
                RemovalReason::ServerShutdown,
                LeaveAction::Reconnect,
                now,
            );
        }
        self.settle(now);
    }
}

/// What a client is told to do, by why it was removed.
fn action(reason: RemovalReason) -> LeaveAction {
    match reason {
        RemovalReason::StateMismatch
        | RemovalReason::ConnectionLost
        | RemovalReason::MediaFailure
        | RemovalReason::SignalClosed
        | RemovalReason::ServerShutdown => LeaveAction::Reconnect,
        RemovalReason::ClientInitiated
        | RemovalReason::DuplicateIdentity
        | RemovalReason::ParticipantRemoved
        | RemovalReason::RoomDeleted
        | RemovalReason::JoinFailure => LeaveAction::Disconnect,
    }
}
