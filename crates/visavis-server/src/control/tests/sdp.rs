//! Offers and answers as Chromium writes them, cut to what matters.

const FINGERPRINT: &str = "0A:1B:2C:3D:4E:5F:60:71:82:93:A4:B5:C6:D7:E8:F9:\
    0A:1B:2C:3D:4E:5F:60:71:82:93:A4:B5:C6:D7:E8:F9";

const AUDIO: &str = "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n\
    a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
    a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=rtcp-mux\r\n\
    a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n\
    a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n";

const VIDEO: &str = "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
    a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=extmap:13 urn:3gpp:video-orientation\r\n\
    a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\na=rtcp-mux\r\na=rtcp-rsize\r\n\
    a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 transport-cc\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\n\
    a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n\
    a=rtpmap:102 H264/90000\r\na=rtcp-fb:102 nack\r\n\
    a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f\r\n\
    a=rtpmap:103 rtx/90000\r\na=fmtp:103 apt=102\r\n";

/// One client's descriptions: its transport, and sections that only grow.
#[derive(Clone)]
pub(super) struct ClientSdp {
    ufrag: String,
    sections: Vec<String>,
}

impl ClientSdp {
    /// The first offer in single mode: three of each to receive on, and data.
    pub(super) fn single() -> Self {
        let mut sdp = Self::dual();
        sdp.sections.clear();
        for _ in 0..3 {
            sdp.audio("recvonly", "");
        }
        for _ in 0..3 {
            sdp.video("recvonly", "");
        }
        sdp.data();
        sdp
    }

    /// The first offer of a publisher in dual mode: data alone.
    pub(super) fn dual() -> Self {
        let mut sdp = Self {
            ufrag: "Qmz7".into(),
            sections: Vec::new(),
        };
        sdp.data();
        sdp
    }

    /// Restarts ICE.
    pub(super) fn restart(&mut self, ufrag: &str) {
        self.ufrag = ufrag.into();
    }

    /// A section of Opus; its mid.
    pub(super) fn audio(&mut self, direction: &str, more: &str) -> String {
        self.section("audio", "111 63", direction, &format!("{AUDIO}{more}"))
    }

    /// A section of VP8 and H264; its mid.
    pub(super) fn video(&mut self, direction: &str, more: &str) -> String {
        self.section(
            "video",
            "96 97 102 103",
            direction,
            &format!("{VIDEO}{more}"),
        )
    }

    /// A camera in three layers; its mid.
    pub(super) fn camera(&mut self, cid: &str) -> String {
        let more = format!(
            "a=msid:- {cid}\r\na=rid:q send\r\na=rid:h send\r\na=rid:f send\r\na=simulcast:send q;~h;f\r\n"
        );
        self.video("sendonly", &more)
    }

    /// A microphone; its mid.
    pub(super) fn microphone(&mut self, cid: &str) -> String {
        let more = format!("a=msid:- {cid}\r\na=ssrc:77 cname:x\r\n");
        self.audio("sendonly", &more)
    }

    /// Changes a section's direction.
    pub(super) fn turn(&mut self, mid: &str, from: &str, to: &str) {
        let marker = format!("a=mid:{mid}\r\n");
        for section in self.sections.iter_mut().filter(|s| s.contains(&marker)) {
            *section = section.replace(&format!("a={from}\r\n"), &format!("a={to}\r\n"));
        }
    }

    fn section(&mut self, media: &str, formats: &str, direction: &str, more: &str) -> String {
        let mid = self.sections.len().to_string();
        self.sections.push(format!(
            "m={media} 9 UDP/TLS/RTP/SAVPF {formats}\r\nTRANSPORTa=mid:{mid}\r\na={direction}\r\n{more}"
        ));
        mid
    }

    fn data(&mut self) {
        let mid = self.sections.len();
        self.sections.push(format!(
            "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nTRANSPORTa=mid:{mid}\r\n\
             a=sctp-port:5000\r\na=max-message-size:262144\r\n"
        ));
    }

    /// The offer's text.
    pub(super) fn offer(&self) -> String {
        let transport = format!(
            "c=IN IP4 0.0.0.0\r\na=ice-ufrag:{}\r\na=ice-pwd:Zr3lXqk1cTgS8aHpWbNvEoUd\r\n\
             a=ice-options:trickle goog-sped-v1\r\na=fingerprint:sha-256 {FINGERPRINT}\r\na=setup:actpass\r\n",
            self.ufrag
        );
        let head = "v=0\r\no=- 42 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
                    a=extmap-allow-mixed\r\na=msid-semantic: WMS\r\n";
        head.to_owned() + &self.sections.concat().replace("TRANSPORT", &transport)
    }
}

/// A client's answer to one of our offers: it takes all that it is offered.
pub(super) fn answer(offer: &str) -> String {
    let text = offer
        .replace("a=setup:actpass", "a=setup:active")
        .replace("a=sendonly", "a=recvonly")
        .replace("a=ice-lite\r\n", "");
    text.lines()
        .filter(|line| !line.starts_with("a=ssrc") && !line.starts_with("a=msid:"))
        .map(|line| format!("{line}\r\n"))
        .collect()
}
