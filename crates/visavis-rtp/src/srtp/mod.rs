//! SRTP and SRTCP (RFC 3711, RFC 7714) for the three profiles that browsers
//! negotiate by DTLS (RFC 5764).
//!
//! Sealing copies: the payload is read from where the publisher's packet lies
//! and written encrypted behind the header in the send slot, so that
//! encryption is the only copy per receiver.

mod cipher;
mod kdf;
mod replay;
mod rx;
mod tx;

use thiserror::Error;

pub use rx::SrtpRx;
pub use tx::SrtpTx;

/// Most octets that sealing adds: a GCM tag and the SRTCP index word.
pub const MAX_OVERHEAD: usize = 16 + 4;

/// What was negotiated by the `use_srtp` extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// RFC 7714, 256-bit key.
    AeadAes256Gcm,
    /// RFC 7714, 128-bit key.
    AeadAes128Gcm,
    /// RFC 3711 with an 80-bit tag.
    AesCm128HmacSha1_80,
}

impl Profile {
    /// Octets of the master key.
    #[must_use]
    pub fn key_len(self) -> usize {
        match self {
            Self::AeadAes256Gcm => 32,
            Self::AeadAes128Gcm | Self::AesCm128HmacSha1_80 => 16,
        }
    }

    /// Octets of the master salt.
    #[must_use]
    pub fn salt_len(self) -> usize {
        match self {
            Self::AeadAes256Gcm | Self::AeadAes128Gcm => 12,
            Self::AesCm128HmacSha1_80 => 14,
        }
    }

    /// Octets of keying material that DTLS must export (RFC 5764 section 4.2).
    #[must_use]
    pub fn material_len(self) -> usize {
        2 * (self.key_len() + self.salt_len())
    }

    fn tag_len(self) -> usize {
        match self {
            Self::AeadAes256Gcm | Self::AeadAes128Gcm => 16,
            Self::AesCm128HmacSha1_80 => 10,
        }
    }
}

/// Why a packet could not be sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SrtpError {
    /// Shorter than its own header and tag.
    #[error("SRTP packet is truncated")]
    Truncated,
    /// The tag does not match.
    #[error("SRTP packet is not authentic")]
    Forged,
    /// The index was received before, or is too old to tell.
    #[error("SRTP packet is a replay")]
    Replayed,
    /// More sources than one transport may have.
    #[error("too many SRTP sources")]
    TooManySources,
    /// The output buffer can't hold the sealed packet.
    #[error("output buffer is too small")]
    NoSpace,
    /// Keying material of the wrong length, or a primitive that refused it.
    #[error("SRTP keys are unusable")]
    Keys,
}

/// The sending and the receiving half of a DTLS server's exported keying
/// material (RFC 5764 section 4.2: client key, server key, client salt, server salt).
///
/// # Errors
/// [`SrtpError::Keys`] when the material's length is not the profile's.
pub fn server_contexts(profile: Profile, material: &[u8]) -> Result<(SrtpTx, SrtpRx), SrtpError> {
    if material.len() != profile.material_len() {
        return Err(SrtpError::Keys);
    }
    let (keys, salts) = material.split_at(2 * profile.key_len());
    let (client_key, server_key) = keys.split_at(profile.key_len());
    let (client_salt, server_salt) = salts.split_at(profile.salt_len());
    Ok((
        SrtpTx::new(profile, server_key, server_salt)?,
        SrtpRx::new(profile, client_key, client_salt)?,
    ))
}

#[cfg(test)]
mod tests;
