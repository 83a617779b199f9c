//! Writing our descriptions.

use std::fmt::Write as _;

use crate::types::{Direction, LocalTransport, MediaKind, SectionCodec, WantedSend};

/// Collects the lines of a description that we write.
pub(crate) struct Writer {
    text: String,
}

impl Writer {
    /// The session part.
    pub(crate) fn session(
        local: &LocalTransport,
        version: u64,
        mids: &[&str],
        mixed: bool,
    ) -> Self {
        let mut text = format!(
            "v=0\r\no=- {} {version} IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE",
            local.session_id
        );
        for mid in mids {
            text.push(' ');
            text.push_str(mid);
        }
        text.push_str("\r\n");
        let mut writer = Self { text };
        if local.ice_lite {
            writer.attribute("ice-lite");
        }
        if mixed {
            writer.attribute("extmap-allow-mixed");
        }
        writer.attribute("msid-semantic: WMS *");
        writer
    }

    pub(crate) fn finish(self) -> String {
        self.text
    }

    pub(crate) fn attribute(&mut self, value: &str) {
        self.text.push_str("a=");
        self.text.push_str(value);
        self.text.push_str("\r\n");
    }

    /// A section that is refused for good.
    pub(crate) fn rejected(&mut self, media: &str, protocol: &str, format: &str) {
        let _ = write!(
            self.text,
            "m={media} 0 {protocol} {format}\r\nc=IN IP4 0.0.0.0\r\n"
        );
    }

    /// The m-line, the transport and the mid of a section in use.
    pub(crate) fn section(
        &mut self,
        media: &str,
        protocol: &str,
        formats: &[String],
        mid: &str,
        transport: &SectionTransport<'_>,
    ) {
        let _ = write!(
            self.text,
            "m={media} 9 {protocol} {}\r\nc=IN IP4 0.0.0.0\r\n",
            formats.join(" ")
        );
        let local = transport.local;
        self.attribute(&format!("setup:{}", transport.setup));
        self.attribute(&format!("mid:{mid}"));
        self.attribute(&format!("ice-ufrag:{}", local.ice_ufrag));
        self.attribute(&format!("ice-pwd:{}", local.ice_pwd));
        let hex: Vec<String> = local
            .fingerprint_sha256
            .iter()
            .map(|octet| format!("{octet:02X}"))
            .collect();
        self.attribute(&format!("fingerprint:sha-256 {}", hex.join(":")));
        if transport.with_candidates {
            for candidate in &local.candidates {
                self.attribute(candidate);
            }
            self.attribute("end-of-candidates");
        }
    }

    /// The data channels' attributes.
    pub(crate) fn sctp(&mut self, local: &LocalTransport) {
        self.attribute("sctp-port:5000");
        self.attribute(&format!("max-message-size:{}", local.max_message_size));
    }

    /// Direction, multiplexing, codecs and extensions of a media section.
    pub(crate) fn media(
        &mut self,
        direction: Direction,
        codecs: &[SectionCodec],
        extensions: &[(u8, String)],
    ) {
        self.attribute(direction.as_str());
        self.attribute("rtcp-mux");
        self.attribute("rtcp-rsize");
        for (id, uri) in extensions {
            self.attribute(&format!("extmap:{id} {uri}"));
        }
        codecs.iter().for_each(|codec| self.codec(codec));
    }

    fn codec(&mut self, codec: &SectionCodec) {
        let pt = codec.payload_type;
        let channels = match codec.channels {
            0 => String::new(),
            channels => format!("/{channels}"),
        };
        self.attribute(&format!(
            "rtpmap:{pt} {}/{}{channels}",
            codec.name, codec.clock_rate
        ));
        for (wanted, what) in [
            (codec.goog_remb, "goog-remb"),
            (codec.transport_cc, "transport-cc"),
            (codec.ccm_fir, "ccm fir"),
            (codec.nack, "nack"),
            (codec.nack_pli, "nack pli"),
        ] {
            if wanted {
                self.attribute(&format!("rtcp-fb:{pt} {what}"));
            }
        }
        if let Some(fmtp) = &codec.fmtp {
            self.attribute(&format!("fmtp:{pt} {fmtp}"));
        }
        if let Some(rtx) = codec.rtx {
            self.attribute(&format!("rtpmap:{rtx} rtx/{}", codec.clock_rate));
            self.attribute(&format!("fmtp:{rtx} apt={pt}"));
        }
    }

    /// The track that we send.
    pub(crate) fn track(&mut self, wanted: &WantedSend, rtx: bool) {
        let WantedSend {
            stream_id,
            track_id,
            ssrc,
            cname,
            ..
        } = wanted;
        self.attribute(&format!("msid:{stream_id} {track_id}"));
        let rtx = wanted.rtx_ssrc.filter(|_| rtx);
        if let Some(rtx) = rtx {
            self.attribute(&format!("ssrc-group:FID {ssrc} {rtx}"));
        }
        for ssrc in std::iter::once(*ssrc).chain(rtx) {
            self.attribute(&format!("ssrc:{ssrc} cname:{cname}"));
            self.attribute(&format!("ssrc:{ssrc} msid:{stream_id} {track_id}"));
        }
    }

    /// Accepts the simulcast layers that the client sends.
    pub(crate) fn simulcast(&mut self, rids: &[String]) {
        for rid in rids {
            self.attribute(&format!("rid:{rid} recv"));
        }
        if !rids.is_empty() {
            self.attribute(&format!("simulcast:recv {}", rids.join(";")));
        }
    }
}

/// How a section shows our transport.
pub(crate) struct SectionTransport<'a> {
    pub(crate) local: &'a LocalTransport,
    pub(crate) setup: &'static str,
    /// The candidates stand in the section that the BUNDLE group begins with.
    pub(crate) with_candidates: bool,
}

/// The formats of an m-line: each codec with its retransmissions.
pub(crate) fn formats(codecs: &[SectionCodec]) -> Vec<String> {
    codecs
        .iter()
        .flat_map(|codec| std::iter::once(codec.payload_type).chain(codec.rtx))
        .map(|payload_type| payload_type.to_string())
        .collect()
}

/// What an m-line without a usable codec lists.
pub(crate) fn any_format(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Audio => "0",
        MediaKind::Video => "96",
    }
}
