//! The last packets of one received stream, for fan-out and retransmission.

use std::time::{Duration, Instant};

use crate::meta::PacketMeta;

/// How long a packet is kept: retransmissions older than this come too late for
/// a conversation. (A recorder keeps its own horizon.)
pub(crate) const HORIZON: Duration = Duration::from_secs(1);
/// Bytes at first: a second of speech, or of a small video layer.
const FIRST_BYTES: usize = 16 << 10;
/// Bytes at most: a second at 16 Mbit/s, more than any camera sends.
const MAX_BYTES: usize = 2 << 20;
/// Packets at first and at most; the most is a second of 2,000 packets.
const FIRST_PACKETS: usize = 64;
const MAX_PACKETS: usize = 2_048;

/// A packet in the cache.
#[derive(Debug, Clone, Copy)]
pub struct Cached<'a> {
    /// What is known of it.
    pub meta: &'a PacketMeta,
    /// Its payload without padding.
    pub payload: &'a [u8],
    /// Its header extensions that are passed on, as the caller wrote them.
    pub extensions: &'a [u8],
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    meta: PacketMeta,
    /// Which turn of the byte ring wrote it, and where.
    lap: u64,
    start: usize,
    payload: u16,
    extensions: u16,
}

/// A ring of bytes and a ring of entries, indexed by sequence number. Each
/// doubles when it comes round before the horizon has passed; in a steady
/// stream nothing is allocated and nothing is searched.
#[derive(Debug)]
pub struct PacketCache {
    bytes: Vec<u8>,
    /// Where the next packet's bytes go.
    head: usize,
    lap: u64,
    lap_started: Option<Instant>,
    entries: Vec<Option<Entry>>,
}

impl Default for PacketCache {
    fn default() -> Self {
        Self {
            bytes: vec![0; FIRST_BYTES],
            head: 0,
            lap: 0,
            lap_started: None,
            entries: vec![None; FIRST_PACKETS],
        }
    }
}

impl PacketCache {
    /// Keeps a packet. One that is larger than a datagram is not kept.
    pub fn push(&mut self, meta: PacketMeta, payload: &[u8], extensions: &[u8]) {
        let (Ok(payload_len), Ok(extensions_len)) = (
            u16::try_from(payload.len()),
            u16::try_from(extensions.len()),
        ) else {
            return;
        };
        let len = payload.len() + extensions.len();
        if len > FIRST_BYTES {
            return;
        }
        let start = self.reserve(len, meta.arrival);
        let (first, second) = self.bytes[start..start + len].split_at_mut(payload.len());
        first.copy_from_slice(payload);
        second.copy_from_slice(extensions);
        self.grow_entries(&meta);
        let at = self.slot(meta.sequence);
        self.entries[at] = Some(Entry {
            meta,
            lap: self.lap,
            start,
            payload: payload_len,
            extensions: extensions_len,
        });
    }

    /// The packet with this extended sequence number, if it is still there.
    #[must_use]
    pub fn get(&self, sequence: u64) -> Option<Cached<'_>> {
        let entry = self.entries[self.slot(sequence)].as_ref()?;
        let intact = entry.lap == self.lap && entry.start < self.head
            || entry.lap + 1 == self.lap && entry.start >= self.head;
        if entry.meta.sequence != sequence || !intact {
            return None;
        }
        let len = usize::from(entry.payload) + usize::from(entry.extensions);
        let bytes = self.bytes.get(entry.start..entry.start + len)?;
        let (payload, extensions) = bytes.split_at(usize::from(entry.payload));
        Some(Cached {
            meta: &entry.meta,
            payload,
            extensions,
        })
    }

    fn slot(&self, sequence: u64) -> usize {
        // The length is a power of two.
        sequence as usize & (self.entries.len() - 1)
    }

    /// Takes `len` bytes of the ring and says where.
    fn reserve(&mut self, len: usize, now: Instant) -> usize {
        let lap_started = *self.lap_started.get_or_insert(now);
        if self.head + len > self.bytes.len() {
            let early = now.saturating_duration_since(lap_started) < HORIZON;
            if early && self.bytes.len() < MAX_BYTES {
                self.bytes.resize(self.bytes.len() * 2, 0);
            } else {
                self.head = 0;
                self.lap += 1;
                self.lap_started = Some(now);
            }
        }
        let start = self.head;
        self.head += len;
        start
    }

    /// Doubles the entries when this packet would push out one that is young.
    fn grow_entries(&mut self, meta: &PacketMeta) {
        let Some(old) = &self.entries[self.slot(meta.sequence)] else {
            return;
        };
        let young = meta.arrival.saturating_duration_since(old.meta.arrival) < HORIZON;
        if old.meta.sequence == meta.sequence || !young || self.entries.len() >= MAX_PACKETS {
            return;
        }
        let mut grown = vec![None; self.entries.len() * 2];
        for entry in self.entries.drain(..).flatten() {
            let at = entry.meta.sequence as usize & (grown.len() - 1);
            grown[at] = Some(entry);
        }
        self.entries = grown;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use visavis_rtp::{Codec, RtpFields, RtpHeader, RtpWriter};

    fn meta(sequence: u64, arrival: Instant) -> PacketMeta {
        let fields = RtpFields {
            marker: false,
            payload_type: 96,
            sequence: 0,
            timestamp: 0,
            ssrc: 1,
        };
        let mut bytes = [0; 12];
        RtpWriter::new(&mut bytes, &fields, false)
            .unwrap()
            .finish()
            .unwrap();
        let header = RtpHeader::parse(&bytes).unwrap();
        PacketMeta::read(&header, sequence, Codec::H264, &[], arrival)
    }

    /// Pushes `count` packets of `size` octets, `gap` apart, then says which are
    /// still whole.
    fn kept(cache: &mut PacketCache, count: u64, size: usize, gap: Duration) -> Vec<u64> {
        let start = Instant::now();
        for sequence in 0..count {
            let payload = vec![sequence as u8; size];
            let arrival = start + gap * u32::try_from(sequence).unwrap();
            cache.push(meta(sequence, arrival), &payload, &[!(sequence as u8); 3]);
        }
        (0..count)
            .filter(|sequence| {
                cache.get(*sequence).is_some_and(|cached| {
                    assert_eq!(cached.payload, vec![*sequence as u8; size]);
                    assert_eq!(cached.extensions, [!(*sequence as u8); 3]);
                    true
                })
            })
            .collect()
    }

    #[test]
    fn a_second_of_video_is_kept_at_any_usual_rate() {
        for (packets_per_second, size) in [(50, 80), (240, 1_100), (900, 1_200)] {
            let gap = Duration::from_secs(1) / packets_per_second;
            let count = u64::from(packets_per_second) * 5;
            let kept = kept(&mut PacketCache::default(), count, size, gap);
            assert!(
                kept.len() >= packets_per_second as usize,
                "{packets_per_second}: {}",
                kept.len()
            );
            assert_eq!(kept.last(), Some(&(count - 1)));
            assert!(kept.windows(2).all(|pair| pair[1] == pair[0] + 1));
        }
    }

    #[test]
    fn memory_stays_bounded_in_a_flood() {
        let mut cache = PacketCache::default();
        kept(&mut cache, 20_000, 1_400, Duration::from_micros(1));
        assert_eq!(cache.bytes.len(), MAX_BYTES);
        assert_eq!(cache.entries.len(), MAX_PACKETS);
    }

    #[test]
    fn late_packets_find_their_place_and_strangers_none() {
        let mut cache = PacketCache::default();
        let now = Instant::now();
        for sequence in [10, 12, 11] {
            cache.push(meta(sequence, now), &[sequence as u8], &[]);
        }
        assert_eq!(cache.get(11).unwrap().payload, [11]);
        assert!(cache.get(13).is_none() && cache.get(11 + 64).is_none());
        cache.push(meta(20, now), &vec![0; FIRST_BYTES + 1], &[]);
        assert!(cache.get(20).is_none());
    }
}
