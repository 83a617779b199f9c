import type { RtcSession, RtcEvent } from '../call/types';
import { ProblemError } from '../problem';

/** Loads the SDK ahead of need: it is the largest part of the app. Safe to call often. */
export function preload(): void {
  void import('./livekit').catch(() => undefined);
}

/** A session with this page's own server. @throws ProblemError when its code can't be loaded. */
export async function createSession(tell: (event: RtcEvent) => void): Promise<RtcSession> {
  try {
    const { LiveKitSession } = await import('./livekit');
    return new LiveKitSession(location.origin, tell);
  } catch (cause) {
    throw new ProblemError('network', cause);
  }
}
