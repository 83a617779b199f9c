//! Frames of the signaling connection: each is one message, as protobuf in a
//! binary frame or as its JSON in a text frame. The server answers in the form
//! in which the client wrote last.

use bytes::Bytes;
use livekit_protocol as proto;
use prost::Message as _;
use thiserror::Error;

use crate::request::Request;
use crate::response::Response;
use crate::wire::{self, fields};

/// Longest frame, as LiveKit has it: both as it comes and inflated.
pub const MAX_FRAME: usize = 2 << 20;

/// How messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// Protobuf in binary frames.
    #[default]
    Binary,
    /// Protobuf's JSON in text frames.
    Json,
}

/// A message as it goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// For a binary frame.
    Binary(Bytes),
    /// For a text frame.
    Text(String),
}

/// Why a frame is not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameError {
    /// Longer than [`MAX_FRAME`], or made of too many parts.
    #[error("the message is too large")]
    TooLarge,
    /// No message of this protocol.
    #[error("the message is malformed")]
    Malformed,
}

/// Reads a binary frame.
///
/// # Errors
/// When it is too large or no message.
pub fn decode_binary(frame: &[u8]) -> Result<Request, FrameError> {
    if frame.len() > MAX_FRAME || !fields::is_modest(frame) {
        return Err(FrameError::TooLarge);
    }
    let request = proto::SignalRequest::decode(frame).map_err(|_| FrameError::Malformed)?;
    wire::request::read_request(request).map_err(|_| FrameError::Malformed)
}

/// Reads a text frame.
///
/// # Errors
/// When it is too large or no message.
pub fn decode_text(frame: &str) -> Result<Request, FrameError> {
    if frame.len() > MAX_FRAME || !fields::is_modest_json(frame) {
        return Err(FrameError::TooLarge);
    }
    let request: proto::SignalRequest =
        serde_json::from_str(frame).map_err(|_| FrameError::Malformed)?;
    wire::request::read_request(request).map_err(|_| FrameError::Malformed)
}

/// Writes a message.
#[must_use]
pub fn encode(response: &Response, format: Format) -> Frame {
    let wire = wire::response::write_response(response);
    match format {
        Format::Binary => Frame::Binary(wire.encode_to_vec().into()),
        // It fails for numbers outside of an enumeration, which we write none of;
        // clients pass over an empty message.
        Format::Json => {
            Frame::Text(serde_json::to_string(&wire).unwrap_or_else(|_| "{}".to_owned()))
        }
    }
}
