//! What a participant publishes: announced tracks and media sections find each
//! other, whichever comes first.

use visavis_rooms::{NewTrack, ParticipantSid, Quality, Refused, TrackInfo, TrackKind, TrackSid};
use visavis_sdp::{MediaKind, Negotiated, PublishHint, Section};
use visavis_sfu::{LayerSize, TrackParams};
use visavis_shard::MediaCommand;
use visavis_signal::Response;
use visavis_signal::request::AddTrack;
use visavis_signal::response::{RequestOutcome, RequestResponse};

use super::core::{Control, Moment};
use super::peer::Publication;
use super::tracks::{PublishedCodec, Track};

/// Further codecs that one participant may announce; a client publishes a
/// handful of tracks with one each.
const MAX_BACKUPS: usize = 32;

impl Control {
    /// The client announces a track.
    pub(super) fn handle_add_track(&mut self, sid: &ParticipantSid, add: AddTrack, now: Moment) {
        let AddTrack {
            sid: existing,
            track,
        } = add;
        let outcome = match existing {
            Some(existing) => self.add_backup(sid, &existing, &track),
            None => self.announce(sid, track, now),
        };
        if let Err(refused) = outcome {
            // The request has no number: this is for those who read logs.
            self.respond(
                sid,
                Response::RequestResponse(RequestResponse {
                    request_id: 0,
                    outcome: outcome_of(refused),
                    message: format!("the track is not published: {refused}"),
                }),
            );
        }
    }

    fn announce(
        &mut self,
        sid: &ParticipantSid,
        track: NewTrack,
        now: Moment,
    ) -> Result<(), Refused> {
        let hint = PublishHint {
            no_dtx: track.disable_dtx,
            stereo: track.stereo,
            codec: track
                .codecs
                .first()
                .map(|codec| codec.codec.clone())
                .unwrap_or_default(),
        };
        let cid = track.cid.clone();
        let announced = self.rooms.add_track(sid, track)?;
        let peer = self.peers.get_mut(sid).ok_or(Refused::NotFound)?;
        peer.publisher.answerer.set_publish_hint(&cid, hint);
        peer.announced.insert(announced, cid);
        self.match_sections(sid);
        if let Some(peer) = self.peers.get_mut(sid) {
            peer.expect_offer(now);
        }
        Ok(())
    }

    /// A further codec for a track that is published already. Receivers keep the
    /// first one; the client is told what it waits for, and its media is not used.
    fn add_backup(
        &mut self,
        sid: &ParticipantSid,
        existing: &TrackSid,
        track: &NewTrack,
    ) -> Result<(), Refused> {
        if self.rooms.publisher(existing) != Some(sid) {
            return Err(Refused::NotFound);
        }
        let known = self.rooms.track(existing).ok_or(Refused::NotFound)?.clone();
        let peer = self.peers.get_mut(sid).ok_or(Refused::NotFound)?;
        let codecs = track.codecs.iter().map(|codec| &codec.cid);
        for cid in codecs.chain([&track.cid]) {
            if peer.backups.len() >= MAX_BACKUPS {
                return Err(Refused::LimitExceeded);
            }
            // The track's own name stays what it is.
            if *cid != known.announced.cid && !cid.is_empty() {
                peer.backups.insert(cid.clone());
            }
        }
        let cid = track.cid.clone();
        self.respond(sid, Response::TrackPublished { cid, track: known });
        Ok(())
    }

    /// Brings what is published in line with the sections that the client sends
    /// on.
    pub(super) fn update_publications(&mut self, sid: &ParticipantSid, negotiated: &Negotiated) {
        let Some(peer) = self.peers.get(sid) else {
            return;
        };
        let sent = |mid: &str| {
            let section = negotiated.sections.iter().find(|s| s.mid == mid)?;
            section.receive.as_ref()
        };
        let over = peer.publications.iter().filter(|(mid, publication)| {
            sent(mid).is_none_or(|receive| receive.track_id != publication.cid)
        });
        let over: Vec<String> = over.map(|(mid, _)| mid.clone()).collect();
        for mid in over {
            self.unpublish(sid, &mid);
        }
        let Some(peer) = self.peers.get_mut(sid) else {
            return;
        };
        let unmatched = negotiated.sections.iter().filter(|section| {
            section.receive.as_ref().is_some_and(|receive| {
                !peer.publications.contains_key(&section.mid)
                    && !peer.backups.contains(&receive.track_id)
            })
        });
        peer.unmatched = unmatched.cloned().collect();
        self.match_sections(sid);
    }

    /// Publishes what is both announced and sent.
    fn match_sections(&mut self, sid: &ParticipantSid) {
        let Some(peer) = self.peers.get_mut(sid) else {
            return;
        };
        let sections = std::mem::take(&mut peer.unmatched);
        let left: Vec<Section> = sections
            .into_iter()
            .filter(|section| !self.match_section(sid, section))
            .collect();
        if let Some(peer) = self.peers.get_mut(sid) {
            peer.unmatched = left;
        }
    }

    /// Publishes the track that a section carries; whether there is one.
    fn match_section(&mut self, sid: &ParticipantSid, section: &Section) -> bool {
        let (Some(receive), Some(codec)) = (&section.receive, section.codecs.first()) else {
            return false;
        };
        let (kind, word) = match section.kind {
            MediaKind::Audio => (TrackKind::Audio, "audio"),
            MediaKind::Video => (TrackKind::Video, "video"),
        };
        let mime_type = format!("{word}/{}", codec.name);
        let cid = &receive.track_id;
        let Ok(Some(track)) = self.rooms.handle_media(sid, cid, kind, &mime_type) else {
            return false;
        };
        let Some(info) = self.rooms.track(&track).cloned() else {
            return false;
        };
        self.publish(sid, section, cid, PublishedCodec::from(codec), info);
        true
    }

    fn publish(
        &mut self,
        sid: &ParticipantSid,
        section: &Section,
        cid: &str,
        codec: PublishedCodec,
        info: TrackInfo,
    ) {
        let id = self.tracks.insert(Track {
            sid: info.sid.clone(),
            publisher: sid.clone(),
            kind: section.kind,
            codec,
            stream: stream_name(&info.announced),
            had_subscriber: false,
        });
        let Some(peer) = self.peers.get_mut(sid) else {
            return;
        };
        let Some(transport) = peer.publisher.transport else {
            return;
        };
        let params = TrackParams {
            publisher: transport.into(),
            mid: section.mid.clone(),
            kind: match section.kind {
                MediaKind::Audio => visavis_rtp::MediaKind::Audio,
                MediaKind::Video => visavis_rtp::MediaKind::Video,
            },
            layers: layers(&info.announced),
            muted: info.muted,
        };
        let publication = Publication {
            id,
            sid: info.sid,
            cid: cid.to_owned(),
            announced: info.announced.cid,
        };
        peer.publications.insert(section.mid.clone(), publication);
        self.command(MediaCommand::AddTrack(id, params));
    }

    /// The client no longer sends on a section.
    fn unpublish(&mut self, sid: &ParticipantSid, mid: &str) {
        let Some(peer) = self.peers.get_mut(sid) else {
            return;
        };
        let Some(publication) = peer.publications.remove(mid) else {
            return;
        };
        peer.announced.remove(&publication.sid);
        // It may be announced again under the same name, and wait for its section.
        let cid = &publication.announced;
        if !peer.announced.values().any(|other| other == cid) {
            peer.publisher.answerer.remove_publish_hint(cid);
        }
        self.tracks.remove(publication.id);
        self.command(MediaCommand::RemoveTrack(publication.id));
        // Not there any more is as good.
        let _ = self.rooms.unpublish(sid, &publication.sid);
    }

    /// The client mutes or unmutes a track of its own.
    pub(super) fn handle_mute(&mut self, sid: &ParticipantSid, track: &TrackSid, muted: bool) {
        // A track that has ended meanwhile is nobody's error.
        if self.rooms.mute(sid, track, muted).is_ok()
            && let Some(id) = self.tracks.id(track)
        {
            self.command(MediaCommand::SetMuted(id, muted));
        }
    }
}

/// A refusal as an answer.
pub(super) fn outcome_of(refused: Refused) -> RequestOutcome {
    match refused {
        Refused::NotFound => RequestOutcome::NotFound,
        Refused::NotAllowed => RequestOutcome::NotAllowed,
        Refused::LimitExceeded => RequestOutcome::LimitExceeded,
    }
}

/// Sizes of the layers, lowest first. A codec with layers of its own comes
/// before what is said of the track.
fn layers(track: &NewTrack) -> Vec<LayerSize> {
    let of_codec = track.codecs.first().map(|codec| &codec.layers);
    let layers = of_codec
        .filter(|layers| !layers.is_empty())
        .unwrap_or(&track.layers);
    let mut layers: Vec<(Quality, LayerSize)> = layers
        .iter()
        .map(|layer| {
            let (width, height) = (layer.width, layer.height);
            (layer.quality, LayerSize { width, height })
        })
        .collect();
    layers.sort_by_key(|(quality, _)| *quality);
    layers.into_iter().map(|(_, size)| size).collect()
}

/// The stream that a track belongs to. It becomes part of other clients' session
/// descriptions: what could end a line or a word there is not taken over.
fn stream_name(track: &NewTrack) -> String {
    let stream = track.stream();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    // A client would take it for the name of a track.
    let misleading = stream.starts_with("TR");
    match stream.chars().all(plain) && !misleading {
        true => stream.to_owned(),
        false => track.source.default_stream().to_owned(),
    }
}
