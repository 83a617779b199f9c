// Drives `livekit-client` in a page. The verbs and events are those of every
// driver, see ../actor.mjs; beyond them: stats, screenShare, size, dropSocket.

import { DisconnectReason, Room, RoomEvent, Track } from '/livekit-client.mjs';
import { readAudio, readVideo } from './reader.mjs';
import { audioSource, paintedCanvas, videoSource } from './source.mjs';
import { pick, receivedStats, sentStats } from './stats.mjs';

const SCENARIOS = { resume: 'signal-reconnect', reconnect: 'full-reconnect' };
/** Largest piece one getRandomValues call fills. */
const RANDOM_PIECE = 65_536;

const openSockets = new Set();
window.WebSocket = class extends WebSocket {
  constructor(...args) {
    super(...args);
    openSockets.add(this);
    this.addEventListener('close', () => openSockets.delete(this));
  }
};

const trackInfo = (publication) => ({
  sid: publication.trackSid,
  kind: publication.kind,
  source: publication.source,
  muted: publication.isMuted,
});

const participantInfo = (participant) => ({
  identity: participant.identity,
  sid: participant.sid,
  name: participant.name,
  metadata: participant.metadata,
  attributes: { ...participant.attributes },
  tracks: [...participant.trackPublications.values()].map(trackInfo),
});

async function digestOf(content) {
  const digest = await crypto.subtle.digest('SHA-256', content);
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function randomBytes(size) {
  const content = new Uint8Array(size);
  for (let at = 0; at < size; at += RANDOM_PIECE) crypto.getRandomValues(content.subarray(at, at + RANDOM_PIECE));
  return content;
}

/** How long reports of pictures and tones are gathered, in ms; everything else goes out at once. */
const GATHER = 100;
const outbox = [];
let flushing;

function flush() {
  clearTimeout(flushing);
  flushing = undefined;
  window.report(outbox.splice(0));
}

/** Sends an event to the test, with the time when it happened. */
function send(event) {
  outbox.push({ ...event, time: Date.now() });
  if (!['video', 'audio'].includes(event.event)) flush();
  else flushing ??= setTimeout(flush, GATHER);
}

/** One participant: a Room of the SDK and what it publishes and plays. */
class Session {
  constructor(name) {
    Object.assign(this, { name, sources: new Map(), readers: new Map() });
  }

  emit(event, fields = {}) {
    send({ event, session: this.name, ...fields });
  }

  listen() {
    const { room } = this;
    const person = (event) => (participant) => this.emit(event, { identity: participant.identity });
    const track = (event) => (publication, participant) =>
      this.emit(event, { identity: participant.identity, ...trackInfo(publication) });
    room.on(RoomEvent.ParticipantConnected, person('participant_joined'));
    room.on(RoomEvent.ParticipantDisconnected, person('participant_left'));
    room.on(RoomEvent.TrackPublished, track('track_published'));
    room.on(RoomEvent.TrackUnpublished, track('track_unpublished'));
    room.on(RoomEvent.TrackMuted, track('track_muted'));
    room.on(RoomEvent.TrackUnmuted, track('track_unmuted'));
    room.on(RoomEvent.TrackSubscribed, (...found) => this.onSubscribed(...found));
    room.on(RoomEvent.TrackUnsubscribed, (...found) => this.onUnsubscribed(...found));
    room.on(RoomEvent.DataReceived, (payload, participant, kind, topic) => {
      const text = new TextDecoder().decode(payload);
      this.emit('data', { identity: participant?.identity ?? null, text, topic, reliable: kind === 0 });
    });
    room.on(RoomEvent.ActiveSpeakersChanged, (speakers) =>
      this.emit('speakers', { identities: speakers.map((speaker) => speaker.identity) }));
    room.on(RoomEvent.ParticipantMetadataChanged, (_, participant) => person('metadata_changed')(participant));
    room.on(RoomEvent.ParticipantNameChanged, (_, participant) => person('name_changed')(participant));
    room.on(RoomEvent.ParticipantAttributesChanged, (_, participant) => person('attributes_changed')(participant));
    // A lost signal connection that is resumed is one event, a new session another.
    room.on(RoomEvent.SignalReconnecting, () => this.emit('reconnecting'));
    room.on(RoomEvent.Reconnecting, () => this.emit('reconnecting'));
    room.on(RoomEvent.Reconnected, () => this.emit('reconnected'));
    room.on(RoomEvent.Disconnected, (reason) => this.emit('disconnected', { reason: DisconnectReason[reason] }));
  }

  onSubscribed(track, publication, participant) {
    const info = trackInfo(publication);
    const identity = participant.identity;
    this.emit('track_subscribed', { identity, ...info });
    const report = (fields) => this.emit(info.kind, { identity, source: info.source, ...fields });
    const element = track.attach();
    document.body.append(element);
    const reader = info.kind === 'video'
      ? readVideo(element, report)
      : readAudio(track.mediaStreamTrack, report);
    this.readers.set(info.sid, { ...reader, element, identity, source: info.source });
  }

  onUnsubscribed(track, publication, participant) {
    const { sid } = trackInfo(publication);
    this.readers.get(sid)?.stop();
    this.readers.delete(sid);
    track.detach().forEach((element) => element.remove());
    this.emit('track_unsubscribed', { identity: participant.identity, ...trackInfo(publication) });
  }

  async connect({ url, token, single = true, autoSubscribe = true, options = {} }) {
    this.room = new Room({ singlePeerConnection: single, ...options });
    this.listen();
    this.room.registerTextStreamHandler('text', async (reader, { identity }) => {
      this.emit('text', { identity, topic: reader.info.topic, text: await reader.readAll() });
    });
    this.room.registerByteStreamHandler('bytes', async (reader, { identity }) => {
      const content = new Uint8Array(await new Blob(await reader.readAll()).arrayBuffer());
      this.emit('bytes', { identity, name: reader.info.name, size: content.length, digest: await digestOf(content) });
    });
    this.room.registerRpcMethod('echo', async ({ callerIdentity, payload }) => `${callerIdentity}: ${payload}`);
    await this.room.connect(url, token, { autoSubscribe });
    return this.state();
  }

  state() {
    return {
      room: this.room.name,
      sid: this.room.localParticipant.sid,
      participants: [...this.room.remoteParticipants.values()].map(participantInfo),
    };
  }

  async disconnect() {
    this.readers.forEach((reader) => reader.stop());
    this.sources.forEach((source) => source.stop());
    await this.room.disconnect();
    this.readers.forEach(({ element }) => element.remove());
  }

  /** `options` are the SDK's publish options; the rest describes the source. */
  async publish({ kind, source, options = {}, ...appearance }) {
    const made = kind === 'video' ? videoSource(appearance) : audioSource(appearance);
    const publication = await this.room.localParticipant.publishTrack(made.track, { source, ...options });
    this.sources.set(publication.trackSid, made);
    return { sid: publication.trackSid };
  }

  async screenShare({ person, enabled }) {
    if (enabled) {
      this.shown = paintedCanvas({ person, width: innerWidth, height: innerHeight });
      this.shown.canvas.className = 'shown';
      document.body.append(this.shown.canvas);
    }
    const share = { preferCurrentTab: true, selfBrowserSurface: 'include', audio: false };
    const publication = await this.room.localParticipant.setScreenShareEnabled(enabled, share);
    if (!enabled) {
      this.shown.stop();
      this.shown.canvas.remove();
    }
    return { sid: publication?.trackSid };
  }

  publication(sid) {
    return this.room.localParticipant.getTrackPublications().find(({ trackSid }) => trackSid === sid);
  }

  async unpublish({ sid }) {
    await this.room.localParticipant.unpublishTrack(this.publication(sid).track);
    this.sources.get(sid).stop();
    this.sources.delete(sid);
  }

  async mute({ sid, muted }) {
    await (muted ? this.publication(sid).mute() : this.publication(sid).unmute());
  }

  subscribe({ sid, subscribed }) {
    for (const participant of this.room.remoteParticipants.values()) {
      const publication = participant.trackPublications.get(sid);
      if (publication) return publication.setSubscribed(subscribed);
    }
    throw new Error(`no track ${sid}`);
  }

  async sendData({ text, reliable = true, to = [], topic = '' }) {
    const options = { reliable, destinationIdentities: to, topic };
    await this.room.localParticipant.publishData(new TextEncoder().encode(text), options);
  }

  async sendText({ text, to = [] }) {
    await this.room.localParticipant.sendText(text, { topic: 'text', destinationIdentities: to });
  }

  async sendBytes({ size, to = [] }) {
    const content = randomBytes(size);
    const options = { name: 'random.bin', topic: 'bytes', totalSize: size, destinationIdentities: to };
    const writer = await this.room.localParticipant.streamBytes(options);
    await writer.write(content);
    await writer.close();
    return { digest: await digestOf(content) };
  }

  rpc({ to, method, payload }) {
    return this.room.localParticipant.performRpc({ destinationIdentity: to, method, payload });
  }

  async update({ metadata, name, attributes }) {
    const local = this.room.localParticipant;
    if (metadata !== undefined) await local.setMetadata(metadata);
    if (name !== undefined) await local.setName(name);
    if (attributes !== undefined) await local.setAttributes(attributes);
  }

  async simulate({ scenario }) {
    await this.room.simulateScenario(SCENARIOS[scenario]);
  }

  /** Closes the WebSockets as a broken network would show it to the SDK. */
  dropSocket() {
    openSockets.forEach((socket) => socket.close());
  }

  /** Gives the element that plays a remote video a size in CSS pixels. */
  size({ identity, source, width, height }) {
    const { element } = pick(this.readers, identity, source);
    Object.assign(element.style, { width: `${width}px`, height: `${height}px` });
  }

  /** What getStats says about a received track, or with `sid` about a sent one. */
  stats({ identity, source, sid }) {
    if (sid) return sentStats(this.publication(sid).track);
    const participant = this.room.remoteParticipants.get(identity);
    return receivedStats(participant.getTrackPublication(source ?? Track.Source.Camera).track);
  }
}

const START_HINT = /;?x-google-start-bitrate=\d+/g;
const FEEDBACK = /^a=(rtcp-fb:\S+ (transport-cc|goog-remb)|extmap:.*transport-wide-cc.*)\r\n/gm;

/**
 * For later connections: takes away the start bit rate that livekit-client hints
 * to the browser, so that only feedback can raise the estimate above 300 kbit/s;
 * and with `feedback` false that feedback too, as the control experiment.
 */
window.bareEstimate = ({ feedback }) => {
  const apply = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function applyBare({ type, sdp }) {
    const bare = sdp.replace(START_HINT, '');
    return apply.call(this, { type, sdp: feedback ? bare : bare.replace(FEEDBACK, '') });
  };
};

const sessions = new Map();

window.request = async (verb, name, fields) => {
  if (verb === 'connect') sessions.set(name, new Session(name));
  return (await sessions.get(name)[verb](fields)) ?? null;
};
