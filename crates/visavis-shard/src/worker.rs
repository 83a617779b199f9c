//! The thread: sockets, a mailbox and a clock around [`Core`].

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;
use visavis_net::{Poller, Ready, RecvBatch, SendBatch, UdpSocket, Waker};
use visavis_rtp::ntp::NtpTime;

use crate::api::{MediaCommand, MediaEvent};
use crate::core::{Core, CoreConfig};
use crate::datagram::{DatagramSink, Incoming};

/// Commands that wait: each join makes a handful per participant in the room.
/// Whoever sends more waits until the thread has caught up.
const MAX_COMMANDS: usize = 4_096;
/// Batches read from one socket before commands and timers have their turn.
const BATCHES: usize = 8;
/// Commands done before the sockets have their turn.
const COMMANDS: usize = 256;
/// How soon events that found no room are offered again.
const EVENT_RETRY: Duration = Duration::from_millis(5);

/// A running media thread. Dropping it ends the thread.
#[derive(Debug)]
pub struct Shard {
    handle: ShardHandle,
    thread: Option<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
}

/// Sends commands to a media thread.
#[derive(Debug, Clone)]
pub struct ShardHandle {
    commands: SyncSender<MediaCommand>,
    waker: Waker,
}

impl ShardHandle {
    /// Hands over a command, waiting while the mailbox is full; the media thread
    /// itself never waits for anybody. Nothing happens once it has ended.
    pub fn send(&self, command: MediaCommand) {
        if self.commands.send(command).is_ok() {
            self.waker.wake();
        }
    }
}

impl Shard {
    /// Starts a media thread on sockets that are already bound. Events that find
    /// `events` full wait in the thread.
    ///
    /// # Errors
    /// When the system has no thread or descriptor to give.
    pub fn start(
        config: CoreConfig,
        sockets: Vec<UdpSocket>,
        events: Sender<MediaEvent>,
    ) -> io::Result<Self> {
        let poller = Poller::new()?;
        for (token, socket) in sockets.iter().enumerate() {
            poller.add(socket, token as u64)?;
        }
        let (sender, commands) = sync_channel(MAX_COMMANDS);
        let handle = ShardHandle {
            commands: sender,
            waker: poller.waker(),
        };
        let stop = Arc::new(AtomicBool::new(false));
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let mut worker = Worker {
            core: Core::new(config, Instant::now(), NtpTime::from_unix(wall)),
            poller,
            outlets: Outlets::new(sockets),
            receive: RecvBatch::default(),
            commands,
            events,
            unsent: None,
            stop: Arc::clone(&stop),
        };
        let thread = std::thread::Builder::new()
            .name("media".into())
            .spawn(move || worker.run())?;
        Ok(Self {
            handle,
            thread: Some(thread),
            stop,
        })
    }

    /// Whether the thread is over, which it is only after an error.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// For sending commands.
    #[must_use]
    pub fn handle(&self) -> ShardHandle {
        self.handle.clone()
    }
}

impl Drop for Shard {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.handle.waker.wake();
        if let Some(thread) = self.thread.take() {
            // A panic has been reported where it happened.
            let _ = thread.join();
        }
    }
}

struct Worker {
    core: Core,
    poller: Poller,
    outlets: Outlets,
    receive: RecvBatch,
    commands: Receiver<MediaCommand>,
    events: Sender<MediaEvent>,
    /// An event that found no room.
    unsent: Option<MediaEvent>,
    stop: Arc<AtomicBool>,
}

impl Worker {
    fn run(&mut self) {
        while !self.stop.load(Ordering::Acquire) {
            let timeout = self.timeout(Instant::now());
            let mut readable = 0u64;
            let waited = self.poller.wait(timeout, |ready| {
                if let Ready::Socket(token) = ready {
                    readable |= 1 << token;
                }
            });
            if let Err(error) = waited {
                tracing::error!(%error, "the media thread can't wait for its sockets");
                return;
            }
            for at in 0..self.outlets.sockets.len() {
                if readable & 1 << at != 0 {
                    self.receive(at);
                }
            }
            let more = self.take_commands();
            let now = Instant::now();
            self.core.handle_timeout(now, &mut self.outlets);
            self.core.flush(now, &mut self.outlets);
            self.outlets.flush();
            if !self.give_events() || !more {
                return;
            }
        }
    }

    fn timeout(&self, now: Instant) -> Option<Duration> {
        let due = self.core.poll_timeout();
        let until = due.map(|due| due.saturating_duration_since(now));
        match &self.unsent {
            Some(_) => Some(until.map_or(EVENT_RETRY, |until| until.min(EVENT_RETRY))),
            None => until,
        }
    }

    fn receive(&mut self, at: usize) {
        for _ in 0..BATCHES {
            let Some(outlet) = self.outlets.sockets.get(at) else {
                return;
            };
            match self.receive.receive(&outlet.socket) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) => return tracing::warn!(%error, "a media socket can't be read"),
            }
            let now = Instant::now();
            let (core, outlets) = (&mut self.core, &mut self.outlets);
            self.receive.for_each(|datagram| {
                let incoming = Incoming {
                    source: datagram.source,
                    local_ip: datagram.local_ip,
                    payload: datagram.payload,
                };
                core.handle_datagram(now, incoming, outlets);
            });
            core.flush(now, outlets);
            outlets.flush();
        }
    }

    /// Whether there is still somebody who gives commands.
    fn take_commands(&mut self) -> bool {
        for _ in 0..COMMANDS {
            match self.commands.try_recv() {
                Ok(command) => {
                    let now = Instant::now();
                    self.core.handle_command(now, command, &mut self.outlets);
                }
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
        // The rest after the sockets; the waker makes the next wait return.
        self.poller.waker().wake();
        true
    }

    /// Whether somebody still listens.
    fn give_events(&mut self) -> bool {
        while let Some(event) = self.unsent.take().or_else(|| self.core.poll_event()) {
            match self.events.try_send(event) {
                Ok(()) => {}
                Err(TrySendError::Full(event)) => {
                    self.unsent = Some(event);
                    return true;
                }
                Err(TrySendError::Closed(_)) => return false,
            }
        }
        true
    }
}

struct Outlet {
    socket: UdpSocket,
    batch: SendBatch,
}

/// The sockets, and what waits to be sent from each.
struct Outlets {
    sockets: Vec<Outlet>,
    /// Which one the datagram that was begun leaves from.
    open: usize,
}

impl Outlets {
    fn new(sockets: Vec<UdpSocket>) -> Self {
        let sockets = sockets.into_iter().map(|socket| Outlet {
            socket,
            batch: SendBatch::default(),
        });
        Self {
            sockets: sockets.collect(),
            open: 0,
        }
    }

    fn flush(&mut self) {
        for outlet in &mut self.sockets {
            outlet.batch.flush(&outlet.socket);
        }
    }

    /// The socket for a destination: bound to the address it must leave from, or
    /// to any of its family.
    fn choose(&self, destination: SocketAddr, source: Option<IpAddr>) -> Option<usize> {
        if self.sockets.len() == 1 {
            return Some(0);
        }
        let locals = || self.sockets.iter().map(|outlet| outlet.socket.local_addr());
        let same_family = |local: SocketAddr| local.is_ipv4() == destination.is_ipv4();
        // The IPv6 wildcard takes both.
        let any_family = |local: SocketAddr| local.is_ipv6() && local.ip().is_unspecified();
        locals()
            .position(|local| Some(local.ip()) == source)
            .or_else(|| locals().position(same_family))
            .or_else(|| locals().position(any_family))
    }
}

impl DatagramSink for Outlets {
    fn begin(&mut self, destination: SocketAddr, source: Option<IpAddr>) -> Option<&mut [u8]> {
        self.open = self.choose(destination, source)?;
        let outlet = self.sockets.get_mut(self.open)?;
        if outlet.batch.is_full() {
            outlet.batch.flush(&outlet.socket);
        }
        let slot = outlet.batch.begin(destination, source)?;
        Some(slot)
    }

    fn commit(&mut self, len: usize) {
        if let Some(outlet) = self.sockets.get_mut(self.open) {
            outlet.batch.commit(len);
        }
    }
}
