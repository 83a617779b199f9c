//! Writing RTCP compounds.

use super::{
    FMT_FIR, FMT_NACK, FMT_PLI, GOODBYE, PAYLOAD_FEEDBACK, RECEIVER_REPORT, SENDER_REPORT,
    SOURCE_DESCRIPTION, TRANSPORT_FEEDBACK,
};
use crate::ntp::NtpTime;

/// The sender's part of a sender report (RFC 3550 section 6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SenderInfo {
    /// Wall clock of this report.
    pub ntp: NtpTime,
    /// The same instant in the stream's RTP clock.
    pub rtp: u32,
    /// Packets sent so far.
    pub packets: u32,
    /// Payload octets sent so far.
    pub octets: u32,
}

/// What a receiver says about one source (RFC 3550 section 6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReportBlock {
    /// The source.
    pub ssrc: u32,
    /// Share lost since the last report, in 1/256.
    pub fraction_lost: u8,
    /// Packets lost since the beginning, 24 bits signed.
    pub cumulative_lost: i32,
    /// Highest sequence number with its count of wraps.
    pub highest_sequence: u32,
    /// Interarrival jitter in RTP clock units.
    pub jitter: u32,
    /// Middle 32 bits of the last sender report's NTP time.
    pub last_sr: u32,
    /// Delay since that report, in 1/65,536 s.
    pub delay_since_last_sr: u32,
}

/// Most report blocks in one SR or RR (5-bit count).
const MAX_BLOCKS: usize = 31;

/// Appends RTCP packets to a buffer that the caller owns and reuses.
#[derive(Debug)]
pub struct Builder<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Builder<'a> {
    /// Appends behind what `out` holds already.
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out }
    }

    /// Sender report; blocks beyond 31 go into receiver reports behind it.
    pub fn sender_report(&mut self, ssrc: u32, info: &SenderInfo, blocks: &[ReportBlock]) {
        let (first, rest) = blocks.split_at(blocks.len().min(MAX_BLOCKS));
        self.packet(SENDER_REPORT, first.len() as u8, |out| {
            out.extend_from_slice(&ssrc.to_be_bytes());
            out.extend_from_slice(&info.ntp.0.to_be_bytes());
            for word in [info.rtp, info.packets, info.octets] {
                out.extend_from_slice(&word.to_be_bytes());
            }
            first.iter().for_each(|block| push_block(out, block));
        });
        if !rest.is_empty() {
            self.receiver_report(ssrc, rest);
        }
    }

    /// Receiver reports, 31 blocks each; one empty report when there are none.
    pub fn receiver_report(&mut self, ssrc: u32, blocks: &[ReportBlock]) {
        let mut rest = blocks;
        loop {
            let (now, later) = rest.split_at(rest.len().min(MAX_BLOCKS));
            self.packet(RECEIVER_REPORT, now.len() as u8, |out| {
                out.extend_from_slice(&ssrc.to_be_bytes());
                now.iter().for_each(|block| push_block(out, block));
            });
            rest = later;
            if rest.is_empty() {
                return;
            }
        }
    }

    /// The canonical name of a source (RFC 3550 section 6.5.1), cut to 255 octets.
    pub fn cname(&mut self, ssrc: u32, cname: &str) {
        let name = &cname.as_bytes()[..cname.len().min(255)];
        self.packet(SOURCE_DESCRIPTION, 1, |out| {
            out.extend_from_slice(&ssrc.to_be_bytes());
            out.push(1);
            out.push(name.len() as u8);
            out.extend_from_slice(name);
            // The list of items ends with a null octet; `packet` pads the rest.
            out.push(0);
        });
    }

    /// A source ends.
    pub fn goodbye(&mut self, ssrc: u32) {
        self.packet(GOODBYE, 1, |out| out.extend_from_slice(&ssrc.to_be_bytes()));
    }

    /// Asks for `lost` again; the numbers must be in ascending (circular) order.
    pub fn nack(&mut self, sender: u32, media: u32, lost: &[u16]) {
        if lost.is_empty() {
            return;
        }
        self.packet(TRANSPORT_FEEDBACK, FMT_NACK, |out| {
            out.extend_from_slice(&sender.to_be_bytes());
            out.extend_from_slice(&media.to_be_bytes());
            let mut rest = lost;
            while let Some((&first, more)) = rest.split_first() {
                let within = |seq: &&u16| (1..=16).contains(&seq.wrapping_sub(first));
                let covered = more.iter().take_while(within).count();
                let mask = more[..covered]
                    .iter()
                    .fold(0u16, |mask, seq| mask | 1 << (seq.wrapping_sub(first) - 1));
                out.extend_from_slice(&first.to_be_bytes());
                out.extend_from_slice(&mask.to_be_bytes());
                rest = &more[covered..];
            }
        });
    }

    /// Asks for a keyframe after a loss.
    pub fn pli(&mut self, sender: u32, media: u32) {
        self.packet(PAYLOAD_FEEDBACK, FMT_PLI, |out| {
            out.extend_from_slice(&sender.to_be_bytes());
            out.extend_from_slice(&media.to_be_bytes());
        });
    }

    /// Asks for a keyframe; `number` grows with each new request.
    pub fn fir(&mut self, sender: u32, media: u32, number: u8) {
        self.packet(PAYLOAD_FEEDBACK, FMT_FIR, |out| {
            out.extend_from_slice(&sender.to_be_bytes());
            out.extend_from_slice(&0u32.to_be_bytes());
            out.extend_from_slice(&media.to_be_bytes());
            out.extend_from_slice(&[number, 0, 0, 0]);
        });
    }

    /// One packet: its head, what `body` appends, padding octets of zero up to
    /// a whole word, and the length put in afterwards.
    pub(super) fn packet(&mut self, kind: u8, count: u8, body: impl FnOnce(&mut Vec<u8>)) {
        let start = self.out.len();
        self.out.extend_from_slice(&[0x80 | count, kind, 0, 0]);
        body(self.out);
        let len = (self.out.len() - start).next_multiple_of(4);
        self.out.resize(start + len, 0);
        let words = (len / 4 - 1) as u16;
        self.out[start + 2..start + 4].copy_from_slice(&words.to_be_bytes());
    }
}

fn push_block(out: &mut Vec<u8>, block: &ReportBlock) {
    out.extend_from_slice(&block.ssrc.to_be_bytes());
    let lost = block.cumulative_lost.clamp(-0x80_0000, 0x7f_ffff);
    let word = u32::from(block.fraction_lost) << 24 | (lost as u32 & 0x00ff_ffff);
    for word in [
        word,
        block.highest_sequence,
        block.jitter,
        block.last_sr,
        block.delay_since_last_sr,
    ] {
        out.extend_from_slice(&word.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtcp::{Packet, packets};

    #[test]
    fn reports_are_read_as_they_were_written() {
        let info = SenderInfo {
            ntp: NtpTime(77 << 32 | 5),
            rtp: 9,
            packets: 10,
            octets: 11,
        };
        let block = ReportBlock {
            ssrc: 3,
            fraction_lost: 128,
            cumulative_lost: -2,
            highest_sequence: 70_000,
            jitter: 4,
            last_sr: 5,
            delay_since_last_sr: 6,
        };
        let mut out = Vec::new();
        let mut builder = Builder::new(&mut out);
        builder.sender_report(1, &info, &[block; 33]);
        builder.cname(1, "anna");
        builder.pli(1, 2);
        builder.fir(1, 3, 0);
        builder.goodbye(1);
        let read: Vec<_> = packets(&out).collect();
        let [
            Packet::SenderReport {
                ssrc: 1,
                info: got,
                blocks,
            },
            rest @ ..,
        ] = &read[..]
        else {
            panic!("{read:?}");
        };
        assert_eq!(*got, info);
        assert_eq!(blocks.clone().collect::<Vec<_>>(), vec![block; 31]);
        let [
            Packet::ReceiverReport { blocks, .. },
            Packet::Pli { media_ssrc: 2 },
            fir,
            bye,
        ] = rest
        else {
            panic!("{rest:?}");
        };
        assert_eq!(blocks.clone().count(), 2);
        assert_eq!(*fir, Packet::Fir { media_ssrc: 3 });
        assert!(matches!(bye, Packet::Goodbye(ssrcs) if ssrcs.clone().eq([1])));
    }

    #[test]
    fn a_nack_lists_every_lost_number_once() {
        let lost = [65_530, 65_535, 3, 10, 11, 300];
        let mut out = Vec::new();
        Builder::new(&mut out).nack(1, 2, &lost);
        let read: Vec<_> = packets(&out).collect();
        let [
            Packet::Nack {
                media_ssrc: 2,
                lost: pairs,
            },
        ] = &read[..]
        else {
            panic!("{read:?}")
        };
        let mut got = Vec::new();
        pairs.for_each(|seq| got.push(seq));
        assert_eq!(got, lost);
    }

    #[test]
    fn lying_lengths_end_the_compound() {
        let mut out = Vec::new();
        Builder::new(&mut out).pli(1, 2);
        for cut in 0..out.len() {
            assert_eq!(packets(&out[..cut]).count(), 0);
        }
        out[2..4].copy_from_slice(&[0xff, 0xff]);
        assert_eq!(packets(&out).count(), 0);
    }
}
