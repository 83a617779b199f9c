//! The last reliable packets of a sender, for receivers that missed some.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use visavis_rooms::ParticipantInfo;

use crate::data::DataMessage;

/// How long a packet is kept, as LiveKit keeps it: longer than a browser takes to
/// come back over a new signaling connection.
const MAX_AGE: Duration = Duration::from_secs(2);
/// Octets that are kept, as LiveKit keeps them.
const MAX_OCTETS: usize = 100_000;
/// What a packet costs beside its octets, so that empty ones are bounded, too.
const OVERHEAD: usize = 100;

/// What one participant sent reliably, a short while back.
#[derive(Debug, Default)]
pub struct ReliableLog {
    packets: VecDeque<(Instant, DataMessage)>,
    octets: usize,
}

impl ReliableLog {
    /// Nothing was sent.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A reliable packet was passed on. Numbers must grow, as
    /// [`DataSender`](crate::DataSender) sees to.
    pub fn push(&mut self, message: DataMessage, now: Instant) {
        self.octets += cost(&message);
        self.packets.push_back((now, message));
        self.expire(now);
    }

    /// Forgets what is too old or too much.
    pub fn expire(&mut self, now: Instant) {
        while let Some((at, message)) = self.packets.front() {
            if now.duration_since(*at) <= MAX_AGE && self.octets <= MAX_OCTETS {
                break;
            }
            self.octets -= cost(message);
            self.packets.pop_front();
        }
    }

    /// What `receiver` missed after the packet with the number `after`, when it
    /// resumes. Packets without a number are not repeated: it could not tell
    /// them from those it has.
    pub fn after(&mut self, receiver: &ParticipantInfo, after: u32, now: Instant) -> Vec<Bytes> {
        self.expire(now);
        self.matching(receiver, |_, message| message.sequence > after)
    }

    /// What was sent to `receiver` since `from`, while its channel was not open.
    pub fn since(&mut self, receiver: &ParticipantInfo, from: Instant, now: Instant) -> Vec<Bytes> {
        self.expire(now);
        self.matching(receiver, |at, _| at >= from)
    }

    fn matching(
        &self,
        receiver: &ParticipantInfo,
        wanted: impl Fn(Instant, &DataMessage) -> bool,
    ) -> Vec<Bytes> {
        let named = |message: &DataMessage| {
            message
                .destinations
                .include(&receiver.sid, &receiver.identity)
        };
        self.packets
            .iter()
            .filter(|(at, message)| wanted(*at, message) && named(message))
            .map(|(_, message)| message.packet.clone())
            .collect()
    }
}

fn cost(message: &DataMessage) -> usize {
    let destinations = &message.destinations;
    let names = destinations.identities.iter();
    let names: usize = names.map(|name| name.len() + OVERHEAD).sum();
    message.packet.len() + OVERHEAD + names + destinations.sids.len() * OVERHEAD
}
