//! Keyframes of H.264 (RFC 6184) and H.265 (RFC 7798) payloads.

const NAL_IDR: u8 = 5;
const NAL_SPS: u8 = 7;
const NAL_STAP_A: u8 = 24;
const NAL_FU_A: u8 = 28;

/// Whether an IDR picture, or the parameter sets before one, begin here.
#[must_use]
pub fn starts_keyframe(payload: &[u8]) -> bool {
    let Some(&first) = payload.first() else {
        return false;
    };
    match first & 0x1f {
        NAL_IDR | NAL_SPS => true,
        NAL_STAP_A => units(payload.get(1..).unwrap_or_default()).any(|unit| {
            matches!(
                unit.first().map(|head| head & 0x1f),
                Some(NAL_IDR | NAL_SPS)
            )
        }),
        NAL_FU_A => payload
            .get(1)
            .is_some_and(|head| head & 0x80 != 0 && matches!(head & 0x1f, NAL_IDR | NAL_SPS)),
        _ => false,
    }
}

const H265_IRAP: std::ops::RangeInclusive<u8> = 16..=23;
const H265_PARAMETERS: std::ops::RangeInclusive<u8> = 32..=34;
const H265_AP: u8 = 48;
const H265_FU: u8 = 49;

/// Whether an IRAP picture, or the parameter sets before one, begin here.
#[must_use]
pub fn starts_h265_keyframe(payload: &[u8]) -> bool {
    let key = |kind: u8| H265_IRAP.contains(&kind) || H265_PARAMETERS.contains(&kind);
    let Some(&first) = payload.first() else {
        return false;
    };
    match (first >> 1) & 0x3f {
        H265_AP => units(payload.get(2..).unwrap_or_default())
            .any(|unit| unit.first().is_some_and(|head| key((head >> 1) & 0x3f))),
        H265_FU => payload
            .get(2)
            .is_some_and(|head| head & 0x80 != 0 && key(head & 0x3f)),
        kind => key(kind),
    }
}

/// The units of an aggregation packet, each behind its 16-bit length.
fn units(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let len = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
        let unit = rest.get(2..2 + len)?;
        rest = rest.get(2 + len..)?;
        Some(unit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h264_keyframes_are_seen_in_each_packetisation() {
        assert!(starts_keyframe(&[0x65, 1]));
        assert!(starts_keyframe(&[0x67, 1]));
        assert!(starts_keyframe(&[0x78, 0, 1, 0x09, 0, 2, 0x67, 1]));
        assert!(starts_keyframe(&[0x7c, 0x85]));
        assert!(!starts_keyframe(&[0x7c, 0x05]));
        assert!(!starts_keyframe(&[0x61, 1]));
        assert!(!starts_keyframe(&[0x78, 0xff, 0xff, 0x67]));
        assert!(!starts_keyframe(&[]));
    }

    #[test]
    fn h265_keyframes_are_seen_in_each_packetisation() {
        assert!(starts_h265_keyframe(&[19 << 1, 1]));
        assert!(starts_h265_keyframe(&[48 << 1, 1, 0, 2, 32 << 1, 1]));
        assert!(starts_h265_keyframe(&[49 << 1, 1, 0x80 | 19]));
        assert!(!starts_h265_keyframe(&[1 << 1, 1]));
    }
}
