//! All published tracks whose media is there.

use std::collections::HashMap;

use visavis_rooms::{ParticipantSid, TrackSid};
use visavis_sdp::{MediaKind, SectionCodec};
use visavis_sfu::TrackId;

/// The codec that a publisher sends a track in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PublishedCodec {
    /// Encoding name.
    pub(super) name: String,
    /// Hz.
    pub(super) clock_rate: u32,
    /// `a=fmtp` parameters.
    pub(super) fmtp: String,
}

impl From<&SectionCodec> for PublishedCodec {
    fn from(codec: &SectionCodec) -> Self {
        Self {
            name: codec.name.clone(),
            clock_rate: codec.clock_rate,
            fmtp: codec.fmtp.clone().unwrap_or_default(),
        }
    }
}

/// A track, as far as those who negotiate it need to know.
#[derive(Debug)]
pub(super) struct Track {
    pub(super) sid: TrackSid,
    pub(super) publisher: ParticipantSid,
    pub(super) kind: MediaKind,
    pub(super) codec: PublishedCodec,
    /// The group of tracks that it plays in sync with.
    pub(super) stream: String,
    /// Its publisher knows that somebody gets it.
    pub(super) had_subscriber: bool,
}

/// The tracks by both of their names.
#[derive(Debug, Default)]
pub(super) struct Tracks {
    by_id: HashMap<TrackId, Track>,
    ids: HashMap<TrackSid, TrackId>,
    last: u64,
}

impl Tracks {
    /// Gives a track its number, which is never used again.
    pub(super) fn insert(&mut self, track: Track) -> TrackId {
        self.last += 1;
        let id = TrackId(self.last);
        self.ids.insert(track.sid.clone(), id);
        self.by_id.insert(id, track);
        id
    }

    pub(super) fn remove(&mut self, id: TrackId) -> Option<Track> {
        let track = self.by_id.remove(&id)?;
        self.ids.remove(&track.sid);
        Some(track)
    }

    pub(super) fn get(&self, id: TrackId) -> Option<&Track> {
        self.by_id.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: TrackId) -> Option<&mut Track> {
        self.by_id.get_mut(&id)
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        assert_eq!(self.by_id.len(), self.ids.len());
        self.by_id.len()
    }

    pub(super) fn id(&self, sid: &TrackSid) -> Option<TrackId> {
        self.ids.get(sid).copied()
    }
}
