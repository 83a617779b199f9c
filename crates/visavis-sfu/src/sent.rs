//! What was sent over one transport: as little of it as sending it again takes.
//!
//! One ring for all streams of the transport, written from front to back. A ring
//! per stream would be simpler to search, but with thousands of subscriptions
//! each packet then writes to memory that nothing has touched for seconds: that
//! cost as much as half an encryption. Searching is rare, and short.

use std::time::Instant;

use visavis_rtp::codec::vp8;

use crate::cache::HORIZON;
use crate::meta::PacketMeta;
use crate::rewrite::Rewritten;

/// Places at first: a second of speech. A ring that comes round within the
/// horizon doubles.
const FIRST_PLACES: usize = 64;
/// Places at most: a second of 8,192 packets, some 80 Mbit/s. This is also what
/// one search costs at most, and the number of searches is bounded per second.
const MAX_PLACES: usize = 8_192;

/// One life of a received source: packet numbers of two of them have nothing to
/// do with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Origin(pub u32);

/// A packet that was sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    /// Our source.
    pub(crate) ssrc: u32,
    /// The lower half of the extended sequence number.
    pub(crate) sequence: u32,
    /// The publisher's packet.
    pub(crate) source: u64,
    pub(crate) origin: Origin,
    pub(crate) timestamp: u32,
    /// The transport-wide number, which a literal repetition must repeat.
    pub(crate) number: u16,
    picture_id: u16,
    tl0_pic_idx: u8,
    key_idx: u8,
    pub(crate) marker: bool,
    pub(crate) with_mid: bool,
}

impl Sent {
    pub(crate) fn new(
        meta: &PacketMeta,
        (ssrc, origin): (u32, Origin),
        out: &Rewritten,
        (number, with_mid): (u16, bool),
    ) -> Self {
        let vp8 = out.vp8.unwrap_or_default();
        Self {
            ssrc,
            sequence: out.sequence as u32,
            source: meta.sequence,
            origin,
            timestamp: out.timestamp,
            number,
            picture_id: vp8.picture_id.map_or(0, |(id, _)| id),
            tl0_pic_idx: vp8.tl0_pic_idx.unwrap_or(0),
            key_idx: vp8.key_idx.unwrap_or(0),
            marker: meta.marker,
            with_mid,
        }
    }

    /// The record of its retransmission under another transport-wide number. It
    /// names its section: the receiver may know the source by nothing else yet.
    pub(crate) fn again(self, number: u16) -> Self {
        Self {
            number,
            with_mid: true,
            ..self
        }
    }

    /// The VP8 descriptor that it had: the publisher's with our numbers.
    pub(crate) fn descriptor(&self, meta: &PacketMeta) -> Option<vp8::Descriptor> {
        let publishers = meta.vp8?;
        Some(vp8::Descriptor {
            picture_id: publishers.picture_id.map(|_| (self.picture_id, true)),
            tl0_pic_idx: publishers.tl0_pic_idx.map(|_| self.tl0_pic_idx),
            key_idx: publishers.key_idx.map(|_| self.key_idx),
            ..publishers
        })
    }
}

/// The packets of the last second or more, in the order they were sent.
#[derive(Debug)]
pub(crate) struct SentRing {
    records: Vec<Sent>,
    /// Where the next one goes.
    head: usize,
    places: usize,
    lap_started: Option<Instant>,
}

impl Default for SentRing {
    fn default() -> Self {
        Self {
            records: Vec::with_capacity(FIRST_PLACES),
            head: 0,
            places: FIRST_PLACES,
            lap_started: None,
        }
    }
}

impl SentRing {
    pub(crate) fn push(&mut self, sent: Sent, now: Instant) {
        if self.head == self.places {
            self.come_round(now);
        }
        match self.records.get_mut(self.head) {
            Some(place) => *place = sent,
            None => self.records.push(sent),
        }
        self.head += 1;
    }

    fn come_round(&mut self, now: Instant) {
        let started = self.lap_started.get_or_insert(now);
        let early = now.saturating_duration_since(*started) < HORIZON;
        if early && self.places < MAX_PLACES {
            // Here the records are in order, from the first to the last.
            self.records.reserve_exact(self.places);
            self.places *= 2;
        } else {
            self.head = 0;
            *started = now;
        }
    }

    /// The newest packet of `ssrc` with these lower 16 bits of its number.
    pub(crate) fn find(&self, ssrc: u32, sequence: u16) -> Option<Sent> {
        let (newer, older) = self.records.split_at(self.head.min(self.records.len()));
        let mut newest_first = newer.iter().rev().chain(older.iter().rev());
        newest_first
            .find(|sent| sent.sequence as u16 == sequence && sent.ssrc == ssrc)
            .copied()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn sent(ssrc: u32, sequence: u32) -> Sent {
        Sent {
            ssrc,
            sequence,
            source: u64::from(sequence),
            origin: Origin(0),
            timestamp: 0,
            number: 0,
            picture_id: 0,
            tl0_pic_idx: 0,
            key_idx: 0,
            marker: false,
            with_mid: false,
        }
    }

    #[test]
    fn a_second_of_two_streams_is_there_and_what_is_older_goes() {
        let start = Instant::now();
        let mut ring = SentRing::default();
        for n in 0..3_000u32 {
            let now = start + Duration::from_millis(5) * n;
            // Across the end of the 16-bit numbers.
            ring.push(sent(1, 65_000 + n), now);
            ring.push(sent(2, n), now);
            let second_ago = n.saturating_sub(199);
            for (ssrc, sequence) in [(1, 65_000 + second_ago), (2, second_ago)] {
                let found = ring.find(ssrc, sequence as u16).unwrap();
                assert_eq!((found.ssrc, found.sequence), (ssrc, sequence));
            }
        }
        assert_eq!(ring.records.len(), 512);
        assert!(ring.find(2, 2_999 - 256).is_none());
        assert!(ring.find(3, 2_999).is_none());
    }

    #[test]
    fn a_ring_stops_growing() {
        let now = Instant::now();
        let mut ring = SentRing::default();
        for n in 0..3 * MAX_PLACES as u32 {
            ring.push(sent(1, n), now);
        }
        assert_eq!(ring.records.len(), MAX_PLACES);
        assert!(ring.find(1, (2 * MAX_PLACES) as u16).is_some());
        assert!(ring.find(1, (2 * MAX_PLACES - 1) as u16).is_none());
    }

    #[test]
    fn a_record_fits_half_a_cache_line() {
        assert_eq!(size_of::<Sent>(), 32);
    }
}
