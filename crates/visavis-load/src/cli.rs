//! The command line.

use std::ffi::OsString;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use visavis_load::report::Limits;
use visavis_load::{Churn, Options};

/// How the program is used.
pub(crate) const USAGE: &str = "\
usage: visavis-load [options]

Joins a room with many participants and says what they got. Only loopback and
the benchmark networks (198.18.0.0/15, 2001:2::/48) are accepted as targets.

  --url URL               the server (ws://127.0.0.1:7880)
  --key KEY               API key (devkey)
  --secret SECRET         its secret (secret)
  --room NAME             the room (load)
  --publishers N          participants that publish (1)
  --subscribers N         participants that receive (100)
  --video BITRATE         of each publisher, as 2000k or 2M (2000k)
  --fps N                 frames a second (30)
  --packets-per-frame N   packets of each frame (8)
  --audio                 publish audio too
  --seconds N             how long is measured (60)
  --before-window COMMAND shell command to run in the silence before measuring
  --joins-per-second N    joins begun each second, 0: all at once (20)
  --join-timeout N        seconds that one participant may take (20)
  --rounds N              instead of measuring, join and leave N times
  --round-joins N         participants of each round, publishers included (30)
  --server-pid PID        the server's process: its CPU time, memory, descriptors
  --max-loss PPM          fail when more packets of a million are lost
  --max-growth PERCENT    with --rounds: fail when the server's memory grows more
                          from a fifth of the rounds on, or it has other
                          numbers of threads or descriptors
  --json                  report as JSON";

/// What the program was asked to do.
pub(crate) struct Arguments {
    pub(crate) options: Options,
    pub(crate) limits: Limits,
    pub(crate) json: bool,
}

/// Reads the arguments behind the program's name; `None` when help is wanted.
///
/// # Errors
/// What is wrong with them, in words.
pub(crate) fn parse(arguments: Vec<OsString>) -> Result<Option<Arguments>, String> {
    let mut parser = lexopt::Parser::from_args(arguments);
    let mut read = Arguments {
        options: defaults()?,
        limits: Limits::default(),
        json: false,
    };
    let (mut rounds, mut joins) = (None, 30);
    while let Some(argument) = parser.next().map_err(|error| error.to_string())? {
        let lexopt::Arg::Long(name) = argument else {
            return Err(argument.unexpected().to_string());
        };
        let name = name.to_owned();
        let options = &mut read.options;
        let mut text = || match parser.value() {
            Ok(value) => Ok(value.to_string_lossy().into_owned()),
            Err(error) => Err(error.to_string()),
        };
        match name.as_str() {
            "help" => return Ok(None),
            "audio" => options.audio = true,
            "json" => read.json = true,
            "url" => options.target = value(&name, &text()?)?,
            "key" => options.key = text()?,
            "secret" => options.secret = text()?,
            "room" => options.room = text()?,
            "publishers" => options.publishers = value(&name, &text()?)?,
            "subscribers" => options.subscribers = value(&name, &text()?)?,
            "video" => options.video = bitrate(&text()?)?,
            "fps" => options.fps = value(&name, &text()?)?,
            "packets-per-frame" => options.packets_per_frame = value(&name, &text()?)?,
            "seconds" => options.seconds = value(&name, &text()?)?,
            "before-window" => options.before_window = Some(text()?),
            "joins-per-second" => options.joins_per_second = value(&name, &text()?)?,
            "join-timeout" => {
                let seconds: u16 = value(&name, &text()?)?;
                options.patience = Duration::from_secs(seconds.into());
            }
            "rounds" => rounds = Some(value(&name, &text()?)?),
            "round-joins" => joins = value(&name, &text()?)?,
            "server-pid" => options.server_pid = Some(value(&name, &text()?)?),
            "max-loss" => read.limits.max_loss_ppm = Some(value(&name, &text()?)?),
            "max-growth" => read.limits.max_growth_percent = Some(value(&name, &text()?)?),
            _ => return Err(format!("--{name}: no such option")),
        }
    }
    read.options.churn = rounds.map(|rounds| Churn { rounds, joins });
    Ok(Some(read))
}

fn defaults() -> Result<Options, String> {
    Ok(Options {
        target: value("url", "ws://127.0.0.1:7880")?,
        key: "devkey".into(),
        secret: "secret".into(),
        room: "load".into(),
        publishers: 1,
        subscribers: 100,
        video: 2_000_000,
        fps: 30,
        packets_per_frame: 8,
        audio: false,
        seconds: 60,
        before_window: None,
        churn: None,
        joins_per_second: 20,
        patience: Duration::from_secs(20),
        server_pid: None,
    })
}

fn value<T: FromStr>(name: &str, text: &str) -> Result<T, String>
where
    T::Err: Display,
{
    text.parse()
        .map_err(|error| format!("--{name} {text}: {error}"))
}

fn bitrate(text: &str) -> Result<u64, String> {
    let (number, unit) = match text.strip_suffix(['k', 'K']) {
        Some(number) => (number, 1_000),
        None => match text.strip_suffix('M') {
            Some(number) => (number, 1_000_000),
            None => (text, 1),
        },
    };
    let number: u32 = value("video", number)?;
    Ok(u64::from(number) * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Option<Arguments>, String> {
        parse(line.split_whitespace().map(OsString::from).collect())
    }

    #[test]
    fn every_option_of_the_usage_is_read() {
        let options = USAGE.lines().filter_map(|line| line.strip_prefix("  --"));
        let mut line = String::new();
        for option in options {
            let mut words = option.split_whitespace();
            line += &format!("--{} ", words.next().unwrap());
            line += match words.next() {
                Some("URL") => "ws://[::1]:1 ",
                Some(word) if word.chars().all(|c| c.is_ascii_uppercase()) => "7 ",
                _ => "",
            };
        }
        let arguments = read(&line).unwrap().expect("no help was asked for");
        assert!(arguments.json && arguments.options.audio);
        let churn = Churn {
            rounds: 7,
            joins: 7,
        };
        assert_eq!(arguments.options.churn, Some(churn));
        assert_eq!(arguments.limits.max_loss_ppm, Some(7));
        assert_eq!(arguments.options.patience, Duration::from_secs(7));
    }

    #[test]
    fn the_defaults_are_a_run_of_two_megabits_a_publisher() {
        let options = read("").unwrap().expect("no help was asked for").options;
        assert_eq!(options.check().unwrap().len(), 1);
        assert_eq!(bitrate("2M"), Ok(options.video));
        let bad = read("--video 100M")
            .unwrap()
            .expect("no help was asked for");
        assert!(bad.options.check().is_err());
    }

    #[test]
    fn what_is_unknown_or_unreadable_is_refused() {
        for line in [
            "--nope",
            "x",
            "--fps",
            "--fps many",
            "--url ws://192.0.2.1:1",
        ] {
            assert!(read(line).is_err(), "{line}");
        }
        assert!(matches!(read("--help"), Ok(None)));
    }
}
