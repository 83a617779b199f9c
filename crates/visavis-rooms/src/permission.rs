//! What a publisher allows others.

use std::collections::{BTreeSet, HashMap};

use crate::api::{Notice, Output, Refused, SubscriptionPermission};
use crate::ids::{ParticipantSid, TrackSid};
use crate::participant::ParticipantInfo;
use crate::rooms::Rooms;

/// Participants and tracks that one permission names: more than a room has.
const MAX_NAMED: usize = 10_000;

/// A permission, ready for being asked for each subscriber.
#[derive(Debug, Default)]
pub(crate) struct Restriction {
    by_sid: HashMap<ParticipantSid, Allowed>,
    by_identity: HashMap<String, Allowed>,
}

#[derive(Debug, Default)]
struct Allowed {
    all: bool,
    tracks: BTreeSet<TrackSid>,
}

impl Allowed {
    fn extend(&mut self, all: bool, tracks: Vec<TrackSid>) {
        self.all |= all;
        self.tracks.extend(tracks);
    }

    fn includes(&self, track: &TrackSid) -> bool {
        self.all || self.tracks.contains(track)
    }
}

impl Restriction {
    /// `None` restricts nothing.
    fn new(permission: SubscriptionPermission) -> Option<Self> {
        if permission.all_participants {
            return None;
        }
        let mut restriction = Self::default();
        for named in permission.participants {
            let allowed = match named.sid {
                Some(sid) => restriction.by_sid.entry(sid).or_default(),
                None => restriction.by_identity.entry(named.identity).or_default(),
            };
            allowed.extend(named.all_tracks, named.tracks);
        }
        Some(restriction)
    }

    pub(crate) fn allows(&self, subscriber: &ParticipantInfo, track: &TrackSid) -> bool {
        let by_sid = self.by_sid.get(&subscriber.sid);
        let by_identity = self.by_identity.get(&subscriber.identity);
        by_sid
            .into_iter()
            .chain(by_identity)
            .any(|allowed| allowed.includes(track))
    }
}

impl Rooms {
    /// A publisher says who may subscribe to its tracks; everybody may as long as
    /// it has said nothing. Who has a track that is no longer allowed loses it,
    /// and gets it back when it is allowed again.
    ///
    /// # Errors
    /// When the participant is not there, or names too many.
    pub fn update_subscription_permission(
        &mut self,
        sid: &ParticipantSid,
        permission: SubscriptionPermission,
    ) -> Result<(), Refused> {
        let tracks = permission.participants.iter().map(|p| p.tracks.len());
        if permission.participants.len() + tracks.sum::<usize>() > MAX_NAMED {
            return Err(Refused::LimitExceeded);
        }
        let publisher = self.participant_mut(sid)?;
        let restriction = Restriction::new(permission);
        if restriction.is_none() && publisher.restriction.is_none() {
            // What every client sends after it connected.
            return Ok(());
        }
        publisher.restriction = restriction;
        let tracks = publisher.info.tracks.iter();
        let tracks: Vec<TrackSid> = tracks.map(|track| track.sid.clone()).collect();
        for other in self.others(sid) {
            for track in &tracks {
                self.reconsider(&other, sid, track);
            }
        }
        Ok(())
    }

    /// Brings a subscription in line with what the publisher allows now.
    fn reconsider(&mut self, sid: &ParticipantSid, publisher: &ParticipantSid, track: &TrackSid) {
        let allowed = self.publisher_allows(publisher, sid, track);
        let Ok(subscriber) = self.participant_mut(sid) else {
            return;
        };
        if allowed && subscriber.denied.remove(track) {
            self.tell_permission(sid, publisher, track, true);
            self.subscribe(sid, track);
        } else if !allowed && subscriber.subscribed.contains(track) {
            subscriber.denied.insert(track.clone());
            self.unsubscribe(sid, track);
            self.tell_permission(sid, publisher, track, false);
        }
    }

    pub(crate) fn publisher_allows(
        &self,
        publisher: &ParticipantSid,
        subscriber: &ParticipantSid,
        track: &TrackSid,
    ) -> bool {
        let Some(room) = self.room_of(publisher) else {
            return false;
        };
        let (Some(publisher), Some(subscriber)) =
            (room.participant(publisher), room.participant(subscriber))
        else {
            return false;
        };
        let restriction = publisher.restriction.as_ref();
        restriction.is_none_or(|restriction| restriction.allows(&subscriber.info, track))
    }

    pub(crate) fn tell_permission(
        &mut self,
        subscriber: &ParticipantSid,
        publisher: &ParticipantSid,
        track: &TrackSid,
        allowed: bool,
    ) {
        let notice = Notice::SubscriptionPermission {
            publisher: publisher.clone(),
            track: track.clone(),
            allowed,
        };
        self.outputs
            .push_back(Output::Notify(subscriber.clone(), notice));
    }
}
