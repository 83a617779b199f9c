//! NTP time as RTCP carries it (RFC 3550 section 4), and its relatives.

use std::time::Duration;

/// Seconds from the NTP era (1900) to the Unix epoch (1970).
const UNIX_EPOCH: u64 = 2_208_988_800;

/// A 64-bit NTP time: seconds in the upper, their fraction in the lower half.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct NtpTime(pub u64);

impl NtpTime {
    /// The NTP time of a time since the Unix epoch.
    #[must_use]
    pub fn from_unix(since_epoch: Duration) -> Self {
        let seconds = since_epoch.as_secs().wrapping_add(UNIX_EPOCH) << 32;
        let fraction = (u64::from(since_epoch.subsec_nanos()) << 32) / 1_000_000_000;
        Self(seconds | fraction)
    }

    /// The middle 32 bits, as LSR and DLSR use them: units of 1/65,536 s.
    #[must_use]
    pub fn middle(self) -> u32 {
        (self.0 >> 16) as u32
    }

    /// This time, `later` later.
    #[must_use]
    pub fn plus(self, later: Duration) -> Self {
        let units = (u128::from(later.as_nanos() as u64) << 32) / 1_000_000_000;
        Self(self.0.wrapping_add(units as u64))
    }

    /// How long after `earlier` this is; `None` when it is before.
    #[must_use]
    pub fn since(self, earlier: Self) -> Option<Duration> {
        let units = self.0.checked_sub(earlier.0)?;
        let nanos = (u128::from(units) * 1_000_000_000) >> 32;
        Some(Duration::from_nanos(nanos as u64))
    }
}

/// A duration in the units of DLSR: 1/65,536 s.
#[must_use]
pub fn to_dlsr(delay: Duration) -> u32 {
    u32::try_from((delay.as_nanos() << 16) / 1_000_000_000).unwrap_or(u32::MAX)
}

/// The duration behind a number of 1/65,536 s.
#[must_use]
pub fn from_dlsr(units: u32) -> Duration {
    Duration::from_nanos((u64::from(units) * 1_000_000_000) >> 16)
}

/// The 24-bit value of the abs-send-time extension: 6.18 fixed point seconds.
#[must_use]
pub fn abs_send_time(since_start: Duration) -> [u8; 3] {
    let units = (since_start.as_nanos() << 18) / 1_000_000_000;
    let bytes = (units as u32 & 0x00ff_ffff).to_be_bytes();
    [bytes[1], bytes[2], bytes[3]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unix_time_zero_is_in_1970_and_half_a_second_is_half_the_fraction() {
        assert_eq!(NtpTime::from_unix(Duration::ZERO).0 >> 32, UNIX_EPOCH);
        assert_eq!(
            NtpTime::from_unix(Duration::from_millis(500)).0 as u32,
            1 << 31
        );
    }

    #[test]
    fn differences_survive_the_way_there_and_back() {
        let start = NtpTime::from_unix(Duration::from_secs(1_700_000_000));
        let later = start.plus(Duration::from_millis(1_250));
        assert_eq!(later.since(start), Some(Duration::from_millis(1_250)));
        assert_eq!(start.since(later), None);
        assert_eq!(to_dlsr(Duration::from_millis(1_500)), 98_304);
        assert_eq!(from_dlsr(98_304), Duration::from_millis(1_500));
        assert_eq!(abs_send_time(Duration::from_secs(1)), [0x04, 0, 0]);
    }
}
