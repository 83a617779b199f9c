//! Certificates for HTTPS: from files, or made and signed here for trying out.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};
use thiserror::Error;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

use crate::config::{Config, TlsFiles};
use crate::keys::{KeysError, make_folder, write_private};

/// The file in the data folder with our own certificate and its key.
const KEPT: &str = "dev-tls.pem";
/// How long our own certificate lasts: browsers refuse those of more than 825
/// days, Apple's of more than 398.
const LIFE: Duration = Duration::from_secs(390 * 86_400);
/// A new one is made when less than this is left.
const RENEW: Duration = Duration::from_secs(30 * 86_400);
/// Most names in it: those of this network, and of networks before.
const MAX_NAMES: usize = 64;

/// Why HTTPS can't be served.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file can't be read.
    #[error("{}: can't be read: {error}", .path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("{}: {reason}", .path.display())]
    Content {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Our own certificate can't be kept.
    #[error(transparent)]
    Keep(#[from] KeysError),
    /// Our own certificate can't be made.
    #[error("a certificate can't be made: {0}")]
    Make(#[from] rcgen::Error),
}

/// What HTTPS is served with, if it is; `ips` are this machine's addresses.
pub(crate) fn acceptor(config: &Config, ips: &[IpAddr]) -> Result<Option<TlsAcceptor>, TlsError> {
    if let Some(files) = &config.tls {
        return from_files(files).map(Some);
    }
    if !config.dev_tls {
        return Ok(None);
    }
    let file = own(&config.data_dir, &names(ips))?;
    let both = TlsFiles {
        cert_file: file.clone(),
        key_file: file,
    };
    from_files(&both).map(Some)
}

fn from_files(files: &TlsFiles) -> Result<TlsAcceptor, TlsError> {
    let TlsFiles {
        cert_file,
        key_file,
    } = files;
    let content = |path: &Path, reason: String| TlsError::Content {
        path: path.to_owned(),
        reason,
    };
    let read = |path: &Path| {
        fs::read(path).map_err(|error| TlsError::Read {
            path: path.to_owned(),
            error,
        })
    };
    let chain = read(cert_file)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&chain).collect();
    let chain = chain.map_err(|error| content(cert_file, format!("is not PEM: {error}")))?;
    if chain.is_empty() {
        return Err(content(cert_file, "has no certificate".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_slice(&read(key_file)?)
        .map_err(|error| content(key_file, format!("has no private key: {error}")))?;
    let unusable = |error: rustls::Error| {
        let names = format!("{} do not go together: {error}", cert_file.display());
        content(key_file, format!("this key and {names}"))
    };
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = config
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(unusable)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// All that this machine may be called.
fn names(ips: &[IpAddr]) -> Vec<String> {
    let mut names = vec![
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
        "::1".to_owned(),
    ];
    // Where there is no such file the addresses do.
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    if !host.is_empty() && host != "localhost" && host.chars().all(plain) {
        names.push(host.to_owned());
        if !host.contains('.') {
            names.push(format!("{host}.local"));
        }
    }
    names.extend(ips.iter().map(IpAddr::to_string));
    names
}

/// The file with our own certificate for these names. It is made anew only when
/// it must be: browsers remember the very certificate that somebody accepted.
fn own(folder: &Path, names: &[String]) -> Result<PathBuf, TlsError> {
    let file = folder.join(KEPT);
    let now = SystemTime::now();
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let kept = fs::read_to_string(&file).unwrap_or_default();
    let mut all: Vec<String> = names.to_vec();
    if let Some((expires, before)) = read_head(&kept) {
        if expires > now + RENEW && names.iter().all(|name| before.contains(name)) {
            return Ok(file);
        }
        all.extend(before);
        all.dedup();
    }
    all.truncate(MAX_NAMES);
    make_folder(folder)?;
    write_private(&file, &make(&all, now)?)?;
    Ok(file)
}

/// The first line of the file: until when, and for which names.
fn read_head(kept: &str) -> Option<(Duration, Vec<String>)> {
    let (expires, names) = kept
        .lines()
        .next()?
        .strip_prefix("# until ")?
        .split_once(" for ")?;
    let expires = Duration::from_secs(expires.parse().ok()?);
    Some((expires, names.split(' ').map(str::to_owned).collect()))
}

fn make(names: &[String], now: Duration) -> Result<String, rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut parameters = CertificateParams::new(names)?;
    let epoch = date_time_ymd(1970, 1, 1);
    // Clocks of other devices may be behind.
    parameters.not_before = epoch + now.saturating_sub(Duration::from_secs(86_400));
    parameters.not_after = epoch + now + LIFE;
    parameters
        .distinguished_name
        .push(DnType::CommonName, "visavis --dev-tls");
    let certificate = parameters.self_signed(&key)?;
    let head = format!(
        "# until {} for {}\n",
        (now + LIFE).as_secs(),
        names.join(" ")
    );
    Ok(head + &certificate.pem() + &key.serialize_pem())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn our_certificate_stays_until_a_name_is_missing_and_then_keeps_the_old_ones() {
        let folder = crate::scratch::folder();
        let file = own(&folder, &owned(&["localhost", "192.0.2.1"])).unwrap();
        let first = fs::read_to_string(&file).unwrap();
        own(&folder, &owned(&["localhost"])).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), first);
        own(&folder, &owned(&["localhost", "2001:db8::1"])).unwrap();
        let second = fs::read_to_string(&file).unwrap();
        assert_ne!(second, first);
        let (_, names) = read_head(&second).unwrap();
        assert!(
            ["localhost", "192.0.2.1", "2001:db8::1"]
                .iter()
                .all(|n| names.contains(&(*n).to_owned()))
        );
        let old = second.replacen("# until ", "# until 1000000000 for x # ", 1);
        fs::write(&file, &old).unwrap();
        own(&folder, &owned(&["localhost"])).unwrap();
        assert_ne!(
            fs::read_to_string(&file).unwrap(),
            old,
            "one that runs out is renewed"
        );
    }

    #[test]
    fn errors_name_the_file() {
        let folder = crate::scratch::folder();
        let own = own(&folder, &owned(&["localhost"])).unwrap();
        let other = super::own(&crate::scratch::folder(), &owned(&["localhost"])).unwrap();
        let empty = folder.join("empty.pem");
        fs::write(&empty, "nothing").unwrap();
        let missing = folder.join("missing.pem");
        let error = |cert: &Path, key: &Path| {
            let files = TlsFiles {
                cert_file: cert.to_owned(),
                key_file: key.to_owned(),
            };
            from_files(&files).err().map(|error| error.to_string())
        };
        assert_eq!(error(&own, &own), None);
        let told = error(&missing, &own).unwrap();
        assert!(told.contains("missing.pem: can't be read"), "{told}");
        let told = error(&empty, &own).unwrap();
        assert!(told.contains("empty.pem: has no certificate"), "{told}");
        let told = error(&own, &empty).unwrap();
        assert!(told.contains("empty.pem: has no private key"), "{told}");
        let told = error(&own, &other).unwrap();
        assert!(told.contains("do not go together"), "{told}");
    }
}
