//! How the rest of the server speaks with the control plane.

use thiserror::Error;
use tokio::sync::{mpsc, oneshot};
use visavis_rooms::JoinError;
use visavis_signal::token::Claims;
use visavis_signal::{JoinParams, Request, Response};

use super::core::SessionId;

/// Requests of one client that wait to be handled: a browser sends a dozen at
/// once when it joins with camera and microphone.
const WAITING_REQUESTS: usize = 64;
/// Responses that wait for one client. One whose connection takes no more than
/// this is cut off, and resumes; a room of 500 sends everybody one for each who
/// comes.
const WAITING_RESPONSES: usize = 1_024;

/// Somebody at the door, its token already verified.
#[derive(Debug, Clone)]
pub struct Hello {
    /// What its token says.
    pub claims: Claims,
    /// The key that its token is signed with; later tokens are signed with it too.
    pub api_key: String,
    /// The room that it wants to enter.
    pub room: String,
    /// What its client says.
    pub params: JoinParams,
}

/// The control plane's end of a signaling connection.
#[derive(Debug)]
pub struct SessionLink {
    /// What the client asks. Dropping it means that the connection is lost.
    pub requests: mpsc::Sender<Request>,
    /// What the client is told, in order. When it ends, the connection is to be
    /// closed (code 1000, RFC 6455 section 7.4.1).
    pub responses: mpsc::Receiver<Response>,
}

/// Why somebody is not let in.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JoinRefused {
    /// The rooms do not allow it.
    #[error(transparent)]
    Rooms(#[from] JoinError),
    /// The server stops, or has more to do than it can.
    #[error("the server is not available")]
    Unavailable,
}

impl JoinRefused {
    /// The HTTP status (RFC 9110 section 15) that says it; the text is
    /// [`Display`](std::fmt::Display).
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Rooms(JoinError::NotAllowed | JoinError::OwnMetadata) => 401,
            Self::Rooms(JoinError::RoomNotFound) => 404,
            Self::Rooms(JoinError::Full) => 403,
            Self::Rooms(JoinError::Invalid(_)) => 400,
            Self::Unavailable => 503,
        }
    }
}

/// What the task is asked.
pub(super) enum Input {
    Join(
        Box<Hello>,
        oneshot::Sender<Result<SessionLink, JoinRefused>>,
    ),
    Validate(Box<Hello>, oneshot::Sender<Result<(), JoinRefused>>),
    Names(String, oneshot::Sender<Vec<String>>),
    Request(SessionId, Request),
    Lost(SessionId),
    Shutdown(oneshot::Sender<()>),
}

/// Speaks with the control plane; cheap to clone.
#[derive(Debug, Clone)]
pub struct ControlHandle {
    inputs: mpsc::Sender<Input>,
}

impl ControlHandle {
    pub(super) fn new(inputs: mpsc::Sender<Input>) -> Self {
        Self { inputs }
    }

    /// Lets somebody in, or back in.
    ///
    /// # Errors
    /// When its token, the room or the server's state do not allow it. A session
    /// that can't be resumed is no error: its client is told so by a message.
    pub async fn join(&self, hello: Hello) -> Result<SessionLink, JoinRefused> {
        self.ask(|reply| Input::Join(Box::new(hello), reply))
            .await
            .unwrap_or(Err(JoinRefused::Unavailable))
    }

    /// Whether somebody would be let in.
    ///
    /// # Errors
    /// As [`join`](Self::join).
    pub async fn validate(&self, hello: Hello) -> Result<(), JoinRefused> {
        self.ask(|reply| Input::Validate(Box::new(hello), reply))
            .await
            .unwrap_or(Err(JoinRefused::Unavailable))
    }

    /// The names of those who are announced in a room (the identity where there
    /// is no name), in the order of their arrival; empty when there is no room.
    pub async fn participant_names(&self, room: String) -> Vec<String> {
        self.ask(|reply| Input::Names(room, reply))
            .await
            .unwrap_or_default()
    }

    /// How many are announced in a room.
    pub async fn participants(&self, room: String) -> usize {
        self.participant_names(room).await.len()
    }

    /// Takes leave of everybody and ends the control plane; returns once all
    /// messages are handed over. A second call returns at once.
    pub async fn shutdown(&self) {
        let _ended = self.ask(Input::Shutdown).await;
    }

    /// Returns when the control plane is over.
    pub async fn ended(&self) {
        self.inputs.closed().await;
    }

    async fn ask<T>(&self, input: impl FnOnce(oneshot::Sender<T>) -> Input) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.inputs.send(input(reply)).await.ok()?;
        answer.await.ok()
    }
}

/// Connects a new session: the link for its connection, and where to put its
/// responses. Its requests come to `inputs` from now on.
pub(super) fn link(
    session: SessionId,
    inputs: mpsc::Sender<Input>,
) -> (SessionLink, mpsc::Sender<Response>) {
    let (requests, mut asked) = mpsc::channel(WAITING_REQUESTS);
    let (told, responses) = mpsc::channel(WAITING_RESPONSES);
    tokio::spawn(async move {
        while let Some(request) = asked.recv().await {
            if inputs.send(Input::Request(session, request)).await.is_err() {
                return;
            }
        }
        // Nobody listens any more when the whole control plane has ended.
        let _ = inputs.send(Input::Lost(session)).await;
    });
    let link = SessionLink {
        requests,
        responses,
    };
    (link, told)
}
