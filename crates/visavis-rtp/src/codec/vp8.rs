//! The VP8 payload descriptor (RFC 7741 section 4.2).

/// Longest descriptor: one octet, X, two of PictureID, TL0PICIDX, TID/KEYIDX.
pub const MAX_DESCRIPTOR_LEN: usize = 6;

/// A parsed descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Descriptor {
    /// Frame that no other frame refers to (N).
    pub non_reference: bool,
    /// First packet of a partition (S).
    pub partition_start: bool,
    /// Partition index (PID).
    pub partition: u8,
    /// Picture id and whether it has 15 bits rather than 7.
    pub picture_id: Option<(u16, bool)>,
    /// Running index of temporal base layer frames.
    pub tl0_pic_idx: Option<u8>,
    /// Temporal layer and the layer-sync bit (Y).
    pub temporal: Option<(u8, bool)>,
    /// Temporal key frame index.
    pub key_idx: Option<u8>,
    /// Octets of the descriptor.
    pub len: u8,
}

impl Descriptor {
    /// Reads the descriptor; `None` when the payload ends within it.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let mut at = payload.iter().copied();
        let first = at.next()?;
        let mut descriptor = Self {
            non_reference: first & 0x20 != 0,
            partition_start: first & 0x10 != 0,
            partition: first & 0x07,
            len: 1,
            ..Self::default()
        };
        if first & 0x80 == 0 {
            return Some(descriptor);
        }
        let flags = at.next()?;
        descriptor.len = 2;
        if flags & 0x80 != 0 {
            let (id, long) = super::picture_id(&mut at)?;
            descriptor.len += 1 + u8::from(long);
            descriptor.picture_id = Some((id, long));
        }
        if flags & 0x40 != 0 {
            descriptor.tl0_pic_idx = Some(at.next()?);
            descriptor.len += 1;
        }
        if flags & 0x30 != 0 {
            let last = at.next()?;
            descriptor.len += 1;
            if flags & 0x20 != 0 {
                descriptor.temporal = Some((last >> 6, last & 0x20 != 0));
            }
            if flags & 0x10 != 0 {
                descriptor.key_idx = Some(last & 0x1f);
            }
        }
        Some(descriptor)
    }

    /// Writes the descriptor and gives its length, at most
    /// [`MAX_DESCRIPTOR_LEN`]. A picture id is written with 15 bits, so that
    /// rewriting never runs out of them.
    pub fn write(&self, out: &mut [u8; MAX_DESCRIPTOR_LEN]) -> usize {
        let mut flags = 0;
        let mut at = 2;
        let mut put = |octet: u8| {
            out[at] = octet;
            at += 1;
        };
        if let Some((id, _)) = self.picture_id {
            flags |= 0x80;
            let [high, low] = (id | 0x8000).to_be_bytes();
            put(high);
            put(low);
        }
        if let Some(index) = self.tl0_pic_idx {
            flags |= 0x40;
            put(index);
        }
        if self.temporal.is_some() || self.key_idx.is_some() {
            let (tid, sync) = self.temporal.unwrap_or_default();
            let key = self.key_idx.unwrap_or_default() & 0x1f;
            put(tid << 6 | u8::from(sync) << 5 | key);
            flags |= u8::from(self.temporal.is_some()) << 5;
            flags |= u8::from(self.key_idx.is_some()) << 4;
        }
        let len = if flags == 0 { 1 } else { at };
        out[0] = u8::from(flags != 0) << 7
            | u8::from(self.non_reference) << 5
            | u8::from(self.partition_start) << 4
            | self.partition & 0x07;
        if flags != 0 {
            out[1] = flags;
        }
        len
    }

    /// Whether this is the first packet of a frame.
    #[must_use]
    pub fn starts_frame(&self) -> bool {
        self.partition_start && self.partition == 0
    }

    /// Whether a keyframe begins here: P bit of the frame header is 0
    /// (RFC 6386 section 9.1).
    #[must_use]
    pub fn starts_keyframe(&self, payload: &[u8]) -> bool {
        self.starts_frame()
            && payload
                .get(usize::from(self.len))
                .is_some_and(|first| first & 0x01 == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_descriptor_is_written_as_it_was_read() {
        let bytes = [0x90, 0xf0, 0x92, 0x34, 0x56, 0b1010_0011, 0x00];
        let descriptor = Descriptor::parse(&bytes).unwrap();
        assert_eq!(descriptor.picture_id, Some((0x1234, true)));
        assert_eq!(descriptor.tl0_pic_idx, Some(0x56));
        assert_eq!(descriptor.temporal, Some((2, true)));
        assert_eq!(descriptor.key_idx, Some(3));
        assert!(descriptor.starts_keyframe(&bytes));
        let mut out = [0; MAX_DESCRIPTOR_LEN];
        assert_eq!(descriptor.write(&mut out), 6);
        assert_eq!(out, bytes[..6]);
    }

    #[test]
    fn a_short_picture_id_grows_to_15_bits() {
        let descriptor = Descriptor::parse(&[0x80, 0x80, 0x05]).unwrap();
        assert_eq!(descriptor.picture_id, Some((5, false)));
        let mut out = [0; MAX_DESCRIPTOR_LEN];
        assert_eq!(descriptor.write(&mut out), 4);
        assert_eq!(out[..4], [0x80, 0x80, 0x80, 0x05]);
    }

    #[test]
    fn the_shortest_descriptor_and_cut_ones() {
        let descriptor = Descriptor::parse(&[0x10, 0x01]).unwrap();
        assert_eq!((descriptor.len, descriptor.starts_frame()), (1, true));
        assert!(!descriptor.starts_keyframe(&[0x10, 0x01]));
        let mut out = [0; MAX_DESCRIPTOR_LEN];
        assert_eq!(descriptor.write(&mut out), 1);
        for cut in 0..6 {
            assert_eq!(
                Descriptor::parse(&[0x90, 0xf0, 0x92, 0x34, 0x56, 0xa3][..cut]),
                None
            );
        }
    }
}
