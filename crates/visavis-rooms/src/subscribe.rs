//! Who gets which track.

use crate::api::{Output, Refused};
use crate::ids::{ParticipantSid, TrackSid};
use crate::rooms::Rooms;

impl Rooms {
    /// A participant wants tracks of others, or no longer. Tracks that do not
    /// exist are passed over: they may have ended meanwhile.
    ///
    /// # Errors
    /// When it may not receive tracks.
    pub fn update_subscription(
        &mut self,
        sid: &ParticipantSid,
        tracks: &[TrackSid],
        wanted: bool,
    ) -> Result<(), Refused> {
        if wanted && !self.participant_mut(sid)?.info.grants.may_subscribe() {
            return Err(Refused::NotAllowed);
        }
        for track in tracks {
            if !self.can_see(sid, track) {
                continue;
            }
            let participant = self.participant_mut(sid)?;
            if wanted {
                participant.declined.remove(track);
                self.subscribe(sid, track);
            } else {
                participant.declined.insert(track.clone());
                participant.denied.remove(track);
                self.unsubscribe(sid, track);
            }
        }
        Ok(())
    }

    /// Whether a track is there for a participant: of somebody else in its room
    /// who is announced.
    fn can_see(&self, sid: &ParticipantSid, track: &TrackSid) -> bool {
        let (Some(publisher), Some(room)) = (self.publishers.get(track), self.room_of(sid)) else {
            return false;
        };
        let publisher = room.participant(publisher).filter(|p| p.info.sid != *sid);
        publisher.is_some_and(|publisher| !publisher.info.grants.hidden)
    }

    /// A newcomer gets what is there.
    pub(crate) fn subscribe_automatically(&mut self, sid: &ParticipantSid) {
        let Some(room) = self.room_of(sid) else {
            return;
        };
        let others = room.participants().filter(|other| other.info.sid != *sid);
        let tracks: Vec<TrackSid> = others
            .flat_map(|other| &other.info.tracks)
            .map(|track| track.sid.clone())
            .collect();
        for track in tracks {
            self.offer(sid, &track);
        }
    }

    /// Everybody else gets a new track.
    pub(crate) fn offer_to_all(&mut self, publisher: &ParticipantSid, track: &TrackSid) {
        for other in self.others(publisher) {
            self.offer(&other, track);
        }
    }

    fn offer(&mut self, sid: &ParticipantSid, track: &TrackSid) {
        let visible = self.can_see(sid, track);
        let wants = self.participant_mut(sid).is_ok_and(|participant| {
            participant.auto_subscribe
                && participant.info.grants.may_subscribe()
                && !participant.declined.contains(track)
        });
        if visible && wants {
            self.subscribe(sid, track);
        }
    }

    /// Gives a track, or remembers that it is wanted until its publisher allows it.
    pub(crate) fn subscribe(&mut self, sid: &ParticipantSid, track: &TrackSid) {
        let Some(publisher) = self.publishers.get(track).cloned() else {
            return;
        };
        let allowed = self.publisher_allows(&publisher, sid, track);
        let Ok(participant) = self.participant_mut(sid) else {
            return;
        };
        if !allowed {
            participant.denied.insert(track.clone());
            self.tell_permission(sid, &publisher, track, false);
        } else if participant.subscribed.insert(track.clone()) {
            let (subscriber, track) = (sid.clone(), track.clone());
            self.introduce_voice(&subscriber, &track);
            self.outputs
                .push_back(Output::Subscribe { subscriber, track });
        }
    }

    pub(crate) fn unsubscribe(&mut self, sid: &ParticipantSid, track: &TrackSid) {
        if self
            .participant_mut(sid)
            .is_ok_and(|p| p.subscribed.remove(track))
        {
            let (subscriber, track) = (sid.clone(), track.clone());
            self.outputs
                .push_back(Output::Unsubscribe { subscriber, track });
        }
    }

    /// Nobody gets a track any more, and nothing remembers it.
    pub(crate) fn end_track(&mut self, publisher: &ParticipantSid, track: &TrackSid) {
        self.end_voice(publisher, track);
        self.publishers.remove(track);
        for sid in self.others(publisher) {
            self.unsubscribe(&sid, track);
            if let Ok(participant) = self.participant_mut(&sid) {
                participant.declined.remove(track);
                participant.denied.remove(track);
            }
        }
    }
}
