import {
  AudioPresets,
  LocalAudioTrack,
  LocalVideoTrack,
  type Participant,
  type RemoteTrack,
  Room,
  RoomEvent,
  type RoomOptions,
  ScreenSharePresets,
  setLogLevel,
  type TextStreamReader,
  Track,
  VideoPresets,
} from 'livekit-client';
import type { Connection, Ending, PictureSource, RtcEvent, RtcSession } from '../call/types';
import type { MediaKind } from '../devices/kinds';
import { CAMERA, MICROPHONE } from '../devices/local';
import { permissionOf } from '../devices/permissions';
import { mediaProblem } from '../devices/problems';
import { ProblemError } from '../problem';
import { isOn, membersOf } from './members';
import { connectProblem, endingOf } from './problems';

/** The SDKs' own topic for chat: whoever reads it there sees our lines. */
const CHAT_TOPIC = 'lk.chat';
/** What one line of chat may bring; the field takes far less. In bytes. */
const CHAT_BYTES_MAX = 64 * 1024;
/** While the signal connection is renewed, how often we look whether media still flows. In ms. */
const MEDIA_CHECK_EVERY = 500;
/** A page that is being left runs no timer of this length any more. In ms. */
const PAGE_GONE_WITHIN = 1_000;

const SOURCE = { microphone: Track.Source.Microphone, camera: Track.Source.Camera } as const;
const INPUT = { microphone: 'audioinput', camera: 'videoinput' } as const;
const PICTURE = { camera: Track.Source.Camera, screen: Track.Source.ScreenShare } as const;

const OPTIONS: RoomOptions = {
  adaptiveStream: true,
  dynacast: true,
  disconnectOnPageLeave: true,
  audioCaptureDefaults: { ...MICROPHONE },
  videoCaptureDefaults: { resolution: VideoPresets.h720.resolution },
  publishDefaults: {
    // The server repairs by retransmission and takes no redundant audio.
    red: false,
    audioPreset: AudioPresets.speech,
    screenShareEncoding: ScreenSharePresets.h1080fps15.encoding,
  },
  dataStream: { maxPayloadByteLength: CHAT_BYTES_MAX },
};

/** What changes how somebody looks to others; each makes the list of members anew. */
const MEMBER_EVENTS = [
  RoomEvent.ParticipantConnected,
  RoomEvent.ParticipantDisconnected,
  RoomEvent.ParticipantNameChanged,
  RoomEvent.ParticipantPermissionsChanged,
  RoomEvent.TrackPublished,
  RoomEvent.TrackUnpublished,
  RoomEvent.TrackSubscribed,
  RoomEvent.TrackUnsubscribed,
  RoomEvent.TrackMuted,
  RoomEvent.TrackUnmuted,
  RoomEvent.LocalTrackPublished,
  RoomEvent.LocalTrackUnpublished,
  RoomEvent.Reconnected,
] as const;

/** A session by LiveKit's client SDK. */
export class LiveKitSession implements RtcSession {
  readonly #url: string;
  readonly #tell: (event: RtcEvent) => void;
  readonly #room = new Room(OPTIONS);
  /** Sound plays from here, whatever happens to the tiles. */
  readonly #sound = document.createElement('div');
  #mediaCheck: ReturnType<typeof setInterval> | undefined;
  /** Whether the list of members is about to be told. */
  #told = false;
  #leaving = false;

  /** @param url where the signal connection goes, as http(s) or ws(s). */
  constructor(url: string, tell: (event: RtcEvent) => void) {
    setLogLevel('silent');
    this.#url = url;
    this.#tell = tell;
    this.#sound.hidden = true;
    this.#listen();
  }

  async connect(token: string): Promise<void> {
    document.body.append(this.#sound);
    try {
      await this.#room.connect(this.#url, token);
    } catch (error) {
      this.#sound.remove();
      throw connectProblem(error);
    }
    this.#connection('connected');
    this.#tellMembers();
    this.#tell({ type: 'sound', blocked: !this.#room.canPlaybackAudio });
  }

  async publish(kind: MediaKind, track: MediaStreamTrack): Promise<void> {
    // The device in use, so that unmuting opens the same one again.
    const id = track.getSettings().deviceId;
    const device = id === undefined ? {} : { deviceId: id };
    // "Not provided by the user" lets the SDK stop a muted camera: its light must go out.
    const local =
      kind === 'camera'
        ? new LocalVideoTrack(track, { ...CAMERA, ...device }, false)
        : new LocalAudioTrack(track, { ...MICROPHONE, ...device }, false);
    local.source = SOURCE[kind];
    await this.#room.localParticipant.publishTrack(local);
  }

  async setEnabled(kind: MediaKind, on: boolean): Promise<void> {
    const self = this.#room.localParticipant;
    try {
      if (kind === 'camera') await self.setCameraEnabled(on);
      else await self.setMicrophoneEnabled(on);
    } catch (error) {
      throw await deviceProblem(error, kind);
    }
  }

  isEnabled(kind: MediaKind): boolean {
    return isOn(this.#room.localParticipant.getTrackPublication(SOURCE[kind]));
  }

  deviceOf(kind: MediaKind): string | null {
    const track = this.#room.localParticipant.getTrackPublication(SOURCE[kind])?.track;
    return track?.mediaStreamTrack.getSettings().deviceId ?? null;
  }

  async useDevice(kind: MediaKind, id: string): Promise<void> {
    try {
      await this.#room.switchActiveDevice(INPUT[kind], id);
    } catch (error) {
      throw await deviceProblem(error, kind);
    }
  }

  async startShare(): Promise<boolean> {
    try {
      await this.#room.localParticipant.setScreenShareEnabled(true, {
        audio: true,
        systemAudio: 'include',
        surfaceSwitching: 'include',
        contentHint: 'detail',
        resolution: ScreenSharePresets.h1080fps15.resolution,
      });
      return true;
    } catch (error) {
      // Closing the browser's list without choosing is an answer, not a failure.
      if (isCancelled(error)) return false;
      throw new ProblemError('cannot-share', error);
    }
  }

  async stopShare(): Promise<void> {
    await this.#room.localParticipant.setScreenShareEnabled(false);
  }

  async say(text: string): Promise<void> {
    const self = this.#room.localParticipant;
    try {
      const sent = await self.sendText(text, { topic: CHAT_TOPIC });
      this.#tellLine(sent.id, self.identity, text);
    } catch (cause) {
      throw new ProblemError('not-sent', cause);
    }
  }

  async startSound(): Promise<void> {
    await this.#room.startAudio();
  }

  show(identity: string, source: PictureSource, element: HTMLVideoElement): () => void {
    const track = this.#room
      .getParticipantByIdentity(identity)
      ?.getTrackPublication(PICTURE[source])?.track;
    track?.attach(element);
    return () => {
      track?.detach(element);
    };
  }

  async leave(): Promise<void> {
    this.#leaving = true;
    await this.#room.disconnect();
    this.#close();
  }

  #listen(): void {
    const room = this.#room;
    const members = () => this.#tellMembers();
    for (const event of MEMBER_EVENTS) room.on(event, members);
    room
      .on(RoomEvent.TrackSubscribed, (track) => this.#hear(track))
      .on(RoomEvent.TrackUnsubscribed, (track) => this.#unhear(track))
      .on(RoomEvent.ActiveSpeakersChanged, (speakers) => this.#tellSpeakers(speakers))
      .on(RoomEvent.AudioPlaybackStatusChanged, () =>
        this.#tell({ type: 'sound', blocked: !room.canPlaybackAudio }),
      )
      .on(RoomEvent.SignalReconnecting, () => {
        this.#stopWatching();
        this.#watchMedia();
      })
      .on(RoomEvent.Reconnecting, () => {
        this.#stopWatching();
        this.#connection('reconnecting');
      })
      .on(RoomEvent.Reconnected, () => {
        this.#stopWatching();
        this.#connection('connected');
      })
      .on(RoomEvent.Disconnected, (reason) => this.#disconnected(endingOf(reason)));
    room.registerTextStreamHandler(CHAT_TOPIC, (reader, from) => void this.#read(reader, from));
  }

  /** Several events come at once when somebody joins; the list is made once for all of them. */
  #tellMembers(): void {
    if (this.#told) return;
    this.#told = true;
    queueMicrotask(() => {
      this.#told = false;
      this.#tell({ type: 'members', members: membersOf(this.#room) });
    });
  }

  #tellSpeakers(speakers: Participant[]): void {
    const levels = new Map(speakers.map((one) => [one.identity, one.audioLevel]));
    this.#tell({ type: 'speakers', levels });
  }

  #tellLine(id: string, identity: string, text: string): void {
    const from = this.#room.getParticipantByIdentity(identity);
    const local = identity === this.#room.localParticipant.identity;
    const name = from?.name || identity;
    this.#tell({ type: 'chat', line: { id, identity, name, local, text, at: Date.now() } });
  }

  async #read(reader: TextStreamReader, from: { identity: string }): Promise<void> {
    try {
      this.#tellLine(reader.info.id, from.identity, await reader.readAll());
    } catch {
      // Too long, or its sender left before the end: there is no line to show.
    }
  }

  #hear(track: RemoteTrack): void {
    if (track.kind === Track.Kind.Audio) this.#sound.append(track.attach());
  }

  #unhear(track: RemoteTrack): void {
    if (track.kind === Track.Kind.Audio) for (const element of track.detach()) element.remove();
  }

  /** The signal connection is lost, or the media path, which the SDK mends the same way. */
  #watchMedia(): void {
    const check = () => this.#connection(this.#mediaDown() ? 'reconnecting' : 'renewing');
    check();
    this.#mediaCheck = setInterval(check, MEDIA_CHECK_EVERY);
  }

  #mediaDown(): boolean {
    const manager = this.#room.engine.pcManager;
    return [manager?.publisher, manager?.subscriber].some((transport) =>
      ['disconnected', 'failed'].includes(transport?.getConnectionState() ?? 'new'),
    );
  }

  #connection(connection: Connection): void {
    this.#tell({ type: 'connection', connection });
  }

  #stopWatching(): void {
    clearInterval(this.#mediaCheck);
  }

  #disconnected(ending: Ending): void {
    this.#close();
    if (ending !== 'left' || this.#leaving) {
      this.#tell({ type: 'closed', ending });
      return;
    }
    // The SDK leaves with the page. Nobody asked to leave: after a reload the visit goes on, and
    // only a page that lives on after all has to be told.
    setTimeout(() => this.#tell({ type: 'closed', ending: 'lost' }), PAGE_GONE_WITHIN);
  }

  #close(): void {
    this.#stopWatching();
    this.#sound.remove();
  }
}

/** Whether the person said no, rather than the operating system. */
function isCancelled(error: unknown): boolean {
  return (
    error instanceof Error && error.name === 'NotAllowedError' && !/system/iu.test(error.message)
  );
}

async function deviceProblem(error: unknown, kind: MediaKind): Promise<ProblemError> {
  return new ProblemError(mediaProblem(error, await permissionOf(kind)), error);
}
