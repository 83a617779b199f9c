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

#[derive(Debug, Clone, Copy)]
struct Last {
    source: u64,
    out: Rewritten,
    arrival: Instant,
    source_picture_id: Option<u16>,
}

/// Rewrites the packets of one subscription.
///
/// For each source packet call exactly one of [`switch`](Self::switch) (first
/// packet of a keyframe of a layer that takes over),
/// [`forward`](Self::forward), or [`leave_out`](Self::leave_out). A sequence
/// number is never given to two different packets.
#[derive(Debug)]
pub struct Rewriter {
    clock_rate: u32,
    next: u64,
    last: Option<Last>,
    /// The mapping of the newest packets: in place, since one memory access more
    /// per packet is felt when there are thousands of subscriptions.
    current: Option<Mapping>,
    /// Those before it, oldest first.
    history: VecDeque<Mapping>,
}

impl Rewriter {
    /// A stream that begins with `first_sequence`.
    #[must_use]
    pub fn new(clock_rate: u32, first_sequence: u16) -> Self {
        Self {
            clock_rate,
            next: u64::from(first_sequence),
            last: None,
            current: None,
            history: VecDeque::new(),
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
        if let Some(last) = &self.last {
            let ticks = ticks(
                meta.arrival.saturating_duration_since(last.arrival),
                self.clock_rate,
            );
            // Two frames never share a timestamp.
            let by_arrival = last.out.timestamp.wrapping_add(ticks.max(1));
            let plausible = |timestamp: &u32| {
                let after = timestamp.wrapping_sub(last.out.timestamp) as i32 > 0;
                let apart = (timestamp.wrapping_sub(by_arrival) as i32).unsigned_abs();
                after && apart < self.clock_rate
            };
            let wanted = aligned.filter(plausible).unwrap_or(by_arrival);
            mapping.timestamp = wanted.wrapping_sub(meta.timestamp);
            if let (Some(old), Some(new)) = (&last.out.vp8, &meta.vp8) {
                if let (Some((old, _)), Some((new, _))) = (old.picture_id, new.picture_id) {
                    mapping.picture_id = old.wrapping_add(1).wrapping_sub(new);
                }
                if let (Some(old), Some(new)) = (old.tl0_pic_idx, new.tl0_pic_idx) {
                    mapping.tl0_pic_idx = old.wrapping_add(1).wrapping_sub(new);
                }
                if let (Some(old), Some(new)) = (old.key_idx, new.key_idx) {
                    mapping.key_idx = old.wrapping_add(1).wrapping_sub(new);
                }
            }
        }
        // Late packets of the old source must not be mapped by the new one.
        self.history.clear();
        self.current = Some(mapping);
        self.emit(meta, &mapping)
    }

    /// What the current source's timestamp is for the receiver.
    #[must_use]
    pub fn map_timestamp(&self, timestamp: u32) -> Option<u32> {
        let mapping = self.current?;
        Some(timestamp.wrapping_add(mapping.timestamp))
    }

    /// Maps a packet of the current source. `None` before the first
    /// [`switch`](Self::switch), and for one from before it.
    pub fn forward(&mut self, meta: &PacketMeta) -> Option<Rewritten> {
        let mut mapping = self.current?;
        if meta.sequence < mapping.from {
            let mut older = self.history.iter().rev();
            mapping = *older.find(|mapping| mapping.from <= meta.sequence)?;
        }
        Some(self.emit(meta, &mapping))
    }

    /// Leaves a packet out without a gap. Only the newest packet can be left
    /// out so; of a late one the receiver sees a gap.
    pub fn leave_out(&mut self, meta: &PacketMeta) {
        let (Some(current), Some(last)) = (self.current, &mut self.last) else {
            return;
        };
        if meta.sequence <= last.source {
            return;
        }
        let picture_id = meta
            .vp8
            .and_then(|descriptor| descriptor.picture_id)
            .map(|(id, _)| id);
        let new_frame = picture_id.is_some() && picture_id != last.source_picture_id;
        last.source = meta.sequence;
        last.source_picture_id = picture_id.or(last.source_picture_id);
        if self.history.len() == MAX_HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(current);
        self.current = Some(Mapping {
            from: meta.sequence + 1,
            sequence: current.sequence.wrapping_sub(1),
            picture_id: current.picture_id.wrapping_sub(u16::from(new_frame)),
            ..current
        });
    }

    fn emit(&mut self, meta: &PacketMeta, mapping: &Mapping) -> Rewritten {
        let vp8 = meta.vp8.map(|mut descriptor| {
            let id = |(id, _): (u16, bool)| (id.wrapping_add(mapping.picture_id) & 0x7fff, true);
            descriptor.picture_id = descriptor.picture_id.map(id);
            descriptor.tl0_pic_idx = descriptor
                .tl0_pic_idx
                .map(|index| index.wrapping_add(mapping.tl0_pic_idx));
            descriptor.key_idx = descriptor
                .key_idx
                .map(|index| index.wrapping_add(mapping.key_idx) & 0x1f);
            descriptor
        });
        let out = Rewritten {
            sequence: meta.sequence.wrapping_add(mapping.sequence),
            timestamp: meta.timestamp.wrapping_add(mapping.timestamp),
            vp8,
        };
        if out.sequence >= self.next {
            self.next = out.sequence + 1;
            self.last = Some(Last {
                source: meta.sequence,
                out,
                arrival: meta.arrival,
                source_picture_id: meta.vp8.and_then(|d| d.picture_id).map(|(id, _)| id),
            });
        }
        out
    }
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

    fn picture_id(out: &Rewritten) -> u16 {
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
            assert_eq!(picture_id(&out), (picture_id(&last) + 1) & 0x7fff);
            last = out;
        }
        // Another layer with other numbers, 40 ms later.
        let now = start + Duration::from_millis(33 * 19 + 40);
        let out = rewriter.switch(&meta(3, 9, 0, now), None);
        assert_eq!(out.sequence, last.sequence + 1);
        assert_eq!(out.timestamp, last.timestamp.wrapping_add(3_600));
        assert_eq!(picture_id(&out), (picture_id(&last) + 1) & 0x7fff);
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
            assert_eq!(picture_id(out), (n / 2) as u16);
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
}
