//! Who speaks, and who is told.

use std::time::{Duration, Instant};

use crate::api::{Loudness, Notice, Output, Speaker};
use crate::deadlines::Due;
use crate::ids::{ParticipantSid, TrackSid};
use crate::participant::{Participant, ParticipantInfo, ParticipantState};
use crate::rooms::Rooms;
use crate::track::{Source, TrackKind};

/// Between two messages about speakers in a room: eyes see no faster change of
/// who is framed, and LiveKit has it so.
const INTERVAL: Duration = Duration::from_millis(400);
/// Levels from which a participant speaks: -35 dB below full scale, LiveKit's
/// threshold.
const SPEAKS: u8 = 127 - 35;
/// Levels from which one that speaks still does: a pause between two words is no
/// end.
const STILL_SPEAKS: u8 = SPEAKS - 6;
/// Full scale.
const LOUDEST: u8 = 127;

/// How loud a participant is, and what others know of it.
#[derive(Debug, Default)]
pub(crate) struct Voice {
    /// The audio tracks that are not silent; no more than it has published.
    levels: Vec<(TrackSid, u8)>,
    told: Loudness,
}

impl Voice {
    fn set(&mut self, track: &TrackSid, level: u8) {
        self.levels.retain(|(other, _)| other != track);
        if level > 0 {
            self.levels.push((track.clone(), level));
        }
    }

    fn loudness(&self) -> Loudness {
        let level = self.levels.iter().map(|(_, level)| *level).max();
        let level = level.unwrap_or(0).min(LOUDEST);
        let threshold = if self.told.active {
            STILL_SPEAKS
        } else {
            SPEAKS
        };
        if level < threshold {
            return Loudness::default();
        }
        // The amplitude, of which each step of the level is a decibel.
        let amplitude = 10f32.powf((f32::from(level) - f32::from(LOUDEST)) / 20.0);
        Loudness {
            // Within 1 to 8.
            eighths: (amplitude * 8.0).ceil() as u8,
            active: true,
        }
    }
}

impl Rooms {
    /// How loud an audio track is, 0 (silent) to 127 (full scale). Others are
    /// told at most every 400 ms of what has changed. A shared screen's sound
    /// is nobody's voice.
    pub fn handle_level(&mut self, track: &TrackSid, level: u8, now: Instant) {
        let Some(publisher) = self.publishers.get(track).cloned() else {
            return;
        };
        let Ok(participant) = self.participant_mut(&publisher) else {
            return;
        };
        let counts = participant.info.tracks.iter().any(|info| {
            info.sid == *track
                && is_voice(info.announced.kind, info.announced.source)
                && !info.muted
        });
        if counts {
            participant.voice.set(track, level);
            self.note_speaker(&publisher, Some(now));
        }
    }

    /// A track is silent from now on.
    pub(crate) fn silence(&mut self, publisher: &ParticipantSid, track: &TrackSid) {
        if let Ok(participant) = self.participant_mut(publisher) {
            participant.voice.set(track, 0);
            self.note_speaker(publisher, None);
        }
    }

    /// Sees to it that others are told when the loudness is not what they know:
    /// as soon as the interval allows, which is at once when it is over `now`.
    fn note_speaker(&mut self, sid: &ParticipantSid, now: Option<Instant>) {
        let Some(name) = self.places.get(sid).cloned() else {
            return;
        };
        let Some(room) = self.rooms.get_mut(&name) else {
            return;
        };
        let Some(participant) = room.participants.get(sid) else {
            return;
        };
        if participant.voice.loudness() == participant.voice.told {
            return;
        }
        room.speakers_changed.insert(sid.clone());
        // Who was never told of anybody has nothing to be told without a level.
        let next = room.speakers_told.map(|at| at + INTERVAL).or(now);
        match now {
            Some(now) if next.is_none_or(|next| next <= now) => self.tell_speakers(&name, now),
            _ => self.deadlines.set(Due::Speakers(name), next),
        }
    }

    /// Tells what has changed to those who hear it, and to the speakers.
    pub(crate) fn tell_speakers(&mut self, name: &str, now: Instant) {
        self.deadlines.set(Due::Speakers(name.to_owned()), None);
        let Some(room) = self.rooms.get_mut(name) else {
            return;
        };
        let mut changed = Vec::new();
        for sid in std::mem::take(&mut room.speakers_changed) {
            let Some(participant) = room.participants.get_mut(&sid) else {
                continue;
            };
            let loudness = participant.voice.loudness();
            if loudness != participant.voice.told {
                participant.voice.told = loudness;
                changed.push((speaker(participant), voices(&participant.info)));
            }
        }
        if changed.is_empty() {
            return;
        }
        room.speakers_told = Some(now);
        for receiver in room.participants.values() {
            let heard: Vec<Speaker> = changed
                .iter()
                .filter(|(speaker, tracks)| hears(receiver, speaker, tracks))
                .map(|(speaker, _)| speaker.clone())
                .collect();
            if !heard.is_empty() {
                let notice = Notice::Speakers(heard);
                let to = receiver.info.sid.clone();
                self.outputs.push_back(Output::Notify(to, notice));
            }
        }
    }

    /// A track ends: whoever hears it is told now that it is silent, because
    /// nobody will hear it later.
    pub(crate) fn end_voice(&mut self, publisher: &ParticipantSid, track: &TrackSid) {
        let Some(room) = self.room_of_mut(publisher) else {
            return;
        };
        let Some(participant) = room.participants.get_mut(publisher) else {
            return;
        };
        participant.voice.set(track, 0);
        let loudness = participant.voice.loudness();
        if loudness == participant.voice.told {
            return;
        }
        participant.voice.told = loudness;
        let speaker = speaker(participant);
        let track = [track.clone()];
        let mut notices = Vec::new();
        for receiver in room.participants.values() {
            let gone = receiver.info.state == ParticipantState::Disconnected;
            if !gone && hears(receiver, &speaker, &track) {
                let notice = Notice::Speakers(vec![speaker.clone()]);
                notices.push(Output::Notify(receiver.info.sid.clone(), notice));
            }
        }
        self.outputs.extend(notices);
    }

    /// Who begins to hear a track learns whether it is somebody speaking.
    pub(crate) fn introduce_voice(&mut self, subscriber: &ParticipantSid, track: &TrackSid) {
        let Some(publisher) = self.publishers.get(track).cloned() else {
            return;
        };
        let Ok(participant) = self.participant_mut(&publisher) else {
            return;
        };
        if participant.voice.told.active && voices(&participant.info).contains(track) {
            let notice = Notice::Speakers(vec![speaker(participant)]);
            self.outputs
                .push_back(Output::Notify(subscriber.clone(), notice));
        }
    }
}

fn is_voice(kind: TrackKind, source: Source) -> bool {
    kind == TrackKind::Audio && source != Source::ScreenShareAudio
}

fn voices(info: &ParticipantInfo) -> Vec<TrackSid> {
    let tracks = info.tracks.iter();
    tracks
        .filter(|track| is_voice(track.announced.kind, track.announced.source))
        .map(|track| track.sid.clone())
        .collect()
}

fn speaker(participant: &Participant) -> Speaker {
    Speaker {
        participant: participant.info.sid.clone(),
        loudness: participant.voice.told,
    }
}

fn hears(receiver: &Participant, speaker: &Speaker, tracks: &[TrackSid]) -> bool {
    receiver.info.sid == speaker.participant
        || tracks
            .iter()
            .any(|track| receiver.subscribed.contains(track))
}
