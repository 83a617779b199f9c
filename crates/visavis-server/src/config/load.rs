//! Laying the sources over one another.

use std::fs;
use std::path::PathBuf;

use super::options::{OPTIONS, Spec};
use super::yaml::{self, Pair, Value};
use super::{Config, ConfigError, Origin};

/// The file that is read when none is named, if it exists.
const DEFAULT_FILE: &str = "visavis.yaml";

/// Where settings are read from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// The file named by `--config`.
    pub file: Option<PathBuf>,
    /// Environment variables.
    pub env: Vec<(String, String)>,
    /// Flags without their dashes, in order; without a value when none was given.
    pub flags: Vec<(String, Option<String>)>,
}

impl Sources {
    /// Whether `flag` is an option that takes a value.
    pub(crate) fn flag_takes_value(flag: &str) -> Option<bool> {
        find_flag(flag).map(|spec| !spec.switch)
    }

    /// What was probably meant by an unknown flag, without dashes.
    pub(crate) fn similar_flag(flag: &str) -> Option<&'static str> {
        let names = OPTIONS.iter().flat_map(|spec| [Some(spec.path), spec.flag]);
        closest(flag, names.flatten())
    }
}

/// Defaults, file, environment, flags.
pub(super) fn load(sources: &Sources) -> Result<Config, ConfigError> {
    let mut config = Config::default();
    read_file(&mut config, sources)?;
    for spec in &OPTIONS {
        let ours = format!("VISAVIS_{}", spec.path.replace('.', "_").to_uppercase());
        // Ours is the more exact of two names, so it comes last.
        for name in spec.env.into_iter().chain([&*ours]) {
            if let Some(text) = variable(sources, name) {
                let value = Value::Scalar(text.to_owned());
                let origin = || Origin::Env(name.to_owned());
                apply(&mut config, spec, &value).map_err(|why| ConfigError::new(origin(), why))?;
            }
        }
    }
    read_flags(&mut config, &sources.flags)?;
    Ok(config)
}

fn variable<'a>(sources: &'a Sources, name: &str) -> Option<&'a str> {
    let found = sources.env.iter().find(|(known, _)| known == name);
    // An empty variable is an unset one, as in LiveKit's containers.
    found
        .map(|(_, text)| &**text)
        .filter(|text| !text.is_empty())
}

/// The file that `--config` or `VISAVIS_CONFIG` names, or the text in
/// `LIVEKIT_CONFIG`, or `visavis.yaml` if it is there.
fn read_file(config: &mut Config, sources: &Sources) -> Result<(), ConfigError> {
    let named = sources.file.clone();
    let named = named.or_else(|| variable(sources, "VISAVIS_CONFIG").map(PathBuf::from));
    if named.is_none()
        && let Some(text) = variable(sources, "LIVEKIT_CONFIG")
    {
        return read_text(config, "LIVEKIT_CONFIG", text);
    }
    let file = named.clone().unwrap_or_else(|| DEFAULT_FILE.into());
    let name = file.display().to_string();
    match fs::read_to_string(&file) {
        Ok(text) => read_text(config, &name, &text),
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(ConfigError::new(
            Origin::WholeFile(name),
            format!("can't be read: {error}"),
        )),
    }
}

fn read_text(config: &mut Config, name: &str, text: &str) -> Result<(), ConfigError> {
    let at = |line| Origin::File(name.to_owned(), line);
    let pairs =
        yaml::parse(text).map_err(|error| ConfigError::new(at(error.line), error.reason))?;
    read_pairs(config, name, "", &pairs)
}

/// Reads one level of the file; `prefix` is empty or ends with a dot.
fn read_pairs(
    config: &mut Config,
    name: &str,
    prefix: &str,
    pairs: &[Pair],
) -> Result<(), ConfigError> {
    for Pair { line, key, value } in pairs {
        let error = |why: String| ConfigError::new(Origin::File(name.to_owned(), *line), why);
        let path = format!("{prefix}{key}");
        if let Some(spec) = OPTIONS.iter().find(|spec| spec.path == path) {
            (spec.set)(config, value).map_err(|why| error(format!("{path}: {why}")))?;
            continue;
        }
        let inner = format!("{path}.");
        if !OPTIONS.iter().any(|spec| spec.path.starts_with(&inner)) {
            return Err(error(unknown(prefix, key)));
        }
        match value {
            Value::Map(pairs) => read_pairs(config, name, &inner, pairs)?,
            Value::Empty => {}
            Value::Scalar(_) | Value::List(_) => {
                return Err(error(format!("{path}: keys are expected below it")));
            }
        }
    }
    Ok(())
}

fn unknown(prefix: &str, key: &str) -> String {
    let siblings = OPTIONS.iter().filter_map(|spec| {
        let rest = spec.path.strip_prefix(prefix)?;
        Some(rest.split_once('.').map_or(rest, |(first, _)| first))
    });
    match closest(key, siblings) {
        Some(known) => format!("unknown key \"{prefix}{key}\"; did you mean \"{prefix}{known}\"?"),
        None => format!("unknown key \"{prefix}{key}\""),
    }
}

fn read_flags(config: &mut Config, flags: &[(String, Option<String>)]) -> Result<(), ConfigError> {
    let mut done: Vec<&str> = Vec::new();
    for (flag, text) in flags {
        let error = |why: String| ConfigError::new(Origin::Flag(format!("--{flag}")), why);
        let spec = find_flag(flag).ok_or_else(|| error("is no option".to_owned()))?;
        if done.contains(&spec.path) {
            continue;
        }
        done.push(spec.path);
        // A flag that is given several times is a list.
        let same = flags
            .iter()
            .filter(|(other, _)| find_flag(other).is_some_and(|found| found.path == spec.path));
        let mut texts: Vec<&str> = same.filter_map(|(_, text)| text.as_deref()).collect();
        if text.is_none() && spec.switch {
            texts.push("true");
        }
        let separator = if spec.path == "keys" { "\n" } else { "," };
        let value = Value::Scalar(texts.join(separator));
        apply(config, spec, &value).map_err(error)?;
    }
    Ok(())
}

/// Sets a value from outside the file: such a list of keys replaces the file's.
fn apply(config: &mut Config, spec: &Spec, value: &Value) -> Result<(), String> {
    if spec.path == "keys" {
        config.keys.clear();
    }
    (spec.set)(config, value)
}

fn find_flag(flag: &str) -> Option<&'static Spec> {
    OPTIONS
        .iter()
        .find(|spec| spec.path == flag || spec.flag == Some(flag))
}

/// The name nearest to what was written, if it is near enough to be meant.
fn closest<'a>(written: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = names.map(|name| (distance(written, name), name)).min()?;
    (near.0 <= 2 || near.0 * 3 <= near.1.len()).then_some(near.1)
}

/// Insertions, deletions, replacements and swaps of neighbours between two names.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}
