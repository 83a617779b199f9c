//! Offers as clients send them, and what we answer.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop")]

use visavis_sdp::{
    Answerer, Description, Direction, LocalTransport, MediaDescription, MediaKind, Offerer,
    PublishHint, SdpError, SsrcPair, WantedSend,
};

const TRANSPORT: &str = "c=IN IP4 0.0.0.0\r\na=ice-ufrag:Qmz7\r\na=ice-pwd:Zr3lXqk1cTgS8aHpWbNvEoUd\r\n\
    a=ice-options:trickle goog-sped-v1\r\n\
    a=fingerprint:sha-256 0A:1B:2C:3D:4E:5F:60:71:82:93:A4:B5:C6:D7:E8:F9:0A:1B:2C:3D:4E:5F:60:71:82:93:A4:B5:C6:D7:E8:F9\r\n\
    a=setup:actpass\r\n";

const AUDIO: &str = "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n\
    a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
    a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=rtcp-mux\r\n\
    a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n\
    a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\na=rtpmap:0 PCMU/8000\r\n";

const VIDEO: &str = "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
    a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=extmap:13 urn:3gpp:video-orientation\r\n\
    a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n\
    a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\na=rtcp-mux\r\na=rtcp-rsize\r\n\
    a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 goog-remb\r\na=rtcp-fb:96 transport-cc\r\na=rtcp-fb:96 ccm fir\r\n\
    a=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n\
    a=rtpmap:102 H264/90000\r\na=rtcp-fb:102 nack\r\na=rtcp-fb:102 nack pli\r\n\
    a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f\r\n\
    a=rtpmap:103 rtx/90000\r\na=fmtp:103 apt=102\r\na=rtpmap:116 ulpfec/90000\r\n";

fn audio(mid: &str, direction: &str, more: &str) -> String {
    format!(
        "m=audio 9 UDP/TLS/RTP/SAVPF 111 63 0\r\n{TRANSPORT}a=mid:{mid}\r\na={direction}\r\n{AUDIO}{more}"
    )
}

fn video(mid: &str, direction: &str, more: &str) -> String {
    format!(
        "m=video 9 UDP/TLS/RTP/SAVPF 96 97 102 103 116\r\n{TRANSPORT}a=mid:{mid}\r\na={direction}\r\n{VIDEO}{more}"
    )
}

fn data(mid: &str) -> String {
    format!(
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n{TRANSPORT}a=mid:{mid}\r\n\
         a=sctp-port:5000\r\na=max-message-size:262144\r\na=sctp-init:AQAAAA==\r\n"
    )
}

fn offer(sections: &[String]) -> String {
    let head = "v=0\r\no=- 42 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
                a=extmap-allow-mixed\r\na=msid-semantic: WMS\r\n";
    head.to_owned() + &sections.concat()
}

/// The first offer of a client in single PeerConnection mode.
fn first_offer() -> Vec<String> {
    let mut sections: Vec<String> = (0..3)
        .map(|mid| audio(&mid.to_string(), "recvonly", ""))
        .collect();
    sections.extend((3..6).map(|mid| video(&mid.to_string(), "recvonly", "")));
    sections.push(data("6"));
    sections
}

fn local() -> LocalTransport {
    LocalTransport {
        ice_ufrag: "server".into(),
        ice_pwd: "a-password-of-22-octets".into(),
        ice_lite: true,
        fingerprint_sha256: [0xab; 32],
        candidates: vec!["candidate:1 1 udp 2130706431 192.0.2.1 7880 typ host".into()],
        session_id: 9,
        max_message_size: 65_536,
    }
}

fn wanted(track: u64, kind: MediaKind, codec: &str) -> WantedSend {
    WantedSend {
        track,
        kind,
        codec: codec.into(),
        stream_id: format!("PA_anna|TR_{track}"),
        track_id: format!("TR_{track}"),
        ssrc: track as u32 * 10,
        rtx_ssrc: (kind == MediaKind::Video).then_some(track as u32 * 10 + 1),
        cname: "PA_anna".into(),
    }
}

fn section<'a>(answer: &'a Description, mid: &str) -> &'a MediaDescription {
    answer
        .media
        .iter()
        .find(|section| section.mid() == Some(mid))
        .expect("the mid is answered")
}

fn answer(answerer: &mut Answerer, sections: &[String]) -> (Description, visavis_sdp::Negotiated) {
    let (text, negotiated) = answerer
        .handle_offer(&offer(sections))
        .expect("a good offer");
    (
        Description::parse(&text).expect("a good answer"),
        negotiated,
    )
}

#[test]
fn unused_sections_are_inactive_and_stay_in_the_bundle() {
    let mut answerer = Answerer::new(local());
    let (answer, negotiated) = answer(&mut answerer, &first_offer());
    assert_eq!(answer.attribute("group"), Some("BUNDLE 0 1 2 3 4 5 6"));
    assert_eq!(answer.attribute("ice-lite"), Some(""));
    for section in &answer.media[..6] {
        assert_eq!(section.direction(), Direction::Inactive);
        assert!(!section.is_rejected());
        assert_eq!(section.attribute("setup"), Some("passive"));
    }
    assert!(answer.media[6].is_data() && !answer.media[6].is_rejected());
    assert_eq!(answer.media[0].attributes("candidate").count(), 1);
    assert_eq!(answer.media[1].attributes("candidate").count(), 0);
    assert_eq!(negotiated.remote.ice_ufrag, "Qmz7");
    assert_eq!(negotiated.remote.max_message_size, Some(262_144));
    assert_eq!(negotiated.remote.fingerprint.bytes[..3], [0x0a, 0x1b, 0x2c]);
    assert!(!answerer.needs_offer());
}

#[test]
fn tracks_ride_on_receiving_sections_with_our_msid() {
    let mut answerer = Answerer::new(local());
    answerer.set_sends(vec![
        wanted(1, MediaKind::Audio, "opus"),
        wanted(2, MediaKind::Video, "H264"),
    ]);
    let (answer, negotiated) = answer(&mut answerer, &first_offer());
    let sound = section(&answer, "0");
    assert_eq!(sound.direction(), Direction::SendOnly);
    assert_eq!(sound.attribute("msid"), Some("PA_anna|TR_1 TR_1"));
    assert!(
        sound
            .attributes("rtcp-fb")
            .any(|feedback| feedback == "111 nack")
    );
    let picture = section(&answer, "3");
    assert_eq!(picture.attribute("ssrc-group"), Some("FID 20 21"));
    let formats: Vec<_> = picture.formats().collect();
    assert_eq!(
        formats,
        ["102", "103", "96", "97"],
        "the track's codec comes first"
    );
    let map: Vec<_> = negotiated.mid_to_track().collect();
    assert_eq!(map, [("0", 1), ("3", 2)]);
    assert!(!answerer.needs_offer());
}

#[test]
fn the_second_identical_offer_gets_the_same_sections() {
    let mut answerer = Answerer::new(local());
    answerer.set_sends(vec![wanted(2, MediaKind::Video, "VP8")]);
    let (first, negotiated) = answer(&mut answerer, &first_offer());
    let (second, again) = answer(&mut answerer, &first_offer());
    assert_eq!(first.media, second.media);
    assert_eq!(negotiated, again);
}

#[test]
fn missing_sections_are_asked_for_and_used_when_they_come() {
    let mut answerer = Answerer::new(local());
    answerer.set_sends(
        (1..=5)
            .map(|track| wanted(track, MediaKind::Video, "VP8"))
            .collect(),
    );
    let mut sections = first_offer();
    answer(&mut answerer, &sections);
    assert_eq!(
        (answerer.needs_offer(), answerer.missing_sections()),
        (true, (0, 2))
    );
    sections.extend(["7", "8"].map(|mid| video(mid, "recvonly", "")));
    let (_, negotiated) = answer(&mut answerer, &sections);
    assert_eq!(negotiated.mid_to_track().count(), 5);
    assert!(!answerer.needs_offer());
}

#[test]
fn a_section_is_inactive_once_before_it_carries_another_track() {
    let mut answerer = Answerer::new(local());
    let sections = vec![video("0", "recvonly", ""), data("1")];
    answerer.set_sends(vec![wanted(1, MediaKind::Video, "VP8")]);
    answer(&mut answerer, &sections);
    answerer.set_sends(vec![wanted(2, MediaKind::Video, "VP8")]);
    assert!(answerer.needs_offer());
    let (between, _) = answer(&mut answerer, &sections);
    assert_eq!(section(&between, "0").direction(), Direction::Inactive);
    assert_eq!(answerer.missing_sections(), (0, 1));
    let (after, _) = answer(&mut answerer, &sections);
    assert_eq!(
        section(&after, "0").attribute("msid"),
        Some("PA_anna|TR_2 TR_2")
    );
}

#[test]
fn a_published_simulcast_track_is_accepted_with_all_its_layers() {
    let mut answerer = Answerer::new(local());
    let rids = "a=msid:stream cam-1\r\na=rid:q send\r\na=rid:h send\r\na=rid:f send\r\n\
                a=simulcast:send q;~h;f\r\n";
    let sections = [first_offer(), vec![video("7", "sendonly", rids)]].concat();
    let (answer, negotiated) = answer(&mut answerer, &sections);
    let published = section(&answer, "7");
    assert_eq!(published.direction(), Direction::RecvOnly);
    assert_eq!(published.attribute("simulcast"), Some("recv q;h;f"));
    assert_eq!(
        published.attributes("rid").collect::<Vec<_>>(),
        ["q recv", "h recv", "f recv"]
    );
    let orientation = |value: &str| value.contains("video-orientation");
    assert!(!published.attributes("extmap").any(orientation));
    let receive = negotiated
        .sections
        .last()
        .unwrap()
        .receive
        .as_ref()
        .unwrap();
    assert_eq!(
        (&*receive.stream_id, &*receive.track_id),
        ("stream", "cam-1")
    );
    assert_eq!(receive.rids, ["q", "h", "f"]);
}

#[test]
fn announced_sources_come_with_their_retransmissions() {
    let mut answerer = Answerer::new(local());
    let ssrcs =
        "a=ssrc-group:FID 7 8\r\na=ssrc:7 cname:x\r\na=ssrc:7 msid:s t\r\na=ssrc:8 cname:x\r\n";
    let (_, negotiated) = answer(&mut answerer, &[video("0", "sendrecv", ssrcs)]);
    let receive = negotiated.sections[0].receive.as_ref().unwrap();
    assert_eq!(
        receive.ssrcs,
        [SsrcPair {
            ssrc: 7,
            rtx: Some(8)
        }]
    );
    assert_eq!(receive.track_id, "t");
}

#[test]
fn opus_is_asked_for_as_the_track_was_announced() {
    let mut answerer = Answerer::new(local());
    answerer.set_publish_hint(
        "mic",
        PublishHint {
            no_dtx: true,
            stereo: true,
            codec: String::new(),
        },
    );
    let sections = [
        audio("0", "sendonly", "a=msid:s mic\r\n"),
        audio("1", "sendonly", "a=msid:s other\r\n"),
    ];
    let (answer, _) = answer(&mut answerer, &sections);
    let fmtp = |mid| section(&answer, mid).attribute("fmtp").unwrap().to_owned();
    assert_eq!(
        fmtp("0"),
        "111 minptime=10;useinbandfec=1;stereo=1;maxaveragebitrate=510000"
    );
    assert_eq!(fmtp("1"), "111 minptime=10;useinbandfec=1;usedtx=1");
    assert_eq!(
        section(&answer, "0").formats().collect::<Vec<_>>(),
        ["111", "0"],
        "no RED"
    );
}

#[test]
fn the_codec_that_a_track_was_announced_with_comes_first() {
    let mut answerer = Answerer::new(local());
    let hint = PublishHint {
        codec: "h264".into(),
        ..PublishHint::default()
    };
    answerer.set_publish_hint("cam", hint);
    let sections = [video("0", "sendonly", "a=msid:s cam\r\n")];
    let formats = |answer: &Description| -> Vec<String> {
        section(answer, "0").formats().map(str::to_owned).collect()
    };
    let (announced, negotiated) = answer(&mut answerer, &sections);
    assert_eq!(formats(&announced), ["102", "103", "96", "97"]);
    assert_eq!(negotiated.sections[0].codecs[0].name, "H264");
    answerer.remove_publish_hint("cam");
    let (plain, _) = answer(&mut answerer, &sections);
    assert_eq!(formats(&plain), ["96", "97", "102", "103"]);
}

#[test]
fn a_track_whose_codec_the_client_lacks_is_named_once_and_not_waited_for() {
    let mut answerer = Answerer::new(local());
    answerer.set_sends(vec![
        wanted(1, MediaKind::Video, "AV1"),
        wanted(2, MediaKind::Video, "VP8"),
    ]);
    let (_, negotiated) = answer(&mut answerer, &first_offer());
    assert_eq!(negotiated.unsupported, [1]);
    assert_eq!(negotiated.mid_to_track().collect::<Vec<_>>(), [("3", 2)]);
    assert!(!answerer.needs_offer());
    assert_eq!(answer(&mut answerer, &first_offer()).1.unsupported, []);
}

#[test]
fn ended_and_unknown_sections_are_refused_in_their_place() {
    let mut answerer = Answerer::new(local());
    let ended = video("0", "inactive", "").replace("m=video 9", "m=video 0");
    let fax = format!("m=image 9 udptl t38\r\n{TRANSPORT}a=mid:1\r\n");
    let (answer, negotiated) = answer(&mut answerer, &[ended, fax, data("2")]);
    assert!(answer.media[0].is_rejected() && answer.media[1].is_rejected());
    assert_eq!(answer.attribute("group"), Some("BUNDLE 2"));
    assert_eq!(answer.media[2].attributes("candidate").count(), 1);
    assert!(negotiated.sections.is_empty());
}

#[test]
fn bad_offers_are_refused_and_change_nothing() {
    let mut answerer = Answerer::new(local());
    answerer.set_sends(vec![wanted(1, MediaKind::Audio, "opus")]);
    let good = offer(&first_offer());
    for (bad, error) in [
        (
            good.replace("a=fingerprint", "a=fingerprynt"),
            SdpError::Missing("fingerprint"),
        ),
        (
            good.replace("sha-256 0A:", "sha-256 0A"),
            SdpError::Invalid("fingerprint"),
        ),
        (
            good.replace("a=ice-ufrag:Qmz7\r\n", ""),
            SdpError::Missing("ice-ufrag"),
        ),
        (
            good.replace("Zr3lXqk1cTgS8aHpWbNvEoUd", "short"),
            SdpError::Invalid("ice-pwd"),
        ),
        (
            good.replace("a=mid:1\r\n", "a=mid:0\r\n"),
            SdpError::DuplicateMid,
        ),
        (good.replace("a=mid:1\r\n", ""), SdpError::Missing("mid")),
        (offer(&[]), SdpError::Missing("media section")),
        ("hello".into(), SdpError::Malformed(1)),
    ] {
        assert_eq!(answerer.handle_offer(&bad).err(), Some(error));
    }
    let many: Vec<_> = (0..1_000)
        .map(|mid| audio(&mid.to_string(), "recvonly", ""))
        .collect();
    let refused = answerer.handle_offer(&offer(&many)).err();
    assert!(matches!(
        refused,
        Some(SdpError::TooManySections | SdpError::TooLong)
    ));
    let (_, negotiated) = answer(&mut answerer, &first_offer());
    assert_eq!(negotiated.mid_to_track().collect::<Vec<_>>(), [("0", 1)]);
}

/// A client's answer to one of our offers: it takes all that it is offered.
fn client_answer(offer: &str) -> String {
    let text = offer
        .replace("a=setup:actpass", "a=setup:active")
        .replace("a=sendonly", "a=recvonly")
        .replace("a=ice-lite\r\n", "");
    text.lines()
        .filter(|line| !line.starts_with("a=ssrc") && !line.starts_with("a=msid:"))
        .map(|line| format!("{line}\r\n"))
        .collect()
}

#[test]
fn the_first_offer_has_data_channels_even_without_media() {
    let mut offerer = Offerer::new(local());
    assert!(offerer.needs_offer());
    let offer = offerer.create_offer();
    let description = Description::parse(&offer).unwrap();
    assert_eq!(description.media.len(), 1);
    assert!(description.media[0].is_data());
    let negotiated = offerer.handle_answer(&client_answer(&offer)).unwrap();
    assert_eq!(negotiated.remote.max_message_size, Some(65_536));
    assert!(negotiated.sections.is_empty() && !offerer.needs_offer());
}

#[test]
fn offered_tracks_come_and_go_and_their_sections_are_used_again() {
    let mut offerer = Offerer::new(local());
    offerer.set_sends(vec![
        wanted(1, MediaKind::Video, "VP9"),
        wanted(2, MediaKind::Audio, "opus"),
    ]);
    let offer = offerer.create_offer();
    let negotiated = offerer.handle_answer(&client_answer(&offer)).unwrap();
    assert_eq!(
        negotiated.mid_to_track().collect::<Vec<_>>(),
        [("0", 1), ("1", 2)]
    );
    assert_eq!(negotiated.sections[0].codecs[0].name, "VP9");
    // Another video replaces the first: not on the same section in the same offer.
    offerer.set_sends(vec![
        wanted(2, MediaKind::Audio, "opus"),
        wanted(3, MediaKind::Video, "VP8"),
    ]);
    assert!(offerer.needs_offer());
    let offer = offerer.create_offer();
    let description = Description::parse(&offer).unwrap();
    assert_eq!(section(&description, "0").direction(), Direction::Inactive);
    let negotiated = offerer.handle_answer(&client_answer(&offer)).unwrap();
    assert_eq!(
        negotiated.mid_to_track().collect::<Vec<_>>(),
        [("1", 2), ("2", 3)]
    );
    // A third finds the free one.
    offerer.set_sends(vec![
        wanted(3, MediaKind::Video, "VP8"),
        wanted(4, MediaKind::Video, "H264"),
    ]);
    let offer = offerer.create_offer();
    let description = Description::parse(&offer).unwrap();
    assert_eq!(
        section(&description, "0").attribute("msid"),
        Some("PA_anna|TR_4 TR_4")
    );
    assert_eq!(description.media.len(), 4);
}

#[test]
fn a_track_that_comes_back_gets_another_section_within_bounds() {
    let mut offerer = Offerer::new(local());
    let mut mids = Vec::new();
    for round in 0..20 {
        let mut send = wanted(1, MediaKind::Video, "VP8");
        send.ssrc = 100 + round;
        offerer.set_sends(vec![send]);
        let answer = client_answer(&offerer.create_offer());
        let negotiated = offerer.handle_answer(&answer).unwrap();
        mids.push(negotiated.sections[0].mid.clone());
        offerer.set_sends(Vec::new());
        let answer = client_answer(&offerer.create_offer());
        offerer.handle_answer(&answer).unwrap();
    }
    assert_eq!(mids[..3], ["0", "1", "2"]);
    mids.sort();
    mids.dedup();
    assert_eq!(mids.len(), 8);
    // Another track takes what is there.
    offerer.set_sends(vec![wanted(2, MediaKind::Video, "VP8")]);
    let offer = Description::parse(&offerer.create_offer()).unwrap();
    assert_eq!(offer.media.len(), 9);
}

#[test]
fn an_answer_that_refuses_a_section_names_the_track() {
    let mut offerer = Offerer::new(local());
    offerer.set_sends(vec![wanted(1, MediaKind::Video, "AV1")]);
    let offer = offerer.create_offer();
    let refused = client_answer(&offer).replace("m=video 9", "m=video 0");
    assert_eq!(offerer.handle_answer(&refused).unwrap().unsupported, [1]);
    let short = client_answer(&offer)
        .split("m=video")
        .next()
        .unwrap()
        .to_owned();
    assert_eq!(offerer.handle_answer(&short), Err(SdpError::NoMatch));
}

#[test]
fn a_changed_transport_shows_in_the_next_offer_and_answer() {
    let mut offerer = Offerer::new(local());
    let offer = offerer.create_offer();
    offerer.handle_answer(&client_answer(&offer)).unwrap();
    let fresh = LocalTransport {
        ice_ufrag: "fresh".into(),
        ..local()
    };
    offerer.set_local(fresh.clone());
    assert!(offerer.needs_offer());
    assert!(offerer.create_offer().contains("a=ice-ufrag:fresh\r\n"));
    let mut answerer = Answerer::new(local());
    answer(&mut answerer, &first_offer());
    answerer.set_local(fresh);
    assert!(
        answer(&mut answerer, &first_offer())
            .0
            .to_string()
            .contains("a=ice-ufrag:fresh\r\n")
    );
}

#[test]
fn mutated_descriptions_never_panic() {
    let good = offer(&first_offer()).into_bytes();
    let mut seed = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed as usize
    };
    for _ in 0..300 {
        let mut bytes = good.clone();
        for _ in 0..1 + random() % 20 {
            if bytes.is_empty() {
                break;
            }
            let at = random() % bytes.len();
            match random() % 4 {
                0 => bytes[at] = random() as u8 & 0x7f,
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, b":; 0\n="[random() % 6]),
                _ => bytes.truncate(at.max(1)),
            }
        }
        visavis_sdp::fuzz::fuzz_sdp(&bytes);
    }
}

#[test]
fn a_track_that_is_wanted_again_gets_another_section() {
    let fingerprint = ["AA"; 32].join(":");
    let offer = &format!(
        "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n\
        a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=fingerprint:sha-256 {fingerprint}\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=recvonly\r\na=rtpmap:111 opus/48000/2\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:1\r\na=recvonly\r\na=rtpmap:111 opus/48000/2\r\n"
    );
    let sent = |ssrc| WantedSend {
        track: 7,
        kind: MediaKind::Audio,
        codec: "opus".into(),
        stream_id: "PA_a|TR_b".into(),
        track_id: "TR_b".into(),
        ssrc,
        rtx_ssrc: None,
        cname: "PA_a".into(),
    };
    let mut answerer = Answerer::new(local());
    answerer.set_sends(vec![sent(1)]);
    let (_, negotiated) = answerer.handle_offer(offer).unwrap();
    assert_eq!(negotiated.mid_to_track().collect::<Vec<_>>(), [("0", 7)]);
    answerer.set_sends(vec![sent(2)]);
    assert!(answerer.needs_offer());
    let (answer, negotiated) = answerer.handle_offer(offer).unwrap();
    assert_eq!(negotiated.mid_to_track().collect::<Vec<_>>(), [("1", 7)]);
    assert!(answer.contains("a=inactive"));
}
