//! In single mode the client alone can add media sections: how many it is asked
//! for, and when.

use std::time::Duration;

use visavis_sdp::{MediaKind, Negotiated};
use visavis_signal::Response;

use super::core::Moment;
use super::peer::{Asked, Peer};

/// An offer that comes this soon after a wish may have been on its way before
/// the client read it. One that comes later and brings nothing shows that the
/// wish is lost.
const UNDER_WAY: Duration = Duration::from_secs(2);

impl Peer {
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
