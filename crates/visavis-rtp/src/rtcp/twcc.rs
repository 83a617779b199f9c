//! Transport-wide congestion control feedback
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1).

use std::time::Duration;

use super::build::Builder;
use super::{FMT_TWCC, TRANSPORT_FEEDBACK, word};

/// Unit of the reference time.
const REFERENCE: Duration = Duration::from_millis(64);
/// Unit of a receive delta.
const DELTA: Duration = Duration::from_micros(250);

/// What a receiver says about one transport-wide sequence number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TwccStatus {
    /// The number.
    pub sequence: u16,
    /// Arrival in the receiver's clock, microseconds since its reference;
    /// `None` when it did not arrive.
    pub arrival_micros: Option<i64>,
}

/// A feedback packet; iterate it with [`TwccFeedback::for_each`].
#[derive(Debug, Clone, PartialEq)]
pub struct TwccFeedback<'a> {
    base: u16,
    count: u16,
    reference: i32,
    chunks: &'a [u8],
}

impl<'a> TwccFeedback<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Option<Self> {
        let counts = word(body, 8)?;
        // 24 bits, signed.
        let reference = (word(body, 12)? as i32) >> 8;
        Some(Self {
            base: (counts >> 16) as u16,
            count: counts as u16,
            reference,
            chunks: body.get(16..)?,
        })
    }

    /// Calls `each` for every number covered, in order. A packet that ends too
    /// early covers fewer.
    pub fn for_each(&self, mut each: impl FnMut(TwccStatus)) {
        let mut deltas = self.deltas();
        let mut micros = i64::from(self.reference) * REFERENCE.as_micros() as i64;
        let mut sequence = self.base;
        self.symbols(|symbol| {
            let arrival_micros = match symbol {
                1 | 2 => {
                    let Some(delta) = next_delta(&mut deltas, symbol) else {
                        return false;
                    };
                    micros += delta * DELTA.as_micros() as i64;
                    Some(micros)
                }
                _ => None,
            };
            each(TwccStatus {
                sequence,
                arrival_micros,
            });
            sequence = sequence.wrapping_add(1);
            true
        });
    }

    /// The bytes behind the status chunks.
    fn deltas(&self) -> &'a [u8] {
        let chunks = self.symbols(|_| true);
        self.chunks.get(chunks * 2..).unwrap_or_default()
    }

    /// Calls `each` with every symbol until it says no; gives the chunks read.
    fn symbols(&self, mut each: impl FnMut(u8) -> bool) -> usize {
        let mut left = usize::from(self.count);
        let mut read = 0;
        for chunk in self.chunks.chunks_exact(2) {
            if left == 0 {
                break;
            }
            read += 1;
            let chunk = u16::from_be_bytes([chunk[0], chunk[1]]);
            let (symbols, of): (usize, &dyn Fn(usize) -> u8) = match chunk >> 14 {
                0 | 1 => (usize::from(chunk & 0x1fff), &|_| {
                    ((chunk >> 13) & 0x03) as u8
                }),
                2 => (14, &|at| ((chunk >> (13 - at)) & 0x01) as u8),
                _ => (7, &|at| ((chunk >> (12 - 2 * at)) & 0x03) as u8),
            };
            let symbols = symbols.min(left);
            left -= symbols;
            if !(0..symbols).all(|at| each(of(at))) {
                break;
            }
        }
        read
    }
}

fn next_delta(bytes: &mut &[u8], symbol: u8) -> Option<i64> {
    if symbol == 1 {
        let (&delta, rest) = bytes.split_first()?;
        *bytes = rest;
        return Some(i64::from(delta));
    }
    let delta = i16::from_be_bytes(*bytes.first_chunk()?);
    *bytes = bytes.get(2..)?;
    Some(i64::from(delta))
}

/// Appends one feedback packet about `base`, `base + 1`, …: `arrivals` holds
/// for each number its arrival in microseconds of the receiver's clock. Gives
/// how many entries the packet covers: fewer than given when a delta does not
/// fit 16 bits (the caller goes on with the next packet there), and never
/// more than `u16::MAX`.
pub fn write_twcc(
    out: &mut Vec<u8>,
    sender: u32,
    media: u32,
    number: u8,
    base: u16,
    arrivals: &[Option<i64>],
) -> usize {
    let Some(first) = arrivals.iter().flatten().next() else {
        return 0;
    };
    let reference = first.div_euclid(REFERENCE.as_micros() as i64);
    let mut last = reference * REFERENCE.as_micros() as i64;
    let mut covered = 0;
    for arrival in arrivals.iter().take(usize::from(u16::MAX)) {
        if let Some(arrival) = arrival {
            let Ok(delta) = i16::try_from(to_ticks(arrival - last)) else {
                break;
            };
            last += i64::from(delta) * DELTA.as_micros() as i64;
        }
        covered += 1;
    }
    let arrivals = &arrivals[..covered];
    Builder::new(out).packet(TRANSPORT_FEEDBACK, FMT_TWCC, |out| {
        out.extend_from_slice(&sender.to_be_bytes());
        out.extend_from_slice(&media.to_be_bytes());
        out.extend_from_slice(&base.to_be_bytes());
        out.extend_from_slice(&(covered as u16).to_be_bytes());
        let word = (reference as u32) << 8 | u32::from(number);
        out.extend_from_slice(&word.to_be_bytes());
        let start = reference * REFERENCE.as_micros() as i64;
        out.resize(out.len() + arrivals.len().div_ceil(7) * 2, 0);
        write_deltas(out, arrivals, start);
    });
    covered
}

fn to_ticks(micros: i64) -> i64 {
    let tick = DELTA.as_micros() as i64;
    (micros + tick / 2).div_euclid(tick)
}

/// Fills the two-bit status chunks that lie reserved at the end of `out`, and
/// appends the deltas.
fn write_deltas(out: &mut Vec<u8>, arrivals: &[Option<i64>], start: i64) {
    let chunks = out.len() - arrivals.len().div_ceil(7) * 2;
    let mut last = start;
    for (at, arrival) in arrivals.iter().enumerate() {
        let Some(arrival) = arrival else { continue };
        let ticks = to_ticks(arrival - last);
        last += ticks * DELTA.as_micros() as i64;
        let symbol = match u8::try_from(ticks) {
            Ok(small) => {
                out.push(small);
                1u16
            }
            Err(_) => {
                out.extend_from_slice(&(ticks as i16).to_be_bytes());
                2
            }
        };
        let bits = symbol << (12 - 2 * (at % 7));
        let chunk = &mut out[chunks + at / 7 * 2..][..2];
        chunk[0] |= (bits >> 8) as u8;
        chunk[1] |= bits as u8;
    }
    for chunk in out[chunks..]
        .chunks_exact_mut(2)
        .take(arrivals.len().div_ceil(7))
    {
        chunk[0] |= 0xc0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtcp::{Packet, packets};

    fn read(bytes: &[u8]) -> Vec<TwccStatus> {
        let mut got = Vec::new();
        for packet in packets(bytes) {
            let Packet::Twcc(feedback) = packet else {
                panic!("{packet:?}")
            };
            feedback.for_each(|status| got.push(status));
        }
        got
    }

    #[test]
    fn arrivals_are_read_as_they_were_written() {
        let arrivals = [
            Some(1_000_000),
            None,
            Some(1_000_250),
            Some(999_000),
            None,
            Some(1_200_000),
            None,
            None,
            Some(1_200_500),
        ];
        let mut out = Vec::new();
        assert_eq!(
            write_twcc(&mut out, 1, 2, 3, 65_533, &arrivals),
            arrivals.len()
        );
        let got = read(&out);
        let expected: Vec<_> = arrivals
            .iter()
            .enumerate()
            .map(|(at, arrival)| TwccStatus {
                sequence: 65_533u16.wrapping_add(at as u16),
                arrival_micros: *arrival,
            })
            .collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn a_gap_too_long_for_a_delta_ends_the_packet() {
        let mut out = Vec::new();
        let arrivals = [Some(0), Some(60_000_000)];
        assert_eq!(write_twcc(&mut out, 1, 2, 0, 0, &arrivals), 1);
        assert_eq!(write_twcc(&mut Vec::new(), 1, 2, 0, 0, &[None, None]), 0);
    }

    #[test]
    fn run_length_and_one_bit_chunks_are_understood() {
        let mut out = Vec::new();
        Builder::new(&mut out).packet(TRANSPORT_FEEDBACK, FMT_TWCC, |out| {
            out.extend_from_slice(&[0, 0, 0, 1, 0, 0, 0, 2]);
            out.extend_from_slice(&[0, 10, 0, 7, 0, 0, 1, 0]);
            // Three received with small deltas, then one-bit symbols 0, 1, 0, 1.
            out.extend_from_slice(&[0x20, 0x03, 0b1001_0100, 0]);
            out.extend_from_slice(&[4, 4, 4, 4, 4]);
        });
        let got = read(&out);
        let arrived: Vec<_> = got
            .iter()
            .filter(|status| status.arrival_micros.is_some())
            .map(|s| s.sequence)
            .collect();
        assert_eq!((got.len(), arrived), (7, vec![10, 11, 12, 14, 16]));
        assert_eq!(got[0].arrival_micros, Some(65_000));
    }

    #[test]
    fn missing_deltas_end_the_list() {
        let mut out = Vec::new();
        write_twcc(
            &mut out,
            1,
            2,
            0,
            0,
            &[Some(0), Some(250), Some(500), Some(750)],
        );
        let cut = out.len() - 4;
        out.truncate(cut);
        out[3] -= 1;
        assert!(read(&out).len() < 4);
    }
}
