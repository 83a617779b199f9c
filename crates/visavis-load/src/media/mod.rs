//! The media of all participants, on one thread of its own: sockets, str0m
//! instances, synthetic streams, and the counting of what arrives.

mod connection;
mod member;
mod worker;

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::thread::JoinHandle;

use thiserror::Error;
use tokio::sync::{mpsc, oneshot};
use visavis_net::Waker;

use crate::synthetic::Shape;
use crate::tally::{Counted, Histogram};

/// Commands that may wait: each participant has a handful under way, and the
/// thread takes them between batches. A full mailbox makes signaling wait.
const COMMANDS: usize = 1_024;
/// Events that may wait for one participant's signaling: answers to the offers
/// of a room that fills up, which it passes on at once.
const EVENTS: usize = 128;

/// Which of a participant's two PeerConnections, from its own viewpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It sends; offers come from us.
    Publisher,
    /// It receives; offers come from the server.
    Subscriber,
}

/// A track to publish.
#[derive(Debug, Clone)]
pub struct NewTrack {
    /// Our name for it, which its media section repeats.
    pub cid: String,
    /// What it is made of.
    pub shape: Shape,
}

/// What a participant must have before it counts as joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wants {
    /// Different streams it must hear from.
    pub streams: usize,
    /// Tracks of its own it must be sending.
    pub tracks: usize,
}

/// What the media thread is told.
#[derive(Debug)]
pub enum Command {
    /// A participant comes.
    Add {
        /// Its number in the process.
        id: u32,
        /// When it counts as joined.
        wants: Wants,
        /// Who hears of it.
        events: mpsc::Sender<MediaEvent>,
    },
    /// The server's offer for the subscriber side.
    Offer {
        /// The participant.
        id: u32,
        /// The offer.
        sdp: String,
        /// Its number, which the answer repeats.
        offer_id: u32,
    },
    /// Make the publisher side and offer these tracks.
    Publish {
        /// The participant.
        id: u32,
        /// The tracks.
        tracks: Vec<NewTrack>,
    },
    /// The server's answer for the publisher side.
    Answer {
        /// The participant.
        id: u32,
        /// The answer.
        sdp: String,
    },
    /// One of the server's ICE candidates.
    Candidate {
        /// The participant.
        id: u32,
        /// For which side.
        role: Role,
        /// The candidate attribute's value.
        candidate: String,
    },
    /// A participant goes.
    Remove {
        /// The participant.
        id: u32,
    },
    /// Publishers fall silent.
    Pause,
    /// Publishers send, and what they send is measured.
    OpenWindow,
    /// Publishers fall silent, and nothing more is measured.
    CloseWindow,
    /// Say what was counted.
    Collect(oneshot::Sender<Totals>),
}

/// What a participant's signaling is told.
#[derive(Debug)]
pub enum MediaEvent {
    /// A description to send to the server.
    Description {
        /// For which side: publishers offer, subscribers answer.
        role: Role,
        /// The description.
        sdp: String,
        /// The offer's number.
        id: u32,
    },
    /// All that was wanted flows.
    Flowing,
    /// Its media can't go on.
    Failed(String),
}

/// What was counted.
#[derive(Debug, Clone, Default)]
pub struct Totals {
    /// For each participant that is to receive: what became of the packets of
    /// all streams it was to get.
    pub receivers: BTreeMap<u32, Counted>,
    /// Packets published within the window, all streams.
    pub published: u64,
    /// From sending to receiving, of packets in the window.
    pub latency: Histogram,
    /// Keyframe requests that publishers got.
    pub keyframe_requests: u64,
    /// Datagrams that the kernel dropped before we read them: ours, not the
    /// server's loss.
    pub kernel_drops: u64,
    /// Datagrams that we could not send.
    pub unsent: u64,
    /// The most that a published frame was behind its time, milliseconds.
    pub most_behind_ms: u64,
}

/// The media thread is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the media thread has ended")]
pub struct MediaGone;

/// A handle to the media thread; it ends when the last one is dropped.
#[derive(Debug, Clone)]
pub struct Media {
    commands: mpsc::Sender<Command>,
    waker: Waker,
}

impl Media {
    /// Starts the thread. Sockets are bound to `local`.
    ///
    /// # Errors
    /// When the system has no thread or descriptor left.
    pub fn start(local: IpAddr) -> io::Result<(Self, JoinHandle<io::Result<()>>)> {
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let worker = worker::Worker::new(local, inbox)?;
        let waker = worker.waker();
        let thread = std::thread::Builder::new()
            .name("media".into())
            .spawn(move || worker.run())?;
        Ok((Self { commands, waker }, thread))
    }

    /// A mailbox for one participant's events.
    #[must_use]
    pub fn mailbox() -> (mpsc::Sender<MediaEvent>, mpsc::Receiver<MediaEvent>) {
        mpsc::channel(EVENTS)
    }

    /// Tells the thread something, waiting for room in its mailbox.
    ///
    /// # Errors
    /// When the thread has ended.
    pub async fn tell(&self, command: Command) -> Result<(), MediaGone> {
        self.commands.send(command).await.map_err(|_| MediaGone)?;
        self.waker.wake();
        Ok(())
    }

    /// Asks what was counted so far.
    ///
    /// # Errors
    /// When the thread has ended.
    pub async fn collect(&self) -> Result<Totals, MediaGone> {
        let (reply, totals) = oneshot::channel();
        self.tell(Command::Collect(reply)).await?;
        totals.await.map_err(|_| MediaGone)
    }
}
