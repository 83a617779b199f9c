//! What one receiving transport's streams have in common: the transport-wide
//! numbers, what was sent under them, and what can be sent again.

use std::num::NonZeroU16;
use std::time::{Duration, Instant};

use crate::sent::{Sent, SentRing};

/// Packets remembered until feedback comes: two seconds at 1,000 packets/s.
/// A power of two, so that a number's place is its lower bits.
const HISTORY: usize = 2_048;

/// A packet that was sent under a transport-wide number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentPacket {
    /// The number.
    pub sequence: u16,
    /// When it was sent, to the microsecond.
    pub at: Instant,
    /// Octets of the datagram's payload.
    pub size: u16,
}

/// A [`SentPacket`] in half the room.
#[derive(Debug, Clone, Copy)]
struct Noted {
    /// Since the first one.
    micros: u64,
    sequence: u16,
    /// No datagram is empty, which makes room to tell that there is none.
    size: NonZeroU16,
}

/// The sending state of one transport.
#[derive(Debug)]
pub struct Downlink {
    next: u16,
    /// When the first packet was sent.
    start: Option<Instant>,
    history: Box<[Option<Noted>]>,
    resendable: SentRing,
}

impl Default for Downlink {
    fn default() -> Self {
        Self {
            next: 0,
            start: None,
            history: vec![None; HISTORY].into(),
            resendable: SentRing::default(),
        }
    }
}

impl Downlink {
    /// The number of the next packet.
    pub(crate) fn number(&mut self) -> u16 {
        let number = self.next;
        self.next = number.wrapping_add(1);
        number
    }

    /// The packet with that number was sent.
    pub(crate) fn note(&mut self, sequence: u16, size: usize, at: Instant) {
        let start = *self.start.get_or_insert(at);
        let since = at.saturating_duration_since(start);
        let size = NonZeroU16::new(u16::try_from(size).unwrap_or(u16::MAX));
        let noted = size.map(|size| Noted {
            micros: since.as_secs() * 1_000_000 + u64::from(since.subsec_micros()),
            sequence,
            size,
        });
        if let Some(place) = self.history.get_mut(usize::from(sequence) % HISTORY) {
            *place = noted;
        }
    }

    /// What was sent under `sequence`, if it is remembered.
    #[must_use]
    pub fn sent(&self, sequence: u16) -> Option<SentPacket> {
        let noted = (*self.history.get(usize::from(sequence) % HISTORY)?)?;
        (noted.sequence == sequence).then_some(SentPacket {
            sequence,
            at: self.start? + Duration::from_micros(noted.micros),
            size: noted.size.get(),
        })
    }

    /// A packet was sent that may have to be sent again.
    pub(crate) fn keep(&mut self, sent: Sent, now: Instant) {
        self.resendable.push(sent, now);
    }

    /// The packet of `ssrc` with this 16-bit number, if it is not too old.
    pub(crate) fn kept(&self, ssrc: u32, sequence: u16) -> Option<Sent> {
        self.resendable.find(ssrc, sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_known_until_its_place_is_needed() {
        let start = Instant::now();
        let mut downlink = Downlink::default();
        for n in 0..70_000u32 {
            let at = start + Duration::from_micros(400) * n;
            let number = downlink.number();
            assert_eq!(number, n as u16);
            downlink.note(number, 1_000 + n as usize % 100, at);
        }
        let n = 70_000 - HISTORY as u32;
        let expected = SentPacket {
            sequence: n as u16,
            at: start + Duration::from_micros(400) * n,
            size: 1_000 + (n % 100) as u16,
        };
        assert_eq!(downlink.sent(n as u16), Some(expected));
        assert_eq!(downlink.sent(n as u16 - 1), None);
    }

    #[test]
    fn four_notes_fit_a_cache_line() {
        assert_eq!(size_of::<Option<Noted>>(), 16);
    }
}
