//! One direction's session keys and the transforms they do.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{EncryptingKey, EncryptionContext};
use aws_lc_rs::constant_time;
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;

use super::kdf::{Label, ctr, derive};
use super::{Profile, SrtpError};

/// Octets of the tag of AES_CM_128_HMAC_SHA1_80.
const HMAC_TAG: usize = 10;

/// Where in the packet space a nonce belongs.
#[derive(Debug, Clone, Copy)]
pub(super) struct PacketId {
    pub(super) ssrc: u32,
    /// SRTP: rollover counter and sequence number, 48 bits. SRTCP: 31 bits.
    pub(super) index: u64,
}

/// Session keys for RTP or for RTCP.
#[derive(Debug)]
pub(super) enum Cipher {
    Gcm {
        key: Box<LessSafeKey>,
        salt: [u8; 12],
    },
    CmHmac {
        key: Box<EncryptingKey>,
        auth: Box<hmac::Key>,
        salt: [u8; 14],
    },
}

impl Cipher {
    pub(super) fn new(
        profile: Profile,
        master_key: &[u8],
        master_salt: &[u8],
        [key_label, auth_label, salt_label]: [Label; 3],
    ) -> Result<Self, SrtpError> {
        let derive = |label, out: &mut [u8]| derive(profile, master_key, master_salt, label, out);
        let mut key = [0; 32];
        let key = &mut key[..profile.key_len()];
        derive(key_label, key)?;
        let algorithm = match profile {
            Profile::AeadAes256Gcm => &AES_256_GCM,
            Profile::AeadAes128Gcm => &AES_128_GCM,
            Profile::AesCm128HmacSha1_80 => {
                let mut salt = [0; 14];
                derive(salt_label, &mut salt)?;
                let mut auth = [0; 20];
                derive(auth_label, &mut auth)?;
                let auth = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &auth);
                return Ok(Self::CmHmac {
                    key: Box::new(ctr(key)?),
                    auth: Box::new(auth),
                    salt,
                });
            }
        };
        let mut salt = [0; 12];
        derive(salt_label, &mut salt)?;
        let key = UnboundKey::new(algorithm, key).map_err(|_| SrtpError::Keys)?;
        Ok(Self::Gcm {
            key: Box::new(LessSafeKey::new(key)),
            salt,
        })
    }

    pub(super) fn rtp(profile: Profile, key: &[u8], salt: &[u8]) -> Result<Self, SrtpError> {
        Self::new(
            profile,
            key,
            salt,
            [Label::RtpKey, Label::RtpAuth, Label::RtpSalt],
        )
    }

    pub(super) fn rtcp(profile: Profile, key: &[u8], salt: &[u8]) -> Result<Self, SrtpError> {
        Self::new(
            profile,
            key,
            salt,
            [Label::RtcpKey, Label::RtcpAuth, Label::RtcpSalt],
        )
    }

    /// Encrypts `in_place` where it stands and `rest` into `out`, whose end
    /// takes the tag. `aad` is authenticated; `trailer` too, but is not sent
    /// here (ROC with HMAC, ESRTCP word).
    pub(super) fn seal(
        &self,
        id: PacketId,
        aad: &[u8],
        in_place: &mut [u8],
        rest: &[u8],
        out: &mut [u8],
    ) -> Result<(), SrtpError> {
        match self {
            Self::Gcm { key, salt } => key
                .seal_in_place_scatter(gcm_nonce(salt, id), Aad::from(aad), in_place, rest, out)
                .map_err(|_| SrtpError::Keys),
            Self::CmHmac { .. } => Err(SrtpError::Keys),
        }
    }

    /// Applies the key stream of AES-CM to `bytes`.
    pub(super) fn apply_cm(
        key: &EncryptingKey,
        salt: &[u8; 14],
        id: PacketId,
        bytes: &mut [u8],
    ) -> Result<(), SrtpError> {
        let mut iv = [0u8; 16];
        iv[..14].copy_from_slice(salt);
        xor(&mut iv[4..8], &id.ssrc.to_be_bytes());
        xor(&mut iv[8..14], &id.index.to_be_bytes()[2..]);
        key.less_safe_encrypt(bytes, EncryptionContext::Iv128(FixedLength::from(iv)))
            .map_err(|_| SrtpError::Keys)?;
        Ok(())
    }

    /// Opens GCM-sealed `sealed` (ciphertext and tag) in place.
    pub(super) fn open_gcm(
        key: &LessSafeKey,
        salt: &[u8; 12],
        id: PacketId,
        aad: &[u8],
        sealed: &mut [u8],
    ) -> Result<usize, SrtpError> {
        key.open_in_place(gcm_nonce(salt, id), Aad::from(aad), sealed)
            .map(|plain| plain.len())
            .map_err(|_| SrtpError::Forged)
    }
}

/// RFC 7714 section 8.1 (and 9.1, whose index has zeros in front).
fn gcm_nonce(salt: &[u8; 12], id: PacketId) -> Nonce {
    let mut nonce = *salt;
    xor(&mut nonce[2..6], &id.ssrc.to_be_bytes());
    xor(&mut nonce[6..12], &id.index.to_be_bytes()[2..]);
    Nonce::assume_unique_for_key(nonce)
}

/// HMAC-SHA1 over `packet` and `trailer`, cut to 80 bits.
pub(super) fn hmac_tag(auth: &hmac::Key, packet: &[u8], trailer: &[u8]) -> [u8; HMAC_TAG] {
    let mut context = hmac::Context::with_key(auth);
    context.update(packet);
    context.update(trailer);
    let tag = context.sign();
    let mut cut = [0; HMAC_TAG];
    cut.copy_from_slice(&tag.as_ref()[..HMAC_TAG]);
    cut
}

/// Compares tags in constant time.
pub(super) fn tags_equal(computed: &[u8], received: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(computed, received).is_ok()
}

fn xor(bytes: &mut [u8], with: &[u8]) {
    for (byte, with) in bytes.iter_mut().zip(with) {
        *byte ^= with;
    }
}
