//! The table of peers, tracks and subscriptions.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use visavis_rtp::ntp::NtpTime;
use visavis_rtp::rtcp::ReportBlock;
use visavis_rtp::srtp::{SrtpRx, SrtpTx};

use crate::api::{Appetite, PeerId, Sections, SendSection, SfuEvent, TrackId, TrackParams};
use crate::clock::WallClock;
use crate::peer::Peer;
use crate::slab::Slab;
use crate::subscription::Subscription;
use crate::timers::{Timer, Timers};
use crate::track::{MAX_LAYERS, Track};

/// Time between two reports of a peer: browsers report every second too.
pub(crate) const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// Sources that one transport may use in its life, 2 per subscription: more
/// than two thousand people who come and go. Beyond, it must reconnect.
const MAX_USED_SSRCS: usize = 1 << 14;

/// Packets that went nowhere, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SfuCounters {
    /// RTP packets that were received and are new.
    pub received: u64,
    /// Not authentic, or not SRTP at all.
    pub forged: u64,
    /// Received before.
    pub replayed: u64,
    /// Authentic, but no RTP packet.
    pub malformed: u64,
    /// Of no known track, layer or payload type.
    pub unbound: u64,
    /// Received before under another number (a repeated retransmission).
    pub duplicate: u64,
    /// Sent again because a receiver asked.
    pub resent: u64,
    /// Keyframes asked of publishers.
    pub keyframe_requests: u64,
}

/// All media of one thread.
///
/// Feed packets by [`handle_srtp`](Self::handle_srtp); after a batch of them
/// call [`flush`](Self::flush). Come back at [`poll_timeout`](Self::poll_timeout)
/// with [`handle_timeout`](Self::handle_timeout). Drain
/// [`poll_event`](Self::poll_event) after each.
#[derive(Debug)]
pub struct Sfu {
    pub(crate) wall: WallClock,
    pub(crate) peers: Slab<Peer>,
    pub(crate) tracks: Slab<Track>,
    pub(crate) subscriptions: Slab<Subscription>,
    pub(crate) peer_index: HashMap<PeerId, usize>,
    pub(crate) track_index: HashMap<TrackId, usize>,
    /// Subscriptions to tracks that are not published yet.
    waiting: HashMap<TrackId, Vec<usize>>,
    /// Tracks with packets in this batch.
    pub(crate) dirty: Vec<usize>,
    pub(crate) timers: Timers,
    /// Layers of which a keyframe was wanted since the last request.
    pub(crate) keyframes: Vec<(TrackId, u8)>,
    /// One entry per change; drained by the owner after each call.
    pub(crate) events: Vec<SfuEvent>,
    pub(crate) origins: u32,
    pub(crate) counters: SfuCounters,
    /// Memory for RTCP, NACKs and reports, reused.
    pub(crate) rtcp: Vec<u8>,
    pub(crate) lost: Vec<u16>,
    pub(crate) blocks: Vec<ReportBlock>,
}

impl Sfu {
    /// An empty table; `wall` is the wall clock at `now`.
    #[must_use]
    pub fn new(now: Instant, wall: NtpTime) -> Self {
        Self {
            wall: WallClock::new(now, wall),
            peers: Slab::default(),
            tracks: Slab::default(),
            subscriptions: Slab::default(),
            peer_index: HashMap::new(),
            track_index: HashMap::new(),
            waiting: HashMap::new(),
            dirty: Vec::new(),
            timers: Timers::default(),
            keyframes: Vec::new(),
            events: Vec::new(),
            origins: 0,
            counters: SfuCounters::default(),
            rtcp: Vec::with_capacity(2_048),
            lost: Vec::with_capacity(256),
            blocks: Vec::new(),
        }
    }

    /// What became of packets so far.
    #[must_use]
    pub fn counters(&self) -> SfuCounters {
        self.counters
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<SfuEvent> {
        self.events.pop()
    }

    /// Whether nothing is remembered of any peer, track or subscription. When
    /// all have left and their timers have come, anything else is a leak.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.peer_index.is_empty()
            && self.track_index.is_empty()
            && self.waiting.is_empty()
            && self.dirty.is_empty()
            && self.keyframes.is_empty()
            && self.timers.next().is_none()
            && [
                self.peers.len(),
                self.tracks.len(),
                self.subscriptions.len(),
            ] == [0; 3]
    }

    /// A transport that is not connected yet.
    pub fn add_peer(&mut self, id: PeerId, now: Instant) {
        if self.peer_index.contains_key(&id) {
            return;
        }
        let at = self.peers.insert(Peer::new(id, now));
        self.peer_index.insert(id, at);
        self.timers.set(now + REPORT_INTERVAL, Timer::Report(id));
    }

    /// The keys that DTLS made.
    pub fn set_keys(&mut self, id: PeerId, tx: SrtpTx, rx: SrtpRx) {
        if let Some(peer) = self.peer_mut(id) {
            peer.srtp = Some((tx, rx));
        }
        self.refresh_peer(id);
    }

    /// The end of a transport, of its tracks and its subscriptions.
    pub fn remove_peer(&mut self, id: PeerId) {
        let Some(at) = self.peer_index.remove(&id) else {
            return;
        };
        let Some(peer) = self.peers.get(at) else {
            return;
        };
        let (tracks, subscriptions) = (peer.tracks.clone(), peer.subscriptions.clone());
        for track in tracks {
            if let Some(track) = self.tracks.get(track) {
                self.remove_track(track.id);
            }
        }
        for subscription in subscriptions {
            self.remove_subscription(subscription);
        }
        self.peers.remove(at);
    }

    /// When something authentic came from this peer last.
    #[must_use]
    pub fn last_received(&self, id: PeerId) -> Option<Instant> {
        self.peers.get(*self.peer_index.get(&id)?)?.last_received
    }

    /// Takes what a negotiation agreed on.
    pub fn set_sections(&mut self, id: PeerId, sections: Sections) {
        let Some(&at) = self.peer_index.get(&id) else {
            return;
        };
        let Some(peer) = self.peers.get_mut(at) else {
            return;
        };
        let known = &self.track_index;
        peer.appetites.retain(|track, _| {
            known.contains_key(track) || sections.sends.iter().any(|send| send.track == *track)
        });
        peer.sections = sections;
        let old = peer.subscriptions.clone();
        let sends = peer.sections.sends.clone();
        let tracks = peer.tracks.clone();
        for subscription in old {
            let kept = self.subscriptions.get(subscription).is_some_and(|sub| {
                let section = &sub.rest.section;
                sends
                    .iter()
                    .any(|s| s.track == section.track && s.ssrc == section.ssrc)
            });
            if !kept {
                self.remove_subscription(subscription);
            }
        }
        for send in sends {
            self.set_send(at, send);
        }
        for track in tracks {
            self.sync_layers(track);
        }
    }

    fn set_send(&mut self, at: usize, section: SendSection) {
        let Some(peer) = self.peers.get_mut(at) else {
            return;
        };
        let extensions = peer.sections.extensions;
        if let Some(&existing) = peer.sends.get(&section.ssrc) {
            if let Some(subscription) = self.subscriptions.get_mut(existing) {
                subscription.set_section(section, extensions);
            }
            return;
        }
        let rtx = section.rtx.map(|(ssrc, _)| ssrc);
        let mut ssrcs = std::iter::once(section.ssrc).chain(rtx);
        let used = ssrcs.any(|ssrc| !peer.used_ssrcs.insert(ssrc));
        if used || peer.used_ssrcs.len() > MAX_USED_SSRCS {
            return;
        }
        let (id, ssrc) = (section.track, section.ssrc);
        let appetite = peer.appetites.get(&id).copied().unwrap_or_default();
        let subscription = Subscription::new(at, section, extensions, appetite);
        let place = self.subscriptions.insert(subscription);
        peer.subscriptions.push(place);
        peer.sends.insert(ssrc, place);
        match self.track_index.get(&id) {
            Some(&track) => self.attach(place, track),
            None => self.waiting.entry(id).or_default().push(place),
        }
    }

    /// Connects a subscription with its track.
    fn attach(&mut self, place: usize, at: usize) {
        let (Some(subscription), Some(track)) =
            (self.subscriptions.get_mut(place), self.tracks.get_mut(at))
        else {
            return;
        };
        subscription.rest.track = Some(at);
        track.subscriptions.push(place);
        self.retarget(place);
    }

    fn remove_subscription(&mut self, place: usize) {
        let Some(subscription) = self.subscriptions.remove(place) else {
            return;
        };
        if let Some(peer) = self.peers.get_mut(subscription.peer) {
            peer.subscriptions.retain(|other| *other != place);
            peer.sends.remove(&subscription.rest.section.ssrc);
        }
        match subscription
            .rest
            .track
            .and_then(|at| self.tracks.get_mut(at))
        {
            Some(track) => track.subscriptions.retain(|other| *other != place),
            None => {
                let id = subscription.rest.section.track;
                if let Some(waiting) = self.waiting.get_mut(&id) {
                    waiting.retain(|other| *other != place);
                    if waiting.is_empty() {
                        self.waiting.remove(&id);
                    }
                }
            }
        }
    }

    /// A track is published. Whoever waits for it gets it.
    pub fn add_track(&mut self, id: TrackId, params: TrackParams) {
        let Some(&publisher) = self.peer_index.get(&params.publisher) else {
            return;
        };
        if self.track_index.contains_key(&id) {
            return;
        }
        let at = self.tracks.insert(Track::new(id, publisher, params));
        self.track_index.insert(id, at);
        if let Some(peer) = self.peers.get_mut(publisher) {
            peer.tracks.push(at);
        }
        self.sync_layers(at);
        for place in self.waiting.remove(&id).unwrap_or_default() {
            self.attach(place, at);
        }
    }

    /// Gives a track as many layers as its section has.
    fn sync_layers(&mut self, at: usize) {
        let Some(track) = self.tracks.get_mut(at) else {
            return;
        };
        let section = self.peers.get(track.publisher);
        let section = section.and_then(|peer| peer.receive_section(&track.mid));
        let count = section.map_or(1, |section| section.rids.len());
        track.set_layers(count.min(MAX_LAYERS));
        self.retarget_track(at);
    }

    /// A track is muted or unmuted.
    pub fn set_muted(&mut self, id: TrackId, muted: bool) {
        let Some(&at) = self.track_index.get(&id) else {
            return;
        };
        if let Some(track) = self.tracks.get_mut(at) {
            track.muted = muted;
        }
        // Requests for keyframes are given up while nobody answers.
        self.retarget_track(at);
    }

    /// A track ends. Its subscriptions wait: it may come again.
    pub fn remove_track(&mut self, id: TrackId) {
        let Some(at) = self.track_index.remove(&id) else {
            return;
        };
        let Some(track) = self.tracks.remove(at) else {
            return;
        };
        if let Some(peer) = self.peers.get_mut(track.publisher) {
            peer.tracks.retain(|other| *other != at);
            peer.bindings.retain(|_, binding| binding.track != at);
        }
        self.dirty.retain(|other| *other != at);
        for place in track.subscriptions {
            if let Some(subscription) = self.subscriptions.get_mut(place) {
                subscription.detach();
                self.waiting.entry(id).or_default().push(place);
            }
        }
    }

    /// What a receiver wants of a track, from now on.
    pub fn want(&mut self, id: PeerId, track: TrackId, appetite: Appetite) {
        let Some(&at) = self.peer_index.get(&id) else {
            return;
        };
        let Some(peer) = self.peers.get_mut(at) else {
            return;
        };
        peer.appetites.insert(track, appetite);
        for place in peer.subscriptions.clone() {
            if let Some(subscription) = self.subscriptions.get_mut(place)
                && subscription.rest.section.track == track
            {
                subscription.rest.appetite = appetite;
                self.retarget(place);
            }
        }
    }

    /// Decides anew what one subscription gets.
    pub(crate) fn retarget(&mut self, place: usize) {
        let Some(subscription) = self.subscriptions.get_mut(place) else {
            return;
        };
        let Some(at) = subscription.rest.track else {
            return;
        };
        let (Some(track), Some(peer)) = (self.tracks.get(at), self.peers.get(subscription.peer))
        else {
            return;
        };
        subscription.retarget(track, peer.guard.steps());
        if let Some(layer) = subscription.waits() {
            self.want_keyframe(at, layer);
        }
    }

    /// Decides anew what all receivers of a track get.
    pub(crate) fn retarget_track(&mut self, at: usize) {
        let Some(track) = self.tracks.get_mut(at) else {
            return;
        };
        track.active = track.active_layers();
        for place in 0..track.subscriptions.len() {
            if let Some(&place) = self.tracks.get(at).and_then(|t| t.subscriptions.get(place)) {
                self.retarget(place);
            }
        }
    }

    /// Decides anew what a receiver gets of everything.
    pub(crate) fn refresh_peer(&mut self, id: PeerId) {
        let Some(&at) = self.peer_index.get(&id) else {
            return;
        };
        let count = self
            .peers
            .get(at)
            .map_or(0, |peer| peer.subscriptions.len());
        for place in 0..count {
            if let Some(&place) = self.peers.get(at).and_then(|p| p.subscriptions.get(place)) {
                self.retarget(place);
            }
        }
    }

    pub(crate) fn peer_mut(&mut self, id: PeerId) -> Option<&mut Peer> {
        self.peers.get_mut(*self.peer_index.get(&id)?)
    }
}
