//! The server's DTLS certificate, and the fingerprints that bind one to a session.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest;
use dimpl::DtlsCertificate;

use crate::TransportError;

/// A self-signed certificate that every transport of this process shows.
/// Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Certificate {
    inner: Arc<DtlsCertificate>,
}

impl Certificate {
    /// Makes a new key and a certificate for it.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn generate() -> Result<Self, TransportError> {
        let certificate = dimpl::certificate::generate_self_signed_certificate()
            .map_err(|error| TransportError::Certificate(error.to_string()))?;
        Ok(Self {
            inner: Arc::new(certificate),
        })
    }

    /// SHA-256 over the DER form, for `a=fingerprint` (RFC 8122).
    #[must_use]
    pub fn fingerprint_sha256(&self) -> [u8; 32] {
        let mut fingerprint = [0; 32];
        let digest = digest::digest(&digest::SHA256, &self.inner.certificate);
        fingerprint.copy_from_slice(digest.as_ref());
        fingerprint
    }

    pub(crate) fn for_dtls(&self) -> DtlsCertificate {
        (*self.inner).clone()
    }
}

/// What a session description says of the other side's certificate (RFC 8122
/// section 5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    /// Hash function, such as `sha-256`.
    pub algorithm: String,
    /// The hash.
    pub bytes: Vec<u8>,
}

impl Fingerprint {
    /// Whether the certificate `der` is the one that was promised. An unknown
    /// hash function promises nothing.
    #[must_use]
    pub fn matches(&self, der: &[u8]) -> bool {
        let algorithm = match self.algorithm.to_ascii_lowercase().as_str() {
            "sha-1" => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            "sha-224" => &digest::SHA224,
            "sha-256" => &digest::SHA256,
            "sha-384" => &digest::SHA384,
            "sha-512" => &digest::SHA512,
            _ => return false,
        };
        let computed = digest::digest(algorithm, der);
        verify_slices_are_equal(computed.as_ref(), &self.bytes).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_matches_its_own_fingerprint_and_no_other() {
        let certificate = Certificate::generate().unwrap();
        let other = Certificate::generate().unwrap();
        let fingerprint = Fingerprint {
            algorithm: "SHA-256".into(),
            bytes: certificate.fingerprint_sha256().to_vec(),
        };
        assert!(fingerprint.matches(&certificate.inner.certificate));
        assert!(!fingerprint.matches(&other.inner.certificate));
        let unknown = Fingerprint {
            algorithm: "md5".into(),
            ..fingerprint
        };
        assert!(!unknown.matches(&certificate.inner.certificate));
    }
}
