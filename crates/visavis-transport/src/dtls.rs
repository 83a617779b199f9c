//! DTLS 1.2 (RFC 6347) by `dimpl`, always the server, and the SRTP keys it
//! exports (RFC 5764).

use std::sync::Arc;
use std::time::{Duration, Instant};

use dimpl::{Config, Dtls, Output, SrtpProfile};
use visavis_rtp::srtp::{Profile, SrtpRx, SrtpTx, server_contexts};

use crate::certificate::{Certificate, Fingerprint};
use crate::transport::TransportError;

/// Largest record that a DTLS peer can send us, and we send.
const MAX_RECORD: usize = 18_432;

/// The poll buffer at first; one datagram fits. It grows when `dimpl` says so.
const FIRST_BUFFER: usize = 2_048;

/// What came out of the DTLS engine.
pub(crate) enum DtlsOutput {
    /// A datagram for the selected path.
    Packet(Vec<u8>),
    /// The handshake is done, the peer is the one that was promised.
    Connected(Box<(SrtpTx, SrtpRx)>),
    /// A datagram for SCTP.
    Data(Vec<u8>),
    /// The peer said goodbye.
    Closed,
}

/// The DTLS engine of one transport.
pub(crate) struct DtlsServer {
    dtls: Dtls,
    buffer: Vec<u8>,
    expected: Option<Fingerprint>,
    peer_verified: bool,
    contexts: Option<Box<(SrtpTx, SrtpRx)>>,
    handshake_done: bool,
    next_timeout: Option<Instant>,
}

impl DtlsServer {
    pub(crate) fn new(certificate: &Certificate, now: Instant) -> Result<Self, TransportError> {
        let config = Config::builder()
            // ICE has proved the peer's address already; a cookie would cost a round trip.
            .use_server_cookie(false)
            .require_client_certificate(true)
            .handshake_timeout(Duration::from_secs(30))
            .build()
            .map_err(|error| TransportError::Dtls(error.to_string()))?;
        let mut dtls = Dtls::new_12(Arc::new(config), certificate.for_dtls(), now);
        dtls.set_active(false);
        Ok(Self {
            dtls,
            buffer: vec![0; FIRST_BUFFER],
            expected: None,
            peer_verified: false,
            contexts: None,
            handshake_done: false,
            next_timeout: None,
        })
    }

    pub(crate) fn expect(&mut self, fingerprint: Fingerprint) {
        self.expected = Some(fingerprint);
    }

    pub(crate) fn handle_packet(
        &mut self,
        now: Instant,
        packet: &[u8],
    ) -> Result<(), TransportError> {
        self.dtls.handle_timeout(now).map_err(dtls_error)?;
        self.dtls.handle_packet(packet).map_err(dtls_error)
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Result<(), TransportError> {
        match self.next_timeout {
            Some(at) if at <= now => self.dtls.handle_timeout(now).map_err(dtls_error),
            _ => Ok(()),
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.next_timeout
    }

    pub(crate) fn send(&mut self, data: &[u8]) -> Result<(), TransportError> {
        self.dtls
            .send_application_data(data)
            .map(drop)
            .map_err(dtls_error)
    }

    pub(crate) fn poll_output(&mut self) -> Result<Option<DtlsOutput>, TransportError> {
        loop {
            match self.dtls.poll_output(&mut self.buffer) {
                Output::Packet(packet) => return Ok(Some(DtlsOutput::Packet(packet.to_vec()))),
                Output::BufferTooSmall { needed } => {
                    if needed > MAX_RECORD {
                        return Err(TransportError::Dtls("a record is too large".into()));
                    }
                    self.buffer.resize(needed, 0);
                }
                Output::Timeout(at) => {
                    self.next_timeout = Some(at);
                    return Ok(None);
                }
                Output::PeerCert(der) => {
                    let expected = self.expected.as_ref();
                    if !expected.is_some_and(|expected| expected.matches(der)) {
                        return Err(TransportError::FingerprintMismatch);
                    }
                    self.peer_verified = true;
                }
                Output::KeyingMaterial(material, profile) => {
                    let contexts = server_contexts(srtp_profile(profile)?, &material)
                        .map_err(|error| TransportError::Dtls(error.to_string()))?;
                    self.contexts = Some(Box::new(contexts));
                }
                Output::Connected => self.handshake_done = true,
                Output::ApplicationData(data) => return Ok(Some(DtlsOutput::Data(data.to_vec()))),
                Output::CloseNotify => return Ok(Some(DtlsOutput::Closed)),
                _ => {}
            }
            // Keys are used only of a peer whose certificate was promised.
            if self.handshake_done
                && self.peer_verified
                && let Some(contexts) = self.contexts.take()
            {
                return Ok(Some(DtlsOutput::Connected(contexts)));
            }
        }
    }
}

fn srtp_profile(profile: SrtpProfile) -> Result<Profile, TransportError> {
    match profile {
        SrtpProfile::AEAD_AES_256_GCM => Ok(Profile::AeadAes256Gcm),
        SrtpProfile::AEAD_AES_128_GCM => Ok(Profile::AeadAes128Gcm),
        SrtpProfile::AES128_CM_SHA1_80 => Ok(Profile::AesCm128HmacSha1_80),
        other => Err(TransportError::Dtls(format!(
            "unknown SRTP profile {other:?}"
        ))),
    }
}

fn dtls_error(error: dimpl::Error) -> TransportError {
    TransportError::Dtls(error.to_string())
}
