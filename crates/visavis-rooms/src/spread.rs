//! How news and tracks spread: who is told of a change, and who gets a track.

use crate::api::{Notice, Output};
use crate::ids::{ParticipantSid, TrackSid};
use crate::rooms::Rooms;

impl Rooms {
    /// Tells the others of a change; `itself` too where its client must know.
    /// (A client that hears of its own tracks at the wrong time mutes again.)
    pub(crate) fn announce(&mut self, sid: &ParticipantSid, itself: bool) {
        let Some(name) = self.places.get(sid) else {
            return;
        };
        let Some(room) = self.rooms.get(name) else {
            return;
        };
        let Some(subject) = room.participant(sid) else {
            return;
        };
        for other in room.participants() {
            let own = other.info.sid == *sid;
            if own && itself || !own && !subject.info.grants.hidden {
                let notice = Notice::Participants(vec![subject.info.clone()]);
                self.outputs
                    .push_back(Output::Notify(other.info.sid.clone(), notice));
            }
        }
    }

    /// Tells everybody but `newcomer` how many are there.
    pub(crate) fn announce_room(&mut self, newcomer: &ParticipantSid) {
        let Some(room) = self
            .places
            .get(newcomer)
            .and_then(|name| self.rooms.get(name))
        else {
            return;
        };
        for other in room
            .participants()
            .filter(|other| other.info.sid != *newcomer)
        {
            let notice = Notice::Room(room.info());
            self.outputs
                .push_back(Output::Notify(other.info.sid.clone(), notice));
        }
    }

    pub(crate) fn announce_room_to_all(&mut self, member: Option<&ParticipantSid>) {
        let Some(member) = member else { return };
        self.announce_room(member);
        if let Some(room) = self.room_of(member) {
            let notice = Notice::Room(room.info());
            self.outputs
                .push_back(Output::Notify(member.clone(), notice));
        }
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
        let Some(room) = self.room_of(publisher) else {
            return;
        };
        let others = room
            .participants()
            .filter(|other| other.info.sid != *publisher);
        let others: Vec<ParticipantSid> = others.map(|other| other.info.sid.clone()).collect();
        for other in others {
            self.offer(&other, track);
        }
    }

    pub(crate) fn offer(&mut self, sid: &ParticipantSid, track: &TrackSid) {
        let wants = self.participant_mut(sid).is_ok_and(|participant| {
            participant.auto_subscribe
                && participant.info.grants.may_subscribe()
                && !participant.declined.contains(track)
        });
        if wants {
            self.subscribe(sid, track);
        }
    }

    pub(crate) fn subscribe(&mut self, sid: &ParticipantSid, track: &TrackSid) {
        if self
            .participant_mut(sid)
            .is_ok_and(|p| p.subscribed.insert(track.clone()))
        {
            let (subscriber, track) = (sid.clone(), track.clone());
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

    /// Nobody gets these tracks any more.
    pub(crate) fn withdraw(&mut self, publisher: &ParticipantSid, tracks: &[TrackSid]) {
        let Some(room) = self.room_of(publisher) else {
            return;
        };
        let everybody: Vec<ParticipantSid> = room.participants.keys().cloned().collect();
        for sid in everybody {
            for track in tracks {
                self.unsubscribe(&sid, track);
                if let Ok(participant) = self.participant_mut(&sid) {
                    participant.declined.remove(track);
                }
            }
        }
    }
}
