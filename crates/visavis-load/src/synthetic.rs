//! Synthetic media: a stream's packets, due at their times.

use std::time::{Duration, Instant};

use crate::stamp::{STAMP_LEN, Stamp};

/// VP8 payload descriptor with a 15-bit picture id (RFC 7741 section 4.2).
const DESCRIPTOR: usize = 4;
/// Frame tag, start code and size of a VP8 keyframe (RFC 6386 section 9.1).
const KEYFRAME_HEADER: usize = 10;
/// Shortest payload: all of the above and a stamp.
pub const MIN_PAYLOAD: usize = DESCRIPTOR + KEYFRAME_HEADER + STAMP_LEN;
/// Longest payload: what fits an Ethernet frame with every header before it.
pub const MAX_PAYLOAD: usize = 1_200;
/// An Opus packet at 48 kbit/s, 20 ms.
const AUDIO_PAYLOAD: usize = 120;
/// The picture that keyframes claim to be.
const WIDTH: u16 = 1_280;
const HEIGHT: u16 = 720;

/// What a stream is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// VP8, at a steady size.
    Video {
        /// Frames a second.
        fps: u32,
        /// Packets of each frame.
        packets_per_frame: u32,
        /// Octets of each payload, between [`MIN_PAYLOAD`] and [`MAX_PAYLOAD`].
        payload: usize,
    },
    /// Opus, 50 packets a second.
    Audio,
}

impl Shape {
    fn interval(self) -> Duration {
        match self {
            Self::Video { fps, .. } => Duration::from_secs(1) / fps.max(1),
            Self::Audio => Duration::from_millis(20),
        }
    }

    /// RTP clock ticks from one frame to the next.
    fn ticks(self) -> u32 {
        match self {
            Self::Video { fps, .. } => 90_000 / fps.max(1),
            Self::Audio => 960,
        }
    }
}

/// A packet that is due.
#[derive(Debug)]
pub struct Due {
    /// Its number in the stream, from 0.
    pub counter: u64,
    /// Its RTP timestamp.
    pub timestamp: u32,
    /// Whether it ends a frame, or for audio: begins a talk spurt.
    pub marker: bool,
    /// Its payload, stamped.
    pub payload: Vec<u8>,
}

/// One published stream.
#[derive(Debug)]
pub struct Synthetic {
    stream: u32,
    shape: Shape,
    next: Instant,
    frame: u64,
    counter: u64,
    keyframe: bool,
}

impl Synthetic {
    /// A stream that begins at `now`, with a keyframe.
    #[must_use]
    pub fn new(stream: u32, shape: Shape, now: Instant) -> Self {
        Self {
            stream,
            shape,
            next: now,
            frame: 0,
            counter: 0,
            keyframe: true,
        }
    }

    /// Its number within the process, which its stamps carry.
    #[must_use]
    pub fn stream(&self) -> u32 {
        self.stream
    }

    /// When its next frame is due.
    #[must_use]
    pub fn next_due(&self) -> Instant {
        self.next
    }

    /// Its next frame is due at `now`: it begins, or goes on after a pause.
    pub fn begin(&mut self, now: Instant) {
        self.next = now;
    }

    /// The number that its next packet gets: so many were made.
    #[must_use]
    pub fn made(&self) -> u64 {
        self.counter
    }

    /// The next frame becomes a keyframe.
    pub fn want_keyframe(&mut self) {
        self.keyframe = true;
    }

    /// The packets of the next frame, if it is due at `now`; `since_epoch` is
    /// that time as stamps say it.
    pub fn poll_frame(
        &mut self,
        now: Instant,
        since_epoch: Duration,
        mut each: impl FnMut(Due),
    ) -> bool {
        if now < self.next {
            return false;
        }
        let (packets, len) = match self.shape {
            Shape::Video {
                packets_per_frame,
                payload,
                ..
            } => (packets_per_frame, payload),
            Shape::Audio => (1, AUDIO_PAYLOAD),
        };
        let timestamp = (self.frame as u32).wrapping_mul(self.shape.ticks());
        for at in 0..packets {
            let mut payload = vec![0; len];
            match self.shape {
                Shape::Video { .. } => self.write_vp8(&mut payload, at == 0),
                // Configuration 15 (hybrid, full band, 20 ms), one frame: RFC 6716 section 3.1.
                Shape::Audio => payload[0] = 15 << 3,
            }
            let stamp = Stamp {
                stream: self.stream,
                counter: self.counter,
                sent: since_epoch,
            };
            stamp.write(&mut payload);
            each(Due {
                counter: self.counter,
                timestamp,
                marker: at + 1 == packets && matches!(self.shape, Shape::Video { .. }),
                payload,
            });
            self.counter += 1;
        }
        self.frame += 1;
        self.keyframe = false;
        self.next += self.shape.interval();
        true
    }

    fn write_vp8(&self, payload: &mut [u8], first: bool) {
        let picture = self.frame as u16 | 0x8000;
        // X; S on the frame's first packet. I: a picture id follows.
        payload[0] = if first { 0x90 } else { 0x80 };
        payload[1] = 0x80;
        payload[2..4].copy_from_slice(&picture.to_be_bytes());
        if !first {
            return;
        }
        let header = &mut payload[DESCRIPTOR..DESCRIPTOR + KEYFRAME_HEADER];
        // show_frame, and the inverse of "is a keyframe" in the lowest bit.
        header[0] = 0x10 | u8::from(!self.keyframe);
        if self.keyframe {
            header[3..6].copy_from_slice(&[0x9d, 0x01, 0x2a]);
            header[6..8].copy_from_slice(&WIDTH.to_le_bytes());
            header[8..10].copy_from_slice(&HEIGHT.to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIDEO: Shape = Shape::Video {
        fps: 30,
        packets_per_frame: 3,
        payload: 100,
    };

    fn frame(stream: &mut Synthetic, now: Instant) -> Vec<Due> {
        let mut packets = Vec::new();
        stream.poll_frame(now, Duration::ZERO, |packet| packets.push(packet));
        packets
    }

    #[test]
    fn frames_come_at_their_rate_even_after_a_pause() {
        let start = Instant::now();
        let mut stream = Synthetic::new(0, VIDEO, start);
        let late = start + Duration::from_secs(1);
        let mut frames = 0;
        while !frame(&mut stream, late).is_empty() {
            frames += 1;
        }
        assert_eq!(frames, 31);
        assert_eq!(stream.made(), 93);
    }

    #[test]
    fn packets_are_numbered_stamped_and_marked_at_the_frames_end() {
        let now = Instant::now();
        let mut stream = Synthetic::new(7, VIDEO, now);
        let packets = frame(&mut stream, now);
        let marks: Vec<bool> = packets.iter().map(|packet| packet.marker).collect();
        assert_eq!(marks, [false, false, true]);
        for (at, packet) in packets.iter().enumerate() {
            let stamp = Stamp::read(&packet.payload).unwrap();
            assert_eq!((stamp.stream, stamp.counter), (7, at as u64));
            assert_eq!(packet.payload[0] & 0x10 != 0, at == 0);
        }
    }

    #[test]
    fn a_keyframe_comes_first_and_when_it_is_wanted() {
        let now = Instant::now();
        let mut stream = Synthetic::new(0, VIDEO, now);
        let mut is_keyframe = |wanted| {
            if wanted {
                stream.want_keyframe();
            }
            let due = stream.next_due();
            let first = frame(&mut stream, due).remove(0);
            first.payload[4] & 1 == 0 && first.payload[7..10] == [0x9d, 0x01, 0x2a]
        };
        assert_eq!(
            [false, false, true, false].map(&mut is_keyframe),
            [true, false, true, false]
        );
    }
}
