//! All rooms of this server.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Instant;

use crate::about::check_join;
use crate::api::{JoinError, Joined, Output, Refused, RoomInfo, RoomsConfig};
use crate::deadlines::{Deadlines, Due};
use crate::ids::{IdSource, ParticipantSid, RoomSid, TrackSid};
use crate::participant::{
    JoinRequest, Participant, ParticipantInfo, ParticipantState, RemovalReason,
};
use crate::track::TrackInfo;

#[derive(Debug)]
pub(crate) struct Room {
    sid: RoomSid,
    name: String,
    created_at: u64,
    /// By sid; a sid never comes back.
    pub(crate) participants: BTreeMap<ParticipantSid, Participant>,
    /// Whose loudness others do not know yet.
    pub(crate) speakers_changed: BTreeSet<ParticipantSid>,
    /// When others were last told.
    pub(crate) speakers_told: Option<Instant>,
}

impl Room {
    pub(crate) fn participant(&self, sid: &ParticipantSid) -> Option<&Participant> {
        self.participants.get(sid)
    }

    pub(crate) fn participants(&self) -> impl Iterator<Item = &Participant> {
        self.participants.values()
    }

    pub(crate) fn info(&self) -> RoomInfo {
        let announced = || self.participants().filter(|p| !p.info.grants.hidden);
        RoomInfo {
            sid: self.sid.clone(),
            name: self.name.clone(),
            created_at: self.created_at,
            num_participants: announced().count(),
            num_publishers: announced().filter(|p| !p.info.tracks.is_empty()).count(),
        }
    }

    /// What `participant` is told of its room.
    pub(crate) fn seen_by(&self, participant: &Participant) -> Joined {
        let others = self
            .participants()
            .filter(|other| other.info.sid != participant.info.sid && !other.info.grants.hidden);
        Joined {
            participant: participant.info.clone(),
            room: self.info(),
            others: others.map(|other| other.info.clone()).collect(),
        }
    }

    fn by_identity(&self, identity: &str) -> Option<&Participant> {
        self.participants().find(|p| p.info.identity == identity)
    }
}

/// All rooms. Call a method for what happens, then drain
/// [`poll_output`](Self::poll_output); come back at
/// [`poll_timeout`](Self::poll_timeout).
#[derive(Debug)]
pub struct Rooms {
    config: RoomsConfig,
    pub(crate) ids: IdSource,
    pub(crate) rooms: HashMap<String, Room>,
    /// Which room a participant is in.
    pub(crate) places: HashMap<ParticipantSid, String>,
    /// Whose a published track is.
    pub(crate) publishers: HashMap<TrackSid, ParticipantSid>,
    pub(crate) deadlines: Deadlines,
    pub(crate) outputs: VecDeque<Output>,
}

impl Rooms {
    /// No rooms yet.
    #[must_use]
    pub fn new(config: RoomsConfig, ids: IdSource) -> Self {
        Self {
            config,
            ids,
            rooms: HashMap::new(),
            places: HashMap::new(),
            publishers: HashMap::new(),
            deadlines: Deadlines::default(),
            outputs: VecDeque::new(),
        }
    }

    /// The next thing to do or tell.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// A participant as it is now; with its grants, all that a token must carry
    /// with which it can come back.
    #[must_use]
    pub fn participant(&self, sid: &ParticipantSid) -> Option<&ParticipantInfo> {
        let participant = self.room_of(sid)?.participant(sid)?;
        Some(&participant.info)
    }

    /// Who has an identity in a room.
    #[must_use]
    pub fn find(&self, room: &str, identity: &str) -> Option<&ParticipantInfo> {
        let participant = self.rooms.get(room)?.by_identity(identity)?;
        Some(&participant.info)
    }

    /// Which room a participant is in.
    #[must_use]
    pub fn room(&self, sid: &ParticipantSid) -> Option<RoomInfo> {
        Some(self.room_of(sid)?.info())
    }

    /// Whose a published track is.
    #[must_use]
    pub fn publisher(&self, track: &TrackSid) -> Option<&ParticipantSid> {
        self.publishers.get(track)
    }

    /// A published track.
    #[must_use]
    pub fn track(&self, track: &TrackSid) -> Option<&TrackInfo> {
        let publisher = self.participant(self.publisher(track)?)?;
        publisher.tracks.iter().find(|info| info.sid == *track)
    }

    /// The tracks of others that a participant gets.
    pub fn subscriptions(&self, sid: &ParticipantSid) -> impl Iterator<Item = &TrackSid> {
        let participant = self.room_of(sid).and_then(|room| room.participant(sid));
        participant.into_iter().flat_map(|p| &p.subscribed)
    }

    /// Opens a room that waits for participants, `created_at` milliseconds after
    /// the beginning of 1970; nothing happens when it is open.
    pub fn create(&mut self, name: &str, created_at: u64, now: Instant) {
        if !self.rooms.contains_key(name) {
            let room = Room {
                sid: RoomSid::generate(&mut self.ids),
                name: name.to_owned(),
                created_at,
                participants: BTreeMap::new(),
                speakers_changed: BTreeSet::new(),
                speakers_told: None,
            };
            self.rooms.insert(name.to_owned(), room);
            let ends = now + self.config.empty_timeout;
            self.deadlines.set(Due::Room(name.to_owned()), Some(ends));
        }
    }

    /// Lets somebody in. The same identity that is already there is removed
    /// first. What it gets without asking follows in the outputs.
    ///
    /// # Errors
    /// When the token, the room's size or what is said does not allow it.
    pub fn join(&mut self, request: JoinRequest, now: Instant) -> Result<Joined, JoinError> {
        let (request, twin) = self.admissible(request)?;
        let name = request.room.clone();
        self.create(&name, request.joined_at, now);
        if let Some(twin) = twin {
            self.remove(&twin, RemovalReason::DuplicateIdentity, now);
        }
        let sid = ParticipantSid::generate(&mut self.ids);
        let participant = Participant::new(sid.clone(), request, now);
        let Some(room) = self.rooms.get_mut(&name) else {
            return Err(JoinError::RoomNotFound);
        };
        room.participants.insert(sid.clone(), participant);
        self.deadlines.set(Due::Room(name.clone()), None);
        self.places.insert(sid.clone(), name);
        self.reschedule(&sid);
        self.announce(&sid, false);
        self.announce_room(&sid, false);
        self.subscribe_automatically(&sid);
        let room = self.room_of(&sid).ok_or(JoinError::RoomNotFound)?;
        let participant = room.participant(&sid).ok_or(JoinError::RoomNotFound)?;
        Ok(room.seen_by(participant))
    }

    /// Whether [`join`](Self::join) would let somebody in.
    ///
    /// # Errors
    /// As [`join`](Self::join).
    pub fn validate(&self, request: JoinRequest) -> Result<(), JoinError> {
        self.admissible(request).map(|_| ())
    }

    /// What may join, and whom it replaces.
    fn admissible(
        &self,
        request: JoinRequest,
    ) -> Result<(JoinRequest, Option<ParticipantSid>), JoinError> {
        if !request.grants.may_join(&request.room) {
            return Err(JoinError::NotAllowed);
        }
        let request = check_join(request)?;
        let Some(room) = self.rooms.get(&request.room) else {
            return match self.config.auto_create {
                true => Ok((request, None)),
                false => Err(JoinError::RoomNotFound),
            };
        };
        let twin = room.by_identity(&request.identity);
        let limit = self.config.max_participants;
        if limit > 0 && twin.is_none() && room.participants.len() >= limit {
            return Err(JoinError::Full);
        }
        let twin = twin.map(|twin| twin.info.sid.clone());
        Ok((request, twin))
    }

    /// Takes a participant out of its room; nothing happens when it is not there.
    pub fn remove(&mut self, sid: &ParticipantSid, reason: RemovalReason, now: Instant) {
        let Ok(participant) = self.participant_mut(sid) else {
            return;
        };
        participant.info.state = ParticipantState::Disconnected;
        participant.info.reason = Some(reason);
        participant.touch();
        let tracks = std::mem::take(&mut participant.info.tracks);
        for track in tracks {
            self.end_track(sid, &track.sid);
        }
        self.announce(sid, false);
        self.deadlines.set(Due::Participant(sid.clone()), None);
        self.outputs.push_back(Output::Removed(sid.clone(), reason));
        let Some(name) = self.places.remove(sid) else {
            return;
        };
        let Some(room) = self.rooms.get_mut(&name) else {
            return;
        };
        room.participants.remove(sid);
        room.speakers_changed.remove(sid);
        match room.participants.keys().next().cloned() {
            Some(other) => self.announce_room(&other, true),
            None => {
                let ends = now + self.config.departure_timeout;
                self.deadlines.set(Due::Room(name), Some(ends));
            }
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.next()
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(due) = self.deadlines.pop(now) {
            match due {
                Due::Participant(sid) => self.give_up(&sid, now),
                Due::Speakers(name) => self.tell_speakers(&name, now),
                Due::Room(name) => {
                    if let Some(room) = self.rooms.remove(&name) {
                        self.deadlines.set(Due::Speakers(name), None);
                        self.outputs.push_back(Output::RoomClosed(room.info()));
                    }
                }
            }
        }
    }

    pub(crate) fn room_of(&self, sid: &ParticipantSid) -> Option<&Room> {
        self.rooms.get(self.places.get(sid)?)
    }

    pub(crate) fn room_of_mut(&mut self, sid: &ParticipantSid) -> Option<&mut Room> {
        self.rooms.get_mut(self.places.get(sid)?)
    }

    pub(crate) fn participant_mut(
        &mut self,
        sid: &ParticipantSid,
    ) -> Result<&mut Participant, Refused> {
        let room = self.room_of_mut(sid).ok_or(Refused::NotFound)?;
        room.participants.get_mut(sid).ok_or(Refused::NotFound)
    }

    /// Everybody else in a participant's room.
    pub(crate) fn others(&self, sid: &ParticipantSid) -> Vec<ParticipantSid> {
        let room = self.room_of(sid).into_iter();
        room.flat_map(|room| room.participants.keys())
            .filter(|other| *other != sid)
            .cloned()
            .collect()
    }
}
