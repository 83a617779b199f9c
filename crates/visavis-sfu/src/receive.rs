//! One received source: order, loss, repair and statistics (RFC 3550, RFC 4585).

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use visavis_rtp::ntp::{NtpTime, to_dlsr};
use visavis_rtp::rtcp::{ReportBlock, SenderInfo};
use visavis_rtp::seq::Extender16;

/// How long a missing packet is asked for: later it is of no use to a call.
const NACK_HORIZON: Duration = Duration::from_millis(1_000);
/// Times a packet is asked for.
const NACK_TRIES: u8 = 10;
/// Least time between two requests for a packet, when the round trip is shorter.
const NACK_INTERVAL: Duration = Duration::from_millis(20);
/// Packets missing at once; beyond, a keyframe repairs faster than requests.
const MAX_MISSING: usize = 500;
/// A jump that is a new start rather than a loss (RFC 3550 appendix A.1).
const MAX_JUMP: u64 = 3_000;

/// What became of a packet that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// New; its sequence number for receivers: extended, without the
    /// padding-only packets before it. A padding-only packet that comes after
    /// later ones were numbered has its place among them, and is passed on
    /// without payload so that nobody waits for it.
    New(u64),
    /// Received before, or older than anything still wanted.
    Duplicate,
    /// Only padding: receivers never see it, and no gap stays behind.
    Padding,
}

#[derive(Debug, Clone, Copy)]
struct Missing {
    since: Instant,
    next: Instant,
    tries: u8,
}

/// The receiving state of one SSRC.
#[derive(Debug)]
pub struct ReceiveStream {
    ssrc: u32,
    clock_rate: u32,
    extender: Extender16,
    first: Option<u64>,
    highest: u64,
    received: u64,
    /// Those of them that came as retransmissions.
    repaired: u64,
    missing: BTreeMap<u64, Missing>,
    nack: bool,
    give_up: bool,
    /// Original numbers of padding-only packets, oldest first, that packets
    /// still to come may lie before.
    paddings: VecDeque<u64>,
    /// Padding-only packets older than all in `paddings`.
    paddings_before: u64,
    jitter: f64,
    last_transit: Option<f64>,
    start: Instant,
    last_report: Option<(u64, u64)>,
    last_sr: Option<(NtpTime, Instant)>,
}

/// Padding-only packets whose places are remembered exactly.
const MAX_PADDINGS: usize = 256;

impl ReceiveStream {
    /// A stream from which nothing came yet. `nack` asks for lost packets.
    #[must_use]
    pub fn new(ssrc: u32, clock_rate: u32, nack: bool, now: Instant) -> Self {
        Self {
            ssrc,
            clock_rate,
            extender: Extender16::default(),
            first: None,
            highest: 0,
            received: 0,
            repaired: 0,
            missing: BTreeMap::new(),
            nack,
            give_up: false,
            paddings: VecDeque::with_capacity(MAX_PADDINGS),
            paddings_before: 0,
            jitter: 0.0,
            last_transit: None,
            start: now,
            last_report: None,
            last_sr: None,
        }
    }

    /// Takes a packet: its number, whether anything but padding is in it, and
    /// its timestamp (`None` for a retransmission, whose timing says nothing).
    pub fn handle_packet(
        &mut self,
        sequence: u16,
        has_payload: bool,
        timestamp: Option<u32>,
        now: Instant,
    ) -> Received {
        let extended = self.extender.extend(sequence);
        let first = *self.first.get_or_insert(extended);
        let newest = self.received == 0 || extended > self.highest;
        if newest {
            if self.received > 0 {
                self.note_gap(extended, now);
            }
            self.highest = extended;
        } else if self.missing.remove(&extended).is_none()
            && (extended >= first || !self.is_early(extended))
        {
            return Received::Duplicate;
        }
        self.received += 1;
        match timestamp {
            Some(timestamp) => self.update_jitter(timestamp, now),
            None => self.repaired += 1,
        }
        if has_payload || !newest {
            return Received::New(self.compacted(extended));
        }
        self.note_padding(extended);
        Received::Padding
    }

    /// A packet from before the first one we saw: reordering at the very start.
    fn is_early(&mut self, extended: u64) -> bool {
        let early = self
            .first
            .is_some_and(|first| extended + 16 > first && self.received < 16);
        if early {
            self.first = Some(extended);
        }
        early
    }

    fn note_gap(&mut self, extended: u64, now: Instant) {
        let gap = extended - self.highest - 1;
        if gap > MAX_JUMP || self.missing.len() + gap as usize > MAX_MISSING {
            // Too much to repair: whoever receives needs a new start.
            self.give_up |= gap > 0;
            self.missing.clear();
            return;
        }
        for missing in self.highest + 1..extended {
            // A little patience: the packet may only be out of order.
            let next = now + Duration::from_millis(5);
            self.missing.insert(
                missing,
                Missing {
                    since: now,
                    next,
                    tries: 0,
                },
            );
        }
    }

    fn note_padding(&mut self, extended: u64) {
        self.paddings.push_back(extended);
        if self.paddings.len() > MAX_PADDINGS {
            self.paddings.pop_front();
            self.paddings_before += 1;
        }
    }

    /// The number without the padding-only packets before it.
    fn compacted(&self, extended: u64) -> u64 {
        let before = self.paddings.partition_point(|padding| *padding < extended) as u64;
        extended - before - self.paddings_before
    }

    fn update_jitter(&mut self, timestamp: u32, now: Instant) {
        let clock = now.saturating_duration_since(self.start).as_secs_f64();
        // RFC 3550 section 6.4.1, in clock units; the wrap of a timestamp makes
        // one absurd difference, which is left out.
        let transit = clock * f64::from(self.clock_rate) - f64::from(timestamp);
        if let Some(last) = self.last_transit.replace(transit) {
            let difference = (transit - last).abs();
            if difference < f64::from(self.clock_rate) {
                self.jitter += (difference - self.jitter) / 16.0;
            }
        }
    }

    /// Packets to ask for now, in ascending order, at most `out`'s free
    /// capacity. `rtt` spaces the repetitions.
    pub fn poll_nack(&mut self, now: Instant, rtt: Duration, out: &mut Vec<u16>) {
        if !self.nack {
            return;
        }
        let give_up = &mut self.give_up;
        self.missing.retain(|_, missing| {
            let hopeless = missing.tries >= NACK_TRIES || now >= missing.since + NACK_HORIZON;
            *give_up |= hopeless;
            !hopeless
        });
        for (extended, missing) in &mut self.missing {
            if missing.next <= now && out.len() < out.capacity() {
                out.push(*extended as u16);
                missing.tries += 1;
                missing.next = now + rtt.max(NACK_INTERVAL);
            }
        }
    }

    /// When [`poll_nack`](Self::poll_nack) has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if !self.nack {
            return None;
        }
        self.missing
            .values()
            .map(|missing| missing.next.min(missing.since + NACK_HORIZON))
            .min()
    }

    /// Whether a loss was given up since the last call: video needs a keyframe.
    pub fn take_unrepaired(&mut self) -> bool {
        std::mem::take(&mut self.give_up)
    }

    /// Takes the publisher's sender report.
    pub fn handle_sender_report(&mut self, info: &SenderInfo, now: Instant) {
        self.last_sr = Some((info.ntp, now));
    }

    /// The report block about this source (RFC 3550 section 6.4.1 and appendix A.3).
    /// What came as a retransmission was lost on this source: reports are about
    /// the network, and the publisher's estimator counts on that.
    pub fn report(&mut self, now: Instant) -> Option<ReportBlock> {
        let first = self.first?;
        let expected = self.highest + 1 - first;
        let received = self.received - self.repaired;
        let (expected_before, received_before) = self
            .last_report
            .replace((expected, received))
            .unwrap_or_default();
        let expected_interval = expected.saturating_sub(expected_before);
        let received_interval = received - received_before;
        let lost_interval = expected_interval.saturating_sub(received_interval);
        let fraction_lost = match expected_interval {
            0 => 0,
            interval => u8::try_from(lost_interval * 256 / interval).unwrap_or(u8::MAX),
        };
        let lost = expected as i64 - received as i64;
        let (last_sr, delay_since_last_sr) = match self.last_sr {
            None => (0, 0),
            Some((ntp, at)) => (ntp.middle(), to_dlsr(now.saturating_duration_since(at))),
        };
        Some(ReportBlock {
            ssrc: self.ssrc,
            fraction_lost,
            cumulative_lost: lost.clamp(-0x80_0000, 0x7f_ffff) as i32,
            // The origin of the extended count is one turn up; the wire's is not.
            highest_sequence: (self.highest - (1 << 16)) as u32,
            jitter: self.jitter as u32,
            last_sr,
            delay_since_last_sr,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(now: Instant) -> ReceiveStream {
        ReceiveStream::new(7, 90_000, true, now)
    }

    fn nacks(stream: &mut ReceiveStream, now: Instant) -> Vec<u16> {
        let mut out = Vec::with_capacity(64);
        stream.poll_nack(now, Duration::from_millis(50), &mut out);
        out
    }

    #[test]
    fn lost_packets_are_asked_for_until_they_come() {
        let start = Instant::now();
        let mut stream = stream(start);
        for sequence in [65_533u16, 65_534, 2, 3] {
            assert!(matches!(
                stream.handle_packet(sequence, true, Some(0), start),
                Received::New(_)
            ));
        }
        assert_eq!(nacks(&mut stream, start), []);
        let patience = start + Duration::from_millis(5);
        assert_eq!(stream.poll_timeout(), Some(patience));
        assert_eq!(nacks(&mut stream, patience), [65_535, 0, 1]);
        assert_eq!(nacks(&mut stream, patience + Duration::from_millis(49)), []);
        assert!(matches!(
            stream.handle_packet(0, true, None, patience),
            Received::New(_)
        ));
        assert_eq!(
            stream.handle_packet(0, true, None, patience),
            Received::Duplicate
        );
        assert_eq!(
            nacks(&mut stream, patience + Duration::from_millis(50)),
            [65_535, 1]
        );
        assert!(!stream.take_unrepaired());
    }

    #[test]
    fn what_does_not_come_in_time_is_given_up() {
        let start = Instant::now();
        let mut stream = stream(start);
        stream.handle_packet(1, true, Some(0), start);
        stream.handle_packet(3, true, Some(0), start);
        let mut asked = 0;
        for milli in 0..2_000 {
            asked += nacks(&mut stream, start + Duration::from_millis(milli)).len();
        }
        assert_eq!(asked, usize::from(NACK_TRIES));
        assert!(stream.take_unrepaired() && !stream.take_unrepaired());
        assert_eq!(stream.poll_timeout(), None);
        // A jump is not asked for at all.
        stream.handle_packet(20_000, true, Some(0), start);
        assert!(stream.take_unrepaired());
        assert_eq!(stream.poll_timeout(), None);
    }

    #[test]
    fn five_percent_loss_on_both_ways_leaves_less_than_a_thousandth() {
        let start = Instant::now();
        let mut stream = stream(start);
        let mut seed = 0x1234_5678_9abc_def1u64;
        let mut lost = move || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed % 100 < 5
        };
        let mut returning: Vec<(u64, u16)> = Vec::new();
        let mut delivered = 0;
        let total = 20_000u64;
        for milli in 0..total + 2_000 {
            let now = start + Duration::from_millis(milli);
            let mut take = |stream: &mut ReceiveStream, sequence, timestamp| {
                if !lost()
                    && matches!(
                        stream.handle_packet(sequence, true, timestamp, now),
                        Received::New(_)
                    )
                {
                    delivered += 1;
                }
            };
            if milli < total {
                take(&mut stream, milli as u16, Some(0));
            }
            let (due, later): (Vec<_>, Vec<_>) = returning.drain(..).partition(|r| r.0 <= milli);
            returning = later;
            for (_, sequence) in due {
                take(&mut stream, sequence, None);
            }
            for sequence in nacks(&mut stream, now) {
                // The request itself may be lost as well; it is not counted here.
                returning.push((milli + 50, sequence));
            }
        }
        let residual = total - delivered;
        assert!(residual < total / 1_000, "{residual} of {total} lost");
    }

    #[test]
    fn padding_only_packets_leave_no_gap_behind() {
        let start = Instant::now();
        let mut stream = stream(start);
        let mut numbers = Vec::new();
        for (sequence, payload) in [(10, true), (11, false), (13, true), (12, false), (14, true)] {
            if let Received::New(number) = stream.handle_packet(sequence, payload, Some(0), start) {
                numbers.push(number & 0xffff);
            }
        }
        // 13 had its number before it was known that 12 is padding: 12 keeps its own.
        assert_eq!(numbers, [10, 12, 11, 13]);
    }

    #[test]
    fn reports_say_what_was_lost_since_the_last_one() {
        let start = Instant::now();
        let mut stream = stream(start);
        assert_eq!(stream.report(start), None);
        for sequence in (0..100u16).filter(|sequence| sequence % 4 != 1) {
            stream.handle_packet(sequence, true, Some(u32::from(sequence) * 3_000), start);
        }
        let info = SenderInfo {
            ntp: NtpTime(5 << 32),
            ..SenderInfo::default()
        };
        stream.handle_sender_report(&info, start);
        let report = stream.report(start + Duration::from_secs(1)).unwrap();
        assert_eq!((report.fraction_lost, report.cumulative_lost), (64, 25));
        assert_eq!((report.highest_sequence, report.last_sr), (99, 5 << 16));
        assert_eq!(report.delay_since_last_sr, 1 << 16);
        for sequence in 100..200 {
            stream.handle_packet(sequence, true, Some(0), start);
        }
        let report = stream.report(start).unwrap();
        assert_eq!((report.fraction_lost, report.cumulative_lost), (0, 25));
    }
}
