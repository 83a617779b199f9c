import type { MediaProblem } from '../problem';

/** What the browser says about the right to use a device. `unknown` where it doesn't say. */
export type Permission = 'granted' | 'denied' | 'prompt' | 'unknown';

/**
 * What a refusal of `getUserMedia` means.
 * @param permission asked for *after* the refusal: it tells "no" from a closed question.
 */
export function mediaProblem(error: unknown, permission: Permission): MediaProblem {
  const { name, message } = error instanceof Error ? error : { name: '', message: '' };
  switch (name) {
    case 'NotFoundError':
    case 'DevicesNotFoundError':
    case 'OverconstrainedError':
      return 'no-device';
    case 'NotAllowedError':
    case 'SecurityError':
      // Chromium's and Firefox's words when the operating system said no.
      if (/system|platform/iu.test(message)) return 'blocked-os';
      return permission === 'prompt' ? 'asked-closed' : 'blocked-site';
    case 'TypeError':
      // Without a secure address there is no `mediaDevices` to call.
      return 'insecure';
    default:
      return 'busy';
  }
}
