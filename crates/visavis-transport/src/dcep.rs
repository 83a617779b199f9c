//! The data channel establishment protocol (RFC 8832).

/// Message types (section 8.2.1).
const ACK: u8 = 0x02;
const OPEN: u8 = 0x03;

/// Longest label or protocol we read: ours have ten characters.
const MAX_NAME: usize = 256;

/// A DATA_CHANNEL_OPEN message (section 5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Open {
    pub(crate) unordered: bool,
    /// `Some(n)`: at most n retransmissions of a message.
    pub(crate) max_retransmits: Option<u32>,
    /// `Some(ms)`: give a message up after that time.
    pub(crate) max_lifetime: Option<u32>,
    pub(crate) label: String,
}

/// A message on a stream with the DCEP payload protocol identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    Open(Open),
    Ack,
}

impl Message {
    /// Reads a message; `None` when it is malformed.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        match *bytes.first()? {
            ACK => Some(Self::Ack),
            OPEN => {
                let head: &[u8; 12] = bytes.first_chunk()?;
                let parameter = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
                let label_len = usize::from(u16::from_be_bytes([head[8], head[9]]));
                if label_len > MAX_NAME {
                    return None;
                }
                let label = std::str::from_utf8(bytes.get(12..12 + label_len)?).ok()?;
                Some(Self::Open(Open {
                    unordered: head[1] & 0x80 != 0,
                    max_retransmits: (head[1] & 0x7f == 1).then_some(parameter),
                    max_lifetime: (head[1] & 0x7f == 2).then_some(parameter),
                    label: label.to_owned(),
                }))
            }
            _ => None,
        }
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let Self::Open(open) = self else {
            return vec![ACK];
        };
        let (kind, parameter) = match (open.max_retransmits, open.max_lifetime) {
            (Some(count), _) => (1, count),
            (None, Some(lifetime)) => (2, lifetime),
            (None, None) => (0, 0),
        };
        let mut bytes = vec![OPEN, kind | u8::from(open.unordered) << 7, 0, 0];
        bytes.extend_from_slice(&parameter.to_be_bytes());
        bytes.extend_from_slice(&(open.label.len() as u16).to_be_bytes());
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(open.label.as_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_as_they_were_written() {
        for (unordered, max_retransmits, max_lifetime) in [
            (false, None, None),
            (true, Some(0), None),
            (true, None, Some(500)),
        ] {
            let label = "_lossy".to_owned();
            let open = Message::Open(Open {
                unordered,
                max_retransmits,
                max_lifetime,
                label,
            });
            let bytes = open.write();
            assert_eq!(Message::parse(&bytes), Some(open));
            for cut in 0..bytes.len() {
                assert_eq!(Message::parse(&bytes[..cut]), None);
            }
        }
        assert_eq!(Message::parse(&Message::Ack.write()), Some(Message::Ack));
        assert_eq!(Message::parse(&[9]), None);
    }
}
