//! Data packets: what participants send one another over data channels. Only
//! their envelope is read; what is inside goes on as it came.

use bytes::Bytes;
use thiserror::Error;
use visavis_rooms::{Destinations, ParticipantInfo, ParticipantKind, ParticipantSid};

use crate::wire::fields::{Field, Fields, Value, put_number, put_octets};

/// Longest packet that is taken; SDKs keep to 64,000 octets of payload.
pub const MAX_PACKET: usize = 64 << 10;

/// Fields of `DataPacket`, and of `UserPacket` within it.
mod number {
    pub(super) const KIND: u32 = 1;
    pub(super) const USER: u32 = 2;
    pub(super) const SPEAKER: u32 = 3;
    pub(super) const IDENTITY: u32 = 4;
    pub(super) const DESTINATION: u32 = 5;
    pub(super) const TRANSCRIPTION: u32 = 7;
    pub(super) const METRICS: u32 = 8;
    pub(super) const SEQUENCE: u32 = 16;
    pub(super) const SID: u32 = 17;

    pub(super) const USER_SID: u32 = 1;
    pub(super) const USER_DESTINATION_SID: u32 = 3;
    pub(super) const USER_IDENTITY: u32 = 5;
    pub(super) const USER_DESTINATION: u32 = 6;
}

/// Over which of the two data channels a packet goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataKind {
    /// `_reliable`
    Reliable,
    /// `_lossy`
    Lossy,
}

/// Why a packet is not passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DataError {
    /// Longer than [`MAX_PACKET`].
    #[error("the data packet is too large")]
    TooLarge,
    /// No data packet, or an empty one.
    #[error("the data packet is malformed")]
    Malformed,
    /// It came before; nothing is wrong.
    #[error("the data packet was repeated")]
    Repeated,
    /// Of a kind that such a participant does not send.
    #[error("the sender may not send data of this kind")]
    NotAllowed,
}

/// A packet to be passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataMessage {
    /// Over which channel.
    pub kind: DataKind,
    /// To whom.
    pub destinations: Destinations,
    /// The sender's number for it; 0 without one.
    pub sequence: u32,
    /// What receivers get.
    pub packet: Bytes,
}

/// A participant as a sender of data packets.
#[derive(Debug, Clone)]
pub struct DataSender {
    sid: ParticipantSid,
    /// Empty for a hidden one: nobody is to learn of it.
    shown_sid: String,
    shown_identity: String,
    agent: bool,
    last: u32,
}

impl DataSender {
    /// A participant that has sent nothing.
    #[must_use]
    pub fn new(info: &ParticipantInfo) -> Self {
        let shown = |text: &str| {
            if info.grants.hidden {
                String::new()
            } else {
                text.to_owned()
            }
        };
        Self {
            sid: info.sid.clone(),
            shown_sid: shown(info.sid.as_str()),
            shown_identity: shown(&info.identity),
            agent: info.kind == ParticipantKind::Agent,
            last: 0,
        }
    }

    /// Who it is.
    #[must_use]
    pub fn sid(&self) -> &ParticipantSid {
        &self.sid
    }

    /// The number of the last reliable packet that came: a client that resumes
    /// repeats those after it.
    #[must_use]
    pub fn last_sequence(&self) -> u32 {
        self.last
    }

    /// Takes a packet of this participant, writes into it who sent it and how,
    /// and says who is to have it.
    ///
    /// # Errors
    /// When it is not to be passed on.
    pub fn handle_packet(
        &mut self,
        kind: DataKind,
        packet: &[u8],
    ) -> Result<DataMessage, DataError> {
        if packet.len() > MAX_PACKET {
            return Err(DataError::TooLarge);
        }
        let mut envelope = Envelope::default();
        for field in Fields::new(packet) {
            envelope.read(field.map_err(|_| DataError::Malformed)?, self)?;
        }
        if envelope.value.is_empty() {
            return Err(DataError::Malformed);
        }
        let sequence = match kind {
            DataKind::Reliable => envelope.sequence,
            DataKind::Lossy => 0,
        };
        if sequence > 0 {
            if sequence <= self.last {
                return Err(DataError::Repeated);
            }
            self.last = sequence;
        }
        Ok(DataMessage {
            kind,
            sequence,
            packet: self.seal(kind, sequence, &envelope).into(),
            destinations: envelope.destinations,
        })
    }

    fn seal(&self, kind: DataKind, sequence: u32, envelope: &Envelope) -> Vec<u8> {
        let mut out = Vec::with_capacity(envelope.value.len() + 128);
        if kind == DataKind::Lossy {
            put_number(&mut out, number::KIND, 1);
        }
        // Agents speak for others, too.
        let identity = match &envelope.identity {
            Some(identity) if self.agent => identity,
            _ => &self.shown_identity,
        };
        put_text(&mut out, number::IDENTITY, identity);
        for destination in &envelope.destinations.identities {
            put_octets(&mut out, number::DESTINATION, destination.as_bytes());
        }
        if sequence > 0 {
            put_number(&mut out, number::SEQUENCE, sequence.into());
        }
        put_text(&mut out, number::SID, &self.shown_sid);
        out.extend_from_slice(&envelope.value);
        out
    }

    /// The older form has its own envelope inside.
    fn stamp_user(
        &self,
        user: &[u8],
        destinations: &mut Destinations,
    ) -> Result<Vec<u8>, DataError> {
        let mut stamped = Vec::with_capacity(user.len() + 64);
        let mut identities = Vec::new();
        for field in Fields::new(user) {
            let field = field.map_err(|_| DataError::Malformed)?;
            match (field.number, field.value) {
                (number::USER_SID | number::USER_IDENTITY, _) => continue,
                (number::USER_DESTINATION, value) => identities.push(text(value)?),
                (number::USER_DESTINATION_SID, value) => {
                    let sid = ParticipantSid::from(&*text(value)?);
                    destinations.sids.push(sid);
                }
                _ => {}
            }
            stamped.extend_from_slice(field.raw);
        }
        put_text(&mut stamped, number::USER_SID, &self.shown_sid);
        put_text(&mut stamped, number::USER_IDENTITY, &self.shown_identity);
        if destinations.identities.is_empty() {
            destinations.identities = identities;
        }
        Ok(stamped)
    }
}

/// A packet, taken apart.
#[derive(Default)]
struct Envelope {
    identity: Option<String>,
    destinations: Destinations,
    sequence: u32,
    /// All that is not the envelope, with its keys.
    value: Vec<u8>,
}

impl Envelope {
    fn read(&mut self, field: Field<'_>, sender: &DataSender) -> Result<(), DataError> {
        match (field.number, field.value) {
            // By the channel, and by who it is.
            (number::KIND | number::SID, _) => {}
            (number::IDENTITY, value) => {
                self.identity = Some(text(value)?).filter(|identity| !identity.is_empty());
            }
            (number::DESTINATION, value) => self.destinations.identities.push(text(value)?),
            (number::SEQUENCE, Value::Varint(sequence)) => {
                self.sequence = u32::try_from(sequence).map_err(|_| DataError::Malformed)?;
            }
            (number::SEQUENCE, _) => return Err(DataError::Malformed),
            // Only the server says who speaks, and nobody may read metrics.
            (number::SPEAKER | number::METRICS, _) => return Err(DataError::NotAllowed),
            (number::TRANSCRIPTION, _) if !sender.agent => return Err(DataError::NotAllowed),
            (number::USER, Value::Octets(user)) => {
                let stamped = sender.stamp_user(user, &mut self.destinations)?;
                put_octets(&mut self.value, number::USER, &stamped);
            }
            (number::USER, _) => return Err(DataError::Malformed),
            _ => self.value.extend_from_slice(field.raw),
        }
        Ok(())
    }
}

fn text(value: Value<'_>) -> Result<String, DataError> {
    let Value::Octets(octets) = value else {
        return Err(DataError::Malformed);
    };
    String::from_utf8(octets.to_vec()).map_err(|_| DataError::Malformed)
}

/// As protobuf does it, an empty text is not written.
fn put_text(out: &mut Vec<u8>, number: u32, text: &str) {
    if !text.is_empty() {
        put_octets(out, number, text.as_bytes());
    }
}
