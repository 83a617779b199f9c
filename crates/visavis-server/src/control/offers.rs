//! Offers and answers, in both modes.

use std::collections::BTreeMap;

use visavis_rooms::{ParticipantSid, RemovalReason, TrackSid};
use visavis_sdp::{Description, Negotiated, SdpError, WantedSend};
use visavis_sfu::TrackId;
use visavis_shard::{MediaCommand, TransportId};
use visavis_signal::Response;
use visavis_signal::request::Description as ClientDescription;
use visavis_signal::response::{LeaveAction, ServerDescription, SubscriptionError};

use super::core::{Control, Moment};
use super::negotiation::{ice_ufrag, remote_params, sections};
use super::peer::{Peer, Remote, credentials, renew};

impl Control {
    /// The transport that the client offers on; opened when it is first needed.
    pub(super) fn open_publisher(&mut self, sid: &ParticipantSid) -> Option<TransportId> {
        let open = self.peers.get(sid)?.publisher.transport;
        if open.is_some() {
            return open;
        }
        let transport = self.next_transport();
        let peer = self.peers.get_mut(sid)?;
        peer.publisher.transport = Some(transport);
        let command = MediaCommand::Open {
            transport,
            local: credentials(&peer.publisher.local),
            ice_lite: peer.publisher.local.ice_lite,
            open_channels: false,
        };
        self.transports.insert(transport, sid.clone());
        self.command(command);
        Some(transport)
    }

    /// The client offers.
    pub(super) fn handle_offer(
        &mut self,
        sid: &ParticipantSid,
        offer: &ClientDescription,
        now: Moment,
    ) {
        let Some(transport) = self.open_publisher(sid) else {
            return;
        };
        self.restart_if_offered(sid, transport, &offer.sdp);
        let Some(peer) = self.peers.get_mut(sid) else {
            return;
        };
        if peer.single {
            peer.publisher.answerer.set_sends(peer.sends.clone());
        }
        let (sdp, negotiated) = match peer.publisher.answerer.handle_offer(&offer.sdp) {
            Ok(answered) => answered,
            Err(error) => return self.refuse(sid, &error, now),
        };
        let remote = Remote {
            ufrag: negotiated.remote.ice_ufrag.clone(),
            fingerprint: negotiated.remote.fingerprint.clone(),
        };
        let known = peer.publisher.remote.replace(remote);
        if known.is_some_and(|known| known.fingerprint != negotiated.remote.fingerprint) {
            // Another PeerConnection: that is another session.
            let reason = RemovalReason::StateMismatch;
            return self.dismiss(sid, reason, LeaveAction::Reconnect, now);
        }
        peer.note_offer(&negotiated, now);
        let answer = ServerDescription {
            id: offer.id,
            sdp,
            mid_to_track_id: mid_to_track_id(&negotiated, &peer.sends),
        };
        self.apply(sid, transport, &negotiated);
        self.respond(sid, Response::Answer(answer));
        self.update_publications(sid, &negotiated);
        if let Some(peer) = self.peers.get_mut(sid) {
            peer.expect_offer(now);
        }
        self.reject_unsupported(sid, &negotiated.unsupported);
        self.changed.insert(sid.clone());
    }

    /// A new username fragment restarts ICE: our answer must show new
    /// credentials too (RFC 8839 section 4.4.1.1.1).
    fn restart_if_offered(&mut self, sid: &ParticipantSid, transport: TransportId, sdp: &str) {
        let Some(peer) = self.peers.get_mut(sid) else {
            return;
        };
        let publisher = &mut peer.publisher;
        let Some(known) = &publisher.remote else {
            return;
        };
        if ice_ufrag(sdp).is_none_or(|ufrag| ufrag == known.ufrag) {
            return;
        }
        let fresh = renew(&mut publisher.local);
        publisher.answerer.set_local(publisher.local.clone());
        self.command(MediaCommand::RestartIce(transport, fresh));
    }

    /// The client answers our offer.
    pub(super) fn handle_answer(
        &mut self,
        sid: &ParticipantSid,
        answer: &ClientDescription,
        now: Moment,
    ) {
        let Some(peer) = self.peers.get_mut(sid) else {
            return;
        };
        let Some(subscriber) = &mut peer.subscriber else {
            return;
        };
        // Clients that do not number say 0. What answers no open offer is late.
        if !subscriber.outstanding || answer.id != 0 && answer.id != subscriber.offer_id {
            return;
        }
        let negotiated = match subscriber.offerer.handle_answer(&answer.sdp) {
            Ok(negotiated) => negotiated,
            Err(error) => return self.refuse(sid, &error, now),
        };
        subscriber.outstanding = false;
        let transport = subscriber.transport;
        self.apply(sid, transport, &negotiated);
        self.reject_unsupported(sid, &negotiated.unsupported);
        self.changed.insert(sid.clone());
    }

    /// Tells the media thread what was negotiated.
    fn apply(&mut self, sid: &ParticipantSid, transport: TransportId, negotiated: &Negotiated) {
        let Some(peer) = self.peers.get(sid) else {
            return;
        };
        let sections = sections(negotiated, &peer.sends, &self.tracks);
        let sending = sections.sends.iter().map(|send| send.track).collect();
        let remote = remote_params(&negotiated.remote);
        let carries_subscriptions = peer.primary() == Some(transport);
        self.command(MediaCommand::SetRemote(transport, remote));
        // Before the sections: what begins to flow begins in the right layer.
        if carries_subscriptions {
            self.note_sending(sid, transport, sending);
        }
        self.command(MediaCommand::SetSections(transport, sections));
    }

    /// A description that is no good: nothing that the client could do next
    /// would make it better.
    fn refuse(&mut self, sid: &ParticipantSid, error: &SdpError, now: Moment) {
        tracing::debug!(participant = %sid, %error, "a session description is refused");
        self.dismiss(
            sid,
            RemovalReason::MediaFailure,
            LeaveAction::Disconnect,
            now,
        );
    }

    fn reject_unsupported(&mut self, sid: &ParticipantSid, tracks: &[u64]) {
        for track in tracks {
            let Some(peer) = self.peers.get_mut(sid) else {
                return;
            };
            let Some(at) = peer.sends.iter().position(|send| send.track == *track) else {
                continue;
            };
            let send = peer.sends.remove(at);
            peer.appetites.remove(&TrackId(send.track));
            let response = Response::SubscriptionResponse {
                track: TrackSid::from(&*send.track_id),
                error: SubscriptionError::CodecUnsupported,
            };
            self.respond(sid, response);
        }
    }

    /// Brings what a participant gets in line with what it should get: in single
    /// mode by asking its client to offer, in dual mode by an offer of ours.
    pub(super) fn negotiate(&mut self, sid: &ParticipantSid, now: Moment) {
        let Some(peer) = self.peers.get_mut(sid) else {
            return;
        };
        // Whoever is away negotiates when it is back.
        if peer.session.is_none() {
            return;
        }
        let response = match peer.single {
            true => peer.wanted_sections(now),
            false => peer.next_offer(),
        };
        let later = peer.publisher.quiet_until;
        if let Some(at) = later {
            self.wake_at(at);
        }
        if let Some(response) = response {
            self.respond(sid, response);
        }
    }
}

impl Peer {
    /// The next offer in dual mode, if one is due and none is open.
    fn next_offer(&mut self) -> Option<Response> {
        let subscriber = self.subscriber.as_mut()?;
        subscriber.offerer.set_sends(self.sends.clone());
        if subscriber.outstanding || !subscriber.offerer.needs_offer() {
            return None;
        }
        subscriber.outstanding = true;
        subscriber.offer_id += 1;
        let sdp = subscriber.offerer.create_offer();
        Some(Response::Offer(ServerDescription {
            id: subscriber.offer_id,
            mid_to_track_id: offered_tracks(&sdp),
            sdp,
        }))
    }
}

/// Which track an answer puts on which section.
fn mid_to_track_id(negotiated: &Negotiated, sends: &[WantedSend]) -> BTreeMap<String, TrackSid> {
    let name = |track| sends.iter().find(|send| send.track == track);
    negotiated
        .mid_to_track()
        .filter_map(|(mid, track)| Some((mid.to_owned(), TrackSid::from(&*name(track)?.track_id))))
        .collect()
}

/// Which track an offer of ours puts on which section.
fn offered_tracks(offer: &str) -> BTreeMap<String, TrackSid> {
    let Ok(offer) = Description::parse(offer) else {
        return BTreeMap::new();
    };
    let track = |section: &visavis_sdp::MediaDescription| {
        let (_, track) = section.attribute("msid")?.split_once(' ')?;
        Some((section.mid()?.to_owned(), TrackSid::from(track)))
    };
    offer.media.iter().filter_map(track).collect()
}
