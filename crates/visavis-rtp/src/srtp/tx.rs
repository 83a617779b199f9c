//! Sealing.

use super::cipher::{Cipher, PacketId, hmac_tag};
use super::{Profile, SrtpError};

/// The SRTCP index has 31 bits (RFC 3711 section 3.4).
const MAX_RTCP_INDEX: u32 = 0x7fff_ffff;
/// The E bit: this SRTCP packet is encrypted.
const ENCRYPTED: u32 = 0x8000_0000;
/// Octets of an RTCP packet that stay in the clear.
const RTCP_CLEAR: usize = 8;

/// The sending half of a transport's SRTP keys.
#[derive(Debug)]
pub struct SrtpTx {
    profile: Profile,
    rtp: Cipher,
    rtcp: Cipher,
    rtcp_index: u32,
}

impl SrtpTx {
    /// Derives the session keys.
    ///
    /// # Errors
    /// [`SrtpError::Keys`] when key or salt have the wrong length.
    pub fn new(profile: Profile, key: &[u8], salt: &[u8]) -> Result<Self, SrtpError> {
        Ok(Self {
            profile,
            rtp: Cipher::rtp(profile, key, salt)?,
            rtcp: Cipher::rtcp(profile, key, salt)?,
            rtcp_index: 0,
        })
    }

    /// Octets that sealing adds to an RTP packet.
    #[must_use]
    pub fn rtp_overhead(&self) -> usize {
        self.profile.tag_len()
    }

    /// Seals an RTP packet: `out` begins with the header (`header_len` octets)
    /// and the rewritten beginning of the payload (`prefix_len` octets); `rest`
    /// is the payload behind it. Gives the sealed packet's length.
    ///
    /// `index` is the extended sequence number (rollover counter and the 16 bits
    /// that stand in the header). The caller must never seal two different
    /// packets of one SSRC under one index: with GCM that gives the key away.
    ///
    /// # Errors
    /// [`SrtpError::NoSpace`] when `out` is too small.
    pub fn seal_rtp(
        &self,
        out: &mut [u8],
        header_len: usize,
        prefix_len: usize,
        rest: &[u8],
        index: u64,
    ) -> Result<usize, SrtpError> {
        let clear = header_len + prefix_len;
        let end = clear + rest.len() + self.profile.tag_len();
        let packet = out.get_mut(..end).ok_or(SrtpError::NoSpace)?;
        let ssrc = ssrc_at(packet, 8)?;
        let id = PacketId {
            ssrc,
            index: index & 0xffff_ffff_ffff,
        };
        match &self.rtp {
            Cipher::Gcm { .. } => {
                let (head, tail) = packet.split_at_mut(clear);
                let (header, prefix) = head.split_at_mut(header_len);
                self.rtp.seal(id, header, prefix, rest, tail)?;
            }
            Cipher::CmHmac { key, auth, salt } => {
                let (body, tag) = packet.split_at_mut(clear + rest.len());
                body[clear..].copy_from_slice(rest);
                Cipher::apply_cm(key, salt, id, &mut body[header_len..])?;
                let roc = (id.index >> 16) as u32;
                tag.copy_from_slice(&hmac_tag(auth, body, &roc.to_be_bytes()));
            }
        }
        Ok(end)
    }

    /// Seals the RTCP compound in the first `len` octets of `out` in place and
    /// gives the sealed length.
    ///
    /// # Errors
    /// [`SrtpError::NoSpace`] when `out` is too small, [`SrtpError::Keys`] when
    /// all 2^31 indices are used up.
    pub fn seal_rtcp(&mut self, out: &mut [u8], len: usize) -> Result<usize, SrtpError> {
        let tag_len = self.profile.tag_len();
        let end = len + tag_len + 4;
        let packet = out.get_mut(..end).ok_or(SrtpError::NoSpace)?;
        if len < RTCP_CLEAR {
            return Err(SrtpError::Truncated);
        }
        if self.rtcp_index >= MAX_RTCP_INDEX {
            return Err(SrtpError::Keys);
        }
        self.rtcp_index += 1;
        let id = PacketId {
            ssrc: ssrc_at(packet, 4)?,
            index: u64::from(self.rtcp_index),
        };
        let word = (ENCRYPTED | self.rtcp_index).to_be_bytes();
        match &self.rtcp {
            Cipher::Gcm { .. } => {
                let mut aad = [0; RTCP_CLEAR + 4];
                aad[..RTCP_CLEAR].copy_from_slice(&packet[..RTCP_CLEAR]);
                aad[RTCP_CLEAR..].copy_from_slice(&word);
                let (body, tail) = packet[RTCP_CLEAR..].split_at_mut(len - RTCP_CLEAR);
                let (tag, index) = tail.split_at_mut(tag_len);
                self.rtcp.seal(id, &aad, body, &[], tag)?;
                index.copy_from_slice(&word);
            }
            Cipher::CmHmac { key, auth, salt } => {
                Cipher::apply_cm(key, salt, id, &mut packet[RTCP_CLEAR..len])?;
                packet[len..len + 4].copy_from_slice(&word);
                let tag = hmac_tag(auth, &packet[..len + 4], &[]);
                packet[len + 4..].copy_from_slice(&tag);
            }
        }
        Ok(end)
    }
}

pub(super) fn ssrc_at(packet: &[u8], at: usize) -> Result<u32, SrtpError> {
    packet
        .get(at..)
        .and_then(<[u8]>::first_chunk)
        .map(|ssrc| u32::from_be_bytes(*ssrc))
        .ok_or(SrtpError::Truncated)
}
