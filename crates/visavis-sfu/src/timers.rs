//! What is due when: one entry per thing that waits, nothing is scanned.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

use crate::api::{PeerId, TrackId};

/// What may be due. Those about peers and tracks that are gone are passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// Reports of a peer.
    Report(PeerId),
    /// Transport-wide feedback to a peer.
    Feedback(PeerId),
    /// Lost packets of a layer.
    Repair(TrackId, u8),
    /// A keyframe of a layer.
    Keyframe(TrackId, u8),
}

/// The things that wait. Whoever sets a timer sees to it that each is set once.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    heap: BinaryHeap<Reverse<(Instant, Timer)>>,
}

impl Timers {
    pub(crate) fn set(&mut self, at: Instant, timer: Timer) {
        self.heap.push(Reverse((at, timer)));
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<Timer> {
        let due = self.next().is_some_and(|at| at <= now);
        due.then(|| self.heap.pop())
            .flatten()
            .map(|Reverse((_, timer))| timer)
    }
}
