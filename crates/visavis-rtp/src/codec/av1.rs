//! Keyframes of AV1 payloads (AV1 RTP specification section 4).

const OBU_SEQUENCE_HEADER: u8 = 1;

/// Whether a new coded video sequence begins here: the N bit of the
/// aggregation header, or a sequence header as the first OBU.
#[must_use]
pub fn starts_keyframe(payload: &[u8]) -> bool {
    let Some(&aggregation) = payload.first() else {
        return false;
    };
    if aggregation & 0x08 != 0 {
        return true;
    }
    // Z: the first element continues an OBU of the packet before.
    if aggregation & 0x80 != 0 {
        return false;
    }
    let count = (aggregation >> 4) & 0x03;
    // With W = 1 the only element has no length in front.
    let at = if count == 1 {
        1
    } else {
        1 + leb128_len(payload.get(1..).unwrap_or_default())
    };
    payload
        .get(at)
        .is_some_and(|obu| (obu >> 3) & 0x0f == OBU_SEQUENCE_HEADER)
}

fn leb128_len(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .take(8)
        .take_while(|byte| **byte & 0x80 != 0)
        .count()
        + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_header_starts_a_keyframe() {
        assert!(starts_keyframe(&[0x08]));
        assert!(starts_keyframe(&[0x10, OBU_SEQUENCE_HEADER << 3]));
        assert!(starts_keyframe(&[
            0x20,
            0x03,
            OBU_SEQUENCE_HEADER << 3,
            0,
            0
        ]));
        assert!(!starts_keyframe(&[0x10, 6 << 3]));
        assert!(!starts_keyframe(&[0x90, OBU_SEQUENCE_HEADER << 3]));
        assert!(!starts_keyframe(&[0x00]) && !starts_keyframe(&[]));
    }
}
