//! Connections that come and go while a participant stays.

use std::time::{Duration, Instant};

use crate::api::{Joined, Refused};
use crate::deadlines::Due;
use crate::ids::ParticipantSid;
use crate::participant::{Participant, ParticipantState, RemovalReason};
use crate::rooms::Rooms;

/// Time to get media through, as LiveKit gives it.
const JOIN_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a participant without media outlives its signaling.
const UNUSED_TIMEOUT: Duration = Duration::from_secs(5);

impl Rooms {
    /// Media stands, for the first time or again.
    ///
    /// # Errors
    /// When the participant is not there.
    pub fn handle_active(&mut self, sid: &ParticipantSid) -> Result<(), Refused> {
        let participant = self.participant_mut(sid)?;
        participant.media_lost = false;
        if participant.info.state < ParticipantState::Active {
            participant.info.state = ParticipantState::Active;
            participant.touch();
            self.announce(sid, false);
        }
        self.reschedule(sid);
        Ok(())
    }

    /// The signaling connection is gone. With media the participant stays,
    /// without it for five more seconds.
    ///
    /// # Errors
    /// When the participant is not there.
    pub fn handle_signal_lost(
        &mut self,
        sid: &ParticipantSid,
        now: Instant,
    ) -> Result<(), Refused> {
        self.participant_mut(sid)?.signal_lost = Some(now);
        self.reschedule(sid);
        Ok(())
    }

    /// The signaling connection is back: who is there, the participant itself
    /// included, as the client must be told.
    ///
    /// # Errors
    /// When the participant is not there any more: it must join anew.
    pub fn handle_signal_resumed(&mut self, sid: &ParticipantSid) -> Result<Joined, Refused> {
        self.participant_mut(sid)?.signal_lost = None;
        self.reschedule(sid);
        let room = self.room_of(sid).ok_or(Refused::NotFound)?;
        let own = room.participant(sid).ok_or(Refused::NotFound)?;
        Ok(room.seen_by(own))
    }

    /// The media connection is gone. Without signaling nothing is left.
    pub fn handle_media_lost(&mut self, sid: &ParticipantSid, now: Instant) {
        let Ok(participant) = self.participant_mut(sid) else {
            return;
        };
        participant.media_lost = true;
        if participant.signal_lost.is_some() {
            self.remove(sid, RemovalReason::ConnectionLost, now);
        }
    }

    /// A participant's time is over.
    pub(crate) fn give_up(&mut self, sid: &ParticipantSid, now: Instant) {
        let never = self
            .participant(sid)
            .is_some_and(|info| info.state < ParticipantState::Active);
        let reason = if never {
            RemovalReason::JoinFailure
        } else {
            RemovalReason::ConnectionLost
        };
        self.remove(sid, reason, now);
    }

    /// Notes when the participant will be given up, if it stays as it is.
    pub(crate) fn reschedule(&mut self, sid: &ParticipantSid) {
        let room = self.room_of(sid);
        let at = room.and_then(|room| room.participant(sid)).and_then(expiry);
        self.deadlines.set(Due::Participant(sid.clone()), at);
    }
}

fn expiry(participant: &Participant) -> Option<Instant> {
    let lost = participant.signal_lost.map(|at| at + UNUSED_TIMEOUT);
    if participant.info.state < ParticipantState::Active {
        let join = participant.joined + JOIN_TIMEOUT;
        return Some(lost.map_or(join, |at| at.min(join)));
    }
    lost.filter(|_| participant.media_lost)
}
