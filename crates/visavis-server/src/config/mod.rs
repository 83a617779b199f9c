//! What the server is told to do: defaults, then the file, then the
//! environment, then flags; the later wins.
//!
//! Names are LiveKit's where the meaning is the same. Every option stands once,
//! in `options.rs`; the file's keys, the variables and the flags follow from it.

mod load;
mod options;
mod yaml;

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use thiserror::Error;
use tracing::Level;
use visavis_rooms::RoomsConfig;

pub use load::Sources;
pub(crate) use options::help;
pub(crate) use yaml::{Value, parse as parse_yaml};

/// Everything that can be configured.
#[derive(Clone, PartialEq, Eq)]
pub struct Config {
    /// Port of the pages, of signaling (TCP) and of media (UDP); 0 takes any
    /// free ones.
    pub port: u16,
    /// Where HTTP is served; empty means the default of
    /// [`listens_beyond_loopback`](Self::listens_beyond_loopback).
    pub bind_addresses: Vec<IpAddr>,
    /// API keys and their secrets.
    pub keys: BTreeMap<String, String>,
    /// A file with more of them.
    pub key_file: Option<PathBuf>,
    /// Where the server keeps what it makes; only its user can read it.
    pub data_dir: PathBuf,
    /// How media finds its way.
    pub rtc: RtcConfig,
    /// What holds for all rooms.
    pub room: RoomsConfig,
    /// How much is logged.
    pub log_level: Level,
    /// Certificate and private key, both in PEM.
    pub tls: Option<TlsFiles>,
    /// Serve HTTPS with a certificate that the server signs itself.
    pub dev_tls: bool,
    /// LiveKit's development mode: key `devkey`, secret `secret`, loopback only.
    pub dev: bool,
}

/// How media finds its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RtcConfig {
    /// The media port, when it is not [`Config::port`].
    pub udp_port: Option<u16>,
    /// Addresses that clients are told, instead of the interfaces'.
    pub node_ip: Vec<IpAddr>,
    /// Ask a STUN server for the address that the internet sees.
    pub use_external_ip: bool,
    /// STUN servers to ask, `host:port`.
    pub stun_servers: Vec<String>,
    /// Interfaces to use; empty means all.
    pub interface_includes: Vec<String>,
    /// Interfaces not to use.
    pub interface_excludes: Vec<String>,
    /// Tell clients loopback addresses as well.
    pub enable_loopback_candidate: bool,
    /// Only answer connectivity checks, where clients allow it.
    pub use_ice_lite: bool,
}

/// Certificate chain and private key, both in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, and those between it and the root.
    pub cert_file: PathBuf,
    /// Its key.
    pub key_file: PathBuf,
}

/// The port that is used when nothing else is said.
pub const DEFAULT_PORT: u16 = 7880;

impl Default for Config {
    fn default() -> Self {
        Self {
            port: DEFAULT_PORT,
            bind_addresses: Vec::new(),
            keys: BTreeMap::new(),
            key_file: None,
            data_dir: PathBuf::from("visavis-data"),
            rtc: RtcConfig::default(),
            room: RoomsConfig::default(),
            log_level: Level::INFO,
            tls: None,
            dev_tls: false,
            dev: false,
        }
    }
}

impl Default for RtcConfig {
    fn default() -> Self {
        Self {
            udp_port: None,
            node_ip: Vec::new(),
            use_external_ip: false,
            stun_servers: Vec::new(),
            interface_includes: Vec::new(),
            interface_excludes: Vec::new(),
            enable_loopback_candidate: false,
            use_ice_lite: true,
        }
    }
}

impl Config {
    /// Reads what was configured.
    ///
    /// # Errors
    /// The first thing that can't be understood or can't be meant.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let config = load::load(sources)?;
        config.check()?;
        Ok(config)
    }

    /// Whether other devices can reach the pages: browsers give camera and
    /// microphone to pages on loopback or with TLS, so that without TLS the
    /// default is loopback.
    #[must_use]
    pub fn listens_beyond_loopback(&self) -> bool {
        if self.bind_addresses.is_empty() {
            return self.serves_tls();
        }
        !self.bind_addresses.iter().all(IpAddr::is_loopback)
    }

    /// Whether pages are served by HTTPS.
    #[must_use]
    pub fn serves_tls(&self) -> bool {
        self.tls.is_some() || self.dev_tls
    }

    /// What no single option can see.
    fn check(&self) -> Result<(), ConfigError> {
        let refuse = |reason: &str| Err(ConfigError::new(Origin::Together, reason));
        if self.dev && self.listens_beyond_loopback() {
            return refuse(
                "--dev uses a secret that everybody knows, so it serves this machine only: \
                 leave out --bind and TLS, or use your own keys instead of --dev",
            );
        }
        if self.dev && (!self.keys.is_empty() || self.key_file.is_some()) {
            return refuse("--dev brings its own key; leave out --dev or the other keys");
        }
        if self.tls.is_some() && self.dev_tls {
            return refuse("--dev-tls and tls.cert_file exclude each other");
        }
        let half = |file: &PathBuf| file.as_os_str().is_empty();
        if let Some(tls) = &self.tls
            && (half(&tls.cert_file) || half(&tls.key_file))
        {
            return refuse("tls.cert_file and tls.key_file are needed together");
        }
        if self.rtc.use_external_ip && self.rtc.stun_servers.is_empty() {
            return refuse(
                "rtc.use_external_ip needs a server to ask: set rtc.stun_servers, \
                 or say the address yourself with rtc.node_ip",
            );
        }
        Ok(())
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("port", &self.port)
            .field("bind_addresses", &self.bind_addresses)
            // The secrets are nobody's to read.
            .field("keys", &self.keys.keys().collect::<Vec<_>>())
            .field("key_file", &self.key_file)
            .field("data_dir", &self.data_dir)
            .field("rtc", &self.rtc)
            .field("room", &self.room)
            .field("log_level", &self.log_level)
            .field("tls", &self.tls)
            .field("dev_tls", &self.dev_tls)
            .field("dev", &self.dev)
            .finish()
    }
}

/// Where a setting came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A file, and the line in it.
    File(String, usize),
    /// A file as a whole.
    WholeFile(String),
    /// An environment variable.
    Env(String),
    /// A flag, with its dashes.
    Flag(String),
    /// Several settings that do not go together.
    Together,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file, line) => write!(f, "{file}:{line}: "),
            Self::WholeFile(file) => write!(f, "{file}: "),
            Self::Env(name) | Self::Flag(name) => write!(f, "{name}: "),
            Self::Together => Ok(()),
        }
    }
}

/// A setting that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{origin}{reason}")]
pub struct ConfigError {
    /// Where it stands.
    pub origin: Origin,
    /// What is wrong with it, and what would be right.
    pub reason: String,
}

impl ConfigError {
    pub(crate) fn new(origin: Origin, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self { origin, reason }
    }
}

#[cfg(test)]
mod tests;
