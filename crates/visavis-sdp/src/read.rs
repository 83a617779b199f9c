//! Reading what a peer's description says about its transport and its media.

use crate::description::{Description, MediaDescription, SdpError};
use crate::types::{Receive, RemoteFingerprint, RemoteTransport, SsrcPair};

/// Header extensions we negotiate. Never `urn:3gpp:video-orientation`: without
/// it senders rotate the pixels, and recordings are upright.
const EXTENSIONS: [&str; 10] = [
    "urn:ietf:params:rtp-hdrext:sdes:mid",
    "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
    "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
    "http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00",
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
];

/// Simulcast layers of one section; three is what anyone sends.
const MAX_RIDS: usize = 4;
/// Announced sources of one section.
const MAX_SSRCS: usize = 8;
/// Length of a data channel message when the peer names none (RFC 8841 section 6.1).
const DEFAULT_MAX_MESSAGE: u32 = 65_536;

/// The peer's transport. With BUNDLE it is that of the first section in use;
/// what a section lacks stands on session level.
pub(crate) fn transport(description: &Description) -> Result<RemoteTransport, SdpError> {
    let first = description
        .media
        .iter()
        .find(|section| !section.is_rejected())
        .ok_or(SdpError::Missing("media section"))?;
    let value = |name| {
        first
            .attribute(name)
            .or_else(|| description.attribute(name))
    };
    let ice_ufrag = value("ice-ufrag").ok_or(SdpError::Missing("ice-ufrag"))?;
    let ice_pwd = value("ice-pwd").ok_or(SdpError::Missing("ice-pwd"))?;
    // RFC 8839 section 5.4: 4 to 256, and 22 to 256.
    if !(4..=256).contains(&ice_ufrag.len()) {
        return Err(SdpError::Invalid("ice-ufrag"));
    }
    if !(22..=256).contains(&ice_pwd.len()) {
        return Err(SdpError::Invalid("ice-pwd"));
    }
    let fingerprint = fingerprint(value("fingerprint").ok_or(SdpError::Missing("fingerprint"))?)?;
    let candidates = description
        .media
        .iter()
        .flat_map(|section| section.attributes("candidate"))
        .map(|candidate| format!("candidate:{candidate}"))
        .collect();
    Ok(RemoteTransport {
        ice_ufrag: ice_ufrag.to_owned(),
        ice_pwd: ice_pwd.to_owned(),
        candidates,
        fingerprint,
        max_message_size: max_message_size(description),
    })
}

fn max_message_size(description: &Description) -> Option<u32> {
    let data = description.media.iter().find(|section| section.is_data())?;
    if data.is_rejected() {
        return None;
    }
    let size = data
        .attribute("max-message-size")
        .and_then(|size| size.trim().parse().ok());
    Some(size.unwrap_or(DEFAULT_MAX_MESSAGE))
}

/// `sha-256 AB:CD:…` (RFC 8122 section 5).
fn fingerprint(value: &str) -> Result<RemoteFingerprint, SdpError> {
    let invalid = || SdpError::Invalid("fingerprint");
    let (algorithm, hex) = value.trim().split_once(' ').ok_or_else(invalid)?;
    let bytes: Vec<u8> = hex
        .split(':')
        .map(|octet| {
            let two = octet.len() == 2 && octet.bytes().all(|digit| digit.is_ascii_hexdigit());
            two.then(|| u8::from_str_radix(octet, 16).ok())
                .flatten()
                .ok_or_else(invalid)
        })
        .collect::<Result<_, _>>()?;
    if !(20..=64).contains(&bytes.len()) {
        return Err(invalid());
    }
    Ok(RemoteFingerprint {
        algorithm: algorithm.to_ascii_lowercase(),
        bytes,
    })
}

/// Checks that every section in use has a mid of its own.
pub(crate) fn check_mids(description: &Description) -> Result<(), SdpError> {
    let mut seen = std::collections::HashSet::new();
    for section in description
        .media
        .iter()
        .filter(|section| !section.is_rejected())
    {
        let mid = section.mid().ok_or(SdpError::Missing("mid"))?;
        // RFC 8843 section 15.1 and the mid extension's 16 octets.
        if mid.len() > 16 {
            return Err(SdpError::Invalid("mid"));
        }
        if !seen.insert(mid) {
            return Err(SdpError::DuplicateMid);
        }
    }
    Ok(())
}

/// Extensions that both sides know, with the peer's ids.
pub(crate) fn extensions(section: &MediaDescription) -> Vec<(u8, String)> {
    let known = section.attributes("extmap").filter_map(|value| {
        let mut words = value.split(' ');
        let id = words
            .next()?
            .split('/')
            .next()?
            .parse()
            .ok()
            .filter(|id| *id > 0)?;
        let uri = words.next()?;
        EXTENSIONS.contains(&uri).then(|| (id, uri.to_owned()))
    });
    let mut extensions: Vec<(u8, String)> = Vec::new();
    for (id, uri) in known {
        if extensions
            .iter()
            .all(|(taken, known)| *taken != id && *known != uri)
        {
            extensions.push((id, uri));
        }
    }
    extensions
}

/// What the peer sends on `section`.
pub(crate) fn receive(section: &MediaDescription) -> Receive {
    let (stream_id, track_id) = msid(section);
    let rids = rids(section);
    // With rids the sources are learned from the packets.
    let ssrcs = if rids.is_empty() {
        ssrcs(section)
    } else {
        Vec::new()
    };
    Receive {
        stream_id,
        track_id,
        ssrcs,
        rids,
    }
}

/// `a=msid`, or the older `a=ssrc:N msid:`.
fn msid(section: &MediaDescription) -> (String, String) {
    let old = || {
        section
            .attributes("ssrc")
            .find_map(|value| value.split_once(" msid:"))
            .map(|m| m.1)
    };
    let value = section.attribute("msid").or_else(old).unwrap_or_default();
    let (stream, track) = value.trim().split_once(' ').unwrap_or((value, ""));
    (stream.to_owned(), track.trim().to_owned())
}

/// The layers of `a=simulcast:send q;~h;f`; a paused one is still a layer.
fn rids(section: &MediaDescription) -> Vec<String> {
    let Some(simulcast) = section.attribute("simulcast") else {
        return Vec::new();
    };
    let mut words = simulcast.split(' ').skip_while(|word| *word != "send");
    let Some(list) = words.nth(1) else {
        return Vec::new();
    };
    list.split(';')
        .filter_map(|alternatives| alternatives.split(',').next())
        .map(|rid| rid.trim_start_matches('~'))
        .filter(|rid| !rid.is_empty() && rid.len() <= 16)
        .filter(|rid| {
            section
                .attributes("rid")
                .any(|line| line.split(' ').next() == Some(rid))
        })
        .take(MAX_RIDS)
        .map(str::to_owned)
        .collect()
}

fn ssrcs(section: &MediaDescription) -> Vec<SsrcPair> {
    let mut ssrcs: Vec<u32> = Vec::new();
    for value in section.attributes("ssrc") {
        let Some(ssrc) = value.split(' ').next().and_then(|ssrc| ssrc.parse().ok()) else {
            continue;
        };
        if !ssrcs.contains(&ssrc) && ssrcs.len() < MAX_SSRCS {
            ssrcs.push(ssrc);
        }
    }
    let groups: Vec<(u32, u32)> = section
        .attributes("ssrc-group")
        .filter_map(|value| {
            let mut words = value.split(' ');
            (words.next()? == "FID").then_some(())?;
            Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
        })
        .collect();
    ssrcs
        .iter()
        .filter(|ssrc| groups.iter().all(|(_, rtx)| rtx != *ssrc))
        .map(|ssrc| SsrcPair {
            ssrc: *ssrc,
            rtx: groups
                .iter()
                .find(|(media, _)| media == ssrc)
                .map(|(_, rtx)| *rtx),
        })
        .collect()
}
