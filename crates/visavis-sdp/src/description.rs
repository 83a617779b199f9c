//! A session description as its lines, none of them lost (RFC 8866 section 5).

use thiserror::Error;

use crate::types::{Direction, MediaKind};

/// Longest description: a meeting of 100 people has 300 kB.
const MAX_LENGTH: usize = 1 << 20;
/// Longest line; candidates and fmtp lines stay below 1,000.
const MAX_LINE: usize = 8 << 10;
/// Sections: a camera, a microphone and two shares of 100 people, and data.
const MAX_SECTIONS: usize = 512;

/// Why a description is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SdpError {
    /// Longer than any session needs.
    #[error("the session description is too long")]
    TooLong,
    /// More sections than any session needs.
    #[error("the session description has more than {MAX_SECTIONS} media sections")]
    TooManySections,
    /// A line is not `x=value`.
    #[error("line {0} of the session description is malformed")]
    Malformed(usize),
    /// Something that must be there is not.
    #[error("the session description has no {0}")]
    Missing(&'static str),
    /// A value that can't be right.
    #[error("the session description's {0} is invalid")]
    Invalid(&'static str),
    /// Two sections have the same mid.
    #[error("the session description names a mid twice")]
    DuplicateMid,
    /// An answer whose sections are not those of the offer.
    #[error("the answer does not match the offer")]
    NoMatch,
}

/// One line: its letter and what stands behind the equals sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The type letter.
    pub kind: char,
    /// The value.
    pub value: String,
}

/// The lines of one media section, its m-line first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaDescription {
    /// The lines.
    pub lines: Vec<Line>,
}

/// A whole description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Lines before the first section.
    pub session: Vec<Line>,
    /// The sections.
    pub media: Vec<MediaDescription>,
}

impl Description {
    /// Splits a description into its lines.
    ///
    /// # Errors
    /// When a line is malformed or a limit exceeded.
    pub fn parse(text: &str) -> Result<Self, SdpError> {
        if text.len() > MAX_LENGTH {
            return Err(SdpError::TooLong);
        }
        let mut description = Self {
            session: Vec::new(),
            media: Vec::new(),
        };
        for (at, line) in text.lines().enumerate() {
            if line.is_empty() {
                continue;
            }
            let line = parse_line(line).ok_or(SdpError::Malformed(at + 1))?;
            if line.kind == 'm' {
                if description.media.len() == MAX_SECTIONS {
                    return Err(SdpError::TooManySections);
                }
                description
                    .media
                    .push(MediaDescription { lines: Vec::new() });
            }
            match description.media.last_mut() {
                Some(section) => section.lines.push(line),
                None => description.session.push(line),
            }
        }
        if description.session.first().map(|line| line.kind) != Some('v') {
            return Err(SdpError::Missing("v-line"));
        }
        Ok(description)
    }

    /// A session attribute's value.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        attributes(&self.session, name).next()
    }
}

impl std::fmt::Display for Description {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let media = self.media.iter().flat_map(|section| &section.lines);
        for line in self.session.iter().chain(media) {
            write!(f, "{}={}\r\n", line.kind, line.value)?;
        }
        Ok(())
    }
}

fn parse_line(line: &str) -> Option<Line> {
    let mut letters = line.chars();
    let kind = letters.next().filter(char::is_ascii_lowercase)?;
    let value = letters.as_str().strip_prefix('=')?;
    (line.len() <= MAX_LINE && !value.contains('\r')).then(|| Line {
        kind,
        value: value.to_owned(),
    })
}

/// All values of attribute `name`; the empty string for a flag.
fn attributes<'a>(lines: &'a [Line], name: &str) -> impl Iterator<Item = &'a str> {
    lines
        .iter()
        .filter(|line| line.kind == 'a')
        .filter_map(move |line| {
            let rest = line.value.strip_prefix(name)?;
            match rest.strip_prefix(':') {
                Some(value) => Some(value),
                None => rest.is_empty().then_some(""),
            }
        })
}

impl MediaDescription {
    /// All values of attribute `name`.
    pub fn attributes<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        attributes(&self.lines, name)
    }

    /// The first value of attribute `name`.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        attributes(&self.lines, name).next()
    }

    /// `a=mid`
    #[must_use]
    pub fn mid(&self) -> Option<&str> {
        self.attribute("mid").filter(|mid| !mid.is_empty())
    }

    /// The words of the m-line: media, port, protocol, formats.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.lines
            .first()
            .map_or("", |line| &line.value)
            .split(' ')
            .filter(|word| !word.is_empty())
    }

    /// The formats of the m-line: payload types.
    pub fn formats(&self) -> impl Iterator<Item = &str> {
        self.words().skip(3)
    }

    /// Audio, video, or neither.
    #[must_use]
    pub fn kind(&self) -> Option<MediaKind> {
        match self.words().next() {
            Some("audio") => Some(MediaKind::Audio),
            Some("video") => Some(MediaKind::Video),
            _ => None,
        }
    }

    /// Whether this is the data channels' section (RFC 8841).
    #[must_use]
    pub fn is_data(&self) -> bool {
        self.words().next() == Some("application")
            && self
                .words()
                .nth(2)
                .is_some_and(|protocol| protocol.ends_with("DTLS/SCTP"))
    }

    /// Whether the section was refused or ended: port 0 without `bundle-only`.
    #[must_use]
    pub fn is_rejected(&self) -> bool {
        self.words().nth(1) == Some("0") && self.attribute("bundle-only").is_none()
    }

    /// The direction; `sendrecv` when none is given.
    #[must_use]
    pub fn direction(&self) -> Direction {
        let all = [
            Direction::SendOnly,
            Direction::RecvOnly,
            Direction::Inactive,
            Direction::SendRecv,
        ];
        all.into_iter()
            .find(|direction| self.attribute(direction.as_str()).is_some())
            .unwrap_or(Direction::SendRecv)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=recvonly\r\nx-unknown=kept\r\n";

    #[test]
    fn what_was_parsed_is_written_to_the_letter() {
        let text = TEXT.replace("x-unknown=kept", "z=kept");
        let description = Description::parse(&text).unwrap();
        assert_eq!(description.to_string(), text);
        assert_eq!(description.attribute("group"), Some("BUNDLE 0"));
        let section = &description.media[0];
        assert_eq!(
            (section.mid(), section.kind()),
            (Some("0"), Some(MediaKind::Audio))
        );
        assert_eq!(section.direction(), Direction::RecvOnly);
        assert!(!section.is_rejected() && !section.is_data());
    }

    #[test]
    fn malformed_and_oversized_descriptions_are_refused() {
        assert_eq!(Description::parse(TEXT), Err(SdpError::Malformed(9)));
        assert_eq!(Description::parse(""), Err(SdpError::Missing("v-line")));
        let long = format!("v=0\r\na={}\r\n", "x".repeat(MAX_LINE));
        assert_eq!(Description::parse(&long), Err(SdpError::Malformed(2)));
        let many = format!("v=0\r\n{}", "m=audio 9 X 0\r\n".repeat(1_000));
        assert_eq!(Description::parse(&many), Err(SdpError::TooManySections));
        let huge = "a=x\r\n".repeat(MAX_LENGTH);
        assert_eq!(Description::parse(&huge), Err(SdpError::TooLong));
    }
}
