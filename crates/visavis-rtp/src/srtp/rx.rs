//! Opening.

use std::collections::HashMap;

use super::cipher::{Cipher, PacketId, hmac_tag, tags_equal};
use super::replay::ReplayWindow;
use super::tx::ssrc_at;
use super::{Profile, SrtpError};

/// Sources whose state one transport may hold. A publisher of 20 simulcast
/// tracks with retransmission has 120; state is made only for authentic packets.
const MAX_SOURCES: usize = 512;

const RTCP_CLEAR: usize = 8;

/// The receiving half of a transport's SRTP keys.
#[derive(Debug)]
pub struct SrtpRx {
    profile: Profile,
    rtp: Cipher,
    rtcp: Cipher,
    sources: HashMap<u32, ReplayWindow>,
    rtcp_sources: HashMap<u32, ReplayWindow>,
}

impl SrtpRx {
    /// Derives the session keys.
    ///
    /// # Errors
    /// [`SrtpError::Keys`] when key or salt have the wrong length.
    pub fn new(profile: Profile, key: &[u8], salt: &[u8]) -> Result<Self, SrtpError> {
        Ok(Self {
            profile,
            rtp: Cipher::rtp(profile, key, salt)?,
            rtcp: Cipher::rtcp(profile, key, salt)?,
            sources: HashMap::new(),
            rtcp_sources: HashMap::new(),
        })
    }

    /// Opens an RTP packet in place and gives its plain length.
    ///
    /// # Errors
    /// When it is truncated, forged or replayed; nothing is remembered of it then.
    pub fn open_rtp(&mut self, packet: &mut [u8]) -> Result<usize, SrtpError> {
        let tag_len = self.profile.tag_len();
        // The padding count is encrypted: it must not be looked at yet.
        let header_len = clear_header_len(packet)?;
        if packet.len() < header_len + tag_len {
            return Err(SrtpError::Truncated);
        }
        let ssrc = ssrc_at(packet, 8)?;
        let sequence = u16::from_be_bytes([packet[2], packet[3]]);
        let known = self.sources.get(&ssrc).copied();
        if known.is_none() && self.sources.len() >= MAX_SOURCES {
            return Err(SrtpError::TooManySources);
        }
        let mut window = known.unwrap_or_default();
        let index = guess_index(window.newest(), sequence);
        if !window.is_new(index) {
            return Err(SrtpError::Replayed);
        }
        let id = PacketId { ssrc, index };
        let plain = match &self.rtp {
            Cipher::Gcm { key, salt } => {
                let (header, sealed) = packet.split_at_mut(header_len);
                header_len + Cipher::open_gcm(key, salt, id, header, sealed)?
            }
            Cipher::CmHmac { key, auth, salt } => {
                let plain = packet.len() - tag_len;
                let (body, tag) = packet.split_at_mut(plain);
                let roc = ((index >> 16) as u32).to_be_bytes();
                if !tags_equal(&hmac_tag(auth, body, &roc), tag) {
                    return Err(SrtpError::Forged);
                }
                Cipher::apply_cm(key, salt, id, &mut body[header_len..])?;
                plain
            }
        };
        window.accept(index);
        self.sources.insert(ssrc, window);
        Ok(plain)
    }

    /// Opens an RTCP compound in place and gives its plain length.
    ///
    /// # Errors
    /// When it is truncated, forged or replayed; nothing is remembered of it then.
    pub fn open_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, SrtpError> {
        let tag_len = self.profile.tag_len();
        if packet.len() < RTCP_CLEAR + tag_len + 4 {
            return Err(SrtpError::Truncated);
        }
        let ssrc = ssrc_at(packet, 4)?;
        let word_at = match &self.rtcp {
            Cipher::Gcm { .. } => packet.len() - 4,
            Cipher::CmHmac { .. } => packet.len() - tag_len - 4,
        };
        let word = ssrc_at(packet, word_at)?;
        // Both profiles that we negotiate encrypt; a clear packet is a forgery.
        if word >> 31 == 0 {
            return Err(SrtpError::Forged);
        }
        let index = u64::from(word & 0x7fff_ffff);
        let known = self.rtcp_sources.get(&ssrc).copied();
        if known.is_none() && self.rtcp_sources.len() >= MAX_SOURCES {
            return Err(SrtpError::TooManySources);
        }
        let mut window = known.unwrap_or_default();
        if !window.is_new(index) {
            return Err(SrtpError::Replayed);
        }
        let id = PacketId { ssrc, index };
        let plain = match &self.rtcp {
            Cipher::Gcm { key, salt } => {
                let mut aad = [0; RTCP_CLEAR + 4];
                aad[..RTCP_CLEAR].copy_from_slice(&packet[..RTCP_CLEAR]);
                aad[RTCP_CLEAR..].copy_from_slice(&word.to_be_bytes());
                RTCP_CLEAR
                    + Cipher::open_gcm(key, salt, id, &aad, &mut packet[RTCP_CLEAR..word_at])?
            }
            Cipher::CmHmac { key, auth, salt } => {
                let (body, tag) = packet.split_at_mut(word_at + 4);
                if !tags_equal(&hmac_tag(auth, body, &[]), tag) {
                    return Err(SrtpError::Forged);
                }
                Cipher::apply_cm(key, salt, id, &mut body[RTCP_CLEAR..word_at])?;
                word_at
            }
        };
        window.accept(index);
        self.rtcp_sources.insert(ssrc, window);
        Ok(plain)
    }
}

/// The header's length of a packet whose payload is still encrypted.
fn clear_header_len(packet: &[u8]) -> Result<usize, SrtpError> {
    let first = *packet.first().ok_or(SrtpError::Truncated)?;
    let csrc_end = crate::FIXED_HEADER_LEN + usize::from(first & 0x0f) * 4;
    if first >> 6 != 2 || packet.len() < csrc_end {
        return Err(SrtpError::Truncated);
    }
    if first & 0x10 == 0 {
        return Ok(csrc_end);
    }
    let words: &[u8; 4] = packet
        .get(csrc_end..)
        .and_then(<[u8]>::first_chunk)
        .ok_or(SrtpError::Truncated)?;
    let end = csrc_end + 4 + usize::from(u16::from_be_bytes([words[2], words[3]])) * 4;
    if end > packet.len() {
        Err(SrtpError::Truncated)
    } else {
        Ok(end)
    }
}

/// The index nearest to the newest one (RFC 3711 appendix A).
fn guess_index(newest: Option<u64>, sequence: u16) -> u64 {
    let Some(newest) = newest else {
        return u64::from(sequence);
    };
    let step = sequence.wrapping_sub(newest as u16) as i16;
    newest
        .checked_add_signed(i64::from(step))
        // Before the first turn there is no older one.
        .unwrap_or_else(|| newest & !0xffff | u64::from(sequence))
}
