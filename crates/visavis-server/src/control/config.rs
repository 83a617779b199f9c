//! What the control plane is told at its start.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use visavis_rooms::RoomsConfig;
use visavis_signal::response::{IceServer, ServerInfo};

/// What holds for all sessions.
#[derive(Clone)]
pub struct ControlConfig {
    /// What holds for all rooms.
    pub rooms: RoomsConfig,
    /// Where media can be sent to, the preferred address first. UDP.
    pub addresses: Vec<SocketAddr>,
    /// SHA-256 of the media threads' DTLS certificate.
    pub fingerprint_sha256: [u8; 32],
    /// How long a session lives without a word. Clients ping much more often.
    pub ping_timeout: Duration,
    /// Ways through firewalls that clients are told of.
    pub ice_servers: Vec<IceServer>,
    /// Which server this is.
    pub server: ServerInfo,
    /// API keys with their secrets, to sign the tokens that sessions go on with.
    pub keys: BTreeMap<String, String>,
}

impl ControlConfig {
    /// LiveKit's values, without addresses and keys.
    #[must_use]
    pub fn new(fingerprint_sha256: [u8; 32]) -> Self {
        Self {
            rooms: RoomsConfig::default(),
            addresses: Vec::new(),
            fingerprint_sha256,
            ping_timeout: Duration::from_secs(15),
            ice_servers: Vec::new(),
            server: ServerInfo::default(),
            keys: BTreeMap::new(),
        }
    }
}

impl std::fmt::Debug for ControlConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Keys have secrets, ICE servers passwords.
        f.debug_struct("ControlConfig")
            .field("rooms", &self.rooms)
            .field("ping_timeout", &self.ping_timeout)
            .finish_non_exhaustive()
    }
}
