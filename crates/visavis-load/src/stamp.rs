//! What the generator writes into its packets, so that a receiver can tell
//! which ones it got and how long they took.
//!
//! A stamp is the *end* of a payload: servers may rewrite the codec's payload
//! descriptor at its beginning, and change its length.

use std::time::Duration;

/// Octets of a stamp.
pub const STAMP_LEN: usize = 24;
/// Tells a stamped packet from padding and from other senders' media.
const MAGIC: [u8; 4] = *b"vvld";

/// Where a packet comes from and when it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The published stream, numbered within the process.
    pub stream: u32,
    /// The packet's number in its stream, from 0, without gaps.
    pub counter: u64,
    /// When it was sent, since a moment that sender and receiver share.
    pub sent: Duration,
}

impl Stamp {
    /// Writes the stamp over the end of `payload`; nothing when it is too short.
    pub fn write(&self, payload: &mut [u8]) {
        let Some(end) = payload.last_chunk_mut::<STAMP_LEN>() else {
            return;
        };
        let nanos = u64::try_from(self.sent.as_nanos()).unwrap_or(u64::MAX);
        end[..4].copy_from_slice(&MAGIC);
        end[4..8].copy_from_slice(&self.stream.to_be_bytes());
        end[8..16].copy_from_slice(&self.counter.to_be_bytes());
        end[16..].copy_from_slice(&nanos.to_be_bytes());
    }

    /// The stamp at the end of `payload`, if there is one.
    #[must_use]
    pub fn read(payload: &[u8]) -> Option<Self> {
        let (magic, rest) = payload
            .last_chunk::<STAMP_LEN>()?
            .split_first_chunk::<4>()?;
        let (stream, rest) = rest.split_first_chunk::<4>()?;
        let (counter, rest) = rest.split_first_chunk::<8>()?;
        let nanos = rest.first_chunk::<8>()?;
        (*magic == MAGIC).then(|| Self {
            stream: u32::from_be_bytes(*stream),
            counter: u64::from_be_bytes(*counter),
            sent: Duration::from_nanos(u64::from_be_bytes(*nanos)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_survives_a_descriptor_of_another_length() {
        let stamp = Stamp {
            stream: 3,
            counter: 1 << 40,
            sent: Duration::from_micros(1_234_567),
        };
        let mut payload = vec![9; 100];
        stamp.write(&mut payload);
        assert_eq!(Stamp::read(&payload), Some(stamp));
        assert_eq!(Stamp::read(&payload[2..]), Some(stamp));
    }

    #[test]
    fn what_was_not_stamped_is_no_stamp() {
        assert_eq!(Stamp::read(&[]), None);
        assert_eq!(Stamp::read(&[0; 200]), None);
        assert_eq!(Stamp::read(&[b'v'; STAMP_LEN - 1]), None);
    }
}
