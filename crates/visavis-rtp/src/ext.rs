//! Header extensions by meaning: which id a session gave to which URI.

/// The header extensions we know (their URIs are in [`ExtensionKind::uri`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExtensionKind {
    /// Media section the packet belongs to (RFC 9143).
    Mid,
    /// Simulcast layer (RFC 8852).
    Rid,
    /// Simulcast layer that a retransmission repairs (RFC 8852).
    RepairedRid,
    /// Transport-wide sequence number (draft-holmer-rmcat-transport-wide-cc-extensions-01).
    TransportCc,
    /// Departure time, 6.18 fixed point seconds.
    AbsSendTime,
    /// Client-to-mixer audio level (RFC 6464).
    AudioLevel,
    /// AV1 dependency descriptor (AV1 RTP specification, appendix A).
    DependencyDescriptor,
    /// Allocation of bitrates to layers by the sender.
    VideoLayersAllocation,
    /// Capture time.
    AbsCaptureTime,
    /// Limits of the receiver's playout delay.
    PlayoutDelay,
}

/// Every kind with its URI; the order is the index in [`ExtensionMap`].
const URIS: [(ExtensionKind, &str); KINDS] = [
    (ExtensionKind::Mid, "urn:ietf:params:rtp-hdrext:sdes:mid"),
    (
        ExtensionKind::Rid,
        "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    ),
    (
        ExtensionKind::RepairedRid,
        "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    ),
    (
        ExtensionKind::TransportCc,
        "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    ),
    (
        ExtensionKind::AbsSendTime,
        "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    ),
    (
        ExtensionKind::AudioLevel,
        "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    ),
    (
        ExtensionKind::DependencyDescriptor,
        "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
    ),
    (
        ExtensionKind::VideoLayersAllocation,
        "http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00",
    ),
    (
        ExtensionKind::AbsCaptureTime,
        "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
    ),
    (
        ExtensionKind::PlayoutDelay,
        "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
    ),
];

const KINDS: usize = 10;

impl ExtensionKind {
    /// The kind that a session description calls `uri`.
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        URIS.iter()
            .find(|(_, known)| *known == uri)
            .map(|(kind, _)| *kind)
    }

    /// The URI that a session description uses.
    #[must_use]
    pub fn uri(self) -> &'static str {
        URIS[self as usize].1
    }

    /// The kind with this number in the order of declaration, for keeping
    /// extensions in few octets.
    #[must_use]
    pub fn from_index(index: u8) -> Option<Self> {
        URIS.get(usize::from(index)).map(|(kind, _)| *kind)
    }

    /// Whether each hop writes its own value. All others are passed on as bytes.
    #[must_use]
    pub fn is_per_hop(self) -> bool {
        matches!(
            self,
            Self::Mid | Self::Rid | Self::RepairedRid | Self::TransportCc | Self::AbsSendTime
        )
    }
}

/// Which id each kind has on one media section; 0 where it was not negotiated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExtensionMap {
    ids: [u8; KINDS],
}

impl ExtensionMap {
    /// Gives `kind` the id `id`; 0 takes it away.
    pub fn set(&mut self, kind: ExtensionKind, id: u8) {
        self.ids[kind as usize] = id;
    }

    /// The id of `kind`, if it was negotiated.
    #[must_use]
    pub fn id(&self, kind: ExtensionKind) -> Option<u8> {
        Some(self.ids[kind as usize]).filter(|id| *id != 0)
    }

    /// The kind behind `id`, if it is one we know.
    #[must_use]
    pub fn kind(&self, id: u8) -> Option<ExtensionKind> {
        let at = self.ids.iter().position(|known| *known == id && id != 0)?;
        URIS.get(at).map(|(kind, _)| *kind)
    }
}

impl FromIterator<(ExtensionKind, u8)> for ExtensionMap {
    fn from_iter<I: IntoIterator<Item = (ExtensionKind, u8)>>(pairs: I) -> Self {
        let mut map = Self::default();
        for (kind, id) in pairs {
            map.set(kind, id);
        }
        map
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_uri_and_its_id() {
        let map: ExtensionMap = URIS
            .iter()
            .zip(1..)
            .map(|((kind, _), id)| (*kind, id))
            .collect();
        for ((kind, uri), id) in URIS.iter().zip(1..) {
            assert_eq!(ExtensionKind::from_uri(uri), Some(*kind));
            assert_eq!(kind.uri(), *uri);
            assert_eq!(ExtensionKind::from_index(*kind as u8), Some(*kind));
            assert_eq!((map.id(*kind), map.kind(id)), (Some(id), Some(*kind)));
        }
        assert_eq!(map.kind(0), None);
        assert_eq!(map.kind(99), None);
    }
}
