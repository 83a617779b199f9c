//! YAML as a small tree in which everything knows its line.
//!
//! Configuration needs maps, lists and scalars; anchors, aliases, tags and
//! several documents are refused rather than half understood.

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};

/// How deep a file may nest: ours need three levels, and the parser recurses.
const MAX_DEPTH: usize = 8;
/// Longest file that is read; a real one has a few kilobytes.
pub(super) const MAX_LENGTH: usize = 1 << 20;

/// A value, before anything is known about its meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// Nothing was written.
    Empty,
    /// Text, with its quotes taken off.
    Scalar(String),
    /// Several values, each with its line.
    List(Vec<(usize, Value)>),
    /// Pairs in the order of the file.
    Map(Vec<Pair>),
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) line: usize,
    pub(crate) key: String,
    pub(crate) value: Value,
}

/// What is wrong, and in which line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct YamlError {
    pub(crate) line: usize,
    pub(crate) reason: String,
}

impl YamlError {
    fn new(line: usize, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self { line, reason }
    }
}

impl From<ScanError> for YamlError {
    fn from(error: ScanError) -> Self {
        Self::new(error.marker().line(), error.info())
    }
}

/// Reads one document, whose top is a map or nothing.
pub(crate) fn parse(text: &str) -> Result<Vec<Pair>, YamlError> {
    if text.len() > MAX_LENGTH {
        return Err(YamlError::new(1, "the file is too long"));
    }
    let mut events = Events {
        parser: Parser::new_from_str(text),
        line: 1,
    };
    let mut top = Value::Empty;
    let mut documents = 0;
    loop {
        match events.next()? {
            Event::StreamEnd => break,
            Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
            Event::DocumentStart(_) => {
                documents += 1;
                if documents > 1 {
                    return Err(YamlError::new(events.line, "only one document is read"));
                }
            }
            event => top = value(&mut events, event, 0)?,
        }
    }
    match top {
        Value::Map(pairs) => Ok(pairs),
        Value::Empty => Ok(Vec::new()),
        Value::Scalar(_) | Value::List(_) => {
            Err(YamlError::new(1, "expected \"key: value\" lines"))
        }
    }
}

struct Events<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    /// Line of the last event, from 1.
    line: usize,
}

impl<'a> Events<'a> {
    fn next(&mut self) -> Result<Event<'a>, YamlError> {
        let (event, span): (Event<'a>, Span) = match self.parser.next() {
            Some(result) => result?,
            None => (Event::StreamEnd, Span::default()),
        };
        if span.start.line() > 0 {
            self.line = span.start.line();
        }
        Ok(event)
    }
}

/// Reads the value that begins with `event`.
fn value(events: &mut Events<'_>, event: Event<'_>, depth: usize) -> Result<Value, YamlError> {
    if depth > MAX_DEPTH {
        return Err(YamlError::new(events.line, "nested too deeply"));
    }
    match event {
        Event::Scalar(text, style, 0, None) => Ok(match (&*text, style) {
            ("" | "~" | "null", ScalarStyle::Plain) => Value::Empty,
            _ => Value::Scalar(text.into_owned()),
        }),
        Event::SequenceStart(0, None) => list(events, depth),
        Event::MappingStart(0, None) => map(events, depth),
        _ => Err(unsupported(events.line)),
    }
}

fn unsupported(line: usize) -> YamlError {
    YamlError::new(line, "anchors, aliases and tags are not supported")
}

fn list(events: &mut Events<'_>, depth: usize) -> Result<Value, YamlError> {
    let mut values = Vec::new();
    loop {
        match events.next()? {
            Event::SequenceEnd => return Ok(Value::List(values)),
            event => {
                let line = events.line;
                values.push((line, value(events, event, depth + 1)?));
            }
        }
    }
}

fn map(events: &mut Events<'_>, depth: usize) -> Result<Value, YamlError> {
    let mut pairs: Vec<Pair> = Vec::new();
    loop {
        let event = events.next()?;
        if event == Event::MappingEnd {
            return Ok(Value::Map(pairs));
        }
        let line = events.line;
        let Value::Scalar(key) = value(events, event, depth + 1)? else {
            return Err(YamlError::new(line, "a key must be plain text"));
        };
        if let Some(first) = pairs.iter().find(|pair| pair.key == key) {
            let first = first.line;
            return Err(YamlError::new(
                line,
                format!("\"{key}\" is given twice, first in line {first}"),
            ));
        }
        let event = events.next()?;
        let value = value(events, event, depth + 1)?;
        pairs.push(Pair { line, key, value });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(text: &str) -> Value {
        Value::Scalar(text.to_owned())
    }

    #[test]
    fn everything_knows_its_line() {
        let pairs = parse(
            "# ours\nport: 7880\nrtc:\n  stun_servers:\n    - a:1\n    - \"b\"\nkeys: {k: s}\n",
        );
        let pairs = pairs.unwrap();
        let lines: Vec<_> = pairs.iter().map(|pair| (pair.line, &*pair.key)).collect();
        assert_eq!(lines, [(2, "port"), (3, "rtc"), (7, "keys")]);
        assert_eq!(pairs[0].value, scalar("7880"));
        let Value::Map(rtc) = &pairs[1].value else {
            panic!("rtc is a map");
        };
        assert_eq!(rtc[0].line, 4);
        assert_eq!(
            rtc[0].value,
            Value::List(vec![(5, scalar("a:1")), (6, scalar("b"))])
        );
    }

    #[test]
    fn what_is_not_plain_configuration_is_refused_with_its_line() {
        for (text, line) in [
            ("a: 1\na: 2", 2),
            ("a: &x 1\nb: *x", 1),
            ("a: 1\nb: !!str 2", 2),
            ("a: 1\n---\nb: 1", 2),
            ("- a", 1),
            ("a: [1\n", 2),
            ("a: 1\n b: 2", 2),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.line, line, "{text:?}: {}", error.reason);
        }
        assert!(parse(&"[".repeat(10_000)).is_err());
        assert!(parse(&format!("a: {}", "[".repeat(100))).is_err());
        assert_eq!(parse("# nothing\n"), Ok(Vec::new()));
    }
}
