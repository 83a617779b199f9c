//! One participant as the media thread knows it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use str0m::Event;
use str0m::media::Mid;
use tokio::sync::mpsc;
use visavis_net::SendBatch;

use super::connection::{Connection, ConnectionError, Outgoing};
use super::{MediaEvent, Role, Wants};
use crate::stamp::Stamp;
use crate::synthetic::Synthetic;
use crate::tally::{Histogram, Tally};

/// Frames that one look at a stream may send: after a stall, the rest follows
/// in the next look, so that receiving has its turn.
const FRAMES_AT_ONCE: usize = 4;

/// The part of each stream that is measured: from the first number to the one
/// behind the last, by stream.
pub(super) type Window = BTreeMap<u32, (u64, Option<u64>)>;

/// A track that is being published.
pub(super) struct Publication {
    pub(super) synthetic: Synthetic,
    section: Mid,
    outgoing: Option<Outgoing>,
}

/// Sums over all participants.
#[derive(Debug, Default)]
pub(super) struct Sums {
    pub(super) latency: Histogram,
    pub(super) keyframe_requests: u64,
    pub(super) most_behind: Duration,
}

pub(super) struct Member {
    wants: Wants,
    events: mpsc::Sender<MediaEvent>,
    publisher: Option<Connection>,
    subscriber: Option<Connection>,
    pub(super) publications: Vec<Publication>,
    pub(super) tallies: BTreeMap<u32, Tally>,
    flowing: bool,
    failed: bool,
    paused: bool,
}

impl Member {
    pub(super) fn new(wants: Wants, events: mpsc::Sender<MediaEvent>) -> Self {
        Self {
            wants,
            events,
            publisher: None,
            subscriber: None,
            publications: Vec::new(),
            tallies: BTreeMap::new(),
            flowing: false,
            failed: false,
            paused: false,
        }
    }

    /// Whether it is to receive anything.
    pub(super) fn is_receiver(&self) -> bool {
        self.wants.streams > 0
    }

    pub(super) fn connection(&mut self, role: Role) -> &mut Option<Connection> {
        match role {
            Role::Publisher => &mut self.publisher,
            Role::Subscriber => &mut self.subscriber,
        }
    }

    /// The open connections.
    pub(super) fn connections(&self) -> impl Iterator<Item = &Connection> {
        self.publisher.iter().chain(&self.subscriber)
    }

    /// Begins to publish `synthetic` on `section`, once the server agrees.
    pub(super) fn publish(&mut self, synthetic: Synthetic, section: Mid) {
        self.publications.push(Publication {
            synthetic,
            section,
            outgoing: None,
        });
    }

    /// Falls silent, or sends again from `now` on.
    pub(super) fn set_paused(&mut self, paused: bool, now: Instant) {
        self.paused = paused;
        for publication in &mut self.publications {
            publication.synthetic.begin(now);
        }
    }

    /// When it is to be looked at next.
    pub(super) fn deadline(&self) -> Option<Instant> {
        if self.failed {
            return None;
        }
        let due = |publication: &Publication| {
            let sending = publication.outgoing.is_some() && !self.paused;
            sending.then(|| publication.synthetic.next_due())
        };
        let frames = self.publications.iter().filter_map(due);
        self.connections()
            .map(Connection::deadline)
            .chain(frames)
            .min()
    }

    /// Tells its signaling.
    pub(super) fn report(&mut self, event: MediaEvent) {
        // A full mailbox means signaling that stands still: it times out itself.
        let _ = self.events.try_send(event);
    }

    /// Its media is over: told once, and nothing is done for it any more.
    pub(super) fn fail(&mut self, error: &ConnectionError) {
        if !self.failed {
            self.failed = true;
            self.report(MediaEvent::Failed(error.to_string()));
        }
    }

    /// Takes a datagram that came to its connection in `role`.
    pub(super) fn handle_datagram(
        &mut self,
        role: Role,
        now: Instant,
        source: std::net::SocketAddr,
        bytes: &[u8],
    ) {
        if self.failed {
            return;
        }
        let Some(connection) = self.connection(role) else {
            return;
        };
        if let Err(error) = connection.handle_datagram(now, source, bytes) {
            self.fail(&error);
        }
    }

    /// Sends the frames that are due and lets time pass where it is due.
    pub(super) fn handle_time(&mut self, now: Instant, epoch: Instant, sums: &mut Sums) {
        if self.failed {
            return;
        }
        if let Some(connection) = &mut self.publisher
            && connection.is_connected()
            && !self.paused
        {
            for publication in &mut self.publications {
                publication.send_due(connection, now, epoch, sums);
            }
        }
        for role in [Role::Publisher, Role::Subscriber] {
            let Some(connection) = self.connection(role) else {
                continue;
            };
            let due = connection.deadline() <= now;
            if due && let Err(error) = connection.handle_timeout(now) {
                self.fail(&error);
            }
        }
    }

    /// Takes the output of its connection in `role`.
    pub(super) fn drain(
        &mut self,
        role: Role,
        (now, epoch): (Instant, Instant),
        batch: &mut SendBatch,
        window: &Window,
        sums: &mut Sums,
    ) {
        let Self {
            publisher,
            subscriber,
            publications,
            tallies,
            ..
        } = self;
        let connection = match role {
            Role::Publisher => publisher,
            Role::Subscriber => subscriber,
        };
        let Some(connection) = connection else {
            return;
        };
        let drained = connection.drain(now, batch, |event| match event {
            Event::RtpPacket(packet) => {
                let Some(stamp) = Stamp::read(&packet.payload) else {
                    return;
                };
                let new = tallies.entry(stamp.stream).or_default().note(stamp.counter);
                if new && is_measured(window, stamp) {
                    let took = now.saturating_duration_since(epoch);
                    sums.latency.note(took.saturating_sub(stamp.sent));
                }
            }
            Event::KeyframeRequest(request) => {
                sums.keyframe_requests += 1;
                let asked = |p: &&mut Publication| p.section == request.mid;
                if let Some(publication) = publications.iter_mut().find(asked) {
                    publication.synthetic.want_keyframe();
                }
            }
            _ => {}
        });
        batch.flush(connection.socket());
        let dead = !connection.is_alive();
        match drained {
            Err(error) => self.fail(&error),
            Ok(()) if dead => self.fail(&ConnectionError::Description(
                "the connection was closed".into(),
            )),
            Ok(()) => self.note_progress(),
        }
    }

    /// Notices that publishing can begin, and that everything wanted flows.
    fn note_progress(&mut self) {
        if self.flowing {
            return;
        }
        if let Some(connection) = &self.publisher
            && connection.is_connected()
        {
            for publication in &mut self.publications {
                publication.outgoing = connection.outgoing(publication.section);
            }
        }
        let sent = |publication: &&Publication| publication.synthetic.made() > 0;
        let sending = self.publications.iter().filter(sent).count();
        if sending >= self.wants.tracks && self.tallies.len() >= self.wants.streams {
            self.flowing = true;
            self.report(MediaEvent::Flowing);
        }
    }
}

fn is_measured(window: &Window, stamp: Stamp) -> bool {
    window.get(&stamp.stream).is_some_and(|(from, until)| {
        stamp.counter >= *from && until.is_none_or(|until| stamp.counter < until)
    })
}

impl Publication {
    fn send_due(
        &mut self,
        connection: &mut Connection,
        now: Instant,
        epoch: Instant,
        sums: &mut Sums,
    ) {
        let Some(outgoing) = self.outgoing else {
            return;
        };
        if self.synthetic.made() == 0 {
            // Its time begins with its connection.
            self.synthetic.begin(now);
        }
        let behind = now.saturating_duration_since(self.synthetic.next_due());
        sums.most_behind = sums.most_behind.max(behind);
        let since_epoch = now.saturating_duration_since(epoch);
        for _ in 0..FRAMES_AT_ONCE {
            let more = self.synthetic.poll_frame(now, since_epoch, |packet| {
                connection.send(outgoing, packet, now);
            });
            if !more {
                return;
            }
        }
    }
}
