//! One signaling connection: frames here, messages there.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use tokio::time::{Instant, interval_at, timeout};
use visavis_signal::{
    Format, Frame, FrameError, MAX_FRAME, Request, decode_binary, decode_text, encode,
};

use crate::control::SessionLink;

/// Longest message of a client.
pub(super) const MAX_MESSAGE: usize = MAX_FRAME;
/// Read at a time; most messages are shorter, and every connection holds it.
pub(super) const READ_BUFFER: usize = 8 << 10;
/// The client waits so long for its first message.
const FIRST: Duration = Duration::from_secs(5);
/// How often the connection is tried, so that middle boxes keep it open.
const PING: Duration = Duration::from_secs(10);
/// Pings without any sign of life after which the connection is lost.
const MISSED: u32 = 4;
/// How long a message may take to leave: the queue behind it is bounded, and a
/// client that is so slow is better off with a new connection.
const SEND: Duration = Duration::from_secs(10);
/// How long the other side may take to say good-bye.
const CLOSE: Duration = Duration::from_secs(2);

/// Why it is over.
enum End {
    /// The session is over; the client has been told.
    Session,
    /// The connection does not work any more, or the client closed it.
    Lost,
    /// The client sent what no client sends.
    Refused(u16, &'static str),
}

/// Carries messages until the session or the connection is over. The session's
/// end is the connection's; the connection's end is only told to the session.
pub(super) async fn run(mut socket: WebSocket, mut link: SessionLink) {
    let (code, reason) = match carry(&mut socket, &mut link).await {
        End::Session => (close_code::NORMAL, ""),
        End::Lost => return,
        End::Refused(code, reason) => (code, reason),
    };
    // From here on the session knows that nobody listens.
    drop(link);
    let frame = CloseFrame {
        code,
        reason: reason.into(),
    };
    let goodbye = async {
        if socket.send(Message::Close(Some(frame))).await.is_ok() {
            // Until the other side has said it too, or is gone.
            while let Some(Ok(_)) = socket.recv().await {}
        }
    };
    // The connection is dropped either way.
    let _ = timeout(CLOSE, goodbye).await;
}

async fn carry(socket: &mut WebSocket, link: &mut SessionLink) -> End {
    let mut format = Format::default();
    match timeout(FIRST, link.responses.recv()).await {
        Ok(Some(response)) => {
            if !send(socket, into_message(encode(&response, format))).await {
                return End::Lost;
            }
        }
        Ok(None) => return End::Session,
        Err(_) => return End::Lost,
    }
    let mut ping = interval_at(Instant::now() + PING, PING);
    let mut missed = 0;
    loop {
        let out = tokio::select! {
            incoming = socket.recv() => {
                missed = 0;
                match incoming {
                    Some(Ok(Message::Close(_))) | None => return End::Lost,
                    Some(Ok(message)) => match read(&message, &mut format) {
                        Ok(Some(request)) => {
                            if link.requests.send(request).await.is_err() {
                                return End::Session;
                            }
                        }
                        Ok(None) => {}
                        Err(error) => return refused(error),
                    },
                    Some(Err(error)) => return failed(error),
                }
                continue;
            }
            response = link.responses.recv() => match response {
                Some(response) => into_message(encode(&response, format)),
                None => return End::Session,
            },
            _ = ping.tick() => {
                missed += 1;
                if missed > MISSED {
                    return End::Lost;
                }
                Message::Ping(Vec::new().into())
            }
        };
        if !send(socket, out).await {
            return End::Lost;
        }
    }
}

/// Whether the message left in time.
async fn send(socket: &mut WebSocket, message: Message) -> bool {
    matches!(timeout(SEND, socket.send(message)).await, Ok(Ok(())))
}

/// What a frame asks; answers take the form of the last one.
fn read(message: &Message, format: &mut Format) -> Result<Option<Request>, FrameError> {
    let request = match message {
        Message::Binary(frame) => {
            *format = Format::Binary;
            decode_binary(frame)?
        }
        Message::Text(frame) => {
            *format = Format::Json;
            decode_text(frame)?
        }
        Message::Ping(_) | Message::Pong(_) | Message::Close(_) => return Ok(None),
    };
    Ok(Some(request))
}

fn into_message(frame: Frame) -> Message {
    match frame {
        Frame::Binary(bytes) => Message::Binary(bytes),
        Frame::Text(text) => Message::Text(text.into()),
    }
}

fn refused(error: FrameError) -> End {
    match error {
        FrameError::TooLarge => End::Refused(close_code::SIZE, "the message is too large"),
        FrameError::Malformed => End::Refused(close_code::INVALID, "the message is malformed"),
    }
}

/// The library refuses what is too long before it is read.
fn failed(error: axum::Error) -> End {
    use std::error::Error as _;
    use tungstenite::Error;
    match error
        .source()
        .and_then(|cause| cause.downcast_ref::<Error>())
    {
        Some(Error::Capacity(_)) => refused(FrameError::TooLarge),
        Some(Error::Utf8(_)) => refused(FrameError::Malformed),
        Some(Error::Protocol(_)) => End::Refused(close_code::PROTOCOL, "not WebSocket"),
        _ => End::Lost,
    }
}
