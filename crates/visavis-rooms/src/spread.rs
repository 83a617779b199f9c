//! How news spread: who is told of a change.

use crate::api::{Notice, Output};
use crate::ids::ParticipantSid;
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

    /// Tells the others how many are there; `itself` too where it must know.
    pub(crate) fn announce_room(&mut self, sid: &ParticipantSid, itself: bool) {
        let Some(room) = self.places.get(sid).and_then(|name| self.rooms.get(name)) else {
            return;
        };
        let info = room.info();
        for other in room.participants.keys() {
            if itself || other != sid {
                let notice = Notice::Room(info.clone());
                self.outputs
                    .push_back(Output::Notify(other.clone(), notice));
            }
        }
    }
}
