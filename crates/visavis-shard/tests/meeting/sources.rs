//! What a client sends: numbered packets that say where they belong.

use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::Rtc;
use str0m::media::{Mid, Pt, Rid};
use str0m::rtp::{ExtensionValues, RtpWrite, Ssrc};
use visavis_rtp::codec::vp8;

/// str0m's payload types.
pub(crate) const OPUS: u8 = 111;
pub(crate) const VP8: u8 = 96;
pub(crate) const VP8_RTX: u8 = 97;

/// One encoding of a camera.
pub(crate) struct Layer {
    pub ssrc: Ssrc,
    pub rtx: Ssrc,
    pub rid: Option<Rid>,
    /// Extended; what it begins with is the first number.
    pub sequence: u64,
    pub active: bool,
    /// The next frame is a keyframe.
    pub key: bool,
    picture: u16,
    timestamp: u32,
    nth: u8,
}

impl Layer {
    pub(crate) fn new(nth: u8, rid: Option<Rid>, ssrc: u32) -> Self {
        Self {
            ssrc: ssrc.into(),
            rtx: (ssrc + 1).into(),
            rid,
            sequence: 1_000 * u64::from(nth) + 100,
            active: true,
            key: true,
            // Encoders of the layers number on their own.
            picture: 0x7ff0 + 5 * u16::from(nth),
            timestamp: 1_234_567u32.wrapping_mul(u32::from(nth) + 1),
            nth,
        }
    }
}

/// A camera whose frames are numbered packets.
pub(crate) struct Camera {
    pub mid: Mid,
    pub layers: Vec<Layer>,
    pub interval: Duration,
    /// Packets per frame, and octets of each.
    pub packets: u8,
    pub size: usize,
    pub frame: u32,
    pub next: Instant,
}

/// A microphone.
pub(crate) struct Microphone {
    pub ssrc: Ssrc,
    pub frame: u32,
    pub next: Instant,
}

/// Where a packet belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Mark {
    pub frame: u32,
    pub packet: u8,
    pub layer: u8,
    pub key: bool,
    /// Milliseconds since the meeting's beginning.
    pub captured: u32,
}

const MARK: usize = 11;

impl Mark {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend([self.packet, self.layer, u8::from(self.key)]);
        out.extend(self.frame.to_be_bytes());
        out.extend(self.captured.to_be_bytes());
    }

    fn read(bytes: &[u8]) -> Self {
        let word = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        Self {
            packet: bytes[0],
            layer: bytes[1],
            key: bytes[2] == 1,
            frame: word(3),
            captured: word(7),
        }
    }

    /// What an Opus packet says.
    pub(crate) fn of_audio(payload: &[u8]) -> Self {
        assert_eq!(payload.len(), MARK + 60);
        assert!(payload[MARK..].iter().all(|octet| *octet == 0x5a));
        Self::read(payload)
    }

    /// What a VP8 packet says, and its descriptor.
    pub(crate) fn of_video(payload: &[u8]) -> (Self, vp8::Descriptor) {
        let descriptor = vp8::Descriptor::parse(payload).unwrap();
        let rest = &payload[usize::from(descriptor.len) + 1..];
        let mark = Self::read(rest);
        let filler = mark.frame as u8 ^ mark.packet;
        assert!(
            rest[MARK..].iter().all(|octet| *octet == filler),
            "the payload is whole"
        );
        (mark, descriptor)
    }
}

impl Camera {
    /// Sends the frames that are due.
    pub(crate) fn send(&mut self, rtc: &mut Rtc, start: Instant, now: Instant) {
        while self.next <= now {
            let captured = (self.next - start).as_millis() as u32;
            for layer in self.layers.iter_mut().filter(|layer| layer.active) {
                for packet in 0..self.packets {
                    let mark = Mark {
                        frame: self.frame,
                        packet,
                        layer: layer.nth,
                        key: layer.key,
                        captured,
                    };
                    let payload = video_payload(layer, &mark, self.size);
                    let timestamp = layer.timestamp.wrapping_add(captured.wrapping_mul(90));
                    let write = RtpWrite::new(
                        Pt::from(VP8),
                        layer.sequence.into(),
                        timestamp,
                        self.next,
                        payload,
                    )
                    .marker(packet + 1 == self.packets)
                    .nackable(true);
                    layer.sequence += 1;
                    let mut api = rtc.direct_api();
                    api.stream_tx(&layer.ssrc).unwrap().write_rtp(write);
                }
                layer.key = false;
                layer.picture = (layer.picture + 1) & 0x7fff;
            }
            self.frame += 1;
            self.next += self.interval;
        }
    }
}

fn video_payload(layer: &Layer, mark: &Mark, size: usize) -> Arc<[u8]> {
    let first = if mark.packet == 0 { 0x90 } else { 0x80 };
    let [high, low] = (layer.picture | 0x8000).to_be_bytes();
    let tl0 = layer.picture as u8;
    let mut payload = vec![first, 0xc0, high, low, tl0, u8::from(!mark.key)];
    mark.write(&mut payload);
    payload.resize(size, mark.frame as u8 ^ mark.packet);
    payload.into()
}

impl Microphone {
    /// Sends the packets that are due.
    pub(crate) fn send(&mut self, rtc: &mut Rtc, start: Instant, now: Instant) {
        while self.next <= now {
            let captured = (self.next - start).as_millis() as u32;
            let mark = Mark {
                frame: self.frame,
                packet: 0,
                layer: 0,
                key: true,
                captured,
            };
            let mut payload = Vec::new();
            mark.write(&mut payload);
            payload.resize(MARK + 60, 0x5a);
            let levels = ExtensionValues {
                audio_level: Some(-30),
                voice_activity: Some(true),
                ..ExtensionValues::default()
            };
            let sequence = u64::from(self.frame) + 77;
            let timestamp = 777u32.wrapping_add(captured.wrapping_mul(48));
            let write = RtpWrite::new(
                Pt::from(OPUS),
                sequence.into(),
                timestamp,
                self.next,
                payload,
            )
            .ext_vals(levels);
            let mut api = rtc.direct_api();
            api.stream_tx(&self.ssrc).unwrap().write_rtp(write);
            self.frame += 1;
            self.next += Duration::from_millis(20);
        }
    }
}
