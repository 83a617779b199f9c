/** The two devices a participant publishes from. */
export type MediaKind = 'microphone' | 'camera';

/** Both, in the order of the toolbar. */
export const MEDIA_KINDS: readonly MediaKind[] = ['microphone', 'camera'];

/** One device as a menu lists it. */
export interface Device {
  id: string;
  /** Empty until the browser may name it. */
  label: string;
}

/** Which device somebody wants, and whether it is to be on. */
export interface DeviceChoice {
  on: boolean;
  /** Null: whichever the browser prefers. */
  id: string | null;
}

/** The choice for both devices. */
export type DeviceChoices = Record<MediaKind, DeviceChoice>;

const INPUT: Record<MediaKind, MediaDeviceKind> = {
  microphone: 'audioinput',
  camera: 'videoinput',
};

/** The devices of each kind that are there now. Empty where the browser tells nothing. */
export async function listDevices(): Promise<Record<MediaKind, Device[]>> {
  const all = isSecure() ? await navigator.mediaDevices.enumerateDevices().catch(() => []) : [];
  const of = (kind: MediaKind) =>
    all
      // Before permission the browser lists one nameless device without an id.
      .filter((device) => device.kind === INPUT[kind] && device.deviceId !== '')
      .map((device) => ({ id: device.deviceId, label: device.label }));
  return { microphone: of('microphone'), camera: of('camera') };
}

/** Calls back when a device comes or goes, until the returned function is called. */
export function onDeviceChange(changed: () => void): () => void {
  if (!isSecure()) return () => undefined;
  navigator.mediaDevices.addEventListener('devicechange', changed);
  return () => navigator.mediaDevices.removeEventListener('devicechange', changed);
}

/** Whether the page's address lets it ask for devices at all. */
export function isSecure(): boolean {
  // The type says it is always there; on an http:// address it is not.
  return (navigator.mediaDevices as MediaDevices | undefined) !== undefined;
}
