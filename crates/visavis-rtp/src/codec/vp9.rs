//! The VP9 payload descriptor (RFC 9628 section 4.2), as far as a forwarder reads it.

/// A parsed descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Descriptor {
    /// Inter-picture predicted (P): 0 means no other picture is needed.
    pub inter_predicted: bool,
    /// Start of a layer frame (B).
    pub starts_layer_frame: bool,
    /// End of a layer frame (E).
    pub ends_layer_frame: bool,
    /// Picture id and whether it has 15 bits.
    pub picture_id: Option<(u16, bool)>,
    /// Temporal layer (TID).
    pub temporal: u8,
    /// Spatial layer (SID).
    pub spatial: u8,
    /// Switching up point (U).
    pub switching_up: bool,
}

impl Descriptor {
    /// Reads the descriptor's head; `None` when the payload ends within it.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let mut at = payload.iter().copied();
        let first = at.next()?;
        let mut descriptor = Self {
            inter_predicted: first & 0x40 != 0,
            starts_layer_frame: first & 0x08 != 0,
            ends_layer_frame: first & 0x04 != 0,
            ..Self::default()
        };
        if first & 0x80 != 0 {
            descriptor.picture_id = Some(super::picture_id(&mut at)?);
        }
        if first & 0x20 != 0 {
            let layer = at.next()?;
            descriptor.temporal = layer >> 5;
            descriptor.switching_up = layer & 0x10 != 0;
            descriptor.spatial = (layer >> 1) & 0x07;
        }
        Some(descriptor)
    }

    /// Whether a keyframe begins here: the base spatial layer's first packet,
    /// predicted from nothing.
    #[must_use]
    pub fn starts_keyframe(&self) -> bool {
        !self.inter_predicted && self.starts_layer_frame && self.spatial == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_and_keyframes_are_read() {
        let key = Descriptor::parse(&[0b1010_1000, 0x81, 0x02, 0b0011_0000]).unwrap();
        assert!(key.starts_keyframe() && key.switching_up);
        assert_eq!(
            (key.picture_id, key.temporal, key.spatial),
            (Some((0x102, true)), 1, 0)
        );
        let upper = Descriptor::parse(&[0b0010_1000, 0b0000_0010, 0]).unwrap();
        assert!(!upper.starts_keyframe());
        let delta = Descriptor::parse(&[0b0100_1000]).unwrap();
        assert!(!delta.starts_keyframe());
        assert_eq!(Descriptor::parse(&[0b1000_0000]), None);
    }
}
