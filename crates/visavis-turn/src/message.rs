//! The STUN message (RFC 8489 section 5) and its attributes (section 14).

use thiserror::Error;

use crate::crc32::crc32;

/// Second word of every message.
pub(crate) const MAGIC_COOKIE: u32 = 0x2112_a442;
pub(crate) const HEADER_LEN: usize = 20;
const FINGERPRINT_XOR: u32 = 0x5354_554e;

const USERNAME: u16 = 0x0006;
pub(crate) const XOR_MAPPED_ADDRESS: u16 = 0x0020;
pub(crate) const FINGERPRINT: u16 = 0x8028;

/// Methods.
pub(crate) const BINDING: u16 = 0x001;

/// Why bytes are not a STUN message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum StunError {
    /// Fewer octets than the header announces, or a length that is no multiple of 4.
    #[error("STUN message is truncated")]
    Truncated,
    /// Not the magic cookie, or the first two bits are not zero.
    #[error("not a STUN message")]
    NotStun,
    /// The FINGERPRINT does not match.
    #[error("STUN message is damaged")]
    Damaged,
}

/// What kind of message it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Wants an answer.
    Request,
    /// Wants none.
    Indication,
    /// Answers.
    Success,
    /// Refuses.
    Error,
}

/// Ties an answer to its request: 96 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TransactionId(pub [u8; 12]);

/// A message whose frame was checked; attributes are read when asked for.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    class: Class,
    method: u16,
    transaction: TransactionId,
    attributes: &'a [u8],
}

impl<'a> Message<'a> {
    /// Checks the frame of a message, and its FINGERPRINT when it has one.
    ///
    /// # Errors
    /// When it is cut, damaged, or something else.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, StunError> {
        let header: &[u8; HEADER_LEN] = bytes.first_chunk().ok_or(StunError::Truncated)?;
        let cookie = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
        if header[0] & 0xc0 != 0 || cookie != MAGIC_COOKIE {
            return Err(StunError::NotStun);
        }
        let len = usize::from(u16::from_be_bytes([header[2], header[3]]));
        if len % 4 != 0 || bytes.len() != HEADER_LEN + len {
            return Err(StunError::Truncated);
        }
        let kind = u16::from_be_bytes([header[0], header[1]]);
        let mut transaction = [0; 12];
        transaction.copy_from_slice(&header[8..]);
        let message = Self {
            class: match (kind >> 7 & 2) | (kind >> 4 & 1) {
                0 => Class::Request,
                1 => Class::Indication,
                2 => Class::Success,
                _ => Class::Error,
            },
            method: kind & 0x000f | (kind & 0x00e0) >> 1 | (kind & 0x3e00) >> 2,
            transaction: TransactionId(transaction),
            attributes: &bytes[HEADER_LEN..],
        };
        message.check_fingerprint(bytes)?;
        Ok(message)
    }

    fn check_fingerprint(&self, bytes: &[u8]) -> Result<(), StunError> {
        let Some(value) = self.attribute(FINGERPRINT) else {
            return Ok(());
        };
        // It is the last attribute: four octets behind a header of four.
        let signed = &bytes[..bytes.len() - 8];
        let expected = crc32(signed) ^ FINGERPRINT_XOR;
        if value == expected.to_be_bytes() {
            Ok(())
        } else {
            Err(StunError::Damaged)
        }
    }

    /// Request, answer, or neither.
    #[must_use]
    pub fn class(&self) -> Class {
        self.class
    }

    /// Whether this is about binding, as all of ICE is.
    #[must_use]
    pub fn is_binding(&self) -> bool {
        self.method == BINDING
    }

    /// Ties an answer to its request.
    #[must_use]
    pub fn transaction(&self) -> TransactionId {
        self.transaction
    }

    /// The value of the first attribute of this type.
    pub(crate) fn attribute(&self, wanted: u16) -> Option<&'a [u8]> {
        let mut rest = self.attributes;
        while let Some(head) = rest.first_chunk::<4>() {
            let kind = u16::from_be_bytes([head[0], head[1]]);
            let len = usize::from(u16::from_be_bytes([head[2], head[3]]));
            let value = rest.get(4..4 + len)?;
            if kind == wanted {
                return Some(value);
            }
            rest = rest.get(4 + len.next_multiple_of(4)..)?;
        }
        None
    }

    /// The two halves of a connectivity check's USERNAME: the receiver's
    /// fragment, then the sender's (RFC 8445 section 7.2.2).
    #[must_use]
    pub fn username_fragments(&self) -> Option<(&'a str, &'a str)> {
        std::str::from_utf8(self.attribute(USERNAME)?)
            .ok()?
            .split_once(':')
    }

    /// Whether the message carries credentials.
    #[must_use]
    pub fn has_username(&self) -> bool {
        self.attribute(USERNAME).is_some()
    }
}

/// Writes a message: its header, then attributes one by one.
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn new(class: Class, method: u16, transaction: TransactionId) -> Self {
        let class = match class {
            Class::Request => 0x000,
            Class::Indication => 0x010,
            Class::Success => 0x100,
            Class::Error => 0x110,
        };
        let kind: u16 = class | method & 0x0f | (method & 0x70) << 1 | (method & 0xf80) << 2;
        let mut bytes = Vec::with_capacity(64);
        bytes.extend_from_slice(&kind.to_be_bytes());
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(&MAGIC_COOKIE.to_be_bytes());
        bytes.extend_from_slice(&transaction.0);
        Self { bytes }
    }

    pub(crate) fn attribute(&mut self, kind: u16, value: &[u8]) {
        self.bytes.extend_from_slice(&kind.to_be_bytes());
        self.bytes
            .extend_from_slice(&(value.len() as u16).to_be_bytes());
        self.bytes.extend_from_slice(value);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self.set_len(0);
    }

    /// Appends the FINGERPRINT and gives the message.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        // The length covers the FINGERPRINT before it is computed.
        self.set_len(8);
        let fingerprint = crc32(&self.bytes) ^ FINGERPRINT_XOR;
        self.attribute(FINGERPRINT, &fingerprint.to_be_bytes());
        self.bytes
    }

    fn set_len(&mut self, more: usize) {
        let len = (self.bytes.len() - HEADER_LEN + more) as u16;
        self.bytes[2..4].copy_from_slice(&len.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5769 section 2.1: a check with USERNAME `evtj:h6vY` and FINGERPRINT.
    const CHECK: [u8; 108] = [
        0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6,
        0x86, 0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x10, 0x53, 0x54, 0x55, 0x4e, 0x20, 0x74,
        0x65, 0x73, 0x74, 0x20, 0x63, 0x6c, 0x69, 0x65, 0x6e, 0x74, 0x00, 0x24, 0x00, 0x04, 0x6e,
        0x00, 0x01, 0xff, 0x80, 0x29, 0x00, 0x08, 0x93, 0x2f, 0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36,
        0x00, 0x06, 0x00, 0x09, 0x65, 0x76, 0x74, 0x6a, 0x3a, 0x68, 0x36, 0x76, 0x59, 0x20, 0x20,
        0x20, 0x00, 0x08, 0x00, 0x14, 0x9a, 0xea, 0xa7, 0x0c, 0xbf, 0xd8, 0xcb, 0x56, 0x78, 0x1e,
        0xf2, 0xb5, 0xb2, 0xd3, 0xf2, 0x49, 0xc1, 0xb5, 0x71, 0xa2, 0x80, 0x28, 0x00, 0x04, 0xe5,
        0x7a, 0x3b, 0xcf,
    ];

    #[test]
    fn the_check_of_rfc_5769_is_read() {
        let message = Message::parse(&CHECK).unwrap();
        assert!(message.is_binding());
        assert_eq!(message.class(), Class::Request);
        assert_eq!(message.username_fragments(), Some(("evtj", "h6vY")));
        assert_eq!(message.transaction().0[..2], [0xb7, 0xe7]);
    }

    #[test]
    fn damage_is_seen_and_cuts_are_errors() {
        let mut damaged = CHECK;
        damaged[30] ^= 1;
        assert_eq!(Message::parse(&damaged).err(), Some(StunError::Damaged));
        for cut in 0..CHECK.len() {
            assert!(Message::parse(&CHECK[..cut]).is_err());
        }
        let mut other = CHECK;
        other[4] ^= 1;
        assert_eq!(Message::parse(&other).err(), Some(StunError::NotStun));
    }

    #[test]
    fn an_attribute_that_reaches_over_the_end_hides_what_follows() {
        let mut lying = CHECK;
        lying[23] = 0xff;
        assert!(
            Message::parse(&lying)
                .unwrap()
                .username_fragments()
                .is_none()
        );
    }
}
