//! What participants publish.

use crate::about::MAX_NAME;
use crate::api::{Notice, Output, Refused};
use crate::ids::{ParticipantSid, TrackSid};
use crate::rooms::Rooms;
use crate::track::{AudioFeature, NewTrack, TrackInfo, TrackKind};

/// Announced tracks without media; a client announces a handful.
const MAX_PENDING: usize = 20;
/// Announced tracks of one cid: a republication may overtake the first.
const MAX_PENDING_PER_CID: usize = 3;
/// Tracks of one participant; everybody else is told of each.
const MAX_TRACKS: usize = 100;
/// Codecs of one track; clients send one and a backup.
const MAX_CODECS: usize = 4;
/// Qualities of one codec; there are three.
const MAX_LAYERS: usize = 8;
/// There are seven.
const MAX_FEATURES: usize = 16;

impl Rooms {
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
        let all = participant.pending.len() + participant.info.tracks.len();
        if all >= MAX_TRACKS || !is_modest(&new) {
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
        self.publishers.insert(track.clone(), sid.clone());
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
        self.end_track(sid, track);
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
        if let Some(new) = participant.pending_mut(track) {
            new.muted = muted;
            return Ok(());
        }
        let info = participant.track_mut(track).ok_or(Refused::NotFound)?;
        if info.muted != muted {
            info.muted = muted;
            participant.touch();
            self.announce(sid, true);
            if muted {
                self.silence(sid, track);
            }
        }
        Ok(())
    }

    /// A publisher says anew what holds of an audio track's sound.
    ///
    /// # Errors
    /// When it has no such track, or says too much.
    pub fn update_audio_track(
        &mut self,
        sid: &ParticipantSid,
        track: &TrackSid,
        features: Vec<AudioFeature>,
    ) -> Result<(), Refused> {
        if features.len() > MAX_FEATURES {
            return Err(Refused::LimitExceeded);
        }
        self.update_announced(sid, track, |new| {
            new.stereo = features.contains(&AudioFeature::Stereo);
            new.disable_dtx = features.contains(&AudioFeature::NoDtx);
            new.audio_features = features;
        })
    }

    /// A publisher changes the size of a track's picture.
    ///
    /// # Errors
    /// When it has no such track.
    pub fn update_video_track(
        &mut self,
        sid: &ParticipantSid,
        track: &TrackSid,
        width: u32,
        height: u32,
    ) -> Result<(), Refused> {
        self.update_announced(sid, track, |new| (new.width, new.height) = (width, height))
    }

    fn update_announced(
        &mut self,
        sid: &ParticipantSid,
        track: &TrackSid,
        update: impl FnOnce(&mut NewTrack),
    ) -> Result<(), Refused> {
        let participant = self.participant_mut(sid)?;
        if let Some(new) = participant.pending_mut(track) {
            update(new);
            return Ok(());
        }
        let info = participant.track_mut(track).ok_or(Refused::NotFound)?;
        let before = info.announced.clone();
        update(&mut info.announced);
        if info.announced != before {
            participant.touch();
            self.announce(sid, false);
        }
        Ok(())
    }
}

/// Whether a participant may say that much about a track: it is told to everybody.
fn is_modest(new: &NewTrack) -> bool {
    let layers = new
        .codecs
        .iter()
        .map(|codec| &codec.layers)
        .chain([&new.layers]);
    let rids = layers.clone().flatten().map(|layer| &layer.rid);
    let codecs = new
        .codecs
        .iter()
        .flat_map(|codec| [&codec.codec, &codec.cid]);
    let texts = [&new.cid, &new.name, &new.stream];
    new.codecs.len() <= MAX_CODECS
        && new.audio_features.len() <= MAX_FEATURES
        && layers.into_iter().all(|layers| layers.len() <= MAX_LAYERS)
        && (texts.into_iter().chain(codecs).chain(rids)).all(|text| text.len() <= MAX_NAME)
}
