//! Protobuf's fields as they lie in a message, without knowing the message.

/// Texts and messages within one message, at any depth. The largest that a client
/// has a reason to send names every track of a thousand participants; decoding
/// costs up to 400 octets for each, however small it is on the wire.
const MAX_ELEMENTS: usize = 20_000;
/// Deepest message within a message that is looked into; LiveKit's have four.
const MAX_DEPTH: usize = 8;
/// Largest field number (protobuf's encoding guide).
const MAX_NUMBER: u64 = (1 << 29) - 1;

/// A field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// A number.
    Varint(u64),
    /// Text, octets, or a message.
    Octets(&'a [u8]),
    /// Numbers of 4 or 8 octets.
    Fixed,
}

/// One field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field<'a> {
    pub(crate) number: u32,
    pub(crate) value: Value<'a>,
    /// The field with its key, as it lies there.
    pub(crate) raw: &'a [u8],
}

/// What is there is no protobuf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotFields;

/// The fields of a message, in their order.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    fn read(&mut self) -> Result<Field<'a>, NotFields> {
        let start = self.rest;
        let key = self.varint()?;
        let number = key >> 3;
        if number == 0 || number > MAX_NUMBER {
            return Err(NotFields);
        }
        let value = match key & 7 {
            0 => Value::Varint(self.varint()?),
            1 => self.take(8).map(|_| Value::Fixed)?,
            2 => {
                let len = usize::try_from(self.varint()?).map_err(|_| NotFields)?;
                Value::Octets(self.take(len)?)
            }
            5 => self.take(4).map(|_| Value::Fixed)?,
            // Groups; LiveKit has none.
            _ => return Err(NotFields),
        };
        let raw = &start[..start.len() - self.rest.len()];
        let number = u32::try_from(number).map_err(|_| NotFields)?;
        Ok(Field { number, value, raw })
    }

    fn varint(&mut self) -> Result<u64, NotFields> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (&octet, rest) = self.rest.split_first().ok_or(NotFields)?;
            self.rest = rest;
            value |= u64::from(octet & 0x7f) << shift;
            if octet < 0x80 {
                return Ok(value);
            }
        }
        Err(NotFields)
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], NotFields> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(NotFields)?;
        self.rest = rest;
        Ok(taken)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, NotFields>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.read();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// Whether decoding a message needs memory in proportion to its length. Without
/// this, 2 MiB of empty elements would be decoded into hundreds of megabytes.
pub(crate) fn is_modest(message: &[u8]) -> bool {
    count(message, 0).is_none_or(|elements| elements <= MAX_ELEMENTS)
}

/// Elements in `message` at any depth, no more than necessary; `None` when it is
/// no message. Numbers do not count: they are not larger when decoded. Text that
/// happens to read as a message has an element for every 32 letters at most,
/// because their codes are its lengths.
fn count(message: &[u8], depth: usize) -> Option<usize> {
    let mut elements = 0;
    for field in Fields::new(message) {
        if let Value::Octets(inner) = field.ok()?.value {
            elements += 1;
            if depth < MAX_DEPTH {
                elements += count(inner, depth + 1).unwrap_or(0);
            }
        }
        if elements > MAX_ELEMENTS {
            break;
        }
    }
    Some(elements)
}

/// The same for JSON: its elements are separated by commas.
pub(crate) fn is_modest_json(text: &str) -> bool {
    let (mut elements, mut quoted, mut escaped) = (0, false, false);
    for octet in text.bytes() {
        match octet {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' | b'{' | b'[' if !quoted => elements += 1,
            _ => {}
        }
    }
    elements <= MAX_ELEMENTS
}

/// Appends a field of octets.
pub(crate) fn put_octets(out: &mut Vec<u8>, number: u32, octets: &[u8]) {
    put_varint(out, u64::from(number) << 3 | 2);
    put_varint(out, octets.len() as u64);
    out.extend_from_slice(octets);
}

/// Appends a field of a number.
pub(crate) fn put_number(out: &mut Vec<u8>, number: u32, value: u64) {
    put_varint(out, u64::from(number) << 3);
    put_varint(out, value);
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut message = Vec::new();
        put_octets(&mut message, 1, b"one");
        put_number(&mut message, 16, u64::MAX);
        message.extend([0x25, 1, 2, 3, 4, 0x21, 1, 2, 3, 4, 5, 6, 7, 8]);
        let fields: Vec<Field<'_>> = Fields::new(&message).map(Result::unwrap).collect();
        let seen: Vec<_> = fields
            .iter()
            .map(|field| (field.number, field.value))
            .collect();
        let expected = [
            (1, Value::Octets(b"one")),
            (16, Value::Varint(u64::MAX)),
            (4, Value::Fixed),
            (4, Value::Fixed),
        ];
        assert_eq!(seen, expected);
        let raw: Vec<u8> = fields.iter().flat_map(|field| field.raw.to_vec()).collect();
        assert_eq!(raw, message);
    }

    #[test]
    fn what_is_no_message_ends_with_an_error() {
        for bad in [
            &[0x0a][..],
            &[0x0a, 5, 1],
            &[0x0b],
            &[0x00, 0],
            &[0x08, 0x80],
            &[0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1],
            &[0x0a, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1],
        ] {
            let fields: Vec<_> = Fields::new(bad).collect();
            assert_eq!(fields, [Err(NotFields)], "{bad:?}");
        }
    }

    #[test]
    fn many_small_elements_are_not_modest_but_long_text_is() {
        let mut empty = Vec::new();
        for _ in 0..MAX_ELEMENTS {
            put_octets(&mut empty, 9, b"");
        }
        assert!(is_modest(&empty));
        let mut outer = Vec::new();
        put_octets(&mut outer, 12, &empty);
        assert!(!is_modest(&outer), "the outer field is one more");
        for text in ["v=0\r\n", "x", "0", "bz", "{\"k\":\"v\"},"] {
            assert!(is_modest(text.repeat(100_000).as_bytes()), "{text}");
        }
        assert!(is_modest_json(&format!(
            r#"{{"a":"{}"}}"#,
            r#"{,\","#.repeat(100_000)
        )));
        assert!(!is_modest_json(&format!(
            "[{}]",
            "{},".repeat(MAX_ELEMENTS)
        )));
    }
}
