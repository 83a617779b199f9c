//! Entry points for fuzzing: plain functions that must return for any input.

use crate::{Answerer, Description, LocalTransport, MediaKind, Offerer, WantedSend};

/// A description as an offer and as an answer.
pub fn fuzz_sdp(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(description) = Description::parse(text) {
        let again = Description::parse(&description.to_string());
        assert_eq!(again.as_ref(), Ok(&description));
    }
    let local = LocalTransport {
        ice_ufrag: "ufrag".into(),
        ice_pwd: "p".repeat(22),
        ice_lite: true,
        fingerprint_sha256: [7; 32],
        candidates: vec!["candidate:1 1 udp 1 192.0.2.1 7880 typ host".into()],
        session_id: 1,
        max_message_size: 65_536,
    };
    let send = WantedSend {
        track: 1,
        kind: MediaKind::Video,
        codec: "VP8".into(),
        stream_id: "PA_a|TR_b".into(),
        track_id: "TR_b".into(),
        ssrc: 1,
        rtx_ssrc: Some(2),
        cname: "PA_a".into(),
    };
    let mut answerer = Answerer::new(local.clone());
    answerer.set_sends(vec![send.clone()]);
    let _ = answerer.handle_offer(text);
    let mut offerer = Offerer::new(local);
    offerer.set_sends(vec![send]);
    let _ = offerer.create_offer();
    let _ = offerer.handle_answer(text);
}
