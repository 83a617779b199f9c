//! Making one gapless stream of what a receiver gets: layers change, frames of
//! higher temporal layers are left out, and numbers go on as if nothing happened.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use visavis_rtp::codec::vp8;

use crate::meta::PacketMeta;

/// Changes of the mapping that late packets can still be mapped by. At 30
/// frames/s with every second frame left out, this is four seconds.
const MAX_HISTORY: usize = 64;

/// A packet's numbers for one receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rewritten {
    /// Extended sequence number; its lower 16 bits go on the wire.
    pub sequence: u64,
    /// RTP timestamp.
    pub timestamp: u32,
    /// VP8's descriptor with continuous numbers.
    pub vp8: Option<vp8::Descriptor>,
}

/// The mapping from one source number on.
#[derive(Debug, Clone, Copy)]
struct Mapping {
    from: u64,
    /// What is added to source numbers (wrapping).
    sequence: u64,
    timestamp: u32,
    picture_id: u16,
    tl0_pic_idx: u8,
    key_idx: u8,
}

/// What the numbers of another source go on from.
#[derive(Debug, Clone, Copy)]
struct Last {
    arrival: Instant,
    /// The newest source number, sent or left out, and its picture.
    source: u64,
    source_picture_id: Option<u16>,
    /// As they were sent.
    timestamp: u32,
    picture_id: Option<u16>,
    tl0_pic_idx: Option<u8>,
    key_idx: Option<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Current {
    /// The mapping of the newest packets: in place, since one memory access more
    /// per packet is felt when there are thousands of subscriptions.
    mapping: Mapping,
    last: Last,
}

/// Mappings before the current one, oldest first.
#[derive(Debug, Default)]
struct History(VecDeque<Mapping>);

/// Rewrites the packets of one subscription.
///
/// For each source packet call exactly one of [`switch`](Self::switch) (first
/// packet of a keyframe of a layer that takes over),
/// [`forward`](Self::forward), or [`leave_out`](Self::leave_out). A sequence
/// number is never given to two different packets.
#[derive(Debug)]
pub struct Rewriter {
    next: u64,
    /// `None` until the first source begins.
    current: Option<Current>,
    clock_rate: u32,
    /// Only where something was left out: outside, for its size.
    history: Option<Box<History>>,
}

impl Rewriter {
    /// A stream that begins with `first_sequence`.
    #[must_use]
    pub fn new(clock_rate: u32, first_sequence: u16) -> Self {
        Self {
            next: u64::from(first_sequence),
            current: None,
            clock_rate,
            history: None,
        }
    }

    /// Begins with, or changes to, the source that `meta` belongs to.
    ///
    /// `aligned` is the packet's timestamp on the old source's clock, where the
    /// publisher's sender reports tell it. Without it, or when it can't be right,
    /// time goes on by the time between arrivals.
    pub fn switch(&mut self, meta: &PacketMeta, aligned: Option<u32>) -> Rewritten {
        let aligned = aligned.and_then(|timestamp| self.map_timestamp(timestamp));
        let mut mapping = Mapping {
            from: meta.sequence,
            sequence: self.next.wrapping_sub(meta.sequence),
            timestamp: 0,
            picture_id: 0,
            tl0_pic_idx: 0,
            key_idx: 0,
        };
        let last = self.current.map(|current| current.last);
        if let Some(last) = &last {
            mapping.timestamp = self
                .next_timestamp(last, meta, aligned)
                .wrapping_sub(meta.timestamp);
            if let Some(new) = &meta.vp8 {
                if let (Some(old), Some((new, _))) = (last.picture_id, new.picture_id) {
                    mapping.picture_id = old.wrapping_add(1).wrapping_sub(new);
                }
                if let (Some(old), Some(new)) = (last.tl0_pic_idx, new.tl0_pic_idx) {
                    mapping.tl0_pic_idx = old.wrapping_add(1).wrapping_sub(new);
                }
                if let (Some(old), Some(new)) = (last.key_idx, new.key_idx) {
                    mapping.key_idx = old.wrapping_add(1).wrapping_sub(new);
                }
            }
        }
        // Late packets of the old source must not be mapped by the new one.
        if let Some(history) = &mut self.history {
            history.0.clear();
        }
        self.emit(meta, mapping, mapping)
    }

    /// The timestamp of the first packet of a source that takes over.
    fn next_timestamp(&self, last: &Last, meta: &PacketMeta, aligned: Option<u32>) -> u32 {
        let elapsed = meta.arrival.saturating_duration_since(last.arrival);
        // Two frames never share a timestamp.
        let ticks = ticks(elapsed, self.clock_rate).max(1);
        let by_arrival = last.timestamp.wrapping_add(ticks);
        let plausible = |timestamp: &u32| {
            let after = timestamp.wrapping_sub(last.timestamp) as i32 > 0;
            let apart = (timestamp.wrapping_sub(by_arrival) as i32).unsigned_abs();
            after && apart < self.clock_rate
        };
        aligned.filter(plausible).unwrap_or(by_arrival)
    }

    /// The extended sequence number with this lower half that was given last.
    pub(crate) fn extend(&self, sequence: u32) -> u64 {
        let back = (self.next as u32).wrapping_sub(sequence);
        self.next.wrapping_sub(u64::from(back))
    }

    /// The number of the next new packet.
    pub(crate) fn next_sequence(&self) -> u64 {
        self.next
    }

    /// The timestamp of the newest packet; 0 before the first.
    pub(crate) fn last_timestamp(&self) -> u32 {
        self.current.map_or(0, |current| current.last.timestamp)
    }

    /// What the current source's timestamp is for the receiver.
    #[must_use]
    pub fn map_timestamp(&self, timestamp: u32) -> Option<u32> {
        let mapping = self.current.as_ref()?.mapping;
        Some(timestamp.wrapping_add(mapping.timestamp))
    }

    /// Maps a packet of the current source. `None` before the first
    /// [`switch`](Self::switch), and for one from before it.
    pub fn forward(&mut self, meta: &PacketMeta) -> Option<Rewritten> {
        let current = self.current.as_ref()?.mapping;
        let mut mapping = current;
        if meta.sequence < mapping.from {
            let mut older = self.history.as_ref()?.0.iter().rev();
            mapping = *older.find(|mapping| mapping.from <= meta.sequence)?;
        }
        Some(self.emit(meta, mapping, current))
    }

    /// Leaves a packet out without a gap. Only the newest packet can be left
    /// out so; of a late one the receiver sees a gap.
    pub fn leave_out(&mut self, meta: &PacketMeta) {
        let Some(Current { mapping, last }) = &mut self.current else {
            return;
        };
        if meta.sequence <= last.source {
            return;
        }
        let picture_id = picture_id(meta);
        let new_frame = picture_id.is_some() && picture_id != last.source_picture_id;
        last.source = meta.sequence;
        last.source_picture_id = picture_id.or(last.source_picture_id);
        let History(history) = &mut **self.history.get_or_insert_default();
        if history.len() == MAX_HISTORY {
            history.pop_front();
        }
        history.push_back(*mapping);
        mapping.from = meta.sequence + 1;
        mapping.sequence = mapping.sequence.wrapping_sub(1);
        mapping.picture_id = mapping.picture_id.wrapping_sub(u16::from(new_frame));
    }

    /// Numbers a packet by `mapping`; `current` is that of the newest packets.
    fn emit(&mut self, meta: &PacketMeta, mapping: Mapping, current: Mapping) -> Rewritten {
        let vp8 = meta.vp8.map(|descriptor| mapping.apply(descriptor));
        let out = Rewritten {
            sequence: meta.sequence.wrapping_add(mapping.sequence),
            timestamp: meta.timestamp.wrapping_add(mapping.timestamp),
            vp8,
        };
        if out.sequence >= self.next {
            self.next = out.sequence + 1;
            let last = Last {
                arrival: meta.arrival,
                source: meta.sequence,
                source_picture_id: picture_id(meta),
                timestamp: out.timestamp,
                picture_id: vp8.and_then(|vp8| vp8.picture_id).map(|(id, _)| id),
                tl0_pic_idx: vp8.and_then(|vp8| vp8.tl0_pic_idx),
                key_idx: vp8.and_then(|vp8| vp8.key_idx),
            };
            self.current = Some(Current {
                mapping: current,
                last,
            });
        }
        out
    }
}

impl Mapping {
    fn apply(&self, mut vp8: vp8::Descriptor) -> vp8::Descriptor {
        let id = |(id, _): (u16, bool)| (id.wrapping_add(self.picture_id) & 0x7fff, true);
        vp8.picture_id = vp8.picture_id.map(id);
        let index = |index: u8| index.wrapping_add(self.tl0_pic_idx);
        vp8.tl0_pic_idx = vp8.tl0_pic_idx.map(index);
        let index = |index: u8| index.wrapping_add(self.key_idx) & 0x1f;
        vp8.key_idx = vp8.key_idx.map(index);
        vp8
    }
}

fn picture_id(meta: &PacketMeta) -> Option<u16> {
    meta.vp8?.picture_id.map(|(id, _)| id)
}

fn ticks(time: Duration, clock_rate: u32) -> u32 {
    (time.as_micros() * u128::from(clock_rate) / 1_000_000) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(sequence: u64, frame: u16, temporal: u8, arrival: Instant) -> PacketMeta {
        let vp8 = vp8::Descriptor {
            partition_start: true,
            picture_id: Some((frame & 0x7fff, true)),
            tl0_pic_idx: Some((frame / 2) as u8),
            temporal: Some((temporal, false)),
            key_idx: Some(3),
            len: 6,
            ..vp8::Descriptor::default()
        };
        PacketMeta {
            sequence,
            timestamp: u32::from(frame) * 3_000,
            arrival,
            payload_type: 96,
            marker: true,
            starts_keyframe: frame == 0,
            starts_frame: true,
            temporal,
            switching_up: true,
            vp8: Some(vp8),
        }
    }

    fn picture(out: &Rewritten) -> u16 {
        out.vp8.unwrap().picture_id.unwrap().0
    }

    #[test]
    fn numbers_go_on_when_layers_change() {
        let start = Instant::now();
        let mut rewriter = Rewriter::new(90_000, 500);
        let first = rewriter.switch(&meta(70_000, 32_760, 0, start), None);
        assert_eq!((first.sequence, first.timestamp), (500, 32_760 * 3_000));
        let mut last = first;
        for n in 1..20u16 {
            let now = start + Duration::from_millis(33) * u32::from(n);
            let out = rewriter
                .forward(&meta(70_000 + u64::from(n), 32_760 + n, 0, now))
                .unwrap();
            assert_eq!(out.sequence, last.sequence + 1);
            assert_eq!(picture(&out), (picture(&last) + 1) & 0x7fff);
            last = out;
        }
        // Another layer with other numbers, 40 ms later.
        let now = start + Duration::from_millis(33 * 19 + 40);
        let out = rewriter.switch(&meta(3, 9, 0, now), None);
        assert_eq!(out.sequence, last.sequence + 1);
        assert_eq!(out.timestamp, last.timestamp.wrapping_add(3_600));
        assert_eq!(picture(&out), (picture(&last) + 1) & 0x7fff);
        let (new, old) = (out.vp8.unwrap(), last.vp8.unwrap());
        assert_eq!(
            new.tl0_pic_idx,
            old.tl0_pic_idx.map(|index| index.wrapping_add(1))
        );
        assert_eq!(new.key_idx, Some(4));
        // What is late of the old layer has no place any more.
        assert_eq!(rewriter.forward(&meta(2, 8, 0, now)), None);
    }

    #[test]
    fn frames_of_higher_temporal_layers_leave_no_gap() {
        let start = Instant::now();
        let mut rewriter = Rewriter::new(90_000, 0);
        let mut sequences = vec![rewriter.switch(&meta(1_000, 0, 0, start), None)];
        // Frames of two packets; every second one is of layer 1 and left out.
        for n in 1..400u64 {
            let frame = (n / 2) as u16;
            let packet = meta(1_000 + n, frame, (frame % 2) as u8, start);
            if frame % 2 == 1 {
                rewriter.leave_out(&packet);
            } else {
                sequences.push(rewriter.forward(&packet).unwrap());
            }
        }
        for (n, out) in sequences.iter().enumerate() {
            assert_eq!(out.sequence, n as u64);
            assert_eq!(picture(out), (n / 2) as u16);
        }
    }

    #[test]
    fn late_packets_get_the_places_that_were_kept_for_them() {
        let start = Instant::now();
        let mut rewriter = Rewriter::new(90_000, 0);
        rewriter.switch(&meta(10, 0, 0, start), None);
        let mut seen = vec![0];
        rewriter.leave_out(&meta(12, 2, 1, start));
        for (source, frame) in [(14, 4), (13, 3), (11, 1), (15, 5)] {
            seen.push(
                rewriter
                    .forward(&meta(source, frame, 0, start))
                    .unwrap()
                    .sequence,
            );
        }
        assert_eq!(seen, [0, 3, 2, 1, 4]);
    }

    #[test]
    fn two_sources_that_arrive_at_once_do_not_share_a_timestamp() {
        let start = Instant::now();
        let mut rewriter = Rewriter::new(90_000, 0);
        let first = rewriter.switch(&meta(1, 0, 0, start), None);
        let second = rewriter.switch(&meta(500, 700, 0, start), None);
        assert_eq!(second.timestamp, first.timestamp.wrapping_add(1));
    }

    #[test]
    fn a_number_is_known_by_its_lower_half() {
        let start = Instant::now();
        let mut rewriter = Rewriter::new(90_000, 0x7fff);
        rewriter.switch(&meta(0, 0, 0, start), None);
        assert_eq!(rewriter.extend(0x7fff), 0x7fff);
        // More than a publisher sends in a year, for the arithmetic.
        rewriter.forward(&meta(0xffff_ffff, 1, 0, start));
        assert_eq!(rewriter.extend(0x7ffe), 0x1_0000_7ffe);
        assert_eq!(rewriter.extend(0xffff_fff0), 0xffff_fff0);
    }

    #[test]
    fn a_rewriter_fits_a_cache_line_and_a_half() {
        let size = size_of::<Rewriter>();
        assert!(size <= 96, "{size}");
    }
}
