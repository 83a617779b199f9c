//! What is due when.

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use crate::ids::ParticipantSid;

/// Something that becomes due.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Due {
    /// A participant without media is given up.
    Participant(ParticipantSid),
    /// An empty room ends.
    Room(String),
    /// The speakers of a room may be told again.
    Speakers(String),
}

/// At most one time for each thing: as many as there are participants and rooms.
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    order: BTreeSet<(Instant, Due)>,
    times: HashMap<Due, Instant>,
}

impl Deadlines {
    /// `None` takes the deadline away.
    pub(crate) fn set(&mut self, due: Due, at: Option<Instant>) {
        if let Some(old) = self.times.remove(&due) {
            self.order.remove(&(old, due.clone()));
        }
        if let Some(at) = at {
            self.times.insert(due.clone(), at);
            self.order.insert((at, due));
        }
    }

    /// When the first is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Takes the first that is due at `now`.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<Due> {
        if self.next()? > now {
            return None;
        }
        let (_, due) = self.order.pop_first()?;
        self.times.remove(&due);
        Some(due)
    }
}
