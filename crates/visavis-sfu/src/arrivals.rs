//! When transport-wide numbered packets arrived, for the publisher's bandwidth
//! estimator. Without this feedback a browser never leaves its start bitrate.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use visavis_rtp::rtcp::write_twcc;
use visavis_rtp::seq::Extender16;

/// Time between two feedback packets (the draft's section 5: 50 to 100 ms at usual rates).
const INTERVAL: Duration = Duration::from_millis(50);
/// Packets after which feedback is sent early: one packet's worth of status.
const EARLY: usize = 100;
/// Numbers in one report; more were lost for good, or someone plays with us.
const MAX_SPAN: usize = 1_000;

/// The arrivals of one publishing transport.
#[derive(Debug)]
pub struct ArrivalLog {
    start: Instant,
    extender: Extender16,
    /// The first number that was not reported yet.
    base: Option<u64>,
    /// Arrival per number from `base` on, microseconds since `start`.
    arrivals: VecDeque<Option<i64>>,
    received: usize,
    oldest: Option<Instant>,
    reports: u8,
}

impl ArrivalLog {
    /// An empty log; times are told relative to `now`.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self {
            start: now,
            extender: Extender16::default(),
            base: None,
            arrivals: VecDeque::with_capacity(MAX_SPAN),
            received: 0,
            oldest: None,
            reports: 0,
        }
    }

    /// Notes a packet.
    pub fn handle_packet(&mut self, sequence: u16, now: Instant) {
        let sequence = self.extender.extend(sequence);
        let base = *self.base.get_or_insert(sequence);
        // Older than what was reported: the sender counts it as lost already.
        let Some(at) = sequence.checked_sub(base) else {
            return;
        };
        let at = at as usize;
        if at >= MAX_SPAN {
            self.base = Some(sequence);
            self.arrivals.clear();
            self.received = 0;
            self.oldest = None;
            return self.note(0, now);
        }
        self.note(at, now);
    }

    fn note(&mut self, at: usize, now: Instant) {
        if self.arrivals.len() <= at {
            self.arrivals.resize(at + 1, None);
        }
        let Some(slot @ None) = self.arrivals.get_mut(at) else {
            return;
        };
        let micros = now.saturating_duration_since(self.start).as_micros();
        *slot = Some(i64::try_from(micros).unwrap_or(i64::MAX));
        self.received += 1;
        self.oldest.get_or_insert(now);
    }

    /// When feedback is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let oldest = self.oldest?;
        Some(if self.received >= EARLY {
            oldest
        } else {
            oldest + INTERVAL
        })
    }

    /// Appends the feedback that is due to `out`; whether there was any.
    /// `sender` is our SSRC on that transport, `media` any of the publisher's.
    pub fn poll_feedback(
        &mut self,
        now: Instant,
        sender: u32,
        media: u32,
        out: &mut Vec<u8>,
    ) -> bool {
        if self.poll_timeout().is_none_or(|due| now < due) {
            return false;
        }
        let Some(mut base) = self.base else {
            return false;
        };
        let arrivals = self.arrivals.make_contiguous();
        let mut rest: &[Option<i64>] = arrivals;
        while !rest.is_empty() {
            let covered = write_twcc(out, sender, media, self.reports, base as u16, rest);
            if covered == 0 {
                break;
            }
            self.reports = self.reports.wrapping_add(1);
            base += covered as u64;
            rest = &rest[covered..];
        }
        self.base = Some(base);
        self.arrivals.clear();
        self.received = 0;
        self.oldest = None;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use visavis_rtp::rtcp::{Packet, TwccStatus, packets};

    fn read(bytes: &[u8]) -> Vec<TwccStatus> {
        let mut statuses = Vec::new();
        for packet in packets(bytes) {
            let Packet::Twcc(feedback) = packet else {
                panic!("{packet:?}")
            };
            feedback.for_each(|status| statuses.push(status));
        }
        statuses
    }

    #[test]
    fn every_number_is_reported_once_with_its_arrival_or_as_lost() {
        let start = Instant::now();
        let mut log = ArrivalLog::new(start);
        let mut statuses = Vec::new();
        let mut reports = 0;
        for n in 0..2_000u64 {
            let now = start + Duration::from_millis(n);
            if n % 10 != 3 {
                log.handle_packet((65_000 + n) as u16, now);
            }
            let mut out = Vec::new();
            if log.poll_feedback(now, 1, 2, &mut out) {
                reports += 1;
                statuses.extend(read(&out));
            }
        }
        assert!((38..=41).contains(&reports), "{reports}");
        for (n, status) in statuses.iter().enumerate() {
            assert_eq!(status.sequence, (65_000 + n as u64) as u16);
            let expected = (n % 10 != 3).then_some(n as i64 * 1_000);
            assert_eq!(status.arrival_micros, expected, "{n}");
        }
    }

    #[test]
    fn a_fast_sender_is_told_early() {
        let start = Instant::now();
        let mut log = ArrivalLog::new(start);
        for n in 0..EARLY as u16 {
            assert!(!log.poll_feedback(start, 1, 2, &mut Vec::new()));
            log.handle_packet(n, start);
        }
        assert!(log.poll_feedback(start, 1, 2, &mut Vec::new()));
        assert_eq!(log.poll_timeout(), None);
    }

    #[test]
    fn a_jump_starts_anew_and_old_numbers_are_not_reported_again() {
        let start = Instant::now();
        let mut log = ArrivalLog::new(start);
        log.handle_packet(5, start);
        log.handle_packet(20_000, start);
        assert_eq!(log.arrivals.len(), 1);
        let later = start + INTERVAL;
        let mut out = Vec::new();
        assert!(log.poll_feedback(later, 1, 2, &mut out));
        assert_eq!(read(&out).len(), 1);
        log.handle_packet(19_999, later);
        assert_eq!(log.poll_timeout(), None);
    }
}
