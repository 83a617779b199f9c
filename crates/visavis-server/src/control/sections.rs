//! In single mode the client alone can add media sections: how many it is asked
//! for, and when.

use std::time::Duration;

use visavis_rooms::TrackSid;
use visavis_sdp::{MediaKind, Negotiated};
use visavis_signal::Response;

use super::core::Moment;
use super::peer::{Asked, Peer};

/// An offer that comes this soon after a wish may have been on its way before
/// the client read it. One that comes later and brings nothing shows that the
/// wish is lost.
const UNDER_WAY: Duration = Duration::from_secs(2);

/// How long a client that has offered is left alone: it may publish several
/// tracks one after the other, and one wish serves for all that others publish
/// meanwhile. In a room where everybody publishes at once, this bounds how often
/// everybody negotiates.
const SETTLE: Duration = Duration::from_millis(150);

/// How long a client that has announced a track may take to offer it. LiveKit's
/// Rust SDK is stuck for good when it is asked to offer while an offer of its own
/// is on its way; from the announcement on, one may be.
const ANNOUNCED: Duration = Duration::from_secs(1);

impl Peer {
    /// Does not ask the client to offer while it is about to: it has announced a
    /// track of which it has offered nothing yet.
    pub(super) fn expect_offer(&mut self, now: Moment) {
        let offered = |sid: &TrackSid| {
            let mut publications = self.publications.values();
            publications.any(|publication| publication.sid == *sid)
        };
        if self.single && self.announced.keys().any(|sid| !offered(sid)) {
            let publisher = &mut self.publisher;
            publisher.quiet_until = publisher.quiet_until.max(Some(now.instant + ANNOUNCED));
        }
    }

    /// What to ask the client for so that it gets all that it should: sections,
    /// or just an offer.
    ///
    /// The client adds as many sections as each such message says, so what was
    /// asked for before is not asked for again.
    pub(super) fn wanted_sections(&mut self, now: Moment) -> Option<Response> {
        let publisher = &mut self.publisher;
        if publisher.remote.is_none() || publisher.quiet_until.is_some() {
            // It will offer anyway.
            return None;
        }
        publisher.answerer.set_sends(self.sends.clone());
        if !publisher.answerer.needs_offer() {
            return None;
        }
        let settled = publisher.offered.map(|at| at + SETTLE);
        if settled.is_some_and(|at| at > now.instant) {
            publisher.quiet_until = settled;
            return None;
        }
        let (audios, videos) = publisher.answerer.missing_sections();
        let (more_audios, more_videos) = match publisher.asked {
            None => (audios, videos),
            Some(asked) => {
                let more = (
                    audios.saturating_sub(asked.audios),
                    videos.saturating_sub(asked.videos),
                );
                if more == (0, 0) {
                    return None;
                }
                more
            }
        };
        publisher.asked = Some(Asked {
            audios,
            videos,
            at: now.instant,
        });
        Some(Response::MediaSectionsRequirement {
            audios: more_audios,
            videos: more_videos,
        })
    }

    /// The client has offered: what it was asked for may be there.
    pub(super) fn note_offer(&mut self, negotiated: &Negotiated, now: Moment) {
        let count = |kind| {
            let of_kind =
                |section: &&visavis_sdp::Section| section.kind == kind && section.receive.is_none();
            let sections = negotiated.sections.iter().filter(of_kind).count();
            u32::try_from(sections).unwrap_or(u32::MAX)
        };
        let receiving = (count(MediaKind::Audio), count(MediaKind::Video));
        let publisher = &mut self.publisher;
        let before = std::mem::replace(&mut publisher.receiving, receiving);
        publisher.quiet_until = None;
        publisher.offered = Some(now.instant);
        let Some(asked) = &mut publisher.asked else {
            return;
        };
        asked.audios = asked
            .audios
            .saturating_sub(receiving.0.saturating_sub(before.0));
        asked.videos = asked
            .videos
            .saturating_sub(receiving.1.saturating_sub(before.1));
        let all = (asked.audios, asked.videos) == (0, 0);
        if all || now.instant.duration_since(asked.at) > UNDER_WAY {
            publisher.asked = None;
        }
    }
}
