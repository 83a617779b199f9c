//! RTCP (RFC 3550 section 6, RFC 4585, RFC 5104, transport-wide feedback).

mod build;
mod twcc;

pub use build::{Builder, ReportBlock, SenderInfo};
pub use twcc::{TwccFeedback, TwccStatus, write_twcc};

use crate::ntp::NtpTime;

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const GOODBYE: u8 = 203;
const TRANSPORT_FEEDBACK: u8 = 205;
const PAYLOAD_FEEDBACK: u8 = 206;

const FMT_NACK: u8 = 1;
const FMT_TWCC: u8 = 15;
const FMT_PLI: u8 = 1;
const FMT_FIR: u8 = 4;
const FMT_AFB: u8 = 15;

/// One packet of a compound that a server acts on.
#[derive(Debug, Clone, PartialEq)]
pub enum Packet<'a> {
    /// Sender report with its blocks.
    SenderReport {
        /// Sender.
        ssrc: u32,
        /// Clock mapping and counts.
        info: SenderInfo,
        /// Reports about what the sender receives.
        blocks: ReportBlocks<'a>,
    },
    /// Receiver report.
    ReceiverReport {
        /// Who reports.
        ssrc: u32,
        /// One block per source.
        blocks: ReportBlocks<'a>,
    },
    /// Sources that end.
    Goodbye(Ssrcs<'a>),
    /// Lost packets of a source (RFC 4585 section 6.2.1).
    Nack {
        /// The source.
        media_ssrc: u32,
        /// Sequence numbers that are missing.
        lost: NackPairs<'a>,
    },
    /// Transport-wide feedback.
    Twcc(TwccFeedback<'a>),
    /// A picture was lost: send a keyframe (RFC 4585 section 6.3.1).
    Pli {
        /// The source.
        media_ssrc: u32,
    },
    /// Full intra request (RFC 5104 section 4.3.1).
    Fir {
        /// The source, from the first entry.
        media_ssrc: u32,
    },
    /// Receiver's estimate of the bandwidth, bit/s.
    Remb(u64),
}

/// The packets of a compound; those we do not know are skipped, the rest ends
/// at the first one whose length lies.
pub fn packets(compound: &[u8]) -> impl Iterator<Item = Packet<'_>> {
    let mut rest = compound;
    std::iter::from_fn(move || {
        loop {
            let head: &[u8; 4] = rest.first_chunk()?;
            let len = (usize::from(u16::from_be_bytes([head[2], head[3]])) + 1) * 4;
            let whole = rest.get(..len)?;
            rest = rest.get(len..)?;
            if head[0] >> 6 != 2 {
                return None;
            }
            let padding = match head[0] & 0x20 != 0 {
                true => usize::from(*whole.last()?),
                false => 0,
            };
            let body = whole.get(4..len.checked_sub(padding)?)?;
            if let Some(packet) = packet(head[1], head[0] & 0x1f, body) {
                return Some(packet);
            }
        }
    })
}

fn packet(kind: u8, count: u8, body: &[u8]) -> Option<Packet<'_>> {
    match (kind, count) {
        (SENDER_REPORT, _) => Some(Packet::SenderReport {
            ssrc: word(body, 0)?,
            info: SenderInfo {
                ntp: NtpTime(u64::from(word(body, 4)?) << 32 | u64::from(word(body, 8)?)),
                rtp: word(body, 12)?,
                packets: word(body, 16)?,
                octets: word(body, 20)?,
            },
            blocks: ReportBlocks {
                bytes: body.get(24..)?,
                left: count,
            },
        }),
        (RECEIVER_REPORT, _) => Some(Packet::ReceiverReport {
            ssrc: word(body, 0)?,
            blocks: ReportBlocks {
                bytes: body.get(4..)?,
                left: count,
            },
        }),
        (GOODBYE, _) => Some(Packet::Goodbye(Ssrcs {
            bytes: body,
            left: count,
        })),
        (TRANSPORT_FEEDBACK, FMT_NACK) => Some(Packet::Nack {
            media_ssrc: word(body, 4)?,
            lost: NackPairs {
                bytes: body.get(8..)?,
            },
        }),
        (TRANSPORT_FEEDBACK, FMT_TWCC) => TwccFeedback::parse(body).map(Packet::Twcc),
        (PAYLOAD_FEEDBACK, FMT_PLI) => Some(Packet::Pli {
            media_ssrc: word(body, 4)?,
        }),
        (PAYLOAD_FEEDBACK, FMT_FIR) => Some(Packet::Fir {
            media_ssrc: word(body, 8)?,
        }),
        (PAYLOAD_FEEDBACK, FMT_AFB) => remb(body).map(Packet::Remb),
        _ => None,
    }
}

/// REMB (draft-alvestrand-rmcat-remb-03 section 2.2).
fn remb(body: &[u8]) -> Option<u64> {
    if body.get(8..12)? != b"REMB" {
        return None;
    }
    let rate = word(body, 12)? & 0x00ff_ffff;
    let exponent = rate >> 18;
    Some(
        u64::from(rate & 0x3_ffff)
            .checked_shl(exponent)
            .unwrap_or(u64::MAX),
    )
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes
        .get(at..)
        .and_then(<[u8]>::first_chunk)
        .map(|word| u32::from_be_bytes(*word))
}

/// The report blocks of an SR or RR.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportBlocks<'a> {
    bytes: &'a [u8],
    left: u8,
}

impl Iterator for ReportBlocks<'_> {
    type Item = ReportBlock;

    fn next(&mut self) -> Option<ReportBlock> {
        self.left = self.left.checked_sub(1)?;
        let block = ReportBlock {
            ssrc: word(self.bytes, 0)?,
            fraction_lost: *self.bytes.get(4)?,
            // 24 bits, signed: shift the sign to the top and back.
            cumulative_lost: (word(self.bytes, 4)? << 8) as i32 >> 8,
            highest_sequence: word(self.bytes, 8)?,
            jitter: word(self.bytes, 12)?,
            last_sr: word(self.bytes, 16)?,
            delay_since_last_sr: word(self.bytes, 20)?,
        };
        self.bytes = self.bytes.get(24..)?;
        Some(block)
    }
}

/// The sources of a BYE.
#[derive(Debug, Clone, PartialEq)]
pub struct Ssrcs<'a> {
    bytes: &'a [u8],
    left: u8,
}

impl Iterator for Ssrcs<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        self.left = self.left.checked_sub(1)?;
        let ssrc = word(self.bytes, 0)?;
        self.bytes = self.bytes.get(4..)?;
        Some(ssrc)
    }
}

/// Sequence numbers of a NACK, written out from its (PID, BLP) pairs.
#[derive(Debug, Clone, PartialEq)]
pub struct NackPairs<'a> {
    bytes: &'a [u8],
}

impl<'a> NackPairs<'a> {
    /// Calls `each` with every missing sequence number.
    pub fn for_each(&self, mut each: impl FnMut(u16)) {
        for pair in self.bytes.chunks_exact(4) {
            let first = u16::from_be_bytes([pair[0], pair[1]]);
            let mask = u16::from_be_bytes([pair[2], pair[3]]);
            each(first);
            for bit in (0..16).filter(|bit| mask & (1 << bit) != 0) {
                each(first.wrapping_add(bit + 1));
            }
        }
    }
}
