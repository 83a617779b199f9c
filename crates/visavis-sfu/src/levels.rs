//! How loud an audio track is, from what its packets say of themselves (RFC 6464).

use std::time::{Duration, Instant};

/// Time over which the loudest packet counts: shorter than a syllable's pause is
/// heard as one.
const INTERVAL: Duration = Duration::from_millis(300);
/// A change that is worth telling, dB.
const NOTICEABLE: u8 = 4;
/// A voice is told again after this long although it has not changed: whoever
/// takes it for silent, because it was muted meanwhile, must learn better.
const REPEAT: Duration = Duration::from_secs(1);
/// Silence after this long without a packet: with discontinuous transmission one
/// comes every 400 ms.
const SILENT_AFTER: Duration = Duration::from_millis(900);

/// The level of one track.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct AudioLevel {
    loudest: u8,
    since: Option<Instant>,
    last: Option<Instant>,
    told: u8,
    told_at: Option<Instant>,
}

impl AudioLevel {
    /// Takes the extension's octet: voice activity, and the level as the
    /// negative of dB over full scale. Gives 0 (silent) to 127 when that is news.
    pub(crate) fn handle_packet(&mut self, octet: u8, now: Instant) -> Option<u8> {
        self.last = Some(now);
        self.loudest = self.loudest.max(127 - (octet & 0x7f));
        let since = *self.since.get_or_insert(now);
        if now < since + INTERVAL {
            return None;
        }
        self.since = Some(now);
        let level = std::mem::take(&mut self.loudest);
        self.tell(level, now)
    }

    /// Notices a track that has fallen silent.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Option<u8> {
        let silent = self.last.is_some_and(|last| now >= last + SILENT_AFTER);
        if !silent {
            return None;
        }
        self.loudest = 0;
        self.since = None;
        self.tell(0, now)
    }

    fn tell(&mut self, level: u8, now: Instant) -> Option<u8> {
        let stale = self.told_at.is_none_or(|at| now >= at + REPEAT);
        let ended = level == 0 && self.told != 0;
        let news = level.abs_diff(self.told) >= NOTICEABLE || ended || stale && level > 0;
        news.then(|| {
            self.told = level;
            self.told_at = Some(now);
            level
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speech_is_told_when_it_begins_changes_and_ends() {
        let start = Instant::now();
        let mut level = AudioLevel::default();
        let mut told = Vec::new();
        for packet in 0..100u32 {
            let now = start + Duration::from_millis(20) * packet;
            let octet = match packet {
                0..20 => 127,
                20..60 => 0x80 | (30 + (packet % 3) as u8),
                _ => 0x80 | 50,
            };
            told.extend(level.handle_packet(octet, now));
        }
        // The second one lasts longer than is told at once.
        assert_eq!(told, [97, 77]);
        let end = start + Duration::from_millis(2_000);
        assert_eq!(level.handle_timeout(end), None);
        assert_eq!(level.handle_timeout(end + SILENT_AFTER), Some(0));
        assert_eq!(level.handle_timeout(end + SILENT_AFTER * 2), None);
    }
}
