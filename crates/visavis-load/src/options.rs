//! What a run consists of.

use std::time::Duration;

use thiserror::Error;

use crate::synthetic::{MAX_PAYLOAD, MIN_PAYLOAD, Shape};
use crate::target::Target;

/// Most participants: descriptors and the one media thread have their limits.
pub const MAX_PARTICIPANTS: u32 = 1_000;
/// Longest measurement, seconds.
pub const MAX_SECONDS: u32 = 3_600;
/// Most rounds of joining and leaving.
pub const MAX_ROUNDS: u32 = 10_000;

/// Why a run can't be as asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OptionsError {
    /// A number is out of its range.
    #[error("{name} must be between {min} and {max}")]
    Range {
        /// Which.
        name: &'static str,
        /// The least.
        min: u64,
        /// The most.
        max: u64,
    },
    /// Bitrate, frame rate and packets do not fit together.
    #[error(
        "each video packet would have {0} octets of payload, which must be between \
         {MIN_PAYLOAD} and {MAX_PAYLOAD}: change the bitrate or the packets per frame"
    )]
    Payload(u64),
}

/// Joining and leaving again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Churn {
    /// How often.
    pub rounds: u32,
    /// How many participants each time; the first of them publish.
    pub joins: u32,
}

/// A run. [`check`](Self::check) says whether it is possible.
#[derive(Debug, Clone)]
pub struct Options {
    /// The server.
    pub target: Target,
    /// API key.
    pub key: String,
    /// Its secret.
    pub secret: String,
    /// The room's name.
    pub room: String,
    /// Participants that publish.
    pub publishers: u32,
    /// Participants that receive all that is published.
    pub subscribers: u32,
    /// Video bitrate of each publisher, bit/s of payload.
    pub video: u64,
    /// Frames a second.
    pub fps: u32,
    /// Packets of each frame.
    pub packets_per_frame: u32,
    /// Whether publishers send audio too.
    pub audio: bool,
    /// How long is measured.
    pub seconds: u32,
    /// A shell command that runs while publishers are silent before measuring:
    /// whoever counts packets independently begins here.
    pub before_window: Option<String>,
    /// Instead of measuring: joining and leaving.
    pub churn: Option<Churn>,
    /// Joins begun each second; 0: all at once.
    pub joins_per_second: u32,
    /// How long one participant may take to join.
    pub patience: Duration,
    /// The server's process, whose processor time and memory are looked at.
    pub server_pid: Option<u32>,
}

impl Options {
    /// What each publisher sends.
    ///
    /// # Errors
    /// When a number is out of range.
    pub fn check(&self) -> Result<Vec<Shape>, OptionsError> {
        let participants = self.publishers.saturating_add(self.subscribers);
        let limit = u64::from(MAX_PARTICIPANTS);
        in_range("publishers and subscribers", participants, 1..=limit)?;
        in_range("seconds", self.seconds, 1..=u64::from(MAX_SECONDS))?;
        in_range("fps", self.fps, 1..=240)?;
        in_range("packets per frame", self.packets_per_frame, 1..=64)?;
        in_range("joins per second", self.joins_per_second, 0..=1_000)?;
        if let Some(churn) = self.churn {
            in_range("rounds", churn.rounds, 1..=u64::from(MAX_ROUNDS))?;
            in_range("joins of a round", churn.joins, 1..=limit)?;
            in_range(
                "publishers of a round",
                self.publishers,
                0..=u64::from(churn.joins),
            )?;
        }
        let packets = u64::from(self.fps) * u64::from(self.packets_per_frame);
        let payload = self.video / 8 / packets;
        let fits = (MIN_PAYLOAD as u64..=MAX_PAYLOAD as u64).contains(&payload);
        if !fits {
            return Err(OptionsError::Payload(payload));
        }
        let video = Shape::Video {
            fps: self.fps,
            packets_per_frame: self.packets_per_frame,
            payload: payload as usize,
        };
        let audio = self.audio.then_some(Shape::Audio);
        Ok(audio.into_iter().chain([video]).collect())
    }
}

fn in_range(
    name: &'static str,
    value: u32,
    range: std::ops::RangeInclusive<u64>,
) -> Result<(), OptionsError> {
    if range.contains(&u64::from(value)) {
        return Ok(());
    }
    Err(OptionsError::Range {
        name,
        min: *range.start(),
        max: *range.end(),
    })
}
