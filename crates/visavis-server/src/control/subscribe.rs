//! What a participant gets, and in which quality.

use std::collections::BTreeSet;

use visavis_rooms::{ParticipantSid, Quality, SubscriptionPermission, TrackSid};
use visavis_sdp::{MediaKind, WantedSend};
use visavis_sfu::{Appetite, LayerSize, TrackId, Wanted};
use visavis_shard::{MediaCommand, TransportId};
use visavis_signal::Response;
use visavis_signal::request::{Subscription, TrackSettings};

use super::core::Control;

impl Control {
    /// From now on a participant gets a track, as soon as that is negotiated.
    pub(super) fn subscribe(&mut self, subscriber: &ParticipantSid, track: &TrackSid) {
        let Some(id) = self.tracks.id(track) else {
            return;
        };
        let (Some(track), Some(peer)) = (self.tracks.get(id), self.peers.get_mut(subscriber))
        else {
            return;
        };
        let video = track.kind == MediaKind::Video;
        let ssrc = peer.next_ssrc();
        let rtx_ssrc = video.then(|| peer.next_ssrc());
        peer.sends.push(WantedSend {
            track: id.0,
            kind: track.kind,
            codec: track.codec.name.clone(),
            stream_id: peer.stream_id(&track.publisher, track.sid.as_str(), &track.stream),
            track_id: track.sid.to_string(),
            ssrc,
            rtx_ssrc,
            // One clock per participant: all its tracks can play in sync.
            cname: track.publisher.to_string(),
        });
        let first = match peer.client.adaptive_stream {
            // It will say what it needs.
            true => Wanted::Layer(0),
            false => Wanted::Layer(u8::MAX),
        };
        let appetite = Appetite {
            disabled: false,
            size: first,
        };
        peer.appetites.insert(id, appetite);
        self.changed.insert(subscriber.clone());
        self.want(subscriber, id, appetite);
    }

    /// A participant gets a track no more.
    pub(super) fn unsubscribe(&mut self, subscriber: &ParticipantSid, track: &TrackSid) {
        let Some(peer) = self.peers.get_mut(subscriber) else {
            return;
        };
        // By name: the track itself may be gone.
        let named = |send: &WantedSend| send.track_id == track.as_str();
        let Some(at) = peer.sends.iter().position(named) else {
            return;
        };
        let id = TrackId(peer.sends.remove(at).track);
        peer.appetites.remove(&id);
        self.changed.insert(subscriber.clone());
        // The section stays until the client has negotiated; it is not to decide
        // how long it gets what it may not have any more.
        let nothing = Appetite {
            disabled: true,
            ..Appetite::default()
        };
        self.want(subscriber, id, nothing);
    }

    /// The client wants tracks, or no longer.
    pub(super) fn handle_subscription(&mut self, sid: &ParticipantSid, wish: &Subscription) {
        let outcome = self
            .rooms
            .update_subscription(sid, &wish.tracks, wish.subscribe);
        if let Err(error) = outcome {
            tracing::debug!(participant = %sid, %error, "a subscription is refused");
        }
    }

    /// The client decides who may have its tracks.
    pub(super) fn handle_subscription_permission(
        &mut self,
        sid: &ParticipantSid,
        permission: SubscriptionPermission,
    ) {
        // Not there any more is as good.
        let _ = self.rooms.update_subscription_permission(sid, permission);
    }

    /// The client says how it shows tracks.
    pub(super) fn handle_track_settings(&mut self, sid: &ParticipantSid, settings: &TrackSettings) {
        let appetite = appetite(settings);
        for track in &settings.tracks {
            let Some(id) = self.tracks.id(track) else {
                continue;
            };
            let Some(peer) = self.peers.get_mut(sid) else {
                return;
            };
            let Some(known) = peer.appetites.get_mut(&id) else {
                continue;
            };
            if std::mem::replace(known, appetite) != appetite {
                self.want(sid, id, appetite);
            }
        }
    }

    /// Tells the media thread what a participant wants of a track that it is
    /// sent. Of others it is told once they are negotiated.
    fn want(&mut self, sid: &ParticipantSid, track: TrackId, appetite: Appetite) {
        let peer = self.peers.get(sid);
        if let Some(peer) = peer.filter(|peer| peer.sending.contains(&track))
            && let Some(transport) = peer.primary()
        {
            self.command(MediaCommand::Want(transport, track, appetite));
        }
    }

    /// What a participant is sent after a negotiation. For what is new among it,
    /// the media thread learns the appetite, and the publisher that it is wanted.
    pub(super) fn note_sending(
        &mut self,
        sid: &ParticipantSid,
        transport: TransportId,
        sending: BTreeSet<TrackId>,
    ) {
        let Some(peer) = self.peers.get_mut(sid) else {
            return;
        };
        let new: Vec<TrackId> = sending.difference(&peer.sending).copied().collect();
        peer.sending = sending;
        for id in new {
            let appetite = self.peers.get(sid).and_then(|peer| peer.appetites.get(&id));
            let appetite = appetite.copied().unwrap_or_default();
            self.command(MediaCommand::Want(transport, id, appetite));
            let Some(track) = self.tracks.get_mut(id) else {
                continue;
            };
            if !std::mem::replace(&mut track.had_subscriber, true) {
                let (publisher, track) = (track.publisher.clone(), track.sid.clone());
                self.respond(&publisher, Response::TrackSubscribed(track));
            }
        }
    }
}

/// A size counts more than a quality; neither means all there is.
fn appetite(settings: &TrackSettings) -> Appetite {
    let TrackSettings { width, height, .. } = *settings;
    let (off, size) = match (settings.quality, width > 0 && height > 0) {
        (_, true) => (false, Wanted::Size(LayerSize { width, height })),
        (None, false) => (true, Wanted::Layer(0)),
        (Some(Quality::Low), false) => (false, Wanted::Layer(0)),
        (Some(Quality::Medium), false) => (false, Wanted::Layer(1)),
        (Some(Quality::High), false) => (false, Wanted::Layer(2)),
    };
    Appetite {
        disabled: settings.disabled || off,
        size,
    }
}
