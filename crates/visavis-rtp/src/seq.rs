//! Numbers that wrap: comparing them, and extending them so that they do not.

/// Whether `a` is newer than `b` in a 16-bit circle (RFC 1982).
#[must_use]
pub fn is_newer(a: u16, b: u16) -> bool {
    a != b && a.wrapping_sub(b) < 0x8000
}

/// Extends 16-bit numbers to 64 bits by their distance to the newest one seen.
#[derive(Debug, Clone, Copy, Default)]
pub struct Extender16 {
    newest: Option<u64>,
}

impl Extender16 {
    /// Where the count begins: one turn up, so that numbers older than the
    /// first one still have a place.
    const ORIGIN: u64 = 1 << 16;

    /// Extends `value` and remembers it when it is the newest.
    pub fn extend(&mut self, value: u16) -> u64 {
        let extended = self.peek(value);
        if self.newest.is_none_or(|newest| extended > newest) {
            self.newest = Some(extended);
        }
        extended
    }

    /// Extends `value` without remembering it.
    #[must_use]
    pub fn peek(&self, value: u16) -> u64 {
        let Some(newest) = self.newest else {
            return Self::ORIGIN | u64::from(value);
        };
        let step = value.wrapping_sub(newest as u16) as i16;
        newest.saturating_add_signed(i64::from(step))
    }

    /// The newest number so far.
    #[must_use]
    pub fn newest(&self) -> Option<u64> {
        self.newest
    }
}

/// Extends 32-bit numbers (RTP timestamps) to 64 bits.
#[derive(Debug, Clone, Copy, Default)]
pub struct Extender32 {
    newest: Option<u64>,
}

impl Extender32 {
    const ORIGIN: u64 = 1 << 32;

    /// Extends `value` and remembers it when it is the newest.
    pub fn extend(&mut self, value: u32) -> u64 {
        let extended = match self.newest {
            None => Self::ORIGIN | u64::from(value),
            Some(newest) => {
                let step = value.wrapping_sub(newest as u32) as i32;
                newest.saturating_add_signed(i64::from(step))
            }
        };
        if self.newest.is_none_or(|newest| extended > newest) {
            self.newest = Some(extended);
        }
        extended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_is_decided_on_the_shorter_way_round() {
        assert!(is_newer(1, 0) && is_newer(0, 65_535) && is_newer(0x7fff, 0));
        assert!(!is_newer(0, 1) && !is_newer(5, 5) && !is_newer(0x8000, 0));
    }

    #[test]
    fn a_count_goes_on_through_the_wrap_and_takes_late_numbers_back() {
        let mut extender = Extender16::default();
        let first = extender.extend(65_534);
        assert_eq!(extender.extend(1), first + 3);
        assert_eq!(extender.extend(65_535), first + 1);
        assert_eq!(extender.newest(), Some(first + 3));
        assert_eq!(extender.extend(2), first + 4);
    }

    #[test]
    fn numbers_older_than_the_first_have_a_place() {
        let mut extender = Extender16::default();
        let first = extender.extend(0);
        assert_eq!(extender.extend(65_535), first - 1);
        let mut extender = Extender32::default();
        let first = extender.extend(0);
        assert_eq!(extender.extend(u32::MAX), first - 1);
    }
}
