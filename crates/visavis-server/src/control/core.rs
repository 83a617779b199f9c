//! The control plane as a value: what comes in is given to whoever it is about,
//! and what follows from it for others is settled at once.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use visavis_rooms::{IdSource, Notice, Output, ParticipantSid, RemovalReason, Rooms};
use visavis_shard::{MediaCommand, MediaEvent, TransportId};
use visavis_signal::request::PeerConnection;
use visavis_signal::response::{LeaveAction, PermissionUpdate};
use visavis_signal::{Request, Response};

use super::config::ControlConfig;
use super::peer::Peer;
use super::tracks::Tracks;

/// One signaling connection, never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub u64);

/// The time, by both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// For intervals.
    pub instant: Instant,
    /// For people and tokens: milliseconds since 1970.
    pub unix_ms: u64,
}

/// What the caller must do.
#[derive(Debug, Clone, PartialEq)]
pub enum ControlOutput {
    /// Tell a session's client.
    Respond(SessionId, Response),
    /// Tell the media thread.
    Media(MediaCommand),
    /// The session gets no more responses; nothing of it is heard any more.
    Close(SessionId),
}

/// The control plane of all rooms. Call a method for what happens, then drain
/// [`poll_output`](Self::poll_output), in order; come back at
/// [`poll_timeout`](Self::poll_timeout).
#[derive(Debug)]
pub struct Control {
    pub(super) config: ControlConfig,
    pub(super) rooms: Rooms,
    pub(super) peers: HashMap<ParticipantSid, Peer>,
    pub(super) sessions: HashMap<SessionId, ParticipantSid>,
    pub(super) transports: HashMap<TransportId, ParticipantSid>,
    pub(super) tracks: Tracks,
    /// Whose subscriptions may need a negotiation.
    pub(super) changed: BTreeSet<ParticipantSid>,
    pub(super) outputs: VecDeque<ControlOutput>,
    pub(super) next_sweep: Option<Instant>,
    last_session: u64,
    last_transport: u64,
    /// Whose next input panics.
    #[cfg(test)]
    pub(super) trap: Option<ParticipantSid>,
}

impl Control {
    /// Nobody is there yet. `ids` makes the names of rooms, participants and tracks.
    #[must_use]
    pub fn new(config: ControlConfig, ids: IdSource) -> Self {
        Self {
            rooms: Rooms::new(config.rooms, ids),
            config,
            peers: HashMap::new(),
            sessions: HashMap::new(),
            transports: HashMap::new(),
            tracks: Tracks::default(),
            changed: BTreeSet::new(),
            outputs: VecDeque::new(),
            next_sweep: None,
            last_session: 0,
            last_transport: 0,
            #[cfg(test)]
            trap: None,
        }
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<ControlOutput> {
        self.outputs.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.rooms
            .poll_timeout()
            .into_iter()
            .chain(self.next_sweep)
            .min()
    }

    /// Does what time has brought.
    pub fn handle_timeout(&mut self, now: Moment) {
        self.rooms.handle_timeout(now.instant);
        if self.next_sweep.is_some_and(|at| at <= now.instant) {
            self.sweep(now);
        }
        self.settle(now);
    }

    /// A client asks something. Requests of closed sessions are passed over.
    pub fn handle_request(&mut self, session: SessionId, request: Request, now: Moment) {
        let Some(sid) = self.sessions.get(&session).cloned() else {
            return;
        };
        let peer = self.peers.get_mut(&sid);
        if let Some(session) = peer.and_then(|peer| peer.session.as_mut()) {
            session.last_heard = now.instant;
        }
        self.guarded(&sid, now, |control| control.dispatch(&sid, request, now));
        self.settle(now);
    }

    fn dispatch(&mut self, sid: &ParticipantSid, request: Request, now: Moment) {
        match request {
            Request::Offer(offer) => self.handle_offer(sid, &offer, now),
            Request::Answer(answer) => self.handle_answer(sid, &answer, now),
            Request::Trickle {
                peer_connection,
                candidate,
            } => self.handle_trickle(sid, peer_connection, candidate),
            Request::AddTrack(add) => self.handle_add_track(sid, *add, now),
            Request::Mute { track, muted } => self.handle_mute(sid, &track, muted),
            Request::UpdateSubscription(subscription) => {
                self.handle_subscription(sid, &subscription);
            }
            Request::UpdateTrackSettings(settings) => self.handle_track_settings(sid, &settings),
            Request::Leave { .. } => {
                self.rooms
                    .remove(sid, RemovalReason::ClientInitiated, now.instant);
            }
            Request::SubscriptionPermission(permission) => {
                self.handle_subscription_permission(sid, permission);
            }
            Request::SyncState(state) => self.handle_sync_state(sid, &state, now),
            Request::Simulate(scenario) => self.handle_scenario(sid, scenario, now),
            Request::Ping(_) => self.handle_ping(sid, None, now),
            Request::PingRequest { timestamp, .. } => self.handle_ping(sid, Some(timestamp), now),
            Request::UpdateMetadata {
                request_id,
                name,
                metadata,
                attributes,
            } => self.handle_update_metadata(sid, request_id, name, metadata, attributes),
            Request::UpdateAudioTrack { track, features } => {
                self.handle_audio_features(sid, &track, features);
            }
            Request::UpdateVideoTrack {
                track,
                width,
                height,
            } => self.handle_video_size(sid, &track, width, height),
            Request::Unknown => tracing::debug!("a request that this server has no use for"),
        }
    }

    /// The media thread tells something. Events of closed transports are passed
    /// over.
    pub fn handle_media(&mut self, event: MediaEvent, now: Moment) {
        if let Some(sid) = self.concerned(&event) {
            self.guarded(&sid, now, |control| {
                control.dispatch_media(&sid, event, now)
            });
            self.settle(now);
        }
    }

    /// Whom an event is about.
    fn concerned(&self, event: &MediaEvent) -> Option<ParticipantSid> {
        match event {
            MediaEvent::Connected(transport)
            | MediaEvent::ChannelOpen(transport, _)
            | MediaEvent::Data(transport, ..)
            | MediaEvent::DataDropped(transport, _)
            | MediaEvent::Closed(transport, _) => self.transports.get(transport).cloned(),
            MediaEvent::Level(track, _) | MediaEvent::TrackFlows(track) => {
                Some(self.tracks.get(*track)?.publisher.clone())
            }
        }
    }

    fn dispatch_media(&mut self, sid: &ParticipantSid, event: MediaEvent, now: Moment) {
        match event {
            MediaEvent::Connected(transport) => self.handle_connected(sid, transport),
            MediaEvent::ChannelOpen(transport, channel) => {
                self.handle_channel_open(sid, transport, channel, now);
            }
            MediaEvent::Data(_, channel, message) => {
                self.handle_data(sid, &channel, &message, now);
            }
            MediaEvent::DataDropped(_, channel) => {
                tracing::debug!(participant = %sid, ?channel, "a receiver takes too little data");
            }
            MediaEvent::Closed(transport, reason) => {
                self.handle_closed(sid, transport, reason, now);
            }
            MediaEvent::Level(track, level) => self.handle_level(track, level, now),
            // A track is announced by its description: some never send.
            MediaEvent::TrackFlows(_) => {}
        }
    }

    /// Does what one participant has caused. Should our code panic over it, then
    /// that participant is removed and nobody else: what it alone has may be
    /// half-changed, and goes away with it.
    pub(super) fn guarded(
        &mut self,
        sid: &ParticipantSid,
        now: Moment,
        work: impl FnOnce(&mut Self),
    ) {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            #[cfg(test)]
            if self.trap.as_ref() == Some(sid) {
                self.trap = None;
                panic!("a trap was set");
            }
            work(self);
        }));
        if outcome.is_err() {
            tracing::error!(participant = %sid, "a panic; the participant is removed");
            self.dismiss(
                sid,
                RemovalReason::MediaFailure,
                LeaveAction::Disconnect,
                now,
            );
        }
    }

    /// Passes on what the rooms have to say, and negotiates what has changed.
    pub(super) fn settle(&mut self, now: Moment) {
        loop {
            self.pass_on_all();
            // A negotiation may remove somebody, of which the rooms tell others.
            let Some(sid) = self.changed.pop_first() else {
                return;
            };
            self.guarded(&sid, now, |control| control.negotiate(&sid, now));
        }
    }

    /// Passes on what the rooms have to say.
    pub(super) fn pass_on_all(&mut self) {
        while let Some(output) = self.rooms.poll_output() {
            self.pass_on(output);
        }
    }

    fn pass_on(&mut self, output: Output) {
        match output {
            Output::Notify(sid, notice) => self.respond(&sid, response(notice)),
            Output::Subscribe { subscriber, track } => self.subscribe(&subscriber, &track),
            Output::Unsubscribe { subscriber, track } => self.unsubscribe(&subscriber, &track),
            Output::Removed(sid, reason) => self.forget(&sid, reason),
            // Not its name: whoever knows that can enter.
            Output::RoomClosed(room) => tracing::info!(room = %room.sid, "the room is closed"),
        }
    }

    /// Tells a participant's client something, if it can be told.
    pub(super) fn respond(&mut self, sid: &ParticipantSid, response: Response) {
        let Some(peer) = self.peers.get_mut(sid) else {
            return;
        };
        match peer.session {
            Some(session) => self
                .outputs
                .push_back(ControlOutput::Respond(session.id, response)),
            None => peer.note_missed(&response),
        }
    }

    pub(super) fn command(&mut self, command: MediaCommand) {
        self.outputs.push_back(ControlOutput::Media(command));
    }

    pub(super) fn next_session(&mut self) -> SessionId {
        self.last_session += 1;
        SessionId(self.last_session)
    }

    pub(super) fn next_transport(&mut self) -> TransportId {
        self.last_transport += 1;
        TransportId(self.last_transport)
    }

    /// A candidate of the client; `None` when there are no more.
    fn handle_trickle(
        &mut self,
        sid: &ParticipantSid,
        side: PeerConnection,
        candidate: Option<String>,
    ) {
        let Some(candidate) = candidate else { return };
        let transport = match side {
            // Some clients trickle before their offer is on its way.
            PeerConnection::Publisher => self.open_publisher(sid),
            PeerConnection::Subscriber => {
                let subscriber = self
                    .peers
                    .get(sid)
                    .and_then(|peer| peer.subscriber.as_ref());
                subscriber.map(|subscriber| subscriber.transport)
            }
        };
        if let Some(transport) = transport {
            self.command(MediaCommand::AddCandidate(transport, candidate));
        }
    }
}

/// News as a message.
fn response(notice: Notice) -> Response {
    match notice {
        Notice::Participants(participants) => Response::Update(participants),
        Notice::Room(room) => Response::RoomUpdate(room),
        Notice::TrackPublished { cid, track } => Response::TrackPublished { cid, track },
        Notice::Speakers(speakers) => Response::SpeakersChanged(speakers),
        Notice::SubscriptionPermission {
            publisher,
            track,
            allowed,
        } => Response::SubscriptionPermissionUpdate(PermissionUpdate {
            publisher,
            track,
            allowed,
        }),
    }
}
