//! What the server says when it has started: how to open it, and what to know.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use crate::addresses::{Interface, of_the_network};
use crate::config::{Config, DEFAULT_PORT};

/// Most addresses of each kind that are shown; the whole fits ten lines.
const MAX_SHOWN: usize = 3;

/// What is known once everything is open.
pub(crate) struct Started<'a> {
    pub(crate) config: &'a Config,
    /// The port of the pages.
    pub(crate) port: u16,
    /// Where clients are told to send media to.
    pub(crate) media: &'a [SocketAddr],
    pub(crate) interfaces: &'a [Interface],
}

/// At most ten lines.
pub(crate) fn greeting(started: &Started<'_>) -> String {
    let Started { config, port, .. } = started;
    let scheme = if config.serves_tls() { "https" } else { "http" };
    let mut lines = format!("Visavis {}\n", env!("CARGO_PKG_VERSION"));
    let mut label = "  open   ";
    for host in hosts(started) {
        // Writing to a text can't fail.
        let _ = writeln!(lines, "{label}{scheme}://{host}:{port}");
        label = "         ";
    }
    let media: Vec<String> = started
        .media
        .iter()
        .map(|address| address.ip().to_string())
        .collect();
    let more = match media.len().saturating_sub(MAX_SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let shown = media
        .iter()
        .take(MAX_SHOWN)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    let media_port = started.media.first().map_or(DEFAULT_PORT, SocketAddr::port);
    let _ = writeln!(lines, "  media  UDP port {media_port} on {shown}{more}");
    let folder = std::path::absolute(&config.data_dir).unwrap_or_else(|_| config.data_dir.clone());
    let _ = writeln!(lines, "  data   {}", folder.display());
    for note in notes(config) {
        let _ = writeln!(lines, "  note   {note}");
    }
    lines
}

/// What to type behind `http://`, the best first.
fn hosts(started: &Started<'_>) -> Vec<String> {
    let config = started.config;
    let url = |ip: &IpAddr| match ip {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("[{v6}]"),
    };
    let local = || vec!["localhost".to_owned()];
    if !config.listens_beyond_loopback() {
        return match config.bind_addresses.as_slice() {
            [] => local(),
            said => said.iter().take(MAX_SHOWN).map(url).collect(),
        };
    }
    let wildcard = config.bind_addresses.iter().all(IpAddr::is_unspecified);
    let reachable = match (wildcard, &config.rtc.node_ip) {
        (false, _) => config.bind_addresses.clone(),
        (true, said) if !said.is_empty() => said.clone(),
        (true, _) => of_the_network(started.interfaces),
    };
    let hosts: Vec<String> = reachable.iter().take(MAX_SHOWN).map(url).collect();
    if hosts.is_empty() { local() } else { hosts }
}

fn notes(config: &Config) -> Vec<&'static str> {
    let mut notes = Vec::new();
    if config.dev {
        notes.push("--dev: API key \"devkey\", secret \"secret\"");
    }
    if !config.listens_beyond_loopback() {
        notes.push("this machine only; --dev-tls lets others on the network in");
        return notes;
    }
    if !config.serves_tls() {
        notes.push("without TLS browsers on other machines give no camera; see --dev-tls");
    }
    if config.dev_tls {
        notes.push("browsers ask once whether to trust the certificate made here");
    }
    notes.push("until roles exist, whoever reaches the page may open rooms");
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(config: &Config) -> String {
        let interfaces: Vec<Interface> = (1..30)
            .map(|n| Interface {
                name: format!("eth{n}"),
                ip: IpAddr::from([192, 0, 2, n]),
            })
            .collect();
        let media: Vec<_> = interfaces
            .iter()
            .map(|i| SocketAddr::new(i.ip, 7880))
            .collect();
        let started = Started {
            config,
            port: 7880,
            media: &media,
            interfaces: &interfaces,
        };
        let said = greeting(&started);
        assert!(said.lines().count() <= 10, "{said}");
        said
    }

    #[test]
    fn on_loopback_it_says_so() {
        let said = said(&Config::default());
        assert!(said.contains("http://localhost:7880\n"), "{said}");
        assert!(said.contains("this machine only"), "{said}");
        assert!(!said.contains("whoever reaches"), "{said}");
        assert!(
            said.contains("UDP port 7880 on 192.0.2.1, 192.0.2.2, 192.0.2.3 and 26 more"),
            "{said}"
        );
    }

    #[test]
    fn off_loopback_it_shows_what_others_open_and_warns() {
        let said = said(&Config {
            dev_tls: true,
            ..Config::default()
        });
        assert!(said.contains("https://192.0.2.1:7880\n"), "{said}");
        assert!(
            said.contains("whoever reaches the page may open rooms"),
            "{said}"
        );
    }

    #[test]
    fn plain_http_on_the_network_is_warned_about() {
        let said = said(&Config {
            bind_addresses: vec!["2001:db8::1".parse().unwrap()],
            ..Config::default()
        });
        assert!(said.contains("http://[2001:db8::1]:7880\n"), "{said}");
        assert!(said.contains("give no camera"), "{said}");
    }
}
