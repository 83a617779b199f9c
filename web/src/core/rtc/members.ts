import { type Participant, type Room, Track, type TrackPublication } from 'livekit-client';
import type { Member, Picture } from '../call/types';

/** Everybody in the room, oneself first, then in the order of coming. */
export function membersOf(room: Room): Member[] {
  const others = [...room.remoteParticipants.values()]
    // Recorders and the like are there without being company.
    .filter((participant) => participant.permissions?.hidden !== true)
    .sort((a, b) => (a.joinedAt?.getTime() ?? 0) - (b.joinedAt?.getTime() ?? 0));
  return [room.localParticipant, ...others].map(memberOf);
}

function memberOf(participant: Participant): Member {
  const publication = (source: Track.Source) => participant.getTrackPublication(source);
  return {
    identity: participant.identity,
    name: participant.name || participant.identity,
    local: participant.isLocal,
    microphone: isOn(publication(Track.Source.Microphone)),
    camera: isOn(publication(Track.Source.Camera)),
    cameraPicture: pictureOf(publication(Track.Source.Camera)),
    screenPicture: pictureOf(publication(Track.Source.ScreenShare)),
  };
}

/** Whether a device is published and not muted. */
export function isOn(publication: TrackPublication | undefined): boolean {
  return publication !== undefined && !publication.isMuted;
}

function pictureOf(publication: TrackPublication | undefined): Picture | null {
  const track = publication?.track;
  if (!publication || !track || publication.isMuted) return null;
  // After a reconnection the same publication has another track.
  return { key: `${publication.trackSid} ${track.mediaStreamTrack.id}` };
}
