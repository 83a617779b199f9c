//! The thread's loop: datagrams, commands, and what is due.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TryRecvError;
use visavis_net::{Poller, Ready, RecvBatch, SendBatch, Waker};

use super::connection::{Connection, ConnectionError};
use super::member::{Member, Sums, Window};
use super::{Command, MediaEvent, NewTrack, Role, Totals};
use crate::kernel;
use crate::synthetic::Synthetic;
use crate::tally::Counted;

/// How long the loop waits when nothing is due.
const IDLE: Duration = Duration::from_millis(100);
/// Batches taken from one socket before the others have their turn.
const BATCHES_AT_ONCE: usize = 4;

pub(super) struct Worker {
    local: IpAddr,
    inbox: mpsc::Receiver<Command>,
    poller: Poller,
    members: BTreeMap<u32, Member>,
    window: Window,
    sums: Sums,
    streams: u32,
    epoch: Instant,
    received: RecvBatch,
    batch: SendBatch,
}

impl Worker {
    pub(super) fn new(local: IpAddr, inbox: mpsc::Receiver<Command>) -> io::Result<Self> {
        Ok(Self {
            local,
            inbox,
            poller: Poller::new()?,
            members: BTreeMap::new(),
            window: Window::new(),
            sums: Sums::default(),
            streams: 0,
            epoch: Instant::now(),
            received: RecvBatch::default(),
            batch: SendBatch::default(),
        })
    }

    pub(super) fn waker(&self) -> Waker {
        self.poller.waker()
    }

    /// Works until all handles are gone.
    pub(super) fn run(mut self) -> io::Result<()> {
        let mut ready = Vec::new();
        loop {
            let now = Instant::now();
            let next = self.members.values().filter_map(Member::deadline).min();
            let wait = next.map_or(IDLE, |at| at.saturating_duration_since(now).min(IDLE));
            self.poller.wait(Some(wait), |what| {
                if let Ready::Socket(token) = what {
                    ready.push(token);
                }
            })?;
            for token in ready.drain(..) {
                self.receive(token)?;
            }
            loop {
                match self.inbox.try_recv() {
                    Ok(command) => self.handle(command),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return Ok(()),
                }
            }
            self.handle_time();
        }
    }

    /// Takes what has come to one socket.
    fn receive(&mut self, token: u64) -> io::Result<()> {
        let (id, role) = from_token(token);
        for _ in 0..BATCHES_AT_ONCE {
            let Some(member) = self.members.get_mut(&id) else {
                return Ok(());
            };
            let Some(connection) = member.connection(role) else {
                return Ok(());
            };
            if self.received.receive(connection.socket())? == 0 {
                return Ok(());
            }
            let now = Instant::now();
            let (batch, window, sums) = (&mut self.batch, &self.window, &mut self.sums);
            let times = (now, self.epoch);
            self.received.for_each(|datagram| {
                member.handle_datagram(role, now, datagram.source, datagram.payload);
                member.drain(role, times, batch, window, sums);
            });
        }
        Ok(())
    }

    fn handle_time(&mut self) {
        let now = Instant::now();
        let times = (now, self.epoch);
        for member in self.members.values_mut() {
            if member.deadline().is_none_or(|at| at > now) {
                continue;
            }
            member.handle_time(now, self.epoch, &mut self.sums);
            for role in [Role::Publisher, Role::Subscriber] {
                member.drain(role, times, &mut self.batch, &self.window, &mut self.sums);
            }
        }
    }

    fn handle(&mut self, command: Command) {
        let now = Instant::now();
        match command {
            Command::Add { id, wants, events } => {
                self.members.insert(id, Member::new(wants, events));
            }
            Command::Offer { id, sdp, offer_id } => self.apply(id, Role::Subscriber, |worker| {
                let sdp = worker.open(id, Role::Subscriber, now)?.handle_offer(&sdp)?;
                Ok(Some((sdp, offer_id)))
            }),
            Command::Publish { id, tracks } => self.apply(id, Role::Publisher, |worker| {
                Ok(Some((worker.publish(id, &tracks, now)?, 1)))
            }),
            Command::Answer { id, sdp } => self.apply(id, Role::Publisher, |worker| {
                worker.open(id, Role::Publisher, now)?.handle_answer(&sdp)?;
                Ok(None)
            }),
            Command::Candidate {
                id,
                role,
                candidate,
            } => self.apply(id, role, |worker| {
                worker.open(id, role, now)?.handle_candidate(&candidate);
                Ok(None)
            }),
            // Closing a socket takes it out of the poller.
            Command::Remove { id } => drop(self.members.remove(&id)),
            Command::Pause => self.set_paused(true),
            Command::OpenWindow => self.open_window(),
            Command::CloseWindow => self.close_window(),
            // Who asked may have given up.
            Command::Collect(reply) => drop(reply.send(self.collect())),
        }
    }

    /// Does `what` for one participant, sends its outcome to its signaling, and
    /// takes what its connection has to say.
    fn apply(
        &mut self,
        id: u32,
        role: Role,
        what: impl FnOnce(&mut Self) -> Result<Option<(String, u32)>, ConnectionError>,
    ) {
        let outcome = what(self);
        let times = (Instant::now(), self.epoch);
        let Some(member) = self.members.get_mut(&id) else {
            return;
        };
        match outcome {
            Ok(Some((sdp, id))) => member.report(MediaEvent::Description { role, sdp, id }),
            Ok(None) => {}
            Err(error) => member.fail(&error),
        }
        member.drain(role, times, &mut self.batch, &self.window, &mut self.sums);
    }

    /// The participant's connection in `role`, made when it is missing.
    fn open(
        &mut self,
        id: u32,
        role: Role,
        now: Instant,
    ) -> Result<&mut Connection, ConnectionError> {
        let gone = || ConnectionError::Description("the participant has left".into());
        let slot = self.members.get_mut(&id).ok_or_else(gone)?.connection(role);
        if slot.is_none() {
            let connection = Connection::new(self.local, now)?;
            self.poller.add(connection.socket(), to_token(id, role))?;
            *slot = Some(connection);
        }
        slot.as_mut().ok_or_else(gone)
    }

    /// Offers `tracks`, each a new stream of the process.
    fn publish(
        &mut self,
        id: u32,
        tracks: &[NewTrack],
        now: Instant,
    ) -> Result<String, ConnectionError> {
        let (sdp, sections) = self.open(id, Role::Publisher, now)?.offer(tracks)?;
        let first = self.streams;
        self.streams += tracks.len() as u32;
        if let Some(member) = self.members.get_mut(&id) {
            for ((track, section), stream) in tracks.iter().zip(sections).zip(first..) {
                member.publish(Synthetic::new(stream, track.shape, now), section);
            }
        }
        Ok(sdp)
    }

    fn made(&self) -> impl Iterator<Item = (u32, u64)> {
        let publications = self.members.values().flat_map(|m| &m.publications);
        publications.map(|publication| {
            let synthetic = &publication.synthetic;
            (synthetic.stream(), synthetic.made())
        })
    }

    fn set_paused(&mut self, paused: bool) {
        let now = Instant::now();
        for member in self.members.values_mut() {
            member.set_paused(paused, now);
        }
    }

    fn open_window(&mut self) {
        self.window = self
            .made()
            .map(|(stream, made)| (stream, (made, None)))
            .collect();
        self.sums.most_behind = Duration::ZERO;
        self.set_paused(false);
    }

    fn close_window(&mut self) {
        let made: Vec<_> = self.made().collect();
        for (stream, made) in made {
            if let Some((_, until)) = self.window.get_mut(&stream) {
                until.get_or_insert(made);
            }
        }
        self.set_paused(true);
    }

    fn collect(&self) -> Totals {
        let ports: BTreeSet<u16> = self
            .members
            .values()
            .flat_map(Member::connections)
            .map(|connection| connection.socket().local_addr().port())
            .collect();
        let measured = |(from, until): &(u64, Option<u64>)| until.unwrap_or(*from) - from;
        let sent = self.batch.counters();
        Totals {
            receivers: self
                .members
                .iter()
                .filter(|(_, member)| member.is_receiver())
                .map(|(id, member)| (*id, self.count(member)))
                .collect(),
            published: self.window.values().map(measured).sum(),
            latency: self.sums.latency.clone(),
            keyframe_requests: self.sums.keyframe_requests,
            kernel_drops: kernel::udp_drops(&ports),
            unsent: sent.dropped_full + sent.failed,
            most_behind_ms: self.sums.most_behind.as_millis() as u64,
        }
    }

    /// What `member` got of all measured streams but its own.
    fn count(&self, member: &Member) -> Counted {
        let mut sum = Counted::default();
        for (stream, (from, until)) in &self.window {
            let own = |p: &super::member::Publication| p.synthetic.stream() == *stream;
            if member.publications.iter().any(own) {
                continue;
            }
            let until = until.unwrap_or(*from);
            let tally = member.tallies.get(stream);
            let counted = tally.map_or_else(
                || Counted {
                    expected: until - from,
                    ..Counted::default()
                },
                |tally| tally.count(*from, until),
            );
            sum.expected += counted.expected;
            sum.received += counted.received;
            sum.duplicate += counted.duplicate;
            sum.late += counted.late;
        }
        sum
    }
}

fn to_token(id: u32, role: Role) -> u64 {
    u64::from(id) << 1 | u64::from(role == Role::Publisher)
}

fn from_token(token: u64) -> (u32, Role) {
    let role = match token & 1 {
        1 => Role::Publisher,
        _ => Role::Subscriber,
    };
    ((token >> 1) as u32, role)
}
