//! Who gets a data message.

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

impl Rooms {
    /// The receivers of a data message from `sender`: those with the named
    /// identities, or with an empty list everybody else.
    ///
    /// # Errors
    /// When the sender may not send data.
    pub fn route_data(
        &self,
        sender: &ParticipantSid,
        destinations: &[String],
    ) -> Result<Vec<ParticipantSid>, DataRefused> {
        let room = self.room_of(sender).ok_or(DataRefused::NotJoined)?;
        let from = room.participant(sender).ok_or(DataRefused::NotJoined)?;
        if !from.info.grants.may_publish_data() {
            return Err(DataRefused::NotAllowed);
        }
        let named = |identity: &String| destinations.is_empty() || destinations.contains(identity);
        Ok(room
            .participants()
            .filter(|other| other.info.sid != *sender && named(&other.info.identity))
            .map(|other| other.info.sid.clone())
            .collect())
    }
}
