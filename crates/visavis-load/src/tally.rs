//! Counting what arrived: every packet by its number, and how long it took.

use std::time::Duration;

/// Packets that one stream may have: 19 hours at 240 a second, 2 MiB of bits.
/// Later ones are not counted, which a run of the allowed length never sees.
const MAX_PACKETS: u64 = 1 << 24;

/// The packets of one stream that one receiver has.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    seen: Vec<u64>,
    highest: Option<u64>,
    duplicate: u64,
    late: u64,
}

/// What became of the packets of one stretch of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    /// Packets that were sent.
    pub expected: u64,
    /// Different packets that arrived.
    pub received: u64,
    /// Packets that arrived again, in the whole life of the stream.
    pub duplicate: u64,
    /// Packets that arrived after a later one (out of order, or repaired), in
    /// the whole life of the stream.
    pub late: u64,
}

impl Counted {
    /// Packets that never arrived.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.expected.saturating_sub(self.received)
    }
}

impl Tally {
    /// Notes the packet with this number. Whether it is new.
    pub fn note(&mut self, counter: u64) -> bool {
        if counter >= MAX_PACKETS {
            return false;
        }
        let (word, bit) = place(counter);
        if self.seen.len() <= word {
            self.seen.resize((word + 1).next_power_of_two(), 0);
        }
        if self.seen[word] & bit != 0 {
            self.duplicate += 1;
            return false;
        }
        self.seen[word] |= bit;
        if self.highest.is_some_and(|highest| counter < highest) {
            self.late += 1;
        }
        self.highest = self.highest.max(Some(counter));
        true
    }

    /// What is known of the packets numbered `from` to `until`, without the last.
    #[must_use]
    pub fn count(&self, from: u64, until: u64) -> Counted {
        let has = |counter: &u64| {
            let (word, bit) = place(*counter);
            self.seen.get(word).is_some_and(|seen| seen & bit != 0)
        };
        let until = until.min(MAX_PACKETS);
        Counted {
            expected: until.saturating_sub(from),
            received: (from..until).filter(has).count() as u64,
            duplicate: self.duplicate,
            late: self.late,
        }
    }
}

fn place(counter: u64) -> (usize, u64) {
    ((counter / 64) as usize, 1 << (counter % 64))
}

/// Steps per doubling: values are told apart within 6 %.
const STEPS: u32 = 16;
/// Doublings of a microsecond that are told apart: up to 19 hours.
const DOUBLINGS: u32 = 36;

/// Durations, counted in classes of about 6 % width.
#[derive(Debug, Clone)]
pub struct Histogram {
    classes: Vec<u64>,
    total: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            classes: vec![0; (STEPS * DOUBLINGS) as usize],
            total: 0,
        }
    }
}

impl Histogram {
    /// Counts one duration.
    pub fn note(&mut self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let class = class(micros).min(self.classes.len() - 1);
        self.classes[class] += 1;
        self.total += 1;
    }

    /// The duration that `share` (0 to 1) of all did not exceed, rounded up to
    /// its class; `None` when nothing was counted.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let rank = (share * self.total as f64).ceil().max(1.0) as u64;
        let mut below = 0;
        let class = self.classes.iter().position(|count| {
            below += count;
            below >= rank
        })?;
        Some(Duration::from_micros(top(class)))
    }
}

/// Below 16 µs every microsecond is a class; above, each doubling has 16.
fn class(micros: u64) -> usize {
    if micros < u64::from(STEPS) {
        return micros as usize;
    }
    let doubling = micros.ilog2() - STEPS.ilog2();
    let step = (micros >> doubling) as u32 - STEPS;
    ((doubling + 1) * STEPS + step) as usize
}

/// The largest duration of a class.
fn top(class: usize) -> u64 {
    let class = class as u64;
    let steps = u64::from(STEPS);
    if class < steps {
        return class;
    }
    let doubling = class / steps - 1;
    ((class % steps + steps + 1) << doubling) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_missing_packet_of_the_stretch_is_lost_and_no_other() {
        let mut tally = Tally::default();
        for counter in (0..1_000).filter(|n| n % 100 != 50) {
            assert!(tally.note(counter));
        }
        assert_eq!(tally.count(0, 1_000).lost(), 10);
        assert_eq!(tally.count(51, 150).lost(), 0);
        assert_eq!(tally.count(900, 1_100).lost(), 101);
        assert_eq!(tally.count(5, 5), Counted::default());
    }

    #[test]
    fn repeated_and_late_packets_are_told_apart() {
        let mut tally = Tally::default();
        for counter in [0, 2, 1, 2] {
            tally.note(counter);
        }
        let counted = tally.count(0, 3);
        assert_eq!((counted.duplicate, counted.late, counted.lost()), (1, 1, 0));
    }

    #[test]
    fn a_number_beyond_every_run_takes_no_memory() {
        let mut tally = Tally::default();
        assert!(!tally.note(u64::MAX));
        assert!(tally.seen.is_empty());
    }

    #[test]
    fn quantiles_are_right_within_a_class() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile(0.5), None);
        for millis in 1..=1_000 {
            histogram.note(Duration::from_millis(millis));
        }
        for (share, millis) in [(0.5, 500.0), (0.95, 950.0), (1.0, 1_000.0)] {
            let got = histogram.quantile(share).unwrap().as_secs_f64() * 1_000.0;
            assert!((millis..millis * 1.07).contains(&got), "{share}: {got}");
        }
    }

    #[test]
    fn classes_follow_each_other_without_gaps() {
        for micros in 0..100_000u64 {
            let class = class(micros);
            assert!(micros <= top(class), "{micros}");
            assert!(class == 0 || micros > top(class - 1), "{micros}");
        }
    }
}
