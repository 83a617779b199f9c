//! Whose datagram is it? By the username of a check, or by the address that an
//! authentic check came from.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use visavis_turn::{Message, StunError, binding_response};

use crate::api::TransportId;
use crate::connection::Connection;

/// Answers to Binding requests of strangers per second: they may be forged, and
/// whoever asks in earnest asks once.
const BINDINGS_PER_SECOND: u32 = 1_000;

#[derive(Debug, Default)]
pub(crate) struct Demux {
    by_ufrag: HashMap<String, TransportId>,
    by_remote: HashMap<SocketAddr, TransportId>,
    answered: Option<(Instant, u32)>,
}

impl Demux {
    /// Which transport a STUN message is for. `Ok(None)`: for the server itself.
    ///
    /// # Errors
    /// When it is damaged, or for nobody here.
    pub(crate) fn whose_check(
        &self,
        payload: &[u8],
        source: SocketAddr,
    ) -> Result<Option<TransportId>, StunError> {
        let message = Message::parse(payload)?;
        if let Some((ours, _)) = message.username_fragments() {
            let id = self.by_ufrag.get(ours);
            return id.copied().map(Some).ok_or(StunError::NotStun);
        }
        // Answers to our own checks carry no username.
        if let Some(id) = self.by_remote(source) {
            return Ok(Some(id));
        }
        if message.has_username() {
            return Err(StunError::NotStun);
        }
        Ok(None)
    }

    /// The answer to a Binding request without credentials, within the budget.
    pub(crate) fn answer_binding(
        &mut self,
        now: Instant,
        payload: &[u8],
        source: SocketAddr,
    ) -> Option<Vec<u8>> {
        let (since, count) = self.answered.get_or_insert((now, 0));
        if now >= *since + Duration::from_secs(1) {
            (*since, *count) = (now, 0);
        }
        if *count >= BINDINGS_PER_SECOND {
            return None;
        }
        let answer = binding_response(&Message::parse(payload).ok()?, source)?;
        *count += 1;
        Some(answer)
    }

    pub(crate) fn by_remote(&self, source: SocketAddr) -> Option<TransportId> {
        self.by_remote.get(&source).copied()
    }

    pub(crate) fn add_ufrag(&mut self, ufrag: &str, id: TransportId) {
        self.by_ufrag.insert(ufrag.to_owned(), id);
    }

    /// An address that an authentic check came from is its sender's, whoever had
    /// it before.
    pub(crate) fn learn_remote(&mut self, remote: SocketAddr, id: TransportId) {
        self.by_remote.insert(remote, id);
    }

    /// Whether an address is nobody's yet.
    pub(crate) fn may_learn(&self, remote: SocketAddr) -> bool {
        !self.by_remote.contains_key(&remote)
    }

    pub(crate) fn forget_remote(&mut self, remote: SocketAddr, id: TransportId) {
        if self.by_remote.get(&remote) == Some(&id) {
            self.by_remote.remove(&remote);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_ufrag.is_empty() && self.by_remote.is_empty()
    }

    pub(crate) fn forget(&mut self, id: TransportId, connection: &Connection) {
        for ufrag in &connection.ufrags {
            if self.by_ufrag.get(ufrag) == Some(&id) {
                self.by_ufrag.remove(ufrag);
            }
        }
        for remote in connection.remotes() {
            self.forget_remote(remote, id);
        }
    }
}
