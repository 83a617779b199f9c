//! The task that owns the control plane: queues in, queues out, and the clock.

use std::collections::HashMap;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use visavis_rooms::IdSource;
use visavis_shard::{MediaCommand, MediaEvent};
use visavis_signal::Response;

use super::config::ControlConfig;
use super::core::{Control, ControlOutput, Moment, SessionId};
use super::handle::{ControlHandle, Input, link};

/// Inputs that wait: enough for a room full of people who join at once. Beyond,
/// their connections wait.
const WAITING_INPUTS: usize = 1_024;

/// Where commands for the media threads go.
pub type MediaSink = Box<dyn FnMut(MediaCommand) + Send>;

/// Starts the control plane on the current runtime. It ends after
/// [`ControlHandle::shutdown`], or when all handles and links are dropped.
///
/// A panic that is nobody's in particular ends the process: rooms that may be
/// half-changed serve nobody, and whoever started it starts it again.
///
/// `ids` makes the names of rooms, participants and tracks; `media` takes
/// commands, `events` brings what the media threads tell.
#[must_use]
pub fn start(
    config: ControlConfig,
    ids: IdSource,
    media: MediaSink,
    events: mpsc::Receiver<MediaEvent>,
) -> ControlHandle {
    let (inputs, waiting) = mpsc::channel(WAITING_INPUTS);
    let task = Task {
        control: Control::new(config, ids),
        sessions: HashMap::new(),
        media,
        // Weak: the task must not keep itself alive.
        inputs: inputs.downgrade(),
    };
    let running = tokio::spawn(task.run(waiting, events));
    tokio::spawn(async move {
        if running.await.is_err_and(|error| error.is_panic()) {
            std::process::abort();
        }
    });
    ControlHandle::new(inputs)
}

struct Task {
    control: Control,
    sessions: HashMap<SessionId, mpsc::Sender<Response>>,
    media: MediaSink,
    inputs: mpsc::WeakSender<Input>,
}

impl Task {
    async fn run(mut self, mut inputs: mpsc::Receiver<Input>, events: mpsc::Receiver<MediaEvent>) {
        let mut events = Some(events);
        loop {
            let due = self.control.poll_timeout();
            tokio::select! {
                input = inputs.recv() => match input {
                    None => return,
                    Some(Input::Shutdown(done)) => {
                        self.control.shutdown(now());
                        self.drain();
                        // Whoever asked may have gone.
                        let _ = done.send(());
                        return;
                    }
                    Some(input) => self.handle(input),
                },
                event = next(&mut events) => match event {
                    // Without media threads, signaling still says so.
                    None => events = None,
                    Some(event) => self.control.handle_media(event, now()),
                },
                () = sleep_until(due) => self.control.handle_timeout(now()),
            }
            self.drain();
        }
    }

    fn handle(&mut self, input: Input) {
        let now = now();
        // Whoever asked may have gone meanwhile.
        match input {
            Input::Join(hello, reply) => {
                let Some(inputs) = self.inputs.upgrade() else {
                    return;
                };
                let joined = self.control.join(*hello, now).map(|session| {
                    let (link, responses) = link(session, inputs);
                    self.sessions.insert(session, responses);
                    link
                });
                let _ = reply.send(joined);
            }
            Input::Validate(hello, reply) => {
                let _ = reply.send(self.control.validate(&hello, now));
            }
            Input::Names(room, reply) => {
                let _ = reply.send(self.control.participant_names(&room));
            }
            Input::Request(session, request) => {
                self.control.handle_request(session, request, now);
            }
            Input::Lost(session) => {
                self.sessions.remove(&session);
                self.control.handle_signal_lost(session, now);
            }
            // The loop ends with it.
            Input::Shutdown(_) => {}
        }
    }

    /// Does what the control plane wants. A session whose queue is full takes too
    /// little: it is cut off, and can resume. (That makes more outputs, but fewer
    /// sessions.)
    fn drain(&mut self) {
        while let Some(output) = self.control.poll_output() {
            match output {
                ControlOutput::Media(command) => (self.media)(command),
                ControlOutput::Close(session) => drop(self.sessions.remove(&session)),
                ControlOutput::Respond(session, response) => {
                    let Some(responses) = self.sessions.get(&session) else {
                        continue;
                    };
                    match responses.try_send(response) {
                        Ok(()) => {}
                        // Its connection is gone, but what it said last (it may be
                        // its leave) is still to come, and then its loss.
                        Err(TrySendError::Closed(_)) => drop(self.sessions.remove(&session)),
                        Err(TrySendError::Full(_)) => {
                            tracing::debug!(?session, "a client takes too little; it is cut off");
                            self.sessions.remove(&session);
                            self.control.handle_signal_lost(session, now());
                        }
                    }
                }
            }
        }
    }
}

async fn next(events: &mut Option<mpsc::Receiver<MediaEvent>>) -> Option<MediaEvent> {
    match events {
        Some(events) => events.recv().await,
        None => std::future::pending().await,
    }
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

fn now() -> Moment {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH);
    let unix_ms = unix.map_or(0, |unix| {
        u64::try_from(unix.as_millis()).unwrap_or(u64::MAX)
    });
    Moment {
        instant: Instant::now(),
        unix_ms,
    }
}
