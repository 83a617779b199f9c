//! Who gets a data message.

use std::collections::HashSet;

use thiserror::Error;

use crate::ids::ParticipantSid;
use crate::rooms::Rooms;

/// Why a data message is not passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DataRefused {
    /// The sender is in no room.
    #[error("the sender is not in a room")]
    NotJoined,
    /// The sender's token does not allow it.
    #[error("the sender may not publish data")]
    NotAllowed,
}

/// Whom a data message is for. Naming nobody means everybody.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Destinations {
    /// By identity.
    pub identities: Vec<String>,
    /// By sid, as older clients do.
    pub sids: Vec<ParticipantSid>,
}

impl Destinations {
    /// Everybody but the sender.
    #[must_use]
    pub fn everybody() -> Self {
        Self::default()
    }

    /// Whether a participant is meant.
    #[must_use]
    pub fn include(&self, sid: &ParticipantSid, identity: &str) -> bool {
        self.identities.is_empty() && self.sids.is_empty()
            || self.identities.iter().any(|named| named == identity)
            || self.sids.contains(sid)
    }
}

impl Rooms {
    /// The receivers of a data message from `sender`.
    ///
    /// # Errors
    /// When the sender may not send data.
    pub fn route_data(
        &self,
        sender: &ParticipantSid,
        destinations: &Destinations,
    ) -> Result<Vec<ParticipantSid>, DataRefused> {
        let room = self.room_of(sender).ok_or(DataRefused::NotJoined)?;
        let from = room.participant(sender).ok_or(DataRefused::NotJoined)?;
        if !from.info.grants.may_publish_data() {
            return Err(DataRefused::NotAllowed);
        }
        let all = destinations.identities.is_empty() && destinations.sids.is_empty();
        // A message may name thousands.
        let identities: HashSet<&str> = destinations.identities.iter().map(|i| &**i).collect();
        let sids: HashSet<&ParticipantSid> = destinations.sids.iter().collect();
        Ok(room
            .participants()
            .map(|other| &other.info)
            .filter(|other| other.sid != *sender)
            .filter(|other| {
                all || identities.contains(&*other.identity) || sids.contains(&other.sid)
            })
            .map(|other| other.sid.clone())
            .collect())
    }
}
