//! Data channels (RFC 8831) over SCTP by `sctp-proto`.

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use sctp_proto::{
    Association, AssociationHandle, DatagramEvent, Endpoint, EndpointConfig, Event, Payload,
    PayloadProtocolIdentifier, ReliabilityType, ServerConfig, StreamEvent, TransportConfig,
};
use thiserror::Error;

use crate::dcep::{Message, Open};

/// Channels a peer may open; LiveKit's clients open three.
const MAX_CHANNELS: usize = 16;

/// Octets that may wait for a slow receiver on a reliable channel: ten seconds
/// of 64 kB text streams. Beyond, the message is refused and the caller decides.
const MAX_BUFFERED_RELIABLE: usize = 1 << 20;

/// Octets that may wait on a lossy channel: old data is worth nothing there.
const MAX_BUFFERED_LOSSY: usize = 64 << 10;

/// Largest message we take; SDKs keep to 64,000.
pub(crate) const MAX_MESSAGE: u32 = 64 << 10;

/// SCTP packet within a DTLS record within a 1,200 octet datagram.
const MAX_PAYLOAD: u32 = 1_120;

/// The data channels of the LiveKit protocol.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// `_reliable`: ordered.
    Reliable,
    /// `_lossy`: unordered, never retransmitted.
    Lossy,
    /// Any other label.
    Other(String),
}

impl Channel {
    fn from_label(label: &str) -> Self {
        match label {
            "_reliable" => Self::Reliable,
            "_lossy" => Self::Lossy,
            other => Self::Other(other.to_owned()),
        }
    }

    fn label(&self) -> &str {
        match self {
            Self::Reliable => "_reliable",
            Self::Lossy => "_lossy",
            Self::Other(label) => label,
        }
    }
}

/// Why a message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SendDataError {
    /// The channel is not open (yet, or any more).
    #[error("the data channel is not open")]
    NotOpen,
    /// The receiver is too slow for what waits already.
    #[error("the data channel's send buffer is full")]
    Full,
    /// Larger than the receiver takes.
    #[error("the message is larger than the receiver takes")]
    TooLarge,
}

pub(crate) enum ChannelEvent {
    Open(Channel),
    Data(Channel, Vec<u8>),
    Lost,
}

struct Stream {
    channel: Channel,
    open: bool,
}

/// The SCTP association of one transport.
pub(crate) struct Channels {
    endpoint: Endpoint,
    association: Option<(AssociationHandle, Association)>,
    connected: bool,
    streams: BTreeMap<u16, Stream>,
    open_ours: bool,
    remote_max_message: u32,
    events: VecDeque<ChannelEvent>,
}

impl Channels {
    pub(crate) fn new(open_ours: bool) -> Self {
        let mut config = EndpointConfig::default();
        config.max_payload_size(MAX_PAYLOAD);
        let mut server = ServerConfig::default();
        // ICE says when a connection is over; SCTP must not give up before. A
        // lost packet is repeated after 200 ms at the earliest, not after 1 s.
        server.transport = Arc::new(
            TransportConfig::default()
                .with_max_init_retransmits(None)
                .with_max_data_retransmits(None)
                .with_rto_initial_ms(500)
                .with_rto_min_ms(200)
                .with_rto_max_ms(5_000)
                .with_max_receive_message_size(MAX_MESSAGE),
        );
        Self {
            endpoint: Endpoint::new(Arc::new(config), Some(Arc::new(server))),
            association: None,
            connected: false,
            streams: BTreeMap::new(),
            open_ours,
            remote_max_message: MAX_MESSAGE,
            events: VecDeque::new(),
        }
    }

    pub(crate) fn set_remote_max_message(&mut self, size: u32) {
        // RFC 8841 section 6.1: 0 means any size.
        self.remote_max_message = if size == 0 {
            MAX_MESSAGE
        } else {
            size.min(MAX_MESSAGE)
        };
    }

    pub(crate) fn handle_packet(&mut self, now: Instant, packet: Vec<u8>) {
        let handled = self
            .endpoint
            .handle(now, fake_peer(), None, None, Bytes::from(packet));
        match (handled, &mut self.association) {
            (Some((_, DatagramEvent::AssociationEvent(event))), Some((_, association))) => {
                association.handle_event(event);
            }
            // Browsers repeat INIT on slow networks: the first association stays.
            (Some((handle, DatagramEvent::NewAssociation(new))), none @ None) => {
                *none = Some((handle, new));
            }
            _ => {}
        }
        self.drive();
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        let Some((handle, association)) = &mut self.association else {
            return;
        };
        association.handle_timeout(now);
        while let Some(event) = association.poll_endpoint_event() {
            if let Some(event) = self.endpoint.handle_event(*handle, event) {
                association.handle_event(event);
            }
        }
        self.drive();
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.association.as_ref()?.1.poll_timeout()
    }

    /// The packets to send now.
    pub(crate) fn poll_transmit(&mut self, now: Instant) -> Option<Vec<Bytes>> {
        let sent = match self.endpoint.poll_transmit() {
            Some(sent) => sent,
            None => self.association.as_mut()?.1.poll_transmit(now)?,
        };
        match sent.payload {
            Payload::RawEncode(packets) => Some(packets),
            Payload::PartialDecode(_) => None,
        }
    }

    pub(crate) fn poll_event(&mut self) -> Option<ChannelEvent> {
        self.events.pop_front()
    }

    pub(crate) fn send(&mut self, channel: &Channel, payload: &[u8]) -> Result<(), SendDataError> {
        let id = self
            .streams
            .iter()
            .find(|(_, stream)| stream.open && stream.channel == *channel)
            .map(|(id, _)| *id)
            .ok_or(SendDataError::NotOpen)?;
        if payload.len() > self.remote_max_message as usize {
            return Err(SendDataError::TooLarge);
        }
        let limit = match channel {
            Channel::Lossy => MAX_BUFFERED_LOSSY,
            Channel::Reliable | Channel::Other(_) => MAX_BUFFERED_RELIABLE,
        };
        let Some((_, association)) = &mut self.association else {
            return Err(SendDataError::NotOpen);
        };
        let mut stream = association.stream(id).map_err(|_| SendDataError::NotOpen)?;
        if stream
            .buffered_amount()
            .unwrap_or(usize::MAX)
            .saturating_add(payload.len())
            > limit
        {
            return Err(SendDataError::Full);
        }
        let kind = match payload.is_empty() {
            true => PayloadProtocolIdentifier::BinaryEmpty,
            false => PayloadProtocolIdentifier::Binary,
        };
        let payload = if payload.is_empty() {
            &[0][..]
        } else {
            payload
        };
        stream
            .write_with_ppi(payload, kind)
            .map(drop)
            .map_err(|_| SendDataError::Full)
    }

    fn drive(&mut self) {
        loop {
            let Some((_, association)) = &mut self.association else {
                return;
            };
            let Some(event) = association.poll() else {
                return;
            };
            match event {
                Event::Connected => {
                    association.set_max_send_message_size(self.remote_max_message);
                    self.connected = true;
                    if self.open_ours {
                        self.open_channels();
                    }
                }
                Event::Stream(StreamEvent::Readable { id }) => self.read(id),
                Event::Stream(StreamEvent::Finished { id }) => _ = self.streams.remove(&id),
                Event::AssociationLost { .. } | Event::HandshakeFailed { .. } => {
                    self.events.push_back(ChannelEvent::Lost);
                    self.association = None;
                }
                _ => {}
            }
        }
    }

    /// The DTLS server's streams have odd numbers (RFC 8832 section 6).
    fn open_channels(&mut self) {
        let reliable = Open {
            unordered: false,
            max_retransmits: None,
            max_lifetime: None,
            label: Channel::Reliable.label().to_owned(),
        };
        let lossy = Open {
            unordered: true,
            max_retransmits: Some(0),
            max_lifetime: None,
            label: Channel::Lossy.label().to_owned(),
        };
        for (id, open) in [(1, reliable), (3, lossy)] {
            let Some((_, association)) = &mut self.association else {
                return;
            };
            if association
                .open_stream(id, PayloadProtocolIdentifier::Unknown)
                .is_err()
            {
                continue;
            }
            let channel = Channel::from_label(&open.label);
            self.configure(id, &open);
            self.streams.insert(
                id,
                Stream {
                    channel,
                    open: false,
                },
            );
            self.write_dcep(id, &Message::Open(open));
        }
    }

    fn configure(&mut self, id: u16, open: &Open) {
        let Some((_, association)) = &mut self.association else {
            return;
        };
        let Ok(mut stream) = association.stream(id) else {
            return;
        };
        let (kind, value) = match (open.max_retransmits, open.max_lifetime) {
            (Some(count), _) => (ReliabilityType::Rexmit, count),
            (None, Some(lifetime)) => (ReliabilityType::Timed, lifetime),
            (None, None) => (ReliabilityType::Reliable, 0),
        };
        if let Err(error) = stream.set_reliability_params(open.unordered, kind, value) {
            tracing::debug!(%error, "can't set the reliability of a data channel");
        }
    }

    fn write_dcep(&mut self, id: u16, message: &Message) {
        let Some((_, association)) = &mut self.association else {
            return;
        };
        let Ok(mut stream) = association.stream(id) else {
            return;
        };
        // DCEP itself is always reliable and in order (RFC 8832 section 6); our
        // messages are the first on their stream, so nothing can overtake them.
        if let Err(error) = stream.write_with_ppi(&message.write(), PayloadProtocolIdentifier::Dcep)
        {
            tracing::debug!(%error, "can't open a data channel");
        }
    }

    fn read(&mut self, id: u16) {
        while let Some((kind, payload)) = self.read_message(id) {
            if kind == PayloadProtocolIdentifier::Dcep {
                self.handle_dcep(id, &payload);
                continue;
            }
            let empty = matches!(
                kind,
                PayloadProtocolIdentifier::BinaryEmpty | PayloadProtocolIdentifier::StringEmpty
            );
            let payload = if empty { Vec::new() } else { payload };
            // Data before its DCEP message has no channel yet and is dropped.
            if let Some(stream) = self.streams.get(&id) {
                self.events
                    .push_back(ChannelEvent::Data(stream.channel.clone(), payload));
            }
        }
    }

    fn read_message(&mut self, id: u16) -> Option<(PayloadProtocolIdentifier, Vec<u8>)> {
        let (_, association) = self.association.as_mut()?;
        let mut stream = association.stream(id).ok()?;
        let chunks = stream.read_sctp().ok()??;
        let mut payload = vec![0; chunks.len()];
        let len = chunks.read(&mut payload).ok()?;
        payload.truncate(len);
        Some((chunks.ppi, payload))
    }

    fn handle_dcep(&mut self, id: u16, bytes: &[u8]) {
        match Message::parse(bytes) {
            Some(Message::Open(open)) => {
                if self.streams.len() >= MAX_CHANNELS {
                    tracing::debug!("too many data channels");
                    return;
                }
                let channel = Channel::from_label(&open.label);
                self.configure(id, &open);
                self.write_dcep(id, &Message::Ack);
                self.streams.insert(
                    id,
                    Stream {
                        channel: channel.clone(),
                        open: true,
                    },
                );
                self.events.push_back(ChannelEvent::Open(channel));
            }
            Some(Message::Ack) => {
                if let Some(stream) = self.streams.get_mut(&id).filter(|stream| !stream.open) {
                    stream.open = true;
                    self.events
                        .push_back(ChannelEvent::Open(stream.channel.clone()));
                }
            }
            None => tracing::debug!("malformed DCEP message"),
        }
    }
}

/// SCTP within DTLS has no addresses, but `sctp-proto` wants one.
fn fake_peer() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 5_000))
}
