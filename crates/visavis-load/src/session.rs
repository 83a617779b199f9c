//! One participant's signaling: LiveKit's protocol over a WebSocket, with two
//! PeerConnections.

use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use livekit_protocol as proto;
use prost::Message as _;
use proto::signal_request::Message as Request;
use proto::signal_response::Message as Response;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Interval, interval, timeout};
use tokio_tungstenite::tungstenite::{self, Error as WsError, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::media::{Command, Media, MediaEvent, MediaGone, NewTrack, Role, Wants};
use crate::synthetic::Shape;
use crate::target::Target;

/// How often the server is told that we live: what its `ping_interval` says by
/// default.
const PING: Duration = Duration::from_secs(5);
/// How long the server's answer to our leaving is awaited.
const GOODBYE: Duration = Duration::from_secs(2);
/// The protocol version we speak; without negotiated data channels.
const PROTOCOL: u32 = 16;
/// Characters of a refusal that are shown.
const REFUSAL_LEN: usize = 200;

/// Why a participant did not get in, or did not stay.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SessionError {
    /// No WebSocket.
    #[error("no connection: {0}")]
    Connect(String),
    /// The server said no, with this HTTP status and text.
    #[error("refused with status {0}: {1}")]
    Refused(u16, String),
    /// The server sent something that is not its protocol.
    #[error("the server's message can't be read: {0}")]
    Protocol(String),
    /// The server ended the session, for this reason.
    #[error("the server ended the session: {0}")]
    Ended(String),
    /// The WebSocket closed without a word.
    #[error("the WebSocket was closed")]
    Closed,
    /// Not everything that was wanted flowed in time.
    #[error("not joined in time: {0}")]
    TimedOut(&'static str),
    /// The PeerConnections can't go on.
    #[error("{0}")]
    Media(String),
}

impl From<MediaGone> for SessionError {
    fn from(error: MediaGone) -> Self {
        Self::Media(error.to_string())
    }
}

/// Who joins, and what for.
#[derive(Debug, Clone)]
pub struct Participant {
    /// Its number in the process.
    pub id: u32,
    /// Its access token.
    pub token: String,
    /// What it publishes.
    pub shapes: Vec<Shape>,
    /// Streams of others that it must hear from to count as joined; without
    /// any it subscribes to none.
    pub wants_streams: usize,
}

/// A participant in the room.
pub struct Session {
    id: u32,
    socket: WebSocketStream<TcpStream>,
    media: Media,
    events: mpsc::Receiver<MediaEvent>,
    ping: Interval,
    pings: i64,
    /// Tracks that the server has not acknowledged.
    unpublished: usize,
    tracks: Vec<NewTrack>,
    stage: &'static str,
}

/// What woke a session.
enum Woken {
    Socket(Option<Result<Message, WsError>>),
    Media(Option<MediaEvent>),
    Ping,
}

impl Session {
    /// Connects and waits until everything that `participant` wants flows; how
    /// long that took.
    ///
    /// # Errors
    /// When it does not come to that within `patience`. The participant is gone
    /// then.
    pub async fn join(
        target: Target,
        participant: Participant,
        media: &Media,
        patience: Duration,
    ) -> Result<(Self, Duration), SessionError> {
        let start = Instant::now();
        let id = participant.id;
        let mut stage = "no answer from the server";
        let joined = timeout(patience, async {
            let mut session = Self::connect(target, participant, media).await?;
            while !session.step().await? {
                stage = session.stage;
            }
            Ok(session)
        });
        let failure = match joined.await {
            Ok(Ok(session)) => return Ok((session, start.elapsed())),
            Ok(Err(error)) => error,
            Err(_) => SessionError::TimedOut(stage),
        };
        media.tell(Command::Remove { id }).await?;
        Err(failure)
    }

    async fn connect(
        target: Target,
        participant: Participant,
        media: &Media,
    ) -> Result<Self, SessionError> {
        let failed = |error: &dyn std::fmt::Display| SessionError::Connect(error.to_string());
        let stream = TcpStream::connect(target.address())
            .await
            .map_err(|error| failed(&error))?;
        // Signaling is small messages that somebody waits for.
        stream.set_nodelay(true).map_err(|error| failed(&error))?;
        let subscribes = participant.wants_streams > 0;
        let url = format!(
            "ws://{}/rtc?access_token={}&protocol={PROTOCOL}&sdk=rust&version={}&auto_subscribe={}",
            target.address(),
            participant.token,
            env!("CARGO_PKG_VERSION"),
            u8::from(subscribes),
        );
        let (socket, _) = client_async(url, stream)
            .await
            .map_err(|error| refused(error, &participant.token))?;
        let (mailbox, events) = Media::mailbox();
        let wants = Wants {
            streams: participant.wants_streams,
            tracks: participant.shapes.len(),
        };
        let id = participant.id;
        let add = Command::Add {
            id,
            wants,
            events: mailbox,
        };
        media.tell(add).await?;
        let name = |(at, shape)| NewTrack {
            cid: format!("load-{id}-{at}"),
            shape,
        };
        Ok(Self {
            id,
            socket,
            media: media.clone(),
            events,
            ping: interval(PING),
            pings: 0,
            unpublished: 0,
            tracks: participant
                .shapes
                .into_iter()
                .enumerate()
                .map(name)
                .collect(),
            stage: "no answer from the server",
        })
    }

    /// Takes part until `leave` resolves.
    ///
    /// # Errors
    /// When the session ends before.
    pub async fn stay(&mut self, leave: impl Future<Output = ()>) -> Result<(), SessionError> {
        tokio::pin!(leave);
        loop {
            tokio::select! {
                () = &mut leave => return Ok(()),
                stepped = self.step() => {
                    stepped?;
                }
            }
        }
    }

    /// Leaves as a client does: with a word, and waiting for the server to
    /// close.
    ///
    /// # Errors
    /// When the media thread has ended.
    pub async fn leave(mut self) -> Result<(), SessionError> {
        let leave = proto::LeaveRequest {
            reason: proto::DisconnectReason::ClientInitiated.into(),
            ..proto::LeaveRequest::default()
        };
        // The server may be gone already; then there is nobody to tell.
        if self.request(Request::Leave(leave)).await.is_ok() {
            _ = timeout(GOODBYE, async {
                _ = self.socket.close(None).await;
                while let Some(Ok(_)) = self.socket.next().await {}
            })
            .await;
        }
        let remove = Command::Remove { id: self.id };
        Ok(self.media.tell(remove).await?)
    }

    /// Handles one thing that happens; whether everything flows now.
    async fn step(&mut self) -> Result<bool, SessionError> {
        let woken = tokio::select! {
            message = self.socket.next() => Woken::Socket(message),
            event = self.events.recv() => Woken::Media(event),
            _ = self.ping.tick() => Woken::Ping,
        };
        match woken {
            Woken::Socket(None) => return Err(SessionError::Closed),
            Woken::Socket(Some(Err(error))) => return Err(refused(error, "")),
            Woken::Socket(Some(Ok(Message::Binary(bytes)))) => {
                let response = proto::SignalResponse::decode(&bytes[..])
                    .map_err(|error| SessionError::Protocol(error.to_string()))?;
                if let Some(message) = response.message {
                    self.handle(message).await?;
                }
            }
            // The library answers pings.
            Woken::Socket(Some(Ok(_))) => {}
            Woken::Media(None) => return Err(MediaGone.into()),
            Woken::Media(Some(MediaEvent::Flowing)) => return Ok(true),
            Woken::Media(Some(MediaEvent::Failed(why))) => return Err(SessionError::Media(why)),
            Woken::Media(Some(MediaEvent::Description { role, sdp, id })) => {
                self.describe(role, sdp, id).await?;
            }
            Woken::Ping => {
                self.pings += 1;
                let ping = proto::Ping {
                    timestamp: self.pings,
                    rtt: 0,
                };
                self.request(Request::PingReq(ping)).await?;
            }
        }
        Ok(false)
    }

    async fn handle(&mut self, message: Response) -> Result<(), SessionError> {
        let id = self.id;
        match message {
            Response::Join(_) => {
                self.stage = "no media";
                self.add_tracks().await?;
            }
            Response::Offer(offer) => {
                let (sdp, offer_id) = (offer.sdp, offer.id);
                let offer = Command::Offer { id, sdp, offer_id };
                self.media.tell(offer).await?;
            }
            Response::Answer(answer) => {
                let sdp = answer.sdp;
                self.media.tell(Command::Answer { id, sdp }).await?;
            }
            Response::Trickle(trickle) => {
                let role = match trickle.target() {
                    proto::SignalTarget::Publisher => Role::Publisher,
                    proto::SignalTarget::Subscriber => Role::Subscriber,
                };
                if let Some(candidate) = candidate_in(&trickle.candidate_init) {
                    let candidate = Command::Candidate {
                        id,
                        role,
                        candidate,
                    };
                    self.media.tell(candidate).await?;
                }
            }
            Response::TrackPublished(_) => {
                self.unpublished = self.unpublished.saturating_sub(1);
                if self.unpublished == 0 && !self.tracks.is_empty() {
                    let tracks = std::mem::take(&mut self.tracks);
                    self.media.tell(Command::Publish { id, tracks }).await?;
                }
            }
            Response::Leave(leave) => {
                return Err(SessionError::Ended(leave.reason().as_str_name().to_owned()));
            }
            // The rest informs people.
            _ => {}
        }
        Ok(())
    }

    /// Announces what will be published.
    async fn add_tracks(&mut self) -> Result<(), SessionError> {
        self.unpublished = self.tracks.len();
        for track in self.tracks.clone() {
            let video = matches!(track.shape, Shape::Video { .. });
            let (kind, source) = match video {
                true => (proto::TrackType::Video, proto::TrackSource::Camera),
                false => (proto::TrackType::Audio, proto::TrackSource::Microphone),
            };
            let (width, height) = if video { (1_280, 720) } else { (0, 0) };
            let add = proto::AddTrackRequest {
                cid: track.cid,
                name: "load".into(),
                r#type: kind.into(),
                source: source.into(),
                width,
                height,
                disable_red: true,
                ..proto::AddTrackRequest::default()
            };
            self.request(Request::AddTrack(add)).await?;
        }
        Ok(())
    }

    async fn describe(&mut self, role: Role, sdp: String, id: u32) -> Result<(), SessionError> {
        let description = |kind: &str| proto::SessionDescription {
            r#type: kind.into(),
            sdp,
            id,
            ..proto::SessionDescription::default()
        };
        let request = match role {
            Role::Publisher => Request::Offer(description("offer")),
            Role::Subscriber => Request::Answer(description("answer")),
        };
        self.request(request).await
    }

    async fn request(&mut self, message: Request) -> Result<(), SessionError> {
        let request = proto::SignalRequest {
            message: Some(message),
        };
        let bytes = request.encode_to_vec();
        let sent = self.socket.send(Message::Binary(bytes.into())).await;
        sent.map_err(|_| SessionError::Closed)
    }
}

/// The candidate attribute within a trickled `RTCIceCandidateInit` (JSON).
fn candidate_in(init: &str) -> Option<String> {
    let init: serde_json::Value = serde_json::from_str(init).ok()?;
    let candidate = init.get("candidate")?.as_str()?;
    (!candidate.is_empty()).then(|| candidate.to_owned())
}

/// What a failed connection means. Servers repeat the token in their refusal: it
/// is taken out.
fn refused(error: WsError, token: &str) -> SessionError {
    match error {
        WsError::Http(response) => {
            let body = response.body().as_deref().unwrap_or_default();
            let text = String::from_utf8_lossy(body);
            let text = if token.is_empty() {
                text.into_owned()
            } else {
                text.replace(token, "(token)")
            };
            let text = text.trim().chars().take(REFUSAL_LEN).collect();
            SessionError::Refused(response.status().as_u16(), text)
        }
        WsError::ConnectionClosed
        | WsError::AlreadyClosed
        | WsError::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => {
            SessionError::Closed
        }
        other => SessionError::Connect(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_read_from_what_browsers_and_servers_trickle() {
        let init = r#"{"candidate":"candidate:1 1 udp 1 127.0.0.1 9 typ host","sdpMid":"0"}"#;
        let expected = "candidate:1 1 udp 1 127.0.0.1 9 typ host";
        assert_eq!(candidate_in(init).as_deref(), Some(expected));
        for none in ["", "{}", r#"{"candidate":""}"#, r#"{"candidate":7}"#] {
            assert_eq!(candidate_in(none), None, "{none}");
        }
    }
}
