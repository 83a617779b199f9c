//! What one receiving transport's streams have in common: the transport-wide
//! numbers, and what was sent under them.

use std::time::Instant;

/// Packets remembered until feedback comes: two seconds at 1,000 packets/s.
/// A power of two, so that a number's place is its lower bits.
const HISTORY: usize = 2_048;

/// A packet that was sent under a transport-wide number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentPacket {
    /// The number.
    pub sequence: u16,
    /// When it was sent.
    pub at: Instant,
    /// Octets of the datagram's payload.
    pub size: u16,
}

/// The sending state of one transport.
#[derive(Debug)]
pub struct Downlink {
    next: u16,
    history: Vec<Option<SentPacket>>,
}

impl Default for Downlink {
    fn default() -> Self {
        Self {
            next: 0,
            history: vec![None; HISTORY],
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
        let size = u16::try_from(size).unwrap_or(u16::MAX);
        self.history[usize::from(sequence) % HISTORY] = Some(SentPacket { sequence, at, size });
    }

    /// What was sent under `sequence`, if it is remembered.
    #[must_use]
    pub fn sent(&self, sequence: u16) -> Option<SentPacket> {
        self.history[usize::from(sequence) % HISTORY].filter(|sent| sent.sequence == sequence)
    }
}
