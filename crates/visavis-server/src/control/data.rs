//! Messages between participants, over data channels.

use std::time::Instant;

use bytes::Bytes;
use visavis_rooms::{ParticipantInfo, ParticipantSid};
use visavis_shard::{MediaCommand, TransportId};
use visavis_signal::{DataKind, DataSender, ReliableLog};
use visavis_transport::Channel;

use super::core::{Control, Moment};

/// A participant as a sender and receiver of messages.
#[derive(Debug)]
pub(super) struct PeerData {
    sender: DataSender,
    /// What it sent a moment ago, for those who could not get it yet.
    log: ReliableLog,
    /// Since when it is there: earlier messages are not for it.
    since: Instant,
    reliable_open: bool,
    lossy_open: bool,
}

impl PeerData {
    pub(super) fn new(info: &ParticipantInfo, now: Moment) -> Self {
        Self {
            sender: DataSender::new(info),
            log: ReliableLog::new(),
            since: now.instant,
            reliable_open: false,
            lossy_open: false,
        }
    }

    /// The number of the last reliable message that came from this participant.
    pub(super) fn last_sequence(&self) -> u32 {
        self.sender.last_sequence()
    }
}

impl Control {
    /// A message came. What is wrong with it is its sender's affair alone.
    pub(super) fn handle_data(
        &mut self,
        sid: &ParticipantSid,
        channel: &Channel,
        message: &[u8],
        now: Moment,
    ) {
        let kind = match channel {
            Channel::Reliable => DataKind::Reliable,
            Channel::Lossy => DataKind::Lossy,
            Channel::Other(_) => return,
        };
        let Some(peer) = self.peers.get_mut(sid) else {
            return;
        };
        let message = match peer.data.sender.handle_packet(kind, message) {
            Ok(message) => message,
            Err(error) => {
                tracing::debug!(participant = %sid, %error, "a data packet is dropped");
                return;
            }
        };
        let receivers = match self.rooms.route_data(sid, &message.destinations) {
            Ok(receivers) => receivers,
            Err(error) => {
                tracing::debug!(participant = %sid, %error, "a data packet is dropped");
                return;
            }
        };
        for receiver in receivers {
            self.send_data(&receiver, channel, message.packet.clone());
        }
        if kind == DataKind::Reliable
            && let Some(peer) = self.peers.get_mut(sid)
        {
            peer.data.log.push(message, now.instant);
        }
    }

    /// Sends a message to one whose channel is open.
    fn send_data(&mut self, receiver: &ParticipantSid, channel: &Channel, packet: Bytes) {
        let Some(peer) = self.peers.get(receiver) else {
            return;
        };
        let open = match channel {
            Channel::Reliable => peer.data.reliable_open,
            Channel::Lossy => peer.data.lossy_open,
            Channel::Other(_) => false,
        };
        if open && let Some(transport) = peer.primary() {
            self.command(MediaCommand::SendData(transport, channel.clone(), packet));
        }
    }

    /// A channel can be written: what was sent meanwhile follows.
    pub(super) fn handle_channel_open(
        &mut self,
        sid: &ParticipantSid,
        transport: TransportId,
        channel: Channel,
        now: Moment,
    ) {
        let Some(peer) = self.peers.get_mut(sid) else {
            return;
        };
        // In dual mode the client opens channels of its own, to send on.
        if peer.primary() != Some(transport) {
            return;
        }
        let since = peer.data.since;
        match channel {
            Channel::Lossy => peer.data.lossy_open = true,
            Channel::Other(_) => {}
            Channel::Reliable if peer.data.reliable_open => {}
            Channel::Reliable => {
                peer.data.reliable_open = true;
                let senders = self.others_in_room(sid);
                for sender in senders {
                    self.replay(sid, &sender, |log, receiver| {
                        log.since(receiver, since, now.instant)
                    });
                }
            }
        }
    }

    /// A client that resumes says what it has: what it missed follows.
    pub(super) fn replay_after(
        &mut self,
        sid: &ParticipantSid,
        received: &[(ParticipantSid, u32)],
        now: Moment,
    ) {
        for (sender, after) in received {
            self.replay(sid, sender, |log, receiver| {
                log.after(receiver, *after, now.instant)
            });
        }
    }

    fn replay(
        &mut self,
        sid: &ParticipantSid,
        sender: &ParticipantSid,
        missed: impl FnOnce(&mut ReliableLog, &ParticipantInfo) -> Vec<Bytes>,
    ) {
        let room = |peer: &super::peer::Peer| peer.room.clone();
        // Names of other rooms' participants open nothing.
        if self.peers.get(sid).map(room) != self.peers.get(sender).map(room) {
            return;
        }
        let (Some(receiver), Some(peer)) =
            (self.rooms.participant(sid), self.peers.get_mut(sender))
        else {
            return;
        };
        for packet in missed(&mut peer.data.log, receiver) {
            self.send_data(sid, &Channel::Reliable, packet);
        }
    }

    fn others_in_room(&self, sid: &ParticipantSid) -> Vec<ParticipantSid> {
        let Some(own) = self.peers.get(sid) else {
            return Vec::new();
        };
        let others = self
            .peers
            .values()
            .filter(|other| other.room == own.room && other.sid != *sid);
        others.map(|other| other.sid.clone()).collect()
    }
}
