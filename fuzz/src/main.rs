//! All fuzz targets in one libFuzzer binary: the variable `VISAVIS_FUZZ_TARGET`
//! names the one to run. `cargo xtask fuzz` builds and runs it.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use visavis_transport::Certificate;

type Target = fn(&[u8]);

const TARGETS: [(&str, Target); 11] = [
    ("rtp", visavis_rtp::fuzz::fuzz_rtp),
    ("rtcp", visavis_rtp::fuzz::fuzz_rtcp),
    ("srtp", visavis_rtp::fuzz::fuzz_srtp),
    ("sdp", visavis_sdp::fuzz::fuzz_sdp),
    ("stun", visavis_turn::fuzz::fuzz_stun),
    ("dcep", visavis_transport::fuzz::fuzz_dcep),
    ("datagram", datagram),
    ("frame", visavis_signal::fuzz::fuzz_frame),
    ("join", visavis_signal::fuzz::fuzz_join),
    ("data", visavis_signal::fuzz::fuzz_data_packet),
    ("token", visavis_signal::fuzz::fuzz_token),
];

fn datagram(data: &[u8]) {
    static CERTIFICATE: OnceLock<Certificate> = OnceLock::new();
    let certificate = CERTIFICATE.get_or_init(|| Certificate::generate().expect("randomness"));
    visavis_transport::fuzz::fuzz_datagram(certificate, data);
}

fn target() -> Target {
    static TARGET: OnceLock<Target> = OnceLock::new();
    *TARGET.get_or_init(|| {
        let wanted = std::env::var("VISAVIS_FUZZ_TARGET").unwrap_or_default();
        let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
        let found = TARGETS.iter().find(|(name, _)| *name == wanted);
        found
            .unwrap_or_else(|| panic!("VISAVIS_FUZZ_TARGET must be one of {names:?}"))
            .1
    })
}

fuzz_target!(|data: &[u8]| target()(data));
