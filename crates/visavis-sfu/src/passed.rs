//! Header extensions on their way from a publisher to its receivers: as bytes,
//! by kind, since every session has its own ids.

use visavis_rtp::{ExtensionKind, ExtensionMap, RtpHeader};

/// Octets of extensions kept per packet: a dependency descriptor with its
/// structure has 100, the others a few.
pub(crate) const MAX_PASSED: usize = 255;

/// Collects the extensions of a packet that are passed on into `out` (kind,
/// length, value) and gives how many octets that took. Those of the hop itself
/// are left out, and so is what does not fit.
#[must_use]
pub fn pass_on(
    header: &RtpHeader,
    packet: &[u8],
    map: &ExtensionMap,
    out: &mut [u8; MAX_PASSED],
) -> usize {
    let mut len = 0;
    for (id, value) in header.extensions(packet) {
        let Some(kind) = map.kind(id).filter(|kind| !kind.is_per_hop()) else {
            continue;
        };
        let end = len + 2 + value.len();
        let (Some(room), Ok(value_len)) = (out.get_mut(len..end), u8::try_from(value.len())) else {
            continue;
        };
        room[0] = kind as u8;
        room[1] = value_len;
        room[2..].copy_from_slice(value);
        len = end;
    }
    len
}

/// Iterates what [`pass_on`] collected.
pub(crate) fn passed(mut bytes: &[u8]) -> impl Iterator<Item = (ExtensionKind, &[u8])> {
    std::iter::from_fn(move || {
        let [kind, len]: [u8; 2] = *bytes.first_chunk()?;
        let value = bytes.get(2..2 + usize::from(len))?;
        bytes = &bytes[2 + usize::from(len)..];
        Some((ExtensionKind::from_index(kind)?, value))
    })
}
