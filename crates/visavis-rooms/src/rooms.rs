//! All rooms of this server.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::api::{JoinError, Joined, Notice, Output, Refused, RoomInfo, RoomsConfig};
use crate::ids::{IdSource, ParticipantSid, RoomSid, TrackSid};
use crate::participant::{JoinRequest, Participant, ParticipantState, RemovalReason};
use crate::track::{NewTrack, TrackInfo, TrackKind};

/// Time to get media through, as LiveKit gives it.
const JOIN_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a participant that never had media outlives its signaling.
const UNUSED_TIMEOUT: Duration = Duration::from_secs(5);
/// Announced tracks without media; a client announces a handful.
const MAX_PENDING: usize = 20;
/// Announced tracks of one cid: a republication may overtake the first.
const MAX_PENDING_PER_CID: usize = 3;
/// LiveKit's limits of what participants say about themselves, octets.
const MAX_NAME: usize = 256;
const MAX_METADATA: usize = 512_000;
const MAX_ATTRIBUTES: usize = 64_000;

#[derive(Debug)]
pub(crate) struct Room {
    sid: RoomSid,
    name: String,
    /// By sid; a sid never comes back.
    pub(crate) participants: BTreeMap<ParticipantSid, Participant>,
    /// When an empty room ends.
    ends: Option<Instant>,
}

impl Room {
    pub(crate) fn participant(&self, sid: &ParticipantSid) -> Option<&Participant> {
        self.participants.get(sid)
    }

    pub(crate) fn participants(&self) -> impl Iterator<Item = &Participant> {
        self.participants.values()
    }

    pub(crate) fn info(&self) -> RoomInfo {
        let announced = self
            .participants()
            .filter(|p| !p.info.grants.hidden)
            .count();
        RoomInfo {
            sid: self.sid.clone(),
            name: self.name.clone(),
            num_participants: announced,
        }
    }

    fn owner_of(&self, track: &TrackSid) -> Option<&Participant> {
        self.participants()
            .find(|p| p.info.tracks.iter().any(|t| t.sid == *track))
    }
}

/// All rooms. Call a method for what happens, then drain
/// [`poll_output`](Self::poll_output); come back at
/// [`poll_timeout`](Self::poll_timeout).
#[derive(Debug)]
pub struct Rooms {
    config: RoomsConfig,
    ids: IdSource,
    pub(crate) rooms: HashMap<String, Room>,
    /// Which room a participant is in.
    pub(crate) places: HashMap<ParticipantSid, String>,
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
            outputs: VecDeque::new(),
        }
    }

    /// The next thing to do or tell.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    pub(crate) fn room_of(&self, sid: &ParticipantSid) -> Option<&Room> {
        self.rooms.get(self.places.get(sid)?)
    }

    /// Opens a room that waits for participants; nothing happens when it is open.
    pub fn create(&mut self, name: &str, now: Instant) {
        if !self.rooms.contains_key(name) {
            let room = Room {
                sid: RoomSid::generate(&mut self.ids),
                name: name.to_owned(),
                participants: BTreeMap::new(),
                ends: Some(now + self.config.empty_timeout),
            };
            self.rooms.insert(name.to_owned(), room);
        }
    }

    /// Lets somebody in. The same identity that is already there is removed first.
    ///
    /// # Errors
    /// When the token, the room's size or what is said does not allow it.
    pub fn join(&mut self, request: JoinRequest, now: Instant) -> Result<Joined, JoinError> {
        if !request.grants.may_join(&request.room) {
            return Err(JoinError::NotAllowed);
        }
        check_join(&request)?;
        match self.rooms.get(&request.room) {
            None if !self.config.auto_create => return Err(JoinError::RoomNotFound),
            None => self.create(&request.room, now),
            Some(room) => {
                let others = room
                    .participants()
                    .filter(|p| p.info.identity != request.identity);
                let limit = self.config.max_participants;
                if limit > 0 && others.count() >= limit {
                    return Err(JoinError::Full);
                }
            }
        }
        let name = request.room.clone();
        let twin = self.rooms.get(&name).and_then(|room| {
            room.participants()
                .find(|p| p.info.identity == request.identity)
        });
        if let Some(twin) = twin.map(|twin| twin.info.sid.clone()) {
            self.remove(&twin, RemovalReason::DuplicateIdentity, now);
        }
        let sid = ParticipantSid::generate(&mut self.ids);
        let participant = Participant::new(sid.clone(), request, now);
        let Some(room) = self.rooms.get_mut(&name) else {
            return Err(JoinError::RoomNotFound);
        };
        room.ends = None;
        let info = participant.info.clone();
        let others = room
            .participants()
            .filter(|other| !other.info.grants.hidden)
            .map(|other| other.info.clone())
            .collect();
        room.participants.insert(sid.clone(), participant);
        let joined = Joined {
            participant: info,
            room: room.info(),
            others,
        };
        self.places.insert(sid.clone(), name);
        self.announce(&sid, false);
        self.announce_room(&sid);
        self.subscribe_automatically(&sid);
        Ok(joined)
    }

    /// Media stands.
    ///
    /// # Errors
    /// When the participant is not there.
    pub fn handle_active(&mut self, sid: &ParticipantSid) -> Result<(), Refused> {
        let participant = self.participant_mut(sid)?;
        if participant.info.state < ParticipantState::Active {
            participant.info.state = ParticipantState::Active;
            participant.touch();
            self.announce(sid, false);
        }
        Ok(())
    }

    /// A participant announces a track. It is published to others when its
    /// media section is there ([`handle_media`](Self::handle_media)).
    ///
    /// # Errors
    /// When it may not publish that, or has announced too much.
    pub fn add_track(&mut self, sid: &ParticipantSid, new: NewTrack) -> Result<TrackSid, Refused> {
        let track = TrackSid::generate(&mut self.ids);
        let participant = self.participant_mut(sid)?;
        if !participant.info.grants.may_publish_source(new.source) {
            return Err(Refused::NotAllowed);
        }
        let same = participant
            .pending
            .iter()
            .filter(|(_, other)| other.cid == new.cid)
            .count();
        if participant.pending.len() >= MAX_PENDING || same >= MAX_PENDING_PER_CID {
            return Err(Refused::LimitExceeded);
        }
        if new.name.len() > MAX_NAME || new.cid.len() > MAX_NAME || new.stream.len() > MAX_NAME {
            return Err(Refused::LimitExceeded);
        }
        participant.pending.push((track.clone(), new.clone()));
        let muted = new.muted;
        let cid = new.cid.clone();
        let info = TrackInfo {
            sid: track.clone(),
            announced: new,
            muted,
            mime_type: String::new(),
        };
        let notice = Notice::TrackPublished { cid, track: info };
        self.outputs.push_back(Output::Notify(sid.clone(), notice));
        Ok(track)
    }

    /// A media section that the participant sends on carries the track `cid`.
    /// Some clients name it otherwise than they announced: then it is the first
    /// announced track of its kind that is not taken. `None` when none was
    /// announced yet: ask again after the next [`add_track`](Self::add_track).
    ///
    /// # Errors
    /// When the participant is not there.
    pub fn handle_media(
        &mut self,
        sid: &ParticipantSid,
        cid: &str,
        kind: TrackKind,
        mime_type: &str,
    ) -> Result<Option<TrackSid>, Refused> {
        let participant = self.participant_mut(sid)?;
        let pending = &participant.pending;
        let named = pending
            .iter()
            .position(|(_, new)| new.cid == cid && new.kind == kind);
        let at = named.or_else(|| pending.iter().position(|(_, new)| new.kind == kind));
        let Some(at) = at else { return Ok(None) };
        let (track, announced) = participant.pending.remove(at);
        let muted = announced.muted;
        let mime_type = mime_type.to_owned();
        participant.info.tracks.push(TrackInfo {
            sid: track.clone(),
            announced,
            muted,
            mime_type,
        });
        participant.touch();
        self.announce(sid, false);
        self.offer_to_all(sid, &track);
        Ok(Some(track))
    }

    /// A participant ends a track of its own.
    ///
    /// # Errors
    /// When it has no such track.
    pub fn unpublish(&mut self, sid: &ParticipantSid, track: &TrackSid) -> Result<(), Refused> {
        let participant = self.participant_mut(sid)?;
        let before = participant.info.tracks.len();
        participant.info.tracks.retain(|other| other.sid != *track);
        if participant.info.tracks.len() == before {
            return Err(Refused::NotFound);
        }
        participant.touch();
        self.withdraw(sid, std::slice::from_ref(track));
        self.announce(sid, false);
        Ok(())
    }

    /// A participant mutes or unmutes a track of its own.
    ///
    /// # Errors
    /// When it has no such track.
    pub fn mute(
        &mut self,
        sid: &ParticipantSid,
        track: &TrackSid,
        muted: bool,
    ) -> Result<(), Refused> {
        let participant = self.participant_mut(sid)?;
        if let Some((_, new)) = participant
            .pending
            .iter_mut()
            .find(|(other, _)| other == track)
        {
            new.muted = muted;
            return Ok(());
        }
        let info = participant.track_mut(track).ok_or(Refused::NotFound)?;
        if info.muted != muted {
            info.muted = muted;
            participant.touch();
            self.announce(sid, true);
        }
        Ok(())
    }

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
            let room = self.room_of(sid).ok_or(Refused::NotFound)?;
            let Some(owner) = room.owner_of(track) else {
                continue;
            };
            if owner.info.sid == *sid {
                continue;
            }
            let participant = self.participant_mut(sid)?;
            if wanted {
                participant.declined.remove(track);
                self.subscribe(sid, track);
            } else {
                participant.declined.insert(track.clone());
                self.unsubscribe(sid, track);
            }
        }
        Ok(())
    }

    /// A participant changes what it says about itself; `None` leaves as is, an
    /// attribute with an empty value is taken away.
    ///
    /// # Errors
    /// When its token does not allow it, or it is too long.
    pub fn update_metadata(
        &mut self,
        sid: &ParticipantSid,
        name: Option<String>,
        metadata: Option<String>,
        attributes: BTreeMap<String, String>,
    ) -> Result<(), Refused> {
        let participant = self.participant_mut(sid)?;
        if !participant.info.grants.may_update_own_metadata() {
            return Err(Refused::NotAllowed);
        }
        let mut merged = participant.info.attributes.clone();
        merged.extend(attributes);
        merged.retain(|_, value| !value.is_empty());
        let name = name.unwrap_or_else(|| participant.info.name.clone());
        let metadata = metadata.unwrap_or_else(|| participant.info.metadata.clone());
        check_lengths(&name, &metadata, &merged).map_err(|_| Refused::LimitExceeded)?;
        participant.info.name = name;
        participant.info.metadata = metadata;
        participant.info.attributes = merged;
        participant.touch();
        self.announce(sid, true);
        Ok(())
    }

    /// The signaling connection is gone. With media the participant stays.
    ///
    /// # Errors
    /// When the participant is not there.
    pub fn handle_signal_lost(
        &mut self,
        sid: &ParticipantSid,
        now: Instant,
    ) -> Result<(), Refused> {
        self.participant_mut(sid)?.signal_lost = Some(now);
        Ok(())
    }

    /// The signaling connection is back: who is there, the participant itself
    /// included, as the client must be told.
    ///
    /// # Errors
    /// When the participant is not there any more: it must join anew.
    pub fn handle_signal_resumed(&mut self, sid: &ParticipantSid) -> Result<Joined, Refused> {
        self.participant_mut(sid)?.signal_lost = None;
        let room = self.room_of(sid).ok_or(Refused::NotFound)?;
        let own = room.participant(sid).ok_or(Refused::NotFound)?;
        let others = room
            .participants()
            .filter(|p| p.info.sid != *sid && !p.info.grants.hidden);
        Ok(Joined {
            participant: own.info.clone(),
            room: room.info(),
            others: others.map(|other| other.info.clone()).collect(),
        })
    }

    /// The media connection is gone. Without signaling nothing is left.
    pub fn handle_media_lost(&mut self, sid: &ParticipantSid, now: Instant) {
        let lost = self
            .participant_mut(sid)
            .is_ok_and(|p| p.signal_lost.is_some());
        if lost {
            self.remove(sid, RemovalReason::ConnectionLost, now);
        }
    }

    /// Takes a participant out of its room; nothing happens when it is not there.
    pub fn remove(&mut self, sid: &ParticipantSid, reason: RemovalReason, now: Instant) {
        let Some(name) = self.places.get(sid).cloned() else {
            return;
        };
        let tracks: Vec<TrackSid> = match self.participant_mut(sid) {
            Err(_) => return,
            Ok(participant) => {
                participant.info.state = ParticipantState::Disconnected;
                participant.info.reason = Some(reason);
                participant.touch();
                let tracks = std::mem::take(&mut participant.info.tracks);
                tracks.into_iter().map(|track| track.sid).collect()
            }
        };
        self.withdraw(sid, &tracks);
        self.announce(sid, false);
        self.places.remove(sid);
        self.outputs.push_back(Output::Removed(sid.clone(), reason));
        let departure = now + self.config.departure_timeout;
        if let Some(room) = self.rooms.get_mut(&name) {
            room.participants.remove(sid);
            if room.participants.is_empty() {
                room.ends = Some(departure);
            }
            let first = room.participants.keys().next().cloned();
            self.announce_room_to_all(first.as_ref());
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let people = self
            .rooms
            .values()
            .flat_map(Room::participants)
            .filter_map(expiry);
        people
            .chain(self.rooms.values().filter_map(|room| room.ends))
            .min()
    }

    /// Ends what has run out of time.
    pub fn handle_timeout(&mut self, now: Instant) {
        let due = |p: &&Participant| expiry(p).is_some_and(|at| at <= now);
        let people = self.rooms.values().flat_map(Room::participants).filter(due);
        let people: Vec<_> = people
            .map(|participant| participant.info.sid.clone())
            .collect();
        for sid in people {
            self.remove(&sid, RemovalReason::JoinFailure, now);
        }
        let outputs = &mut self.outputs;
        self.rooms.retain(|_, room| {
            let over = room.ends.is_some_and(|at| at <= now);
            if over {
                outputs.push_back(Output::RoomClosed(room.info()));
            }
            !over
        });
    }

    pub(crate) fn participant_mut(
        &mut self,
        sid: &ParticipantSid,
    ) -> Result<&mut Participant, Refused> {
        let name = self.places.get(sid).ok_or(Refused::NotFound)?;
        let room = self.rooms.get_mut(name).ok_or(Refused::NotFound)?;
        room.participants.get_mut(sid).ok_or(Refused::NotFound)
    }
}

/// When a participant that has no media is given up.
fn expiry(participant: &Participant) -> Option<Instant> {
    if participant.info.state >= ParticipantState::Active {
        return None;
    }
    let lost = participant.signal_lost.map(|at| at + UNUSED_TIMEOUT);
    Some(lost.map_or(participant.joined + JOIN_TIMEOUT, |at| {
        at.min(participant.joined + JOIN_TIMEOUT)
    }))
}

fn check_join(request: &JoinRequest) -> Result<(), JoinError> {
    if request.identity.is_empty() || request.identity.len() > MAX_NAME {
        return Err(JoinError::Invalid("identity"));
    }
    if request.room.len() > MAX_NAME {
        return Err(JoinError::Invalid("room name"));
    }
    check_lengths(&request.name, &request.metadata, &request.attributes).map_err(JoinError::Invalid)
}

fn check_lengths(
    name: &str,
    metadata: &str,
    attributes: &BTreeMap<String, String>,
) -> Result<(), &'static str> {
    if name.len() > MAX_NAME {
        return Err("name");
    }
    if metadata.len() > MAX_METADATA {
        return Err("metadata");
    }
    if attributes
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum::<usize>()
        > MAX_ATTRIBUTES
    {
        return Err("attributes");
    }
    Ok(())
}
