//! One sent stream: header, rewritten payload, encryption into the send slot,
//! and what it takes to send a packet again.

use std::time::Instant;

use visavis_rtp::codec::vp8;
use visavis_rtp::ext::{ExtensionKind, ExtensionMap};
use visavis_rtp::rtcp::SenderInfo;
use visavis_rtp::srtp::{SrtpError, SrtpTx};
use visavis_rtp::{MediaKind, RtpError, RtpFields, RtpWriter, write_osn};

use crate::cache::{Cached, PacketCache};
use crate::downlink::Downlink;
use crate::meta::PacketMeta;
use crate::passed::passed;
use crate::rewrite::Rewriter;
use crate::sent::{Origin, Sent};

/// First packets that carry the mid, so that the receiver can bind the source;
/// browsers need one, and some are lost.
const PACKETS_WITH_MID: u8 = 100;
/// Longest value of a one-byte extension (RFC 8285 section 4.2).
const ONE_BYTE_MAX: usize = 16;

/// How a stream is sent, from the negotiation with its receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendParams {
    /// Audio or video.
    pub kind: MediaKind,
    /// Our source.
    pub ssrc: u32,
    /// The receiver's payload type.
    pub payload_type: u8,
    /// Source and payload type of retransmissions; without them a packet is
    /// repeated as it was.
    pub rtx: Option<(u32, u8)>,
    /// Hz.
    pub clock_rate: u32,
    /// The receiver's ids.
    pub extensions: ExtensionMap,
    /// The media section.
    pub mid: String,
    /// Random beginning of the sequence numbers. Its upper half is not used: a
    /// receiver that misses the packets before an early rollover could never
    /// guess the index of those behind it (RFC 3711 section 3.3.1).
    pub first_sequence: u16,
}

/// What makes a packet the first one of a source that takes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The same source goes on.
    Next,
    /// Another source begins here; the timestamp is the packet's on the old
    /// source's clock, where it is known.
    Switch(Option<u32>),
}

/// The sending state of one subscription's stream: what each packet reads and
/// writes, side by side, and the rest elsewhere. With thousands of streams this
/// is what the processor's caches must hold.
#[derive(Debug)]
pub struct SendStream {
    rewriter: Rewriter,
    /// As in the parameters.
    ssrc: u32,
    payload_type: u8,
    extensions: ExtensionMap,
    mids_left: u8,
    packets: u32,
    octets: u32,
    rest: Box<Rest>,
}

#[derive(Debug)]
struct Rest {
    params: SendParams,
    next_rtx: u64,
    /// Older packets were sent by other parameters.
    resendable_from: u64,
}

impl SendStream {
    /// A stream that has sent nothing.
    #[must_use]
    pub fn new(params: SendParams) -> Self {
        let first = params.first_sequence & 0x7fff;
        Self {
            rewriter: Rewriter::new(params.clock_rate, first),
            ssrc: params.ssrc,
            payload_type: params.payload_type,
            extensions: params.extensions,
            mids_left: PACKETS_WITH_MID,
            packets: 0,
            octets: 0,
            rest: Box::new(Rest {
                params,
                next_rtx: u64::from(first),
                resendable_from: 0,
            }),
        }
    }

    /// Packets and payload octets so far, and the last RTP timestamp, for the
    /// sender report; its caller sets the clock.
    #[must_use]
    pub fn counts(&self) -> SenderInfo {
        SenderInfo {
            rtp: self.rewriter.last_timestamp(),
            packets: self.packets,
            octets: self.octets,
            ..SenderInfo::default()
        }
    }

    /// Takes what a new negotiation says. What was sent before can't be sent
    /// again when that changes its bytes.
    pub fn set_params(&mut self, params: SendParams) {
        if self.rest.params != params {
            self.ssrc = params.ssrc;
            self.payload_type = params.payload_type;
            self.extensions = params.extensions;
            self.mids_left = PACKETS_WITH_MID;
            self.rest.resendable_from = self.rewriter.next_sequence();
            self.rest.params = params;
        }
    }

    /// What the current source's timestamp is for the receiver.
    #[must_use]
    pub fn map_timestamp(&self, timestamp: u32) -> Option<u32> {
        self.rewriter.map_timestamp(timestamp)
    }

    /// Sends a packet of `origin`. Writes it sealed into `slot` and gives its
    /// length; `None` when it has no place in the stream.
    ///
    /// # Errors
    /// When the slot is too small.
    pub fn forward(
        &mut self,
        packet: &Cached<'_>,
        (origin, step): (Origin, Step),
        downlink: &mut Downlink,
        tx: &SrtpTx,
        slot: &mut [u8],
        now: Instant,
    ) -> Result<Option<usize>, SrtpError> {
        let out = match step {
            Step::Switch(aligned) => Some(self.rewriter.switch(packet.meta, aligned)),
            Step::Next => self.rewriter.forward(packet.meta),
        };
        let Some(out) = out else { return Ok(None) };
        let with_mid = self.mids_left > 0;
        self.mids_left = self.mids_left.saturating_sub(1);
        let number = downlink.number();
        let from = (self.ssrc, origin);
        let sent = Sent::new(packet.meta, from, &out, (number, with_mid));
        let len = self.write_plain(packet, (out.sequence, &sent), tx, slot)?;
        downlink.note(number, len, now);
        downlink.keep(sent, now);
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(packet.payload.len() as u32);
        Ok(Some(len))
    }

    /// Leaves a packet out without a gap.
    pub fn leave_out(&mut self, meta: &PacketMeta) {
        self.rewriter.leave_out(meta);
    }

    /// Sends a packet again that the receiver misses, under its 16-bit number.
    /// `cache_of` gives the cache of an origin that is still there. `None` when
    /// the packet is no longer there.
    ///
    /// # Errors
    /// When the slot is too small.
    pub fn resend<'a>(
        &mut self,
        sequence: u16,
        cache_of: impl FnOnce(Origin) -> Option<&'a PacketCache>,
        downlink: &mut Downlink,
        tx: &SrtpTx,
        slot: &mut [u8],
        now: Instant,
    ) -> Result<Option<usize>, SrtpError> {
        let Some(sent) = downlink.kept(self.ssrc, sequence) else {
            return Ok(None);
        };
        let first_index = self.rewriter.extend(sent.sequence);
        if first_index < self.rest.resendable_from {
            return Ok(None);
        }
        let Some(packet) = cache_of(sent.origin).and_then(|cache| cache.get(sent.source)) else {
            return Ok(None);
        };
        let Some((ssrc, payload_type)) = self.rest.params.rtx else {
            // Bytes other than the first time's under the same index would give
            // the key away: nothing in it may change.
            return self
                .write_plain(&packet, (first_index, &sent), tx, slot)
                .map(Some);
        };
        let index = self.rest.next_rtx;
        self.rest.next_rtx += 1;
        let number = downlink.number();
        let again = sent.again(number);
        let fields = RtpFields {
            marker: sent.marker,
            payload_type,
            sequence: index as u16,
            timestamp: sent.timestamp,
            ssrc,
        };
        let header = self
            .write_header(&packet, &fields, &again, slot)
            .map_err(no_space)?;
        let osn = write_osn(sequence);
        slot.get_mut(header..header + 2)
            .ok_or(SrtpError::NoSpace)?
            .copy_from_slice(&osn);
        let (prefix, rest) = write_prefix(&packet, &sent, slot, header + 2)?;
        let len = tx.seal_rtp(slot, header, 2 + prefix, rest, index)?;
        downlink.note(number, len, now);
        Ok(Some(len))
    }

    fn write_plain(
        &self,
        packet: &Cached<'_>,
        (index, sent): (u64, &Sent),
        tx: &SrtpTx,
        slot: &mut [u8],
    ) -> Result<usize, SrtpError> {
        let fields = RtpFields {
            marker: sent.marker,
            payload_type: self.payload_type,
            sequence: index as u16,
            timestamp: sent.timestamp,
            ssrc: self.ssrc,
        };
        let header = self
            .write_header(packet, &fields, sent, slot)
            .map_err(no_space)?;
        let (prefix, rest) = write_prefix(packet, sent, slot, header)?;
        tx.seal_rtp(slot, header, prefix, rest, index)
    }

    fn write_header(
        &self,
        packet: &Cached<'_>,
        fields: &RtpFields,
        sent: &Sent,
        slot: &mut [u8],
    ) -> Result<usize, RtpError> {
        let map = &self.extensions;
        let known =
            || passed(packet.extensions).filter_map(|(kind, value)| Some((map.id(kind)?, value)));
        let mid = map.id(ExtensionKind::Mid).filter(|_| sent.with_mid);
        let number = map.id(ExtensionKind::TransportCc);
        let long = |id: u8, len: usize| id > 14 || len == 0 || len > ONE_BYTE_MAX;
        let two_byte = known().any(|(id, value)| long(id, value.len()))
            || mid.is_some_and(|id| long(id, self.rest.params.mid.len()))
            || number.is_some_and(|id| long(id, 2));
        let mut writer = RtpWriter::new(slot, fields, two_byte)?;
        if let Some(id) = mid {
            writer.extension(id, self.rest.params.mid.as_bytes())?;
        }
        if let Some(id) = number {
            writer.extension(id, &sent.number.to_be_bytes())?;
        }
        for (id, value) in known() {
            writer.extension(id, value)?;
        }
        writer.finish()
    }
}

/// Writes the rewritten beginning of the payload at `at`; gives its length and
/// the rest of the payload, which encryption copies.
fn write_prefix<'a>(
    packet: &Cached<'a>,
    sent: &Sent,
    slot: &mut [u8],
    at: usize,
) -> Result<(usize, &'a [u8]), SrtpError> {
    let (Some(old), Some(new)) = (&packet.meta.vp8, sent.descriptor(packet.meta)) else {
        return Ok((0, packet.payload));
    };
    let mut descriptor = [0; vp8::MAX_DESCRIPTOR_LEN];
    let len = new.write(&mut descriptor);
    slot.get_mut(at..at + len)
        .ok_or(SrtpError::NoSpace)?
        .copy_from_slice(&descriptor[..len]);
    let rest = packet
        .payload
        .get(usize::from(old.len)..)
        .unwrap_or_default();
    Ok((len, rest))
}

fn no_space(_: RtpError) -> SrtpError {
    SrtpError::NoSpace
}
