//! One clock per publisher: sender reports that receivers get are all told on our
//! clock, by one mapping per publisher, so that what belongs together plays in sync.

use std::time::{Duration, Instant};

use visavis_rtp::ntp::NtpTime;
use visavis_rtp::rtcp::SenderInfo;

/// Our wall clock as NTP time, for a given `Instant`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WallClock {
    start: Instant,
    ntp: NtpTime,
}

impl WallClock {
    pub(crate) fn new(start: Instant, ntp: NtpTime) -> Self {
        Self { start, ntp }
    }

    pub(crate) fn at(&self, now: Instant) -> NtpTime {
        self.ntp.plus(now.saturating_duration_since(self.start))
    }
}

/// How far a publisher's clock is from ours: set by its first sender report and
/// kept, since receivers only compare its streams with one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClockOffset(i64);

impl ClockOffset {
    /// The offset of a publisher whose report arrived at our time `now`.
    pub(crate) fn of(report: NtpTime, now: NtpTime) -> Self {
        Self(report.0.wrapping_sub(now.0) as i64)
    }

    /// Our time on the publisher's clock.
    pub(crate) fn to_publisher(self, ours: NtpTime) -> NtpTime {
        NtpTime(ours.0.wrapping_add_signed(self.0))
    }
}

/// A point where a source's RTP clock and its publisher's clock meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClockPoint {
    ntp: NtpTime,
    rtp: u32,
}

impl From<&SenderInfo> for ClockPoint {
    fn from(info: &SenderInfo) -> Self {
        Self {
            ntp: info.ntp,
            rtp: info.rtp,
        }
    }
}

impl ClockPoint {
    /// The RTP timestamp at `ntp` of the publisher's clock.
    pub(crate) fn rtp_at(&self, ntp: NtpTime, clock_rate: u32) -> u32 {
        let ticks =
            |time: Duration| (time.as_nanos() * u128::from(clock_rate) / 1_000_000_000) as u32;
        match (ntp.since(self.ntp), self.ntp.since(ntp)) {
            (Some(later), _) => self.rtp.wrapping_add(ticks(later)),
            (None, Some(earlier)) => self.rtp.wrapping_sub(ticks(earlier)),
            (None, None) => self.rtp,
        }
    }

    /// The publisher's time at which a packet has this timestamp.
    pub(crate) fn ntp_at(&self, rtp: u32, clock_rate: u32) -> NtpTime {
        let ticks = i64::from(rtp.wrapping_sub(self.rtp) as i32);
        let units = (i128::from(ticks) << 32) / i128::from(clock_rate.max(1));
        NtpTime(self.ntp.0.wrapping_add_signed(units as i64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_carried_from_one_source_to_another_and_back() {
        let second = 1u64 << 32;
        let audio = ClockPoint {
            ntp: NtpTime(100 * second),
            rtp: u32::MAX - 100,
        };
        let video = ClockPoint {
            ntp: NtpTime(102 * second),
            rtp: 5_000,
        };
        let ntp = audio.ntp_at((u32::MAX - 100).wrapping_add(48_000), 48_000);
        assert_eq!(ntp, NtpTime(101 * second));
        assert_eq!(video.rtp_at(ntp, 90_000), 5_000u32.wrapping_sub(90_000));
        assert_eq!(
            audio.rtp_at(ntp, 48_000),
            (u32::MAX - 100).wrapping_add(48_000)
        );
    }

    #[test]
    fn the_publishers_clock_is_kept_apart_from_ours() {
        let offset = ClockOffset::of(NtpTime(7 << 32), NtpTime(9 << 32));
        assert_eq!(offset.to_publisher(NtpTime(10 << 32)), NtpTime(8 << 32));
    }
}
