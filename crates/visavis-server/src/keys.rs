//! API keys and their secrets: configured, or made once and kept.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use thiserror::Error;

use crate::config::{Config, Value, parse_yaml};

/// The file in the data folder that holds the key made by the server.
const KEPT: &str = "keys.yaml";
/// Shorter secrets are warned about: below the 256 bits of HS256 (RFC 7518
/// section 3.2).
pub(crate) const SHORT_SECRET: usize = 32;

/// API keys and their secrets; at least one.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKeys {
    keys: BTreeMap<String, String>,
}

impl std::fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The secrets are nobody's to read.
        f.debug_set().entries(self.keys.keys()).finish()
    }
}

/// Why there are no keys.
#[derive(Debug, Error)]
pub enum KeysError {
    /// A file or folder can't be used.
    #[error("{}: {action}: {error}", .path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What failed.
        action: &'static str,
        /// Why.
        error: io::Error,
    },
    /// The file is not what it should be.
    #[error("{}:{line}: {reason}", .path.display())]
    Content {
        /// Which file.
        path: PathBuf,
        /// Where in it.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// Others may read the secrets.
    #[error("{}: other users can read these secrets; run: chmod 600 {}", .path.display(), .path.display())]
    Open {
        /// Which file.
        path: PathBuf,
    },
}

impl ApiKeys {
    /// The keys that `config` says: `--dev`'s, those written down, or else one
    /// that is made in the data folder and found there again.
    ///
    /// # Errors
    /// When a file can't be used, or is open to others.
    pub fn load(config: &Config) -> Result<Self, KeysError> {
        if config.dev {
            let keys = BTreeMap::from([("devkey".to_owned(), "secret".to_owned())]);
            return Ok(Self { keys });
        }
        let mut keys = config.keys.clone();
        if let Some(file) = &config.key_file {
            keys.extend(read(file)?);
        }
        if keys.is_empty() {
            keys = kept(&config.data_dir)?;
        }
        Ok(Self { keys })
    }

    /// The secret of a key.
    #[must_use]
    pub fn secret_of(&self, key: &str) -> Option<&str> {
        self.keys.get(key).map(String::as_str)
    }

    /// The key and secret that the server itself signs with: the first.
    #[must_use]
    pub fn own(&self) -> (&str, &str) {
        let first = self.keys.iter().next();
        first.map_or(("", ""), |(key, secret)| (key, secret))
    }

    /// All keys with their secrets.
    pub(crate) fn all(&self) -> &BTreeMap<String, String> {
        &self.keys
    }

    /// Keys whose secrets are too short to be safe.
    pub(crate) fn short(&self) -> impl Iterator<Item = &str> {
        let short = self
            .keys
            .iter()
            .filter(|(_, secret)| secret.len() < SHORT_SECRET);
        short.map(|(key, _)| &**key)
    }
}

/// Makes the data folder, for this user only, if it is not there.
pub(crate) fn make_folder(folder: &Path) -> Result<(), KeysError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| failed(folder, "the data folder can't be made", error))
}

/// Writes a file that only this user can read, whole or not at all.
pub(crate) fn write_private(path: &Path, content: &str) -> Result<(), KeysError> {
    // The number keeps two servers apart that start in one folder.
    let temporary = path.with_extension(format!("new-{}", std::process::id()));
    let written = (|| {
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&temporary)?;
        file.write_all(content.as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    })();
    written.map_err(|error| failed(path, "can't be written", error))
}

fn failed(path: &Path, action: &'static str, error: io::Error) -> KeysError {
    KeysError::File {
        path: path.to_owned(),
        action,
        error,
    }
}

/// The key in the data folder; made when there is none.
fn kept(folder: &Path) -> Result<BTreeMap<String, String>, KeysError> {
    let file = folder.join(KEPT);
    if file.exists() {
        return read(&file);
    }
    make_folder(folder)?;
    let random = |octets: &mut [u8]| {
        let filled = rand::fill(octets).map_err(|_| io::Error::other("no randomness"));
        filled.map_err(|error| failed(&file, "can't be made", error))
    };
    let (mut key, mut secret) = ([0; 9], [0; 32]);
    random(&mut key)?;
    random(&mut secret)?;
    // A leading letter and no "-" at the start keep both plain YAML.
    let key = format!("API{}", URL_SAFE_NO_PAD.encode(key));
    let secret = format!("s{}", URL_SAFE_NO_PAD.encode(secret));
    write_private(
        &file,
        &format!("# Made by visavis. Whoever knows the secret may do anything.\n{key}: {secret}\n"),
    )?;
    Ok(BTreeMap::from([(key, secret)]))
}

/// `key: secret` lines.
fn read(file: &Path) -> Result<BTreeMap<String, String>, KeysError> {
    let content = |line, reason: String| KeysError::Content {
        path: file.to_owned(),
        line,
        reason,
    };
    let metadata = fs::metadata(file).map_err(|error| failed(file, "can't be read", error))?;
    if metadata.permissions().mode() & 0o007 != 0 {
        return Err(KeysError::Open {
            path: file.to_owned(),
        });
    }
    let text = fs::read_to_string(file).map_err(|error| failed(file, "can't be read", error))?;
    let pairs = parse_yaml(&text).map_err(|error| content(error.line, error.reason))?;
    if pairs.is_empty() {
        return Err(content(1, "no \"key: secret\" line".to_owned()));
    }
    let keys = pairs.into_iter().map(|pair| match pair.value {
        Value::Scalar(secret) if !secret.is_empty() => Ok((pair.key, secret)),
        _ => Err(content(
            pair.line,
            format!("\"{}\" has no secret", pair.key),
        )),
    });
    keys.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(data_dir: PathBuf) -> Config {
        Config {
            data_dir,
            ..Config::default()
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_key_is_made_for_this_user_only_and_found_again() {
        let folder = crate::scratch::folder().join("deep/data");
        let first = ApiKeys::load(&config(folder.clone())).unwrap();
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&folder.join(KEPT)), 0o600);
        let (key, secret) = first.own();
        assert!(key.starts_with("API") && secret.len() >= SHORT_SECRET);
        assert_eq!(ApiKeys::load(&config(folder)).unwrap(), first);
        let other = ApiKeys::load(&config(crate::scratch::folder())).unwrap();
        assert_ne!(other.own().1, secret, "no two folders share a secret");
        assert!(!format!("{first:?}").contains(secret));
    }

    #[test]
    fn configured_keys_leave_the_data_folder_alone() {
        let folder = crate::scratch::folder().join("data");
        let keys = BTreeMap::from([("a".to_owned(), "short".to_owned())]);
        let loaded = ApiKeys::load(&Config {
            keys,
            ..config(folder.clone())
        });
        let loaded = loaded.unwrap();
        assert_eq!(loaded.secret_of("a"), Some("short"));
        assert_eq!(loaded.short().collect::<Vec<_>>(), ["a"]);
        assert_eq!(loaded.secret_of("b"), None);
        assert!(!folder.exists());
    }

    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        let file = crate::scratch::folder().join("keys");
        fs::write(&file, "a: one\nb: two\n").unwrap();
        let with_file = Config {
            key_file: Some(file.clone()),
            ..Config::default()
        };
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(
            ApiKeys::load(&with_file),
            Err(KeysError::Open { .. })
        ));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(
            ApiKeys::load(&with_file).unwrap().secret_of("b"),
            Some("two")
        );
        fs::write(&file, "a: one\nb:\n").unwrap();
        let error = ApiKeys::load(&with_file).unwrap_err().to_string();
        assert!(error.ends_with(":2: \"b\" has no secret"), "{error}");
    }
}
