//! What participants say about themselves.

use std::collections::BTreeMap;

use crate::api::{JoinError, Refused};
use crate::ids::ParticipantSid;
use crate::participant::JoinRequest;
use crate::rooms::Rooms;

/// LiveKit's limits of what participants say about themselves, octets.
pub(crate) const MAX_NAME: usize = 256;
const MAX_METADATA: usize = 512_000;
const MAX_ATTRIBUTES: usize = 64_000;

impl Rooms {
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
}

/// What a newcomer may say, with what it brings itself put over what its token
/// says.
pub(crate) fn check_join(mut request: JoinRequest) -> Result<JoinRequest, JoinError> {
    let brings = !request.own_metadata.is_empty() || !request.own_attributes.is_empty();
    if brings && !request.grants.may_update_own_metadata() {
        return Err(JoinError::OwnMetadata);
    }
    if !request.own_metadata.is_empty() {
        request.metadata = std::mem::take(&mut request.own_metadata);
    }
    let own = std::mem::take(&mut request.own_attributes);
    request.attributes.extend(own);
    request.attributes.retain(|_, value| !value.is_empty());
    if request.identity.is_empty() || request.identity.len() > MAX_NAME {
        return Err(JoinError::Invalid("identity"));
    }
    if request.room.len() > MAX_NAME {
        return Err(JoinError::Invalid("room name"));
    }
    check_lengths(&request.name, &request.metadata, &request.attributes)
        .map_err(JoinError::Invalid)?;
    Ok(request)
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
