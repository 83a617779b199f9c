//! The TCP port: who may connect, TLS or not, and how it all ends.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::config::Config;
use crate::http::{Web, redirect_to_https};

/// Connections at a time, WebSockets among them: each costs some 50 kB, so that
/// a flood of them costs half a gigabyte and no more.
const MAX_CONNECTIONS: u32 = 10_000;
/// For the first byte and a TLS handshake; a phone on a bad network needs three
/// round trips of a second.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// For a request's head, and for the pause before the next one.
const HEAD: Duration = Duration::from_secs(30);
/// A pause when no connection can be accepted, for want of file descriptors.
const EXHAUSTED: Duration = Duration::from_millis(100);
/// The first byte of a TLS handshake (RFC 8446 section 5.1).
const TLS_HANDSHAKE: u8 = 0x16;

/// Why a port can't be opened.
#[derive(Debug, Error)]
pub enum ListenError {
    /// Another program has it.
    #[error(
        "{transport} port {port} is taken: another program (perhaps visavis itself) uses it on \
         {ip}; end that one, or choose another with --port"
    )]
    Taken {
        /// TCP or UDP.
        transport: &'static str,
        /// Which port.
        port: u16,
        /// On which address.
        ip: IpAddr,
    },
    /// Ports below 1024 are the system's.
    #[error(
        "{transport} port {port} may not be opened by this user: choose one above 1023 with \
         --port, or give the program CAP_NET_BIND_SERVICE"
    )]
    Forbidden {
        /// TCP or UDP.
        transport: &'static str,
        /// Which port.
        port: u16,
    },
    /// Anything else.
    #[error("{transport} {address} can't be opened: {error}")]
    Other {
        /// TCP or UDP.
        transport: &'static str,
        /// What was to be opened.
        address: SocketAddr,
        /// Why not.
        error: io::Error,
    },
}

impl ListenError {
    pub(crate) fn new(transport: &'static str, address: SocketAddr, error: io::Error) -> Self {
        let (ip, port) = (address.ip(), address.port());
        match error.kind() {
            io::ErrorKind::AddrInUse => Self::Taken {
                transport,
                port,
                ip,
            },
            io::ErrorKind::PermissionDenied => Self::Forbidden { transport, port },
            _ => Self::Other {
                transport,
                address,
                error,
            },
        }
    }
}

/// Opens the TCP port on every address that the configuration says. Without any,
/// IPv6 is left out where the system has none.
pub(crate) async fn bind(config: &Config) -> Result<Vec<TcpListener>, ListenError> {
    let said = !config.bind_addresses.is_empty();
    let mut addresses = match (said, config.listens_beyond_loopback()) {
        (true, _) => config.bind_addresses.clone(),
        (false, true) => vec![Ipv6Addr::UNSPECIFIED.into(), Ipv4Addr::UNSPECIFIED.into()],
        (false, false) => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
    };
    // Wildcards first: they make the others needless.
    addresses.sort_by_key(|ip| !ip.is_unspecified());
    addresses.sort_by_key(|ip| *ip != IpAddr::from(Ipv6Addr::UNSPECIFIED));
    let mut port = config.port;
    let mut listeners: Vec<TcpListener> = Vec::new();
    for ip in addresses {
        if covered(&listeners, ip) {
            continue;
        }
        let address = SocketAddr::new(ip, port);
        match TcpListener::bind(address).await {
            Ok(listener) => {
                // The others take the port that the first one was given.
                port = listener.local_addr().map_or(port, |local| local.port());
                listeners.push(listener);
            }
            Err(error) if !said && ip.is_ipv6() && no_such_address(&error) => {}
            Err(error) => return Err(ListenError::new("TCP", address, error)),
        }
    }
    Ok(listeners)
}

/// Whether `ip` is served already: a wildcard serves its family, and on Linux
/// that of IPv6 serves IPv4 too.
fn covered(listeners: &[TcpListener], ip: IpAddr) -> bool {
    let covers = |local: SocketAddr| {
        let wildcard = local.ip().is_unspecified() && (local.is_ipv6() || ip.is_ipv4());
        wildcard || local.ip() == ip
    };
    listeners
        .iter()
        .any(|listener| listener.local_addr().is_ok_and(covers))
}

/// How a system without IPv6 answers.
pub(crate) fn no_such_address(error: &io::Error) -> bool {
    const EAFNOSUPPORT: i32 = 97;
    error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(EAFNOSUPPORT)
}

/// Open listeners with their connections.
pub(crate) struct Doors {
    stop: watch::Sender<bool>,
    places: Arc<Semaphore>,
}

/// A connection's place; who goes on with the connection keeps it.
#[derive(Clone)]
pub(crate) struct Place {
    _permit: Arc<OwnedSemaphorePermit>,
}

/// What every connection needs.
#[derive(Clone)]
struct Inside {
    web: Web,
    tls: Option<TlsAcceptor>,
    stopped: watch::Receiver<bool>,
}

impl Doors {
    /// Accepts connections from now on.
    pub(crate) fn open(listeners: Vec<TcpListener>, tls: Option<TlsAcceptor>, web: Web) -> Self {
        let (stop, stopped) = watch::channel(false);
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS as usize));
        for listener in listeners {
            let inside = Inside {
                web: web.clone(),
                tls: tls.clone(),
                stopped: stopped.clone(),
            };
            tokio::spawn(accept(listener, inside, places.clone()));
        }
        Self { stop, places }
    }

    /// Accepts nobody any more, and waits until every request is answered and
    /// every connection is closed.
    pub(crate) async fn close(self) {
        let _ = self.stop.send(true);
        // Fails only when the semaphore is closed, which nobody does.
        let _ = self.places.acquire_many(MAX_CONNECTIONS).await;
    }
}

async fn accept(listener: TcpListener, mut inside: Inside, places: Arc<Semaphore>) {
    loop {
        let Ok(permit) = places.clone().acquire_owned().await else {
            return;
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = told_to_stop(&mut inside.stopped) => return,
        };
        match accepted {
            Ok((stream, _)) => {
                let place = Place {
                    _permit: Arc::new(permit),
                };
                tokio::spawn(connection(stream, inside.clone(), place));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(EXHAUSTED).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, inside: Inside, place: Place) {
    // Signaling messages are small and waited for. Without it they are slower.
    let _ = stream.set_nodelay(true);
    let Some(tls) = &inside.tls else {
        return http(stream, inside, place, Kind::Plain).await;
    };
    let mut first = [0];
    match timeout(HANDSHAKE, stream.peek(&mut first)).await {
        Ok(Ok(1)) if first[0] == TLS_HANDSHAKE => {}
        Ok(Ok(1)) => return http(stream, inside, place, Kind::Redirect).await,
        _ => return,
    }
    match timeout(HANDSHAKE, tls.accept(stream)).await {
        Ok(Ok(stream)) => http(stream, inside, place, Kind::Tls).await,
        Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
        Err(_) => tracing::debug!("TLS handshake took too long"),
    }
}

async fn told_to_stop(stopped: &mut watch::Receiver<bool>) {
    // An error means that whoever could tell is gone, which says the same.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// How requests of a connection are answered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Tls,
    /// Plain requests where TLS is served.
    Redirect,
}

async fn http<S>(stream: S, inside: Inside, place: Place, kind: Kind)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Inside {
        web, mut stopped, ..
    } = inside;
    let service = service_fn(move |request: Request<Incoming>| {
        let (web, place) = (web.clone(), place.clone());
        async move {
            let response: Result<Response<_>, Infallible> = Ok(match kind {
                Kind::Redirect => redirect_to_https(&request),
                Kind::Plain | Kind::Tls => web.respond(request, place).await,
            });
            response
        }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut serving = std::pin::pin!(serving);
    let served = tokio::select! {
        served = serving.as_mut() => served,
        () = told_to_stop(&mut stopped) => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "connection ended");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(addresses: &[&str], port: u16) -> Config {
        Config {
            port,
            bind_addresses: addresses.iter().map(|ip| ip.parse().unwrap()).collect(),
            ..Config::default()
        }
    }

    #[tokio::test]
    async fn all_addresses_share_one_port() {
        let listeners = bind(&on(&[], 0)).await.unwrap();
        let port = listeners[0].local_addr().unwrap().port();
        assert!(
            listeners
                .iter()
                .all(|l| l.local_addr().unwrap().port() == port)
        );
        assert!(
            listeners
                .iter()
                .all(|l| l.local_addr().unwrap().ip().is_loopback())
        );
        let all = ["127.0.0.1", "::1", "0.0.0.0", "::"];
        let listeners = bind(&on(&all, 0)).await.unwrap();
        assert_eq!(
            listeners.len(),
            1,
            "the wildcard of IPv6 serves the others too"
        );
        let listeners = bind(&on(&all[..3], 0)).await.unwrap();
        assert_eq!(listeners.len(), 2, "that of IPv4 only its family");
        let twice = bind(&on(&["127.0.0.1", "127.0.0.1"], 0)).await.unwrap();
        assert_eq!(twice.len(), 1);
    }

    #[tokio::test]
    async fn a_taken_port_is_told_with_what_to_do() {
        let first = bind(&on(&["127.0.0.1"], 0)).await.unwrap();
        let port = first[0].local_addr().unwrap().port();
        let error = bind(&on(&["127.0.0.1"], port)).await.unwrap_err();
        assert!(matches!(error, ListenError::Taken { .. }));
        let told = error.to_string();
        assert!(
            told.contains(&format!("TCP port {port} is taken")) && told.contains("--port"),
            "{told}"
        );
    }

    #[tokio::test]
    async fn an_address_of_another_machine_is_an_error() {
        let error = bind(&on(&["192.0.2.77"], 0)).await.unwrap_err();
        assert!(error.to_string().contains("192.0.2.77"), "{error}");
    }
}
