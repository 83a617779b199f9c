//! From what was negotiated to what the media threads need to know.

use visavis_rtp::{Codec, ExtensionKind, ExtensionMap};
use visavis_sdp::{Description, Negotiated, RemoteTransport, Section, SectionCodec, WantedSend};
use visavis_sfu::{PayloadCodec, ReceiveSection, Sections, SendSection, Sources, TrackId};
use visavis_transport::{Fingerprint, IceCredentials, RemoteParams, SctpParams};

use super::tracks::{PublishedCodec, Tracks};

/// The client's side of a transport.
pub(super) fn remote_params(remote: &RemoteTransport) -> RemoteParams {
    RemoteParams {
        ice: IceCredentials {
            ufrag: remote.ice_ufrag.clone(),
            pwd: remote.ice_pwd.clone(),
        },
        candidates: remote.candidates.clone(),
        fingerprint: Fingerprint {
            algorithm: remote.fingerprint.algorithm.clone(),
            bytes: remote.fingerprint.bytes.clone(),
        },
        sctp: remote
            .max_message_size
            .map(|max_message_size| SctpParams { max_message_size }),
    }
}

/// The username fragment of an offer that is not handled yet: a new one restarts
/// ICE (RFC 8839 section 4.4.1.1.1), and then the answer needs new credentials.
pub(super) fn ice_ufrag(offer: &str) -> Option<String> {
    let offer = Description::parse(offer).ok()?;
    let first = offer.media.iter().find(|section| !section.is_rejected());
    let ufrag = first.and_then(|section| section.attribute("ice-ufrag"));
    ufrag
        .or_else(|| offer.attribute("ice-ufrag"))
        .map(str::to_owned)
}

/// All media sections, for the media thread. `sends` are those that may be among
/// them.
pub(super) fn sections(negotiated: &Negotiated, sends: &[WantedSend], tracks: &Tracks) -> Sections {
    let mut extensions = ExtensionMap::default();
    for (id, uri) in negotiated.sections.iter().flat_map(|s| &s.extensions) {
        if let Some(kind) = ExtensionKind::from_uri(uri)
            && extensions.id(kind).is_none()
        {
            extensions.set(kind, *id);
        }
    }
    let receives = negotiated.sections.iter().filter_map(receive_section);
    let sends = negotiated
        .sections
        .iter()
        .filter_map(|section| send_section(section, sends, tracks));
    Sections {
        receives: receives.collect(),
        sends: sends.collect(),
        extensions,
    }
}

fn receive_section(section: &Section) -> Option<ReceiveSection> {
    let receive = section.receive.as_ref()?;
    let codecs = section.codecs.iter().filter_map(|codec| {
        Some(PayloadCodec {
            payload_type: codec.payload_type,
            rtx: codec.rtx,
            codec: Codec::from_name(&codec.name)?,
            clock_rate: codec.clock_rate,
            nack: codec.nack,
        })
    });
    let sources = receive.ssrcs.iter().map(|pair| Sources {
        ssrc: pair.ssrc,
        rtx: pair.rtx,
    });
    Some(ReceiveSection {
        mid: section.mid.clone(),
        codecs: codecs.collect(),
        rids: lowest_first(&receive.rids),
        sources: sources.collect(),
    })
}

/// LiveKit's clients name their layers q, h and f; not all list them from low to
/// high. Other names keep the client's order.
fn lowest_first(rids: &[String]) -> Vec<String> {
    const KNOWN: [&str; 3] = ["q", "h", "f"];
    let mut rids = rids.to_vec();
    let place = |rid: &String| KNOWN.iter().position(|known| known == rid);
    if rids.iter().all(|rid| place(rid).is_some()) {
        rids.sort_by_key(place);
    }
    rids
}

fn send_section(section: &Section, sends: &[WantedSend], tracks: &Tracks) -> Option<SendSection> {
    let send = section.send?;
    let wanted = sends.iter().find(|wanted| wanted.track == send.track)?;
    let track = TrackId(send.track);
    let codec = best_codec(&section.codecs, &tracks.get(track)?.codec)?;
    Some(SendSection {
        mid: section.mid.clone(),
        track,
        ssrc: send.ssrc,
        rtx: send.rtx_ssrc.zip(codec.rtx),
        payload_type: codec.payload_type,
        codec: Codec::from_name(&codec.name)?,
        clock_rate: codec.clock_rate,
        cname: wanted.cname.clone(),
    })
}

/// The receiver's payload type for what the publisher sends: the same codec, and
/// among its variants the one with the same parameters that matter.
fn best_codec<'a>(
    codecs: &'a [SectionCodec],
    published: &PublishedCodec,
) -> Option<&'a SectionCodec> {
    let same = codecs.iter().filter(|codec| {
        codec.name.eq_ignore_ascii_case(&published.name) && codec.clock_rate == published.clock_rate
    });
    let mut best: Option<(u8, &SectionCodec)> = None;
    for codec in same {
        let score = likeness(codec.fmtp.as_deref().unwrap_or_default(), &published.fmtp);
        // The first of equals is the one that the client prefers.
        if best.is_none_or(|(other, _)| score > other) {
            best = Some((score, codec));
        }
    }
    best.map(|(_, codec)| codec)
}

/// How well two variants of one codec go together. How H264 is cut into packets
/// (RFC 6184 section 8.1) counts most, then the profile.
fn likeness(a: &str, b: &str) -> u8 {
    // Name, what holds when it is missing, and how many letters matter: of
    // H264's profile-level-id the last two are the level, which the publisher
    // limits itself.
    const PARAMETERS: [(&str, &str, usize, u8); 4] = [
        ("packetization-mode", "0", usize::MAX, 4),
        ("profile-level-id", "42000a", 4, 1),
        ("profile-id", "0", usize::MAX, 2),
        ("profile", "0", usize::MAX, 2),
    ];
    let value = |fmtp: &str, name: &str, default: &str, letters: usize| -> String {
        let found = fmtp.split(';').find_map(|parameter| {
            let (key, value) = parameter.trim().split_once('=')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        });
        let value = found.unwrap_or(default).to_ascii_lowercase();
        value.chars().take(letters).collect()
    };
    PARAMETERS
        .iter()
        .filter(|(name, default, letters, _)| {
            value(a, name, default, *letters) == value(b, name, default, *letters)
        })
        .map(|(.., weight)| weight)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn h264(payload_type: u8, fmtp: &str) -> SectionCodec {
        SectionCodec {
            payload_type,
            name: "H264".into(),
            clock_rate: 90_000,
            channels: 0,
            fmtp: Some(fmtp.into()),
            rtx: Some(payload_type + 1),
            nack: true,
            nack_pli: true,
            ccm_fir: true,
            transport_cc: true,
            goog_remb: false,
        }
    }

    #[test]
    fn h264_goes_out_on_the_payload_type_with_its_packetization_and_profile() {
        let offered = [
            h264(102, "packetization-mode=1;profile-level-id=42001f"),
            h264(104, "packetization-mode=0;profile-level-id=42001f"),
            h264(
                106,
                "level-asymmetry-allowed=1; packetization-mode=1; profile-level-id=42E01F",
            ),
            h264(108, "profile-level-id=42e01f"),
        ];
        let best = |fmtp: &str| {
            let published = PublishedCodec::from(&h264(1, fmtp));
            best_codec(&offered, &published).map(|codec| codec.payload_type)
        };
        assert_eq!(
            best("packetization-mode=1;profile-level-id=42e034"),
            Some(106)
        );
        assert_eq!(best("profile-level-id=42e01f"), Some(108));
        assert_eq!(
            best("packetization-mode=1;profile-level-id=640034"),
            Some(102)
        );
        let vp8 = PublishedCodec {
            name: "VP8".into(),
            clock_rate: 90_000,
            fmtp: String::new(),
        };
        assert_eq!(best_codec(&offered, &vp8), None);
    }

    #[test]
    fn layers_come_lowest_first_whatever_the_client_lists() {
        let order =
            |rids: &[&str]| lowest_first(&rids.iter().map(|r| (*r).into()).collect::<Vec<_>>());
        assert_eq!(order(&["f", "h", "q"]), ["q", "h", "f"]);
        assert_eq!(order(&["q", "f"]), ["q", "f"]);
        assert_eq!(order(&["2", "1"]), ["2", "1"]);
    }

    #[test]
    fn the_username_fragment_is_found_on_either_level() {
        let session = "v=0\r\na=ice-ufrag:abcd\r\nm=audio 9 X 0\r\n";
        assert_eq!(ice_ufrag(session).as_deref(), Some("abcd"));
        let section =
            "v=0\r\nm=audio 0 X 0\r\na=ice-ufrag:old\r\nm=audio 9 X 0\r\na=ice-ufrag:new\r\n";
        assert_eq!(ice_ufrag(section).as_deref(), Some("new"));
        assert_eq!(ice_ufrag("nonsense"), None);
    }
}
