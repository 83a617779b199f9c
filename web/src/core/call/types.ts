import type { MediaKind } from '../devices/kinds';
import type { Problem } from '../problem';

/** A picture that can be shown, or null when there is none. The key changes when its track does. */
export interface Picture {
  key: string;
}

/** A participant as everybody in the meeting sees them. */
export interface Member {
  identity: string;
  name: string;
  /** Whether this is the person at this browser. */
  local: boolean;
  microphone: boolean;
  /** Whether the camera is on; its picture may not be here yet. */
  camera: boolean;
  cameraPicture: Picture | null;
  screenPicture: Picture | null;
}

/** Which of a member's pictures. */
export type PictureSource = 'camera' | 'screen';

/** One line of the chat. */
export interface ChatLine {
  id: string;
  identity: string;
  name: string;
  local: boolean;
  text: string;
  /** Unix time in ms, by this browser's clock. */
  at: number;
}

/**
 * How the call stands. `renewing`: the signal connection is being renewed while media flows.
 * `reconnecting`: own media is down.
 */
export type Connection = 'connecting' | 'connected' | 'renewing' | 'reconnecting';

/** Why a call is over. `left` is the person's own wish. */
export type Ending =
  'left' | Extract<Problem, 'other-tab' | 'ended' | 'removed' | 'restart' | 'lost'>;

/** What a session reports. */
export type RtcEvent =
  | { type: 'members'; members: Member[] }
  | { type: 'connection'; connection: Connection }
  | { type: 'speakers'; levels: ReadonlyMap<string, number> }
  | { type: 'chat'; line: ChatLine }
  | { type: 'sound'; blocked: boolean }
  | { type: 'closed'; ending: Ending };

/** A connection to one room: what `core/rtc` implements, and all the rest of the app knows of it. */
export interface RtcSession {
  /** @throws ProblemError */
  connect(token: string): Promise<void>;
  /** Publishes a track that is already open, and owns it from here on. */
  publish(kind: MediaKind, track: MediaStreamTrack): Promise<void>;
  /** Turns a device on or off; off lets go of a camera. @throws ProblemError */
  setEnabled(kind: MediaKind, on: boolean): Promise<void>;
  isEnabled(kind: MediaKind): boolean;
  /** The device that is open now; null when none is. */
  deviceOf(kind: MediaKind): string | null;
  /** Uses this device from now on, or when turned on next. @throws ProblemError */
  useDevice(kind: MediaKind, id: string): Promise<void>;
  /** Lets the person choose what to share. False when they chose nothing. @throws ProblemError */
  startShare(): Promise<boolean>;
  stopShare(): Promise<void>;
  /** Sends a line to everybody. @throws ProblemError */
  say(text: string): Promise<void>;
  /** To be called in a click, when the browser keeps sound back until then. */
  startSound(): Promise<void>;
  /** Shows a picture in an element until the returned function is called. */
  show(identity: string, source: PictureSource, element: HTMLVideoElement): () => void;
  leave(): Promise<void>;
}

/** Makes a session; loading what it needs may take a moment. @throws ProblemError */
export type SessionFactory = (tell: (event: RtcEvent) => void) => Promise<RtcSession>;
