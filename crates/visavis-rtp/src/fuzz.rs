//! Entry points for fuzzing: plain functions that must return for any input.

use crate::codec::{Codec, vp8};
use crate::srtp::{Profile, SrtpRx};
use crate::{RtpHeader, rtcp};

/// RTP header, extensions and payload descriptors.
pub fn fuzz_rtp(data: &[u8]) {
    let Ok(header) = RtpHeader::parse(data) else {
        return;
    };
    let _ = header.extensions(data).count();
    let payload = header.payload(data);
    for codec in [Codec::Vp8, Codec::Vp9, Codec::H264, Codec::H265, Codec::Av1] {
        let _ = codec.starts_keyframe(payload);
    }
    if let Some(descriptor) = vp8::Descriptor::parse(payload) {
        let mut out = [0; vp8::MAX_DESCRIPTOR_LEN];
        let len = descriptor.write(&mut out);
        let again = vp8::Descriptor::parse(&out[..len]);
        assert_eq!(again.map(|d| d.tl0_pic_idx), Some(descriptor.tl0_pic_idx));
    }
}

/// RTCP compounds.
pub fn fuzz_rtcp(data: &[u8]) {
    for packet in rtcp::packets(data) {
        match packet {
            rtcp::Packet::SenderReport { blocks, .. }
            | rtcp::Packet::ReceiverReport { blocks, .. } => _ = blocks.count(),
            rtcp::Packet::Goodbye(ssrcs) => _ = ssrcs.count(),
            rtcp::Packet::Nack { lost, .. } => lost.for_each(|_| ()),
            rtcp::Packet::Twcc(feedback) => feedback.for_each(|_| ()),
            rtcp::Packet::Pli { .. } | rtcp::Packet::Fir { .. } | rtcp::Packet::Remb(_) => {}
        }
    }
}

/// Sealed packets of a peer that does not have the keys.
pub fn fuzz_srtp(data: &[u8]) {
    for profile in [Profile::AeadAes256Gcm, Profile::AesCm128HmacSha1_80] {
        let (key, salt) = (
            &[1; 32][..profile.key_len()],
            &[2; 14][..profile.salt_len()],
        );
        let Ok(mut rx) = SrtpRx::new(profile, key, salt) else {
            return;
        };
        let _ = rx.open_rtp(&mut data.to_vec());
        let _ = rx.open_rtcp(&mut data.to_vec());
    }
}
