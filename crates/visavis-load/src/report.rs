//! What a run found, for people and for programs.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::kernel::Footprint;
use crate::media::Totals;
use crate::session::SessionError;

/// The part of the rounds after which a server's memory is taken to have
/// settled: caches are warm, and the allocator has its pools.
const SETTLED_AFTER: u32 = 5;

/// What a run found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Participants that were to join.
    pub wanted: u32,
    /// Participants that joined: all that they wanted flowed.
    pub joined: u32,
    /// From the WebSocket's connecting to media flowing, milliseconds: median,
    /// 95 %, longest.
    pub join_ms: [u64; 3],
    /// Why others did not join, or did not stay, and how many for each reason.
    pub failures: BTreeMap<String, u32>,
    /// What was measured while everyone was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steady: Option<Steady>,
    /// What the server held after each round of joining and leaving.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub footprints: Vec<RoundFootprint>,
    /// What was wrong with the generator itself.
    pub generator: Generator,
    #[serde(skip)]
    joins: Vec<Duration>,
}

/// A number that each receiver has its own of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Spread {
    /// The least.
    pub min: u64,
    /// The average, rounded down.
    pub avg: u64,
    /// The most.
    pub max: u64,
    /// All together.
    pub sum: u64,
}

impl Spread {
    /// Of these numbers; all zero when there are none.
    pub fn of(numbers: impl Iterator<Item = u64> + Clone) -> Self {
        let sum = numbers.clone().sum();
        Self {
            min: numbers.clone().min().unwrap_or(0),
            avg: sum / (numbers.clone().count() as u64).max(1),
            max: numbers.max().unwrap_or(0),
            sum,
        }
    }
}

/// What was measured while everyone was there.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Steady {
    /// How long packets were measured.
    pub duration_ms: u64,
    /// Packets that publishers sent.
    pub published: u64,
    /// Participants that were to receive them.
    pub receivers: u32,
    /// Packets that each receiver was to get.
    pub expected: Spread,
    /// Packets that each receiver got.
    pub received: Spread,
    /// Packets that each receiver never got.
    pub lost: Spread,
    /// Packets that came again, since the receiver joined.
    pub duplicate: Spread,
    /// Packets that came after a later one, since the receiver joined.
    pub late: Spread,
    /// From sending to receiving, microseconds: median, 95 %, 99 %.
    pub latency_us: [u64; 3],
    /// Processor time that the server used, if its process was given.
    pub server_cpu_ms: Option<u64>,
}

/// What was wrong with the generator itself: loss may be its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Generator {
    /// Keyframe requests that its publishers got (nothing wrong with these).
    pub keyframe_requests: u64,
    /// Datagrams that the kernel dropped because we did not read in time.
    pub kernel_drops: u64,
    /// Datagrams that we could not send.
    pub unsent: u64,
    /// The most that a published frame was behind its time, milliseconds.
    pub most_behind_ms: u64,
}

/// What the server held after a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RoundFootprint {
    /// The round, from 1.
    pub round: u32,
    /// What it held.
    #[serde(flatten)]
    pub footprint: Footprint,
}

/// What a run is allowed to find.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// Lost packets of a million expected.
    pub max_loss_ppm: Option<u64>,
    /// Percent of resident memory that may be added from the settled round to
    /// the last; there must be as many threads and descriptors then.
    pub max_growth_percent: Option<u64>,
}

impl Report {
    pub(crate) fn new(wanted: u32) -> Self {
        Self {
            wanted,
            ..Self::default()
        }
    }

    pub(crate) fn note_joined<'a>(&mut self, times: impl Iterator<Item = &'a Duration>) {
        self.joins.extend(times);
        self.joins.sort_unstable();
        self.joined = self.joins.len() as u32;
        let last = self.joins.len().saturating_sub(1);
        let at = |percent: usize| self.joins.get(last * percent / 100);
        self.join_ms = [50, 95, 100].map(|percent| {
            let time = at(percent).copied().unwrap_or_default();
            time.as_millis() as u64
        });
    }

    pub(crate) fn note_failures(&mut self, failures: Vec<SessionError>) {
        for failure in failures {
            *self.failures.entry(failure.to_string()).or_default() += 1;
        }
    }

    pub(crate) fn note_generator(&mut self, totals: &Totals) {
        let sum = &mut self.generator;
        // The sockets of an earlier round are gone, with their counters.
        sum.kernel_drops += totals.kernel_drops;
        sum.keyframe_requests = totals.keyframe_requests;
        sum.unsent = totals.unsent;
        sum.most_behind_ms = sum.most_behind_ms.max(totals.most_behind_ms);
    }

    /// What is not as it must be, in words; empty when all is well.
    #[must_use]
    pub fn complaints(&self, limits: Limits) -> Vec<String> {
        let mut complaints = Vec::new();
        if self.joined < self.wanted {
            complaints.push(format!("{} of {} joined", self.joined, self.wanted));
        }
        for (failure, count) in &self.failures {
            complaints.push(format!("{count} x {failure}"));
        }
        if let (Some(limit), Some(steady)) = (limits.max_loss_ppm, &self.steady) {
            if steady.expected.sum == 0 {
                complaints.push("nothing was sent that could be lost".into());
            }
            let lost = u128::from(steady.lost.sum) * 1_000_000;
            if lost > u128::from(limit) * u128::from(steady.expected.sum) {
                complaints.push(format!(
                    "{} of {} packets lost, more than {limit} in a million",
                    steady.lost.sum, steady.expected.sum
                ));
            }
        }
        if let Some(percent) = limits.max_growth_percent {
            complaints.extend(self.growth(percent));
        }
        complaints
    }

    fn growth(&self, percent: u64) -> Vec<String> {
        let Some((settled, last)) = self.settled_and_last() else {
            return vec!["growth can't be told: no server process, or one round".into()];
        };
        let (from, to) = (settled.footprint, last.footprint);
        let rounds = format!("from round {} to {}", settled.round, last.round);
        let mut complaints = Vec::new();
        if to.rss_kib * 100 > from.rss_kib * (100 + percent) {
            let (from, to) = (from.rss_kib, to.rss_kib);
            complaints.push(format!("memory grew {rounds}: {from} to {to} KiB"));
        }
        if to.threads != from.threads {
            let (from, to) = (from.threads, to.threads);
            complaints.push(format!("threads {rounds}: {from}, then {to}"));
        }
        if to.descriptors != from.descriptors {
            let (from, to) = (from.descriptors, to.descriptors);
            complaints.push(format!("descriptors {rounds}: {from}, then {to}"));
        }
        complaints
    }

    /// The round in which the server is taken to have settled, and the last.
    fn settled_and_last(&self) -> Option<(RoundFootprint, RoundFootprint)> {
        let last = *self.footprints.last()?;
        let settled = (last.round / SETTLED_AFTER).max(1);
        let found = |entry: &&RoundFootprint| entry.round == settled && settled < last.round;
        let settled = *self.footprints.iter().find(found)?;
        Some((settled, last))
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { min, avg, max, .. } = self;
        write!(f, "{min} / {avg} / {max}")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [half, most, longest] = self.join_ms;
        writeln!(f, "joined        {}/{}", self.joined, self.wanted)?;
        writeln!(
            f,
            "join time     {half} ms (p50), {most} (p95), {longest} (max)"
        )?;
        if let Some(steady) = &self.steady {
            write!(f, "{steady}")?;
        }
        let generator = &self.generator;
        writeln!(f, "key requests  {}", generator.keyframe_requests)?;
        writeln!(
            f,
            "generator     {} dropped by the kernel, {} not sent, at most {} ms behind",
            generator.kernel_drops, generator.unsent, generator.most_behind_ms
        )?;
        if let Some((settled, last)) = self.settled_and_last() {
            for RoundFootprint { round, footprint } in [settled, last] {
                writeln!(
                    f,
                    "server        round {round}: {} KiB, {} threads, {} descriptors",
                    footprint.rss_kib, footprint.threads, footprint.descriptors
                )?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Steady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [half, most, tail] = self.latency_us;
        writeln!(
            f,
            "measured      {} ms, {} packets published, {} receivers",
            self.duration_ms, self.published, self.receivers
        )?;
        writeln!(f, "              least / average / most of a receiver")?;
        writeln!(f, "expected      {}", self.expected)?;
        writeln!(f, "received      {}", self.received)?;
        writeln!(f, "lost          {} ({} in all)", self.lost, self.lost.sum)?;
        writeln!(f, "duplicate     {}", self.duplicate)?;
        writeln!(f, "late          {}", self.late)?;
        writeln!(
            f,
            "latency       {half} µs (p50), {most} (p95), {tail} (p99)"
        )?;
        if let Some(cpu) = self.server_cpu_ms {
            writeln!(f, "server CPU    {cpu} ms")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steady(expected: u64, lost: u64) -> Report {
        Report {
            steady: Some(Steady {
                expected: Spread::of([expected].into_iter()),
                lost: Spread::of([lost].into_iter()),
                ..Steady::default()
            }),
            ..Report::default()
        }
    }

    fn after_rounds(footprints: &[(u32, u64, u64, u64)]) -> Report {
        let footprints = footprints
            .iter()
            .map(|&(round, rss_kib, threads, descriptors)| {
                let footprint = Footprint {
                    rss_kib,
                    threads,
                    descriptors,
                };
                RoundFootprint { round, footprint }
            });
        Report {
            footprints: footprints.collect(),
            ..Report::default()
        }
    }

    #[test]
    fn loss_is_complained_about_above_its_limit_only() {
        let limits = Limits {
            max_loss_ppm: Some(10),
            ..Limits::default()
        };
        assert!(steady(1_000_000, 10).complaints(limits).is_empty());
        assert_eq!(steady(1_000_000, 11).complaints(limits).len(), 1);
        assert_eq!(steady(0, 0).complaints(limits).len(), 1);
        assert!(
            steady(1_000_000, 11)
                .complaints(Limits::default())
                .is_empty()
        );
    }

    #[test]
    fn who_did_not_join_or_stay_is_always_complained_about() {
        let mut report = Report::new(2);
        report.note_joined([Duration::from_millis(7)].iter());
        report.note_failures(vec![SessionError::Closed, SessionError::Closed]);
        let complaints = report.complaints(Limits::default());
        assert_eq!(
            complaints,
            ["1 of 2 joined", "2 x the WebSocket was closed"]
        );
        assert_eq!(report.join_ms, [7, 7, 7]);
    }

    #[test]
    fn growth_is_told_from_the_settled_round_to_the_last() {
        let limits = Limits {
            max_growth_percent: Some(5),
            ..Limits::default()
        };
        let steady = after_rounds(&[(1, 500, 2, 9), (2, 1_000, 3, 10), (10, 1_050, 3, 10)]);
        assert!(steady.complaints(limits).is_empty());
        let grown = after_rounds(&[(2, 1_000, 3, 10), (10, 1_051, 3, 11)]);
        assert_eq!(grown.complaints(limits).len(), 2);
        let threads = after_rounds(&[(2, 1_000, 4, 10), (10, 1_000, 3, 10)]);
        assert_eq!(
            threads.complaints(limits),
            ["threads from round 2 to 10: 4, then 3"]
        );
        assert_eq!(after_rounds(&[]).complaints(limits).len(), 1);
    }
}
