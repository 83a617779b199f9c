//! Payload types: which ones of a section we use, and with what feedback.

use std::collections::{HashMap, HashSet};

use crate::description::MediaDescription;
use crate::types::{MediaKind, SectionCodec};

/// Codecs we forward, by kind. Redundancy formats (RED, FEC) are left out: the
/// forwarder repairs by retransmission.
const AUDIO: [&str; 3] = ["opus", "PCMU", "PCMA"];
const VIDEO: [&str; 5] = ["VP8", "H264", "VP9", "AV1", "H265"];

/// The payload types of `section` that we use, in its order.
pub(crate) fn usable(section: &MediaDescription, kind: MediaKind) -> Vec<SectionCodec> {
    let known: &[&str] = match kind {
        MediaKind::Audio => &AUDIO,
        MediaKind::Video => &VIDEO,
    };
    let attributes = Attributes::read(section);
    section
        .formats()
        .filter_map(|format| format.parse().ok())
        .filter_map(|payload_type| attributes.codec(payload_type))
        .filter(|codec| {
            known
                .iter()
                .any(|name| codec.name.eq_ignore_ascii_case(name))
        })
        .collect()
}

/// What a section says about its payload types, sorted in one pass: descriptions
/// of large meetings have thousands of these lines.
#[derive(Default)]
struct Attributes<'a> {
    /// `a=rtpmap`
    encodings: HashMap<u8, &'a str>,
    /// `a=fmtp`
    parameters: HashMap<u8, &'a str>,
    /// `a=rtcp-fb`; `None` is for all payload types.
    feedback: HashSet<(Option<u8>, &'a str)>,
    /// Payload type to that of its retransmissions (RFC 4588).
    retransmissions: HashMap<u8, u8>,
}

impl<'a> Attributes<'a> {
    fn read(section: &'a MediaDescription) -> Self {
        let mut attributes = Self::default();
        let typed = |value: &'a str| {
            let (payload_type, rest) = value.split_once(' ')?;
            Some((payload_type, rest))
        };
        for (payload_type, encoding) in section.attributes("rtpmap").filter_map(typed) {
            if let Ok(payload_type) = payload_type.parse() {
                attributes.encodings.entry(payload_type).or_insert(encoding);
            }
        }
        for (payload_type, parameters) in section.attributes("fmtp").filter_map(typed) {
            if let Ok(payload_type) = payload_type.parse() {
                let known = attributes.parameters.entry(payload_type);
                known.or_insert(parameters);
            }
        }
        for (payload_type, what) in section.attributes("rtcp-fb").filter_map(typed) {
            let payload_type = match payload_type {
                "*" => None,
                number => match number.parse() {
                    Ok(number) => Some(number),
                    Err(_) => continue,
                },
            };
            attributes.feedback.insert((payload_type, what));
        }
        for candidate in section.formats().filter_map(|format| format.parse().ok()) {
            if let Some(media) = attributes.retransmits(candidate) {
                let known = attributes.retransmissions.entry(media);
                known.or_insert(candidate);
            }
        }
        attributes
    }

    /// The payload type that `candidate` retransmits, if it does that.
    fn retransmits(&self, candidate: u8) -> Option<u8> {
        let (name, ..) = self.encoding(candidate)?;
        let apt = parameter(self.parameters.get(&candidate)?, "apt")?;
        let media = apt.parse().ok()?;
        name.eq_ignore_ascii_case("rtx").then_some(media)
    }

    fn codec(&self, payload_type: u8) -> Option<SectionCodec> {
        let (name, clock_rate, channels) = self.encoding(payload_type)?;
        let feedback = |what| {
            let all = self.feedback.contains(&(None, what));
            all || self.feedback.contains(&(Some(payload_type), what))
        };
        let fmtp = self.parameters.get(&payload_type);
        Some(SectionCodec {
            payload_type,
            fmtp: fmtp.map(|parameters| (*parameters).to_owned()),
            rtx: self.retransmissions.get(&payload_type).copied(),
            nack: feedback("nack"),
            nack_pli: feedback("nack pli"),
            ccm_fir: feedback("ccm fir"),
            transport_cc: feedback("transport-cc"),
            goog_remb: feedback("goog-remb"),
            name: name.to_owned(),
            clock_rate,
            channels,
        })
    }

    /// Encoding name, clock rate and channels; the two static ones have a default.
    fn encoding(&self, payload_type: u8) -> Option<(&'a str, u32, u8)> {
        let Some(encoding) = self.encodings.get(&payload_type) else {
            return match payload_type {
                0 => Some(("PCMU", 8_000, 0)),
                8 => Some(("PCMA", 8_000, 0)),
                _ => None,
            };
        };
        let mut parts = encoding.split('/');
        let name = parts.next()?;
        let clock_rate = parts.next()?.parse().ok().filter(|rate| *rate > 0)?;
        let channels = parts
            .next()
            .map_or(Some(0), |channels| channels.parse().ok())?;
        Some((name, clock_rate, channels))
    }
}

/// The value of `name` in `a=1;b=2`.
pub(crate) fn parameter<'a>(parameters: &'a str, name: &str) -> Option<&'a str> {
    parameters.split(';').find_map(|parameter| {
        let (key, value) = parameter.trim().split_once('=')?;
        key.eq_ignore_ascii_case(name).then_some(value)
    })
}

/// Sets `name=value` in `a=1;b=2`.
pub(crate) fn set_parameter(parameters: &mut String, name: &str, value: &str) {
    let kept: Vec<&str> = parameters
        .split(';')
        .map(str::trim)
        .filter(|parameter| !parameter.is_empty())
        .filter(|parameter| parameter.split('=').next() != Some(name))
        .collect();
    let mut joined = kept.join(";");
    if !joined.is_empty() {
        joined.push(';');
    }
    *parameters = joined + name + "=" + value;
}

/// Turns the client's feedback into ours: Opus is repaired by NACK although
/// browsers do not offer it, and nothing else is added.
pub(crate) fn adjust_for_answer(codec: &mut SectionCodec) {
    if codec.name.eq_ignore_ascii_case("opus") {
        codec.nack = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Description;

    fn section(lines: &str) -> MediaDescription {
        Description::parse(&format!("v=0\n{lines}"))
            .unwrap()
            .media
            .remove(0)
    }

    #[test]
    fn codecs_come_with_their_retransmissions_and_feedback() {
        let section = section(
            "m=video 9 UDP/TLS/RTP/SAVPF 96 97 116 98\na=rtpmap:96 VP8/90000\na=rtpmap:97 rtx/90000\n\
             a=fmtp:97 apt=96\na=rtpmap:116 ulpfec/90000\na=rtpmap:98 H264/90000\n\
             a=fmtp:98 packetization-mode=1\na=rtcp-fb:96 nack\na=rtcp-fb:* transport-cc\n",
        );
        let codecs = usable(&section, MediaKind::Video);
        let names: Vec<_> = codecs.iter().map(|codec| codec.name.as_str()).collect();
        assert_eq!(names, ["VP8", "H264"]);
        assert_eq!((codecs[0].rtx, codecs[1].rtx), (Some(97), None));
        assert!(codecs[0].nack && codecs[0].transport_cc && !codecs[0].nack_pli);
        assert!(!codecs[1].nack && codecs[1].transport_cc);
    }

    #[test]
    fn static_types_need_no_rtpmap_and_nonsense_is_passed_over() {
        let section = section("m=audio 9 RTP/AVP 0 8 111 112 300 x\na=rtpmap:111 opus/0/2\n");
        let codecs = usable(&section, MediaKind::Audio);
        let types: Vec<_> = codecs.iter().map(|codec| codec.payload_type).collect();
        assert_eq!(types, [0, 8]);
    }

    #[test]
    fn parameters_are_found_and_set() {
        let mut parameters = "minptime=10; useinbandfec=1".to_owned();
        assert_eq!(parameter(&parameters, "useinbandfec"), Some("1"));
        set_parameter(&mut parameters, "usedtx", "1");
        set_parameter(&mut parameters, "minptime", "20");
        assert_eq!(parameters, "useinbandfec=1;usedtx=1;minptime=20");
    }
}
