//! Server-made names, with the prefixes that LiveKit's clients check.

use std::fmt;

/// Letters and digits that can't be taken for one another.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefgh";
const LENGTH: usize = 12;

macro_rules! sid {
    ($name:ident, $prefix:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            pub(crate) fn generate(source: &mut IdSource) -> Self {
                Self(source.generate($prefix))
            }

            /// The name as clients see it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            /// A name that a client sent; whether it exists shows when it is used.
            fn from(name: &str) -> Self {
                Self(name.to_owned())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

sid!(
    RoomSid,
    "RM_",
    "One life of a room: from its first participant to its end."
);
sid!(
    ParticipantSid,
    "PA_",
    "One stay of a participant in a room."
);
sid!(TrackSid, "TR_", "One publication of a track.");

/// Fills a slice with random octets.
type Fill = Box<dyn FnMut(&mut [u8]) + Send>;

/// Where random names come from.
pub struct IdSource {
    fill: Fill,
}

impl fmt::Debug for IdSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdSource")
    }
}

impl IdSource {
    /// `fill` fills a slice with random octets.
    pub fn new(fill: impl FnMut(&mut [u8]) + Send + 'static) -> Self {
        Self {
            fill: Box::new(fill),
        }
    }

    fn generate(&mut self, prefix: &str) -> String {
        let mut octets = [0; LENGTH];
        (self.fill)(&mut octets);
        let letter = |octet: &u8| char::from(ALPHABET[usize::from(*octet) % ALPHABET.len()]);
        prefix.chars().chain(octets.iter().map(letter)).collect()
    }
}
