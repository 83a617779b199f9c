//! Participants of one run: made, joined at a rate, and told to leave.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use visavis_rooms::Grants;
use visavis_signal::token::{self, Claims};

use crate::LoadError;
use crate::media::Media;
use crate::options::Options;
use crate::session::{Participant, Session, SessionError};
use crate::synthetic::Shape;

/// How long tokens are valid: the longest run, and some.
const TOKEN_SECONDS: u64 = 6 * 3_600;

/// What all participants of a run have in common.
pub(crate) struct Room<'a> {
    pub(crate) options: &'a Options,
    pub(crate) media: Media,
    /// What each publisher sends.
    pub(crate) shapes: Vec<Shape>,
}

/// Participants of which some have joined.
pub(crate) struct Crowd {
    tasks: JoinSet<Result<(), SessionError>>,
    leave: watch::Sender<bool>,
    /// How long each one that joined took.
    pub(crate) joined: BTreeMap<u32, Duration>,
    /// Why others did not, or did not stay.
    pub(crate) failures: Vec<SessionError>,
}

impl Room<'_> {
    /// A participant with its token.
    pub(crate) fn participant(
        &self,
        id: u32,
        publishes: bool,
        wants_streams: usize,
    ) -> Result<Participant, LoadError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default().as_secs();
        let claims = Claims {
            identity: format!("load-{id}"),
            name: format!("Load {id}"),
            expires: now + TOKEN_SECONDS,
            grants: Grants {
                room_join: true,
                room: self.options.room.clone(),
                ..Grants::default()
            },
            ..Claims::default()
        };
        let token = token::mint(&claims, &self.options.key, &self.options.secret, now)?;
        let shapes = if publishes {
            self.shapes.clone()
        } else {
            Vec::new()
        };
        Ok(Participant {
            id,
            token,
            shapes,
            wants_streams,
        })
    }

    /// Lets participants join, and waits until each has, or has failed.
    pub(crate) async fn join(&self, participants: Vec<Participant>) -> Crowd {
        let (leave, left) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let mut joined = BTreeMap::new();
        let mut failures = Vec::new();
        // As many as can join: nobody waits to say so.
        let (say, mut hear) = mpsc::channel(participants.len().max(1));
        let rate = self.options.joins_per_second;
        let start = Instant::now();
        let mut unheard = participants.len();
        for (at, participant) in (0u32..).zip(participants) {
            if rate > 0 {
                sleep_until(start + Duration::from_secs(1) * at / rate).await;
            }
            let (target, patience) = (self.options.target, self.options.patience);
            let (media, say, left) = (self.media.clone(), say.clone(), left.clone());
            tasks.spawn(async move {
                let id = participant.id;
                let session = Session::join(target, participant, &media, patience).await;
                let (outcome, session) = match session {
                    Ok((session, took)) => (Ok((id, took)), Some(session)),
                    Err(error) => (Err(error), None),
                };
                // The room hears of everyone unless it was given up.
                _ = say.send(outcome).await;
                match session {
                    Some(session) => stay(session, left).await,
                    None => Ok(()),
                }
            });
        }
        while unheard > 0 {
            match hear.recv().await {
                Some(Ok((id, took))) => _ = joined.insert(id, took),
                Some(Err(error)) => failures.push(error),
                None => break,
            }
            unheard -= 1;
        }
        Crowd {
            tasks,
            leave,
            joined,
            failures,
        }
    }
}

async fn stay(mut session: Session, mut left: watch::Receiver<bool>) -> Result<(), SessionError> {
    let told = async {
        // No sender means that the run is over.
        _ = left.wait_for(|left| *left).await;
    };
    let stayed = session.stay(told).await;
    session.leave().await?;
    stayed
}

impl Crowd {
    /// Tells everyone to leave, and waits until they have; with all failures,
    /// those of participants that did not stay included.
    pub(crate) async fn leave(mut self) -> Vec<SessionError> {
        self.leave.send_replace(true);
        while let Some(outcome) = self.tasks.join_next().await {
            match outcome {
                Ok(Ok(())) => {}
                Ok(Err(error)) => self.failures.push(error),
                Err(error) => self.failures.push(SessionError::Media(error.to_string())),
            }
        }
        self.failures
    }
}
