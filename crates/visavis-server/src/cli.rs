//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::config::{ConfigError, Origin, Sources, help};

/// What the program was asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    /// Run the server.
    Serve(Sources),
    /// Print the version.
    Version,
    /// Print how to use it.
    Help,
}

/// Reads the arguments behind the program's name. The environment is the
/// caller's to add.
///
/// # Errors
/// When there is no such command or option.
pub(crate) fn parse(arguments: Vec<OsString>) -> Result<Command, ConfigError> {
    let mut parser = lexopt::Parser::from_args(arguments);
    let mut sources = Sources::default();
    let mut serve = false;
    while let Some(argument) = parser.next().map_err(|error| refused("", error))? {
        match argument {
            lexopt::Arg::Value(word) if !serve && word == "serve" => serve = true,
            lexopt::Arg::Value(word) if !serve && word == "help" => return Ok(Command::Help),
            lexopt::Arg::Value(word) if !serve && word == "version" => return Ok(Command::Version),
            lexopt::Arg::Long("help") | lexopt::Arg::Short('h') => return Ok(Command::Help),
            lexopt::Arg::Long("version") | lexopt::Arg::Short('V') => return Ok(Command::Version),
            lexopt::Arg::Long("config") if serve => {
                let file = parser.value().map_err(|error| refused("--config", error))?;
                sources.file = Some(PathBuf::from(file));
            }
            lexopt::Arg::Long(flag) if serve => {
                let flag = flag.to_owned();
                let value = value(&mut parser, &flag)?;
                sources.flags.push((flag, value));
            }
            other => return Err(refused("", other.unexpected())),
        }
    }
    Ok(if serve {
        Command::Serve(sources)
    } else {
        Command::Help
    })
}

fn value(parser: &mut lexopt::Parser, flag: &str) -> Result<Option<String>, ConfigError> {
    let shown = format!("--{flag}");
    let value = match Sources::flag_takes_value(flag) {
        Some(true) => Some(parser.value().map_err(|error| refused(&shown, error))?),
        // A switch takes a value only behind "=": "--rtc.use_ice_lite=false".
        Some(false) => parser.optional_value(),
        None => {
            let similar = Sources::similar_flag(flag);
            let hint = similar.map(|known| format!("; did you mean \"--{known}\"?"));
            let reason = format!("no such option{}", hint.unwrap_or_default());
            return Err(ConfigError::new(Origin::Flag(shown), reason));
        }
    };
    let text = value.map(|value| value.into_string());
    text.transpose()
        .map_err(|_| ConfigError::new(Origin::Flag(shown), "the value is not UTF-8 text"))
}

fn refused(flag: &str, error: lexopt::Error) -> ConfigError {
    let origin = match flag {
        "" => Origin::Together,
        flag => Origin::Flag(flag.to_owned()),
    };
    ConfigError::new(origin, format!("{error}; see visavis help"))
}

/// How to use the program.
pub(crate) fn usage() -> String {
    format!(
        "usage: visavis serve [options]\n\n\
         Serves video meetings: the pages, LiveKit's protocol, and media, on one port.\n\n\
         \x20 --config VALUE                       settings file (visavis.yaml, if it exists)\n\
         {}\n\
         Every option is a key of the file too (without --, levels by indentation), and a\n\
         variable: VISAVIS_RTC_UDP_PORT is rtc.udp_port. Flags win over variables over\n\
         the file. LIVEKIT_KEYS, NODE_IP, UDP_PORT and LIVEKIT_CONFIG are read as well.\n\n\
         \x20 visavis help       this text\n\
         \x20 visavis --version  the version\n",
        help()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Command, String> {
        let words = line.split_whitespace().map(OsString::from).collect();
        parse(words).map_err(|error| error.to_string())
    }

    #[test]
    fn flags_are_kept_in_order_for_the_configuration() {
        let line = "serve --config a.yaml --bind ::1 --dev --port=5 --rtc.use_ice_lite=false";
        let Ok(Command::Serve(sources)) = read(line) else {
            panic!("serve was asked for");
        };
        assert_eq!(sources.file, Some("a.yaml".into()));
        let flags: Vec<_> = sources
            .flags
            .iter()
            .map(|(k, v)| (&**k, v.as_deref()))
            .collect();
        let expected = [
            ("bind", Some("::1")),
            ("dev", None),
            ("port", Some("5")),
            ("rtc.use_ice_lite", Some("false")),
        ];
        assert_eq!(flags, expected);
    }

    #[test]
    fn what_is_unknown_is_refused_with_a_hint() {
        assert_eq!(read("--version"), Ok(Command::Version));
        assert_eq!(read(""), Ok(Command::Help));
        let error = read("serve --prot 5").unwrap_err();
        assert_eq!(error, "--prot: no such option; did you mean \"--port\"?");
        assert!(read("serve --port").unwrap_err().starts_with("--port: "));
        assert!(read("swerve").is_err());
        assert!(read("serve now").is_err());
    }

    #[test]
    fn the_usage_names_every_option_once_and_fits_a_terminal() {
        let usage = usage();
        assert_eq!(usage.matches("--node-ip").count(), 1);
        let longest = usage.lines().map(str::len).max();
        assert!(longest <= Some(100), "{longest:?}");
    }
}
