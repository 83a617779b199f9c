//! A running server, and a client that says exactly what it is told to.

#![allow(dead_code, reason = "every test file uses its part of this")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use visavis_rooms::Grants;
use visavis_server::{Config, Server};
use visavis_signal::token::{Claims, mint};

pub(crate) const KEY: &str = "APItest";
pub(crate) const SECRET: &str = "a-secret-of-more-than-32-characters";

/// A server on free ports of loopback, with one known key.
pub(crate) fn config() -> Config {
    Config {
        port: 0,
        keys: BTreeMap::from([(KEY.to_owned(), SECRET.to_owned())]),
        data_dir: folder().join("data"),
        ..Config::default()
    }
}

/// A new, empty folder.
pub(crate) fn folder() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("visavis-it-{}-{number}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

pub(crate) async fn start(config: Config) -> (Server, SocketAddr) {
    let server = Server::start(config).await.unwrap();
    let address = server.http_addresses()[0];
    (server, address)
}

pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

pub(crate) fn claims(identity: &str, room: &str) -> Claims {
    Claims {
        identity: identity.to_owned(),
        expires: now() + 600,
        grants: Grants {
            room_join: true,
            room: room.to_owned(),
            ..Grants::default()
        },
        ..Claims::default()
    }
}

pub(crate) fn token(identity: &str, room: &str) -> String {
    mint(&claims(identity, room), KEY, SECRET, now()).unwrap()
}

/// A response, headers in lower case.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// One request with a connection of its own.
pub(crate) async fn ask(to: SocketAddr, line: &str, headers: &[&str], body: &str) -> Answer {
    let stream = TcpStream::connect(to).await.unwrap();
    ask_over(stream, to, line, headers, body).await
}

pub(crate) async fn get(to: SocketAddr, path: &str) -> Answer {
    ask(to, &format!("GET {path}"), &[], "").await
}

pub(crate) async fn ask_over(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    host: SocketAddr,
    line: &str,
    headers: &[&str],
    body: &str,
) -> Answer {
    let mut request = format!("{line} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    for header in headers {
        request.push_str(&format!("{header}\r\n"));
    }
    if !body.is_empty() {
        request.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    request.push_str("\r\n");
    request.push_str(body);
    // The server may answer, and close, before it has read everything.
    let _ = stream.write_all(request.as_bytes()).await;
    let mut response = Vec::new();
    let _ = stream.read_to_end(&mut response).await;
    parse(&String::from_utf8_lossy(&response))
}

fn parse(response: &str) -> Answer {
    let (head, body) = response.split_once("\r\n\r\n").unwrap_or((response, ""));
    let mut lines = head.lines();
    let status = lines.next().unwrap_or_default();
    let status = status
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let headers = lines.filter_map(|line| line.split_once(':'));
    Answer {
        status: status.unwrap_or_else(|| panic!("no answer: {response:?}")),
        headers: headers
            .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
            .collect(),
        body: body.to_owned(),
    }
}
