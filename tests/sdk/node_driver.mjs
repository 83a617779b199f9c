// Drives npm `@livekit/rtc-node`: commands in, answers and events out, one JSON
// object a line. The verbs and events are those of every driver, see ../lib/actor.mjs.

import { createHash, randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import {
  DataPacketKind,
  DisconnectReason,
  Room,
  RoomEvent,
  SimulateScenarioKind,
  TrackKind,
  TrackPublishOptions,
  TrackSource,
} from '@livekit/rtc-node';
import { Published, readAudio, readVideo } from './node_media.mjs';

const SOURCES = {
  camera: TrackSource.SOURCE_CAMERA,
  microphone: TrackSource.SOURCE_MICROPHONE,
  screen_share: TrackSource.SOURCE_SCREENSHARE,
  screen_share_audio: TrackSource.SOURCE_SCREENSHARE_AUDIO,
};
const SOURCE_NAMES = Object.fromEntries(Object.entries(SOURCES).map(([name, value]) => [value, name]));
const SCENARIOS = {
  resume: SimulateScenarioKind.SIMULATE_SIGNAL_RECONNECT,
  reconnect: SimulateScenarioKind.SIMULATE_FULL_RECONNECT,
};

const write = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

const trackInfo = (publication) => ({
  sid: publication.sid,
  kind: publication.kind === TrackKind.KIND_VIDEO ? 'video' : 'audio',
  source: SOURCE_NAMES[publication.source] ?? 'unknown',
  muted: publication.muted,
});

const participantInfo = (participant) => ({
  identity: participant.identity,
  sid: participant.sid,
  name: participant.name,
  metadata: participant.metadata,
  attributes: participant.attributes,
  tracks: [...participant.trackPublications.values()].map(trackInfo),
});

/** One participant: a Room of the SDK and what it publishes and receives. */
class Session {
  constructor(name) {
    this.name = name;
    this.room = new Room();
    this.published = new Map();
    this.readers = new Map();
    this.listen();
  }

  emit(event, fields = {}) {
    write({ event, session: this.name, ...fields });
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
    room.on(RoomEvent.TrackUnsubscribed, (_track, publication, participant) => {
      this.readers.get(publication.sid)?.cancel();
      track('track_unsubscribed')(publication, participant);
    });
    room.on(RoomEvent.DataReceived, (payload, participant, kind, topic) =>
      this.emit('data', {
        identity: participant?.identity ?? null,
        text: Buffer.from(payload).toString(),
        topic,
        reliable: kind === DataPacketKind.KIND_RELIABLE,
      }));
    room.on(RoomEvent.ActiveSpeakersChanged, (speakers) =>
      this.emit('speakers', { identities: speakers.map((speaker) => speaker.identity) }));
    room.on(RoomEvent.ParticipantMetadataChanged, (_, participant) => person('metadata_changed')(participant));
    room.on(RoomEvent.ParticipantNameChanged, (_, participant) => person('name_changed')(participant));
    room.on(RoomEvent.ParticipantAttributesChanged, (_, participant) => person('attributes_changed')(participant));
    room.on(RoomEvent.Reconnecting, () => this.emit('reconnecting'));
    room.on(RoomEvent.Reconnected, () => this.emit('reconnected'));
    room.on(RoomEvent.Disconnected, (reason) => this.emit('disconnected', { reason: DisconnectReason[reason] }));
  }

  onSubscribed(track, publication, participant) {
    const info = trackInfo(publication);
    const identity = participant.identity;
    this.emit('track_subscribed', { identity, ...info });
    const report = (fields) => this.emit(info.kind, { identity, source: info.source, ...fields });
    this.readers.set(info.sid, (info.kind === 'video' ? readVideo : readAudio)(track, report));
  }

  async connect({ url, token, single = true, autoSubscribe = true }) {
    this.room.registerTextStreamHandler('text', async (reader, { identity }) => {
      this.emit('text', { identity, topic: reader.info.topic, text: await reader.readAll() });
    });
    this.room.registerByteStreamHandler('bytes', async (reader, { identity }) => {
      const content = Buffer.concat(await reader.readAll());
      const digest = createHash('sha256').update(content).digest('hex');
      this.emit('bytes', { identity, name: reader.info.name, size: content.length, digest });
    });
    // `singlePeerConnection` is an option of the native half that the typed options leave out.
    await this.room.connect(url, token, { autoSubscribe, dynacast: false, singlePeerConnection: single });
    this.room.localParticipant.registerRpcMethod('echo', async ({ callerIdentity, payload }) =>
      `${callerIdentity}: ${payload}`);
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
    this.published.forEach((published) => published.stop());
    await this.room.disconnect();
  }

  async publish({ kind, person, source }) {
    const published = new Published(kind, person);
    const options = new TrackPublishOptions({ source: SOURCES[source] });
    const publication = await this.room.localParticipant.publishTrack(published.track, options);
    published.start();
    this.published.set(publication.sid, published);
    return { sid: publication.sid };
  }

  async unpublish({ sid }) {
    this.published.get(sid).stop();
    this.published.delete(sid);
    await this.room.localParticipant.unpublishTrack(sid);
  }

  subscribe({ sid, subscribed }) {
    for (const participant of this.room.remoteParticipants.values()) {
      const publication = participant.trackPublications.get(sid);
      if (publication) return publication.setSubscribed(subscribed);
    }
    throw new Error(`no track ${sid}`);
  }

  async sendData({ text, reliable = true, to = [], topic = '' }) {
    const options = { reliable, destination_identities: to, topic };
    await this.room.localParticipant.publishData(new TextEncoder().encode(text), options);
  }

  async sendText({ text, to = [] }) {
    await this.room.localParticipant.sendText(text, { topic: 'text', destinationIdentities: to });
  }

  async sendBytes({ size, to = [] }) {
    const content = randomBytes(size);
    const options = { name: 'random.bin', topic: 'bytes', totalSize: size, destinationIdentities: to };
    const writer = await this.room.localParticipant.streamBytes(options);
    await writer.write(new Uint8Array(content));
    await writer.close();
    return { digest: createHash('sha256').update(content).digest('hex') };
  }

  rpc({ to, method, payload }) {
    return this.room.localParticipant.performRpc({ destinationIdentity: to, method, payload });
  }

  async update({ metadata, name, attributes }) {
    const local = this.room.localParticipant;
    if (metadata !== undefined) await local.updateMetadata(metadata);
    if (name !== undefined) await local.updateName(name);
    if (attributes !== undefined) await local.setAttributes(attributes);
  }

  async simulate({ scenario }) {
    await this.room.simulateScenario(SCENARIOS[scenario]);
  }
}

const sessions = new Map();

async function answer({ id, verb, session, ...fields }) {
  try {
    if (verb === 'connect') sessions.set(session, new Session(session));
    const value = await sessions.get(session)[verb](fields);
    write({ id, value: value ?? null });
  } catch (error) {
    write({ id, error: `${error.name}: ${error.message}` });
  }
}

createInterface({ input: process.stdin })
  .on('line', (line) => answer(JSON.parse(line)))
  .on('close', () => process.exit(0));
