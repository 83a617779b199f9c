//! When each transport wants to be looked at.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::hash::Hash;
use std::time::Instant;

/// One time per key. Setting an earlier one leaves the later one behind, which
/// is passed over when its time comes.
#[derive(Debug)]
pub(crate) struct Schedule<K> {
    heap: BinaryHeap<Reverse<(Instant, K)>>,
    due: HashMap<K, Instant>,
}

impl<K> Default for Schedule<K>
where
    K: Ord,
{
    fn default() -> Self {
        Self {
            heap: BinaryHeap::new(),
            due: HashMap::new(),
        }
    }
}

impl<K: Copy + Ord + Hash> Schedule<K> {
    /// `key` is due at `at`, if it is not due earlier.
    pub(crate) fn set(&mut self, key: K, at: Instant) {
        if self.due.get(&key).is_none_or(|due| at < *due) {
            self.due.insert(key, at);
            self.heap.push(Reverse((at, key)));
        }
    }

    pub(crate) fn forget(&mut self, key: &K) {
        self.due.remove(key);
    }

    /// The next time at which something may be due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// A key that is due; it must be set again.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<K> {
        while self.next().is_some_and(|at| at <= now) {
            let Reverse((at, key)) = self.heap.pop()?;
            if self.due.get(&key) == Some(&at) {
                self.due.remove(&key);
                return Some(key);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_earliest_time_counts_and_each_comes_once() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut schedule = Schedule::default();
        schedule.set('a', at(5));
        schedule.set('a', at(2));
        schedule.set('a', at(9));
        schedule.set('b', at(3));
        schedule.set('c', at(1));
        schedule.forget(&'c');
        let due: Vec<char> = std::iter::from_fn(|| schedule.pop_due(at(10))).collect();
        assert_eq!(due, ['a', 'b']);
        assert_eq!(schedule.next(), None);
    }
}
