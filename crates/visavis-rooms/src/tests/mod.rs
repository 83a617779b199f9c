use std::time::Instant;

use crate::*;

mod joining;
mod media;
mod people;
mod permission;
mod speakers;

pub(super) fn rooms(config: RoomsConfig) -> Rooms {
    let mut count = 0u8;
    let ids = IdSource::new(move |octets| {
        count += 1;
        octets.fill(0);
        octets[0] = count % 32;
        octets[1] = count / 32;
    });
    Rooms::new(config, ids)
}

pub(super) fn request(identity: &str) -> JoinRequest {
    JoinRequest {
        room: "daily".into(),
        identity: identity.into(),
        grants: Grants {
            room_join: true,
            room: "daily".into(),
            ..Grants::default()
        },
        auto_subscribe: true,
        ..JoinRequest::default()
    }
}

pub(super) fn join(rooms: &mut Rooms, identity: &str) -> ParticipantSid {
    rooms
        .join(request(identity), Instant::now())
        .unwrap()
        .participant
        .sid
}

pub(super) fn drain(rooms: &mut Rooms) -> Vec<Output> {
    std::iter::from_fn(|| rooms.poll_output()).collect()
}

pub(super) fn camera(cid: &str) -> NewTrack {
    NewTrack {
        cid: cid.into(),
        kind: TrackKind::Video,
        source: Source::Camera,
        width: 1280,
        height: 720,
        ..NewTrack::default()
    }
}

pub(super) fn publish(rooms: &mut Rooms, sid: &ParticipantSid, cid: &str) -> TrackSid {
    rooms.add_track(sid, camera(cid)).unwrap();
    rooms
        .handle_media(sid, cid, TrackKind::Video, "video/VP8")
        .unwrap()
        .unwrap()
}

/// The infos that `to` was told of.
pub(super) fn told<'a>(outputs: &'a [Output], to: &ParticipantSid) -> Vec<&'a ParticipantInfo> {
    let mut infos = Vec::new();
    for output in outputs {
        if let Output::Notify(sid, Notice::Participants(list)) = output
            && sid == to
        {
            infos.extend(list);
        }
    }
    infos
}
