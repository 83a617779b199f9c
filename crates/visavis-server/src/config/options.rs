//! Every option, once: its key in the file, its flag, its variables, its
//! meaning, and how its value is read.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use tracing::Level;

use super::yaml::{Pair, Value};
use super::{Config, TlsFiles};

/// How a value gets into the configuration; the error says what is expected.
type Set = fn(&mut Config, &Value) -> Result<(), String>;

/// One option.
pub(super) struct Spec {
    /// Its key in the file, with dots between levels; `--` before it makes a flag.
    pub(super) path: &'static str,
    /// A shorter flag, without the dashes.
    pub(super) flag: Option<&'static str>,
    /// LiveKit's variable for it; `VISAVIS_` and its path in capitals works too.
    pub(super) env: Option<&'static str>,
    /// Whether the flag alone means "true".
    pub(super) switch: bool,
    /// What it does, in one line.
    pub(super) help: &'static str,
    pub(super) set: Set,
}

impl Spec {
    const fn new(path: &'static str, help: &'static str, set: Set) -> Self {
        Self {
            path,
            flag: None,
            env: None,
            switch: false,
            help,
            set,
        }
    }

    const fn flag(mut self, flag: &'static str) -> Self {
        self.flag = Some(flag);
        self
    }

    const fn env(mut self, env: &'static str) -> Self {
        self.env = Some(env);
        self
    }

    const fn switch(mut self) -> Self {
        self.switch = true;
        self
    }
}

pub(super) static OPTIONS: [Spec; 22] = [
    Spec::new(
        "port",
        "port for pages, signaling and media (7880)",
        |c, v| {
            c.port = number(v)?;
            Ok(())
        },
    ),
    Spec::new(
        "bind_addresses",
        "addresses to serve on (loopback; with TLS, all)",
        |c, v| {
            c.bind_addresses = list(v, address)?;
            Ok(())
        },
    )
    .flag("bind"),
    Spec::new("keys", "API keys and secrets, \"key: secret\"", |c, v| {
        for Pair { key, value, .. } in pairs(v)? {
            c.keys.insert(key, text(&value)?);
        }
        Ok(())
    })
    .env("LIVEKIT_KEYS"),
    Spec::new("key_file", "file with \"key: secret\" lines", |c, v| {
        c.key_file = Some(path(v)?);
        Ok(())
    })
    .flag("key-file"),
    Spec::new(
        "data_dir",
        "folder for what the server makes (visavis-data)",
        |c, v| {
            c.data_dir = path(v)?;
            Ok(())
        },
    )
    .flag("data-dir"),
    Spec::new(
        "tls.cert_file",
        "certificate chain in PEM; serves HTTPS",
        |c, v| {
            tls(c).cert_file = path(v)?;
            Ok(())
        },
    )
    .flag("tls-cert"),
    Spec::new(
        "tls.key_file",
        "the certificate's private key in PEM",
        |c, v| {
            tls(c).key_file = path(v)?;
            Ok(())
        },
    )
    .flag("tls-key"),
    Spec::new(
        "dev_tls",
        "serve HTTPS with a certificate made here",
        |c, v| {
            c.dev_tls = truth(v)?;
            Ok(())
        },
    )
    .flag("dev-tls")
    .switch(),
    Spec::new(
        "dev",
        "key \"devkey\", secret \"secret\", this machine only",
        |c, v| {
            c.dev = truth(v)?;
            Ok(())
        },
    )
    .switch(),
    Spec::new("rtc.udp_port", "port for media, if not \"port\"", |c, v| {
        c.rtc.udp_port = Some(number(v)?);
        Ok(())
    })
    .env("UDP_PORT")
    .flag("udp-port"),
    Spec::new(
        "rtc.node_ip",
        "addresses that clients send media to",
        |c, v| {
            c.rtc.node_ip = list(v, address)?;
            Ok(())
        },
    )
    .env("NODE_IP")
    .flag("node-ip"),
    Spec::new(
        "rtc.use_external_ip",
        "ask a STUN server for our address",
        |c, v| {
            c.rtc.use_external_ip = truth(v)?;
            Ok(())
        },
    )
    .switch(),
    Spec::new(
        "rtc.stun_servers",
        "STUN servers to ask, host:port",
        |c, v| {
            c.rtc.stun_servers = list(v, |text| Ok(text.to_owned()))?;
            Ok(())
        },
    ),
    Spec::new(
        "rtc.interfaces.includes",
        "interfaces for media (all)",
        |c, v| {
            c.rtc.interface_includes = list(v, |text| Ok(text.to_owned()))?;
            Ok(())
        },
    ),
    Spec::new(
        "rtc.interfaces.excludes",
        "interfaces not for media",
        |c, v| {
            c.rtc.interface_excludes = list(v, |text| Ok(text.to_owned()))?;
            Ok(())
        },
    ),
    Spec::new(
        "rtc.enable_loopback_candidate",
        "tell clients loopback too",
        |c, v| {
            c.rtc.enable_loopback_candidate = truth(v)?;
            Ok(())
        },
    )
    .switch(),
    Spec::new(
        "rtc.use_ice_lite",
        "only answer ICE checks (true)",
        |c, v| {
            c.rtc.use_ice_lite = truth(v)?;
            Ok(())
        },
    )
    .switch(),
    Spec::new("room.auto_create", "joining opens rooms (true)", |c, v| {
        c.room.auto_create = truth(v)?;
        Ok(())
    })
    .switch(),
    Spec::new(
        "room.empty_timeout",
        "seconds a new room waits (300)",
        |c, v| {
            c.room.empty_timeout = seconds(v)?;
            Ok(())
        },
    ),
    Spec::new(
        "room.departure_timeout",
        "seconds an emptied room stays (20)",
        |c, v| {
            c.room.departure_timeout = seconds(v)?;
            Ok(())
        },
    ),
    Spec::new(
        "room.max_participants",
        "people per room, 0 for any (0)",
        |c, v| {
            c.room.max_participants = number::<u32>(v)? as usize;
            Ok(())
        },
    ),
    Spec::new(
        "logging.level",
        "error, warn, info, debug or trace (info)",
        |c, v| {
            c.log_level = level(v)?;
            Ok(())
        },
    )
    .flag("log-level"),
];

/// The options as lines for people.
pub(crate) fn help() -> String {
    let mut lines = String::new();
    for spec in &OPTIONS {
        let flag = spec.flag.unwrap_or(spec.path);
        let value = if spec.switch { "" } else { " VALUE" };
        lines.push_str(&format!(
            "  --{:<34} {}\n",
            format!("{flag}{value}"),
            spec.help
        ));
    }
    lines
}

fn tls(config: &mut Config) -> &mut TlsFiles {
    config.tls.get_or_insert_with(|| TlsFiles {
        cert_file: PathBuf::new(),
        key_file: PathBuf::new(),
    })
}

fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::Scalar(text) if !text.is_empty() => Ok(text.clone()),
        Value::Scalar(_) | Value::Empty => Err("a value is missing".to_owned()),
        Value::List(_) | Value::Map(_) => Err("one value is expected".to_owned()),
    }
}

fn path(value: &Value) -> Result<PathBuf, String> {
    text(value).map(PathBuf::from)
}

fn number<T: FromStr + Bounded>(value: &Value) -> Result<T, String> {
    let text = text(value)?;
    let expected = || format!("\"{text}\" is not a number from 0 to {}", T::LARGEST);
    text.parse().map_err(|_| expected())
}

trait Bounded {
    const LARGEST: u64;
}

impl Bounded for u16 {
    const LARGEST: u64 = u16::MAX as u64;
}

impl Bounded for u32 {
    const LARGEST: u64 = u32::MAX as u64;
}

fn seconds(value: &Value) -> Result<Duration, String> {
    let seconds: u32 = number(value)?;
    Ok(Duration::from_secs(seconds.into()))
}

fn truth(value: &Value) -> Result<bool, String> {
    match &*text(value)? {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        other => Err(format!("\"{other}\" is neither true nor false")),
    }
}

fn address(text: &str) -> Result<IpAddr, String> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    bare.parse()
        .map_err(|_| format!("\"{text}\" is not an IP address"))
}

fn level(value: &Value) -> Result<Level, String> {
    let text = text(value)?;
    let expected = || format!("\"{text}\" is none of error, warn, info, debug, trace");
    if text.chars().all(char::is_numeric) {
        return Err(expected());
    }
    text.parse().map_err(|_| expected())
}

/// A list, or one text with commas between the values.
fn list<T>(value: &Value, read: fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    match value {
        Value::Empty => Ok(Vec::new()),
        Value::Scalar(text) => {
            let values = text.split(',').map(str::trim);
            values.filter(|text| !text.is_empty()).map(read).collect()
        }
        Value::List(values) => values
            .iter()
            .map(|(_, value)| read(&text(value)?))
            .collect(),
        Value::Map(_) => Err("a list is expected".to_owned()),
    }
}

/// A map, or a text with `key: secret` in each line or between commas.
fn pairs(value: &Value) -> Result<Vec<Pair>, String> {
    match value {
        Value::Map(pairs) => Ok(pairs.clone()),
        Value::Empty => Ok(Vec::new()),
        Value::Scalar(text) => {
            let lines = text.split(['\n', ',']).map(str::trim);
            lines.filter(|line| !line.is_empty()).map(pair).collect()
        }
        Value::List(_) => Err("\"key: secret\" pairs are expected".to_owned()),
    }
}

fn pair(line: &str) -> Result<Pair, String> {
    let both = line
        .split_once(':')
        .map(|(key, secret)| (key.trim(), secret.trim()));
    match both {
        Some((key, secret)) if !key.is_empty() && !secret.is_empty() => Ok(Pair {
            line: 0,
            key: key.to_owned(),
            value: Value::Scalar(secret.to_owned()),
        }),
        // Not quoted: it may be a secret.
        _ => Err("\"key: secret\" pairs are expected".to_owned()),
    }
}
