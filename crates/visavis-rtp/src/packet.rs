//! The RTP packet (RFC 3550 section 5.1) and its header extensions (RFC 8285).

use thiserror::Error;

/// Octets of an RTP header without CSRCs and extensions.
pub const FIXED_HEADER_LEN: usize = 12;

/// Profile word of one-byte header extensions (RFC 8285 section 4.2).
const ONE_BYTE_PROFILE: u16 = 0xBEDE;
/// Profile word of two-byte header extensions, its four appbits masked off
/// (RFC 8285 section 4.3).
const TWO_BYTE_PROFILE: u16 = 0x1000;

/// Why bytes are not an RTP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RtpError {
    /// Fewer octets than the header, its CSRCs or its extension block announce.
    #[error("RTP packet is shorter than its header says")]
    Truncated,
    /// The version field is not 2.
    #[error("RTP version is not 2")]
    Version,
    /// The padding count is zero or exceeds the payload.
    #[error("RTP padding is longer than the payload")]
    Padding,
    /// The output buffer can't hold what is to be written.
    #[error("output buffer is too small")]
    NoSpace,
}

/// A parsed RTP header: plain numbers, so that it can be kept while the packet's
/// buffer moves on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RtpHeader {
    /// Marker bit: last packet of a video frame, first of a talk spurt.
    pub marker: bool,
    /// Payload type, 0..=127.
    pub payload_type: u8,
    /// Sequence number.
    pub sequence: u16,
    /// Timestamp in units of the payload's clock.
    pub timestamp: u32,
    /// Synchronisation source.
    pub ssrc: u32,
    /// The extension block's profile word; 0 when there is none.
    profile: u16,
    ext_start: u16,
    ext_end: u16,
    payload_start: u16,
    payload_end: u16,
    padding: u8,
}

impl RtpHeader {
    /// Reads the header of `packet`.
    ///
    /// # Errors
    /// When the packet is truncated, of another version, or its padding lies.
    pub fn parse(packet: &[u8]) -> Result<Self, RtpError> {
        let fixed: &[u8; FIXED_HEADER_LEN] = packet.first_chunk().ok_or(RtpError::Truncated)?;
        if fixed[0] >> 6 != 2 {
            return Err(RtpError::Version);
        }
        // A UDP datagram's payload is shorter than this; the fields are u16.
        let total = u16::try_from(packet.len()).map_err(|_| RtpError::Truncated)?;
        let csrc_end = FIXED_HEADER_LEN as u16 + u16::from(fixed[0] & 0x0f) * 4;
        if csrc_end > total {
            return Err(RtpError::Truncated);
        }
        let (profile, ext_start, ext_end) = match fixed[0] & 0x10 != 0 {
            false => (0, csrc_end, csrc_end),
            true => Self::extension_block(packet, csrc_end)?,
        };
        let padding = match fixed[0] & 0x20 != 0 {
            false => 0,
            true => Self::padding(packet, ext_end)?,
        };
        Ok(Self {
            marker: fixed[1] & 0x80 != 0,
            payload_type: fixed[1] & 0x7f,
            sequence: u16::from_be_bytes([fixed[2], fixed[3]]),
            timestamp: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
            ssrc: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
            profile,
            ext_start,
            ext_end,
            payload_start: ext_end,
            payload_end: total - u16::from(padding),
            padding,
        })
    }

    fn extension_block(packet: &[u8], at: u16) -> Result<(u16, u16, u16), RtpError> {
        let head: &[u8; 4] = packet
            .get(usize::from(at)..)
            .and_then(<[u8]>::first_chunk)
            .ok_or(RtpError::Truncated)?;
        let profile = u16::from_be_bytes([head[0], head[1]]);
        let words = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let end = usize::from(at) + 4 + words * 4;
        if end > packet.len() {
            return Err(RtpError::Truncated);
        }
        let end = u16::try_from(end).map_err(|_| RtpError::Truncated)?;
        Ok((profile, at + 4, end))
    }

    fn padding(packet: &[u8], payload_start: u16) -> Result<u8, RtpError> {
        let count = *packet.last().ok_or(RtpError::Truncated)?;
        if count == 0 || usize::from(count) > packet.len() - usize::from(payload_start) {
            return Err(RtpError::Padding);
        }
        Ok(count)
    }

    /// Octets before the payload.
    #[must_use]
    pub fn header_len(&self) -> usize {
        usize::from(self.payload_start)
    }

    /// Octets of padding behind the payload, the count included.
    #[must_use]
    pub fn padding_len(&self) -> usize {
        usize::from(self.padding)
    }

    /// The payload without padding. `packet` must be the bytes this header was
    /// parsed from; of other bytes the answer is some slice, or an empty one.
    #[must_use]
    pub fn payload<'a>(&self, packet: &'a [u8]) -> &'a [u8] {
        packet
            .get(usize::from(self.payload_start)..usize::from(self.payload_end))
            .unwrap_or_default()
    }

    /// The header extensions of `packet`, in their order on the wire.
    #[must_use]
    pub fn extensions<'a>(&self, packet: &'a [u8]) -> Extensions<'a> {
        let block = packet
            .get(usize::from(self.ext_start)..usize::from(self.ext_end))
            .unwrap_or_default();
        let form = match self.profile {
            ONE_BYTE_PROFILE => Form::OneByte,
            other if other & 0xfff0 == TWO_BYTE_PROFILE => Form::TwoByte,
            _ => {
                return Extensions {
                    rest: &[],
                    form: Form::OneByte,
                };
            }
        };
        Extensions { rest: block, form }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    OneByte,
    TwoByte,
}

/// Iterates header extensions as (id, value).
#[derive(Debug, Clone)]
pub struct Extensions<'a> {
    rest: &'a [u8],
    form: Form,
}

impl<'a> Iterator for Extensions<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (&first, rest) = self.rest.split_first()?;
            if first == 0 {
                // Padding between elements (RFC 8285 section 4.1.2).
                self.rest = rest;
                continue;
            }
            let (id, len, rest) = match self.form {
                // Id 15 ends the block (RFC 8285 section 4.2).
                Form::OneByte if first >> 4 == 15 => return None,
                Form::OneByte => (first >> 4, usize::from(first & 0x0f) + 1, rest),
                Form::TwoByte => {
                    let (&len, rest) = rest.split_first()?;
                    (first, usize::from(len), rest)
                }
            };
            let value = rest.get(..len)?;
            self.rest = rest.get(len..)?;
            return Some((id, value));
        }
    }
}

/// Writes an RTP header with extensions into a buffer.
#[derive(Debug)]
pub struct RtpWriter<'a> {
    out: &'a mut [u8],
    len: usize,
    form: Form,
    any: bool,
}

impl<'a> RtpWriter<'a> {
    /// Starts a header in `out`. `two_byte` chooses the form of the extensions;
    /// it is needed when an id is above 14 or a value is empty or longer than 16.
    ///
    /// # Errors
    /// [`RtpError::NoSpace`] when `out` can't hold the fixed header.
    pub fn new(out: &'a mut [u8], header: &RtpFields, two_byte: bool) -> Result<Self, RtpError> {
        let fixed: &mut [u8; FIXED_HEADER_LEN] = out.first_chunk_mut().ok_or(RtpError::NoSpace)?;
        fixed[0] = 0x80;
        fixed[1] = u8::from(header.marker) << 7 | header.payload_type & 0x7f;
        fixed[2..4].copy_from_slice(&header.sequence.to_be_bytes());
        fixed[4..8].copy_from_slice(&header.timestamp.to_be_bytes());
        fixed[8..12].copy_from_slice(&header.ssrc.to_be_bytes());
        let form = if two_byte {
            Form::TwoByte
        } else {
            Form::OneByte
        };
        Ok(Self {
            out,
            len: FIXED_HEADER_LEN,
            form,
            any: false,
        })
    }

    /// Appends one extension.
    ///
    /// # Errors
    /// [`RtpError::NoSpace`] when the buffer is full or the value does not fit
    /// the chosen form.
    pub fn extension(&mut self, id: u8, value: &[u8]) -> Result<(), RtpError> {
        let start = if self.any { self.len } else { self.len + 4 };
        let fits = match self.form {
            Form::OneByte => (1..=14).contains(&id) && (1..=16).contains(&value.len()),
            Form::TwoByte => id != 0 && value.len() <= 255,
        };
        let head = if self.form == Form::OneByte { 1 } else { 2 };
        let end = start + head + value.len();
        if !fits || end > self.out.len() {
            return Err(RtpError::NoSpace);
        }
        match self.form {
            Form::OneByte => self.out[start] = id << 4 | (value.len() - 1) as u8,
            Form::TwoByte => {
                self.out[start] = id;
                self.out[start + 1] = value.len() as u8;
            }
        }
        self.out[start + head..end].copy_from_slice(value);
        self.len = end;
        self.any = true;
        Ok(())
    }

    /// Pads the extension block to whole words and gives the header's length.
    ///
    /// # Errors
    /// [`RtpError::NoSpace`] when the padding does not fit.
    pub fn finish(self) -> Result<usize, RtpError> {
        if !self.any {
            return Ok(self.len);
        }
        let block = self.len - FIXED_HEADER_LEN - 4;
        let padded = block.next_multiple_of(4);
        let end = FIXED_HEADER_LEN + 4 + padded;
        self.out
            .get_mut(self.len..end)
            .ok_or(RtpError::NoSpace)?
            .fill(0);
        let profile = match self.form {
            Form::OneByte => ONE_BYTE_PROFILE,
            Form::TwoByte => TWO_BYTE_PROFILE,
        };
        self.out[0] |= 0x10;
        self.out[FIXED_HEADER_LEN..FIXED_HEADER_LEN + 2].copy_from_slice(&profile.to_be_bytes());
        let words = (padded / 4) as u16;
        self.out[FIXED_HEADER_LEN + 2..FIXED_HEADER_LEN + 4].copy_from_slice(&words.to_be_bytes());
        Ok(end)
    }
}

/// The fixed fields of a header that is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RtpFields {
    /// Marker bit.
    pub marker: bool,
    /// Payload type, 0..=127.
    pub payload_type: u8,
    /// Sequence number.
    pub sequence: u16,
    /// Timestamp in units of the payload's clock.
    pub timestamp: u32,
    /// Synchronisation source.
    pub ssrc: u32,
}

/// The original sequence number that leads a retransmission's payload
/// (RFC 4588 section 4), as the two octets to put before it.
#[must_use]
pub fn write_osn(sequence: u16) -> [u8; 2] {
    sequence.to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> RtpFields {
        RtpFields {
            marker: true,
            payload_type: 96,
            sequence: 7,
            timestamp: 9,
            ssrc: 0xdead_beef,
        }
    }

    fn packet(extensions: &[(u8, &[u8])], two_byte: bool, payload: &[u8]) -> Vec<u8> {
        let mut out = vec![0xffu8; 512];
        let mut writer = RtpWriter::new(&mut out, &fields(), two_byte).unwrap();
        for (id, value) in extensions {
            writer.extension(*id, value).unwrap();
        }
        let len = writer.finish().unwrap();
        out.truncate(len);
        out.extend_from_slice(payload);
        out
    }

    #[test]
    fn what_is_written_is_read_back_in_both_forms() {
        for (two_byte, extensions) in [
            (
                false,
                vec![(1u8, &b"a"[..]), (14, &b"0123456789abcdef"[..])],
            ),
            (true, vec![(1, &b""[..]), (200, &[7u8; 200][..])]),
            (false, vec![]),
        ] {
            let bytes = packet(&extensions, two_byte, b"payload");
            let header = RtpHeader::parse(&bytes).unwrap();
            assert_eq!(
                (header.marker, header.payload_type, header.sequence),
                (true, 96, 7)
            );
            assert_eq!((header.timestamp, header.ssrc), (9, 0xdead_beef));
            assert_eq!(header.payload(&bytes), b"payload");
            assert_eq!(header.extensions(&bytes).collect::<Vec<_>>(), extensions);
        }
    }

    #[test]
    fn padding_is_not_payload() {
        let mut bytes = packet(&[], false, b"abc");
        bytes[0] |= 0x20;
        bytes.extend_from_slice(&[0, 0, 3]);
        let header = RtpHeader::parse(&bytes).unwrap();
        assert_eq!(header.payload(&bytes), b"abc");
        assert_eq!(header.padding_len(), 3);
    }

    #[test]
    fn lying_lengths_are_errors() {
        let good = packet(&[(1, b"x")], false, b"");
        for cut in 0..good.len() {
            assert!(RtpHeader::parse(&good[..cut]).is_err(), "cut at {cut}");
        }
        let mut csrcs = packet(&[], false, b"");
        csrcs[0] |= 0x0f;
        assert_eq!(RtpHeader::parse(&csrcs), Err(RtpError::Truncated));
        let mut padded = packet(&[], false, &[9]);
        padded[0] |= 0x20;
        assert_eq!(RtpHeader::parse(&padded), Err(RtpError::Padding));
        assert_eq!(RtpHeader::parse(&[0x40; 12]), Err(RtpError::Version));
    }

    #[test]
    fn an_extension_that_reaches_over_the_block_ends_it() {
        let mut bytes = packet(&[(1, b"xyz")], false, b"p");
        bytes[16] = 0x1f;
        let header = RtpHeader::parse(&bytes).unwrap();
        assert_eq!(header.extensions(&bytes).count(), 0);
    }

    #[test]
    fn a_value_that_does_not_fit_the_form_is_refused() {
        let mut out = [0; 64];
        let mut writer = RtpWriter::new(&mut out, &fields(), false).unwrap();
        assert_eq!(writer.extension(15, b"x"), Err(RtpError::NoSpace));
        assert_eq!(writer.extension(1, b""), Err(RtpError::NoSpace));
        assert_eq!(writer.extension(1, &[0; 17]), Err(RtpError::NoSpace));
    }
}
