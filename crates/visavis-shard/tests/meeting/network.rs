//! A network that loses and reorders, the same way for the same seed.

use std::time::{Duration, Instant};

/// xorshift64: a few lines, and every run sees the same numbers.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Whether something happens that happens `percent` times of a hundred.
    pub(crate) fn happens(&mut self, percent: u64) -> bool {
        self.next() % 10_000 < percent * 100
    }
}

/// One direction between a client and the server.
#[derive(Clone, Copy)]
pub(crate) struct Link {
    /// Per cent of the datagrams that are lost.
    pub loss: u64,
    pub delay: Duration,
    /// Up to so much longer; datagrams overtake each other.
    pub jitter: Duration,
}

impl Link {
    pub(crate) const GOOD: Self = Self {
        loss: 0,
        delay: Duration::from_millis(10),
        jitter: Duration::ZERO,
    };
    /// 5 % lost, and every second datagram overtakes or is overtaken.
    pub(crate) const LOSSY: Self = Self {
        loss: 5,
        delay: Duration::from_millis(15),
        jitter: Duration::from_millis(8),
    };

    /// When a datagram arrives; `None` when it is lost.
    pub(crate) fn arrival(&self, random: &mut Random, now: Instant) -> Option<Instant> {
        if random.happens(self.loss) {
            return None;
        }
        let jitter = random.next() % (self.jitter.as_micros() as u64 + 1);
        Some(now + self.delay + Duration::from_micros(jitter))
    }
}
