use super::*;
use crate::rtcp::Builder;
use crate::{RtpFields, RtpHeader, RtpWriter};

const PROFILES: [Profile; 3] = [
    Profile::AeadAes256Gcm,
    Profile::AeadAes128Gcm,
    Profile::AesCm128HmacSha1_80,
];

fn pair(profile: Profile) -> (SrtpTx, SrtpRx) {
    let key: Vec<u8> = (0..profile.key_len() as u8).collect();
    let salt: Vec<u8> = (100..100 + profile.salt_len() as u8).collect();
    (
        SrtpTx::new(profile, &key, &salt).unwrap(),
        SrtpRx::new(profile, &key, &salt).unwrap(),
    )
}

fn seal(tx: &SrtpTx, index: u64, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![0; 1500];
    let fields = RtpFields {
        marker: false,
        payload_type: 96,
        sequence: index as u16,
        timestamp: 1,
        ssrc: 77,
    };
    let mut writer = RtpWriter::new(&mut out, &fields, false).unwrap();
    writer.extension(3, b"mid").unwrap();
    let header = writer.finish().unwrap();
    let prefix = payload.len().min(4);
    out[header..header + prefix].copy_from_slice(&payload[..prefix]);
    let len = tx
        .seal_rtp(&mut out, header, prefix, &payload[prefix..], index)
        .unwrap();
    out.truncate(len);
    out
}

#[test]
fn packets_decrypt_across_the_rollover() {
    for profile in PROFILES {
        let (tx, mut rx) = pair(profile);
        for index in 60_000..130_000u64 {
            let mut packet = seal(&tx, index, &index.to_be_bytes());
            let len = rx.open_rtp(&mut packet).unwrap();
            let header = RtpHeader::parse(&packet[..len]).unwrap();
            assert_eq!(header.payload(&packet[..len]), index.to_be_bytes());
        }
    }
}

#[test]
fn late_packets_of_the_turn_before_decrypt() {
    for profile in PROFILES {
        let (tx, mut rx) = pair(profile);
        for index in [65_500, 65_540, 65_530, 65_541, 65_535] {
            rx.open_rtp(&mut seal(&tx, index, b"late")).unwrap();
        }
    }
}

#[test]
fn replays_and_forgeries_are_refused_and_leave_no_trace() {
    for profile in PROFILES {
        let (tx, mut rx) = pair(profile);
        let packet = seal(&tx, 5, b"payload");
        let mut forged = packet.clone();
        *forged.last_mut().unwrap() ^= 1;
        assert_eq!(rx.open_rtp(&mut forged), Err(SrtpError::Forged));
        let mut header = packet.clone();
        header[1] ^= 0x80;
        assert_eq!(rx.open_rtp(&mut header), Err(SrtpError::Forged));
        assert!(rx.open_rtp(&mut packet.clone()).is_ok());
        assert_eq!(rx.open_rtp(&mut packet.clone()), Err(SrtpError::Replayed));
        for cut in 0..packet.len() {
            assert!(rx.open_rtp(&mut packet[..cut].to_vec()).is_err());
        }
    }
}

#[test]
fn rtcp_makes_the_way_and_is_protected_too() {
    for profile in PROFILES {
        let (mut tx, mut rx) = pair(profile);
        let mut compound = Vec::new();
        Builder::new(&mut compound).pli(1, 2);
        let plain = compound.clone();
        compound.resize(plain.len() + MAX_OVERHEAD, 0);
        let len = tx.seal_rtcp(&mut compound, plain.len()).unwrap();
        compound.truncate(len);
        let mut forged = compound.clone();
        forged[9] ^= 1;
        assert_eq!(rx.open_rtcp(&mut forged), Err(SrtpError::Forged));
        let mut sealed = compound.clone();
        let len = rx.open_rtcp(&mut sealed).unwrap();
        assert_eq!(sealed[..len], plain);
        assert_eq!(
            rx.open_rtcp(&mut compound.clone()),
            Err(SrtpError::Replayed)
        );
        for cut in 0..compound.len() {
            assert!(rx.open_rtcp(&mut compound[..cut].to_vec()).is_err());
        }
    }
}

#[test]
fn a_flood_of_forged_sources_makes_no_state() {
    let (tx, mut rx) = pair(Profile::AeadAes128Gcm);
    let packet = seal(&tx, 5, b"payload");
    for ssrc in 0..2_000u32 {
        let mut forged = packet.clone();
        forged[8..12].copy_from_slice(&ssrc.to_be_bytes());
        let expected = if ssrc == 77 {
            Ok(23)
        } else {
            Err(SrtpError::Forged)
        };
        assert_eq!(rx.open_rtp(&mut forged).map(|_| 23), expected);
    }
}

#[test]
fn keys_of_the_wrong_length_are_refused() {
    for profile in PROFILES {
        assert_eq!(
            server_contexts(profile, &[0; 7]).err(),
            Some(SrtpError::Keys)
        );
        assert!(server_contexts(profile, &vec![1; profile.material_len()]).is_ok());
    }
}
