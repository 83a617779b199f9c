//! Payload types: which ones of a section we use, and with what feedback.

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
    section
        .formats()
        .filter_map(|format| format.parse().ok())
        .filter_map(|payload_type| read(section, payload_type))
        .filter(|codec| {
            known
                .iter()
                .any(|name| codec.name.eq_ignore_ascii_case(name))
        })
        .collect()
}

/// What the attributes of `section` say about one payload type.
fn read(section: &MediaDescription, payload_type: u8) -> Option<SectionCodec> {
    let (name, clock_rate, channels) = rtpmap(section, payload_type)?;
    let feedback = |wanted: &str| {
        section
            .attributes("rtcp-fb")
            .any(|value| match value.split_once(' ') {
                Some(("*", what)) => what == wanted,
                Some((pt, what)) => pt.parse() == Ok(payload_type) && what == wanted,
                None => false,
            })
    };
    Some(SectionCodec {
        payload_type,
        fmtp: fmtp(section, payload_type).map(str::to_owned),
        rtx: retransmission(section, payload_type),
        nack: feedback("nack"),
        nack_pli: feedback("nack pli"),
        ccm_fir: feedback("ccm fir"),
        transport_cc: feedback("transport-cc"),
        goog_remb: feedback("goog-remb"),
        name,
        clock_rate,
        channels,
    })
}

/// Encoding name, clock rate and channels; the two static ones have a default.
fn rtpmap(section: &MediaDescription, payload_type: u8) -> Option<(String, u32, u8)> {
    let mapped = section.attributes("rtpmap").find_map(|value| {
        let (pt, encoding) = value.split_once(' ')?;
        (pt.parse() == Ok(payload_type)).then_some(encoding)
    });
    let Some(encoding) = mapped else {
        return match payload_type {
            0 => Some(("PCMU".into(), 8_000, 0)),
            8 => Some(("PCMA".into(), 8_000, 0)),
            _ => None,
        };
    };
    let mut parts = encoding.split('/');
    let name = parts.next()?.to_owned();
    let clock_rate = parts.next()?.parse().ok().filter(|rate| *rate > 0)?;
    let channels = parts
        .next()
        .map_or(Some(0), |channels| channels.parse().ok())?;
    Some((name, clock_rate, channels))
}

fn fmtp(section: &MediaDescription, payload_type: u8) -> Option<&str> {
    section.attributes("fmtp").find_map(|value| {
        let (pt, parameters) = value.split_once(' ')?;
        (pt.parse() == Ok(payload_type)).then_some(parameters)
    })
}

/// The payload type whose `apt` is this one.
fn retransmission(section: &MediaDescription, payload_type: u8) -> Option<u8> {
    section
        .formats()
        .filter_map(|format| format.parse().ok())
        .find(|candidate| {
            rtpmap(section, *candidate).is_some_and(|(name, ..)| name.eq_ignore_ascii_case("rtx"))
                && fmtp(section, *candidate)
                    .and_then(|parameters| parameter(parameters, "apt"))
                    .is_some_and(|apt| apt.parse() == Ok(payload_type))
        })
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
