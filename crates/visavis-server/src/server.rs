//! The running server: everything that is open, and how it ends.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use aws_lc_rs::rand;
use thiserror::Error;
use tokio::sync::mpsc;
use tokio::time::{interval, timeout};
use visavis_rooms::IdSource;
use visavis_shard::{CoreConfig, Shard};
use visavis_transport::{Certificate, TransportError};

use crate::addresses::{self, AddressesError};
use crate::config::Config;
use crate::control::{self, ControlConfig, ControlHandle};
use crate::greeting::{Started, greeting};
use crate::http::Web;
use crate::keys::{ApiKeys, KeysError, SHORT_SECRET};
use crate::listen::{self, Doors, ListenError};
use crate::media;
use crate::tls::{self, TlsError};

/// How long those who are connected may take to leave when the server stops.
const GOODBYE: Duration = Duration::from_secs(5);
/// How often it is looked whether the media thread still runs.
const LOOK: Duration = Duration::from_secs(1);
/// Events of the media thread that wait for the control plane. More wait in the
/// thread, which goes on forwarding.
const WAITING_EVENTS: usize = 4_096;

/// Why the server does not start. Each says what to do.
#[derive(Debug, Error)]
pub enum StartError {
    /// API keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// Addresses for media.
    #[error(transparent)]
    Addresses(#[from] AddressesError),
    /// HTTPS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A port.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The media thread's certificate.
    #[error("media can't start: {0}")]
    Certificate(#[from] TransportError),
    /// The media thread.
    #[error("media can't start: {0}")]
    Media(#[source] io::Error),
}

/// What the control plane is told.
fn control_config(
    config: &Config,
    keys: &ApiKeys,
    media: &[SocketAddr],
    certificate: &Certificate,
) -> ControlConfig {
    ControlConfig {
        rooms: config.room,
        addresses: media.to_vec(),
        keys: keys.all().clone(),
        ..ControlConfig::new(certificate.fingerprint_sha256())
    }
}

/// Names from the system's randomness.
fn ids() -> IdSource {
    IdSource::new(|octets| {
        // It fails at no time on Linux once it worked, and keys and certificate
        // needed it before; names are no secrets.
        let _ = rand::fill(octets);
    })
}

/// A running server. [`shutdown`](Self::shutdown) ends it in order.
pub struct Server {
    control: ControlHandle,
    doors: Doors,
    shard: Shard,
    http: Vec<SocketAddr>,
    media: Vec<SocketAddr>,
    greeting: String,
}

impl Server {
    /// Opens the ports and lets people in.
    ///
    /// # Errors
    /// When something that it needs is not there.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let keys = ApiKeys::load(&config)?;
        if !config.dev {
            for key in keys.short() {
                tracing::warn!(
                    key,
                    "this key's secret has less than {SHORT_SECRET} characters"
                );
            }
        }
        // It may wait for a STUN server; nobody is served yet who would wait with it.
        let ips = addresses::advertised(&config)?;
        let interfaces = addresses::interfaces().map_err(AddressesError::from)?;
        let tls = tls::acceptor(&config, &addresses::of_the_network(&interfaces))?;

        let listeners = listen::bind(&config).await?;
        let socket = media::bind(&config)?;
        let media = media::addresses(&socket, &ips);
        let local = listeners.iter().map(|listener| listener.local_addr());
        let http: Vec<_> = local
            .collect::<io::Result<_>>()
            .map_err(StartError::Media)?;

        let certificate = Certificate::generate()?;
        let control_config = control_config(&config, &keys, &media, &certificate);
        let core = CoreConfig {
            certificate,
            advertised: media.clone(),
        };
        let (events, told) = mpsc::channel(WAITING_EVENTS);
        let shard = Shard::start(core, vec![socket], events).map_err(StartError::Media)?;
        let commands = shard.handle();
        let sink = Box::new(move |command| commands.send(command));
        let control = control::start(control_config, ids(), sink, told);

        let greeting = greeting(&Started {
            config: &config,
            port: http.first().map_or(config.port, SocketAddr::port),
            media: &media,
            interfaces: &interfaces,
        });
        let web = Web::new(control.clone(), keys, &config);
        Ok(Self {
            doors: Doors::open(listeners, tls, web),
            control,
            shard,
            http,
            media,
            greeting,
        })
    }

    /// Where pages and signaling are served.
    #[must_use]
    pub fn http_addresses(&self) -> &[SocketAddr] {
        &self.http
    }

    /// Where clients are told to send media to.
    #[must_use]
    pub fn media_addresses(&self) -> &[SocketAddr] {
        &self.media
    }

    /// At most ten lines for whoever started it: how to open it, and what to know.
    #[must_use]
    pub fn greeting(&self) -> &str {
        &self.greeting
    }

    /// Returns when a part has ended that nothing works without; only an error
    /// of ours ends one. The process is better started anew.
    pub async fn failed(&self) {
        let media_ended = async {
            let mut look = interval(LOOK);
            while !self.shard.has_ended() {
                look.tick().await;
            }
        };
        tokio::select! {
            () = media_ended => {}
            () = self.control.ended() => {}
        }
    }

    /// Takes leave of everybody and closes all ports; takes at most five seconds.
    pub async fn shutdown(self) {
        let Self {
            control,
            doors,
            shard,
            ..
        } = self;
        let goodbye = async {
            control.shutdown().await;
            doors.close().await;
        };
        if timeout(GOODBYE, goodbye).await.is_err() {
            tracing::warn!("some connections had to be cut");
        }
        // Media flows until signaling has said that it ends.
        drop(shard);
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}
