// A sound card for Firefox, which starts no audio graph without one; machines
// that run tests have none. (Chromium has a silent one of its own.)

import { existsSync, mkdtempSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { end, start } from './children.mjs';

const PULSEAUDIO = '/usr/bin/pulseaudio';

/** Whether the sound server is installed. */
export const soundInstalled = () => existsSync(PULSEAUDIO);

/** Starts a PulseAudio server that plays into nothing; `{ env, stop }`. */
export async function startSound() {
  if (!soundInstalled()) throw new Error('pulseaudio is not installed; run node tests/setup.mjs');
  const folder = mkdtempSync(join(tmpdir(), 'visavis-sound-'));
  const socket = join(folder, 'native');
  const child = start(PULSEAUDIO, [
    '-n', '--daemonize=no', '--exit-idle-time=-1', '--use-pid-file=no', '--log-level=error',
    '-L', 'module-null-sink',
    '-L', `module-native-protocol-unix socket=${socket} auth-anonymous=1`,
  ], { stdio: 'ignore', env: { ...process.env, HOME: folder, XDG_RUNTIME_DIR: folder, PULSE_RUNTIME_PATH: folder } });
  await new Promise((resolve, reject) => {
    const watcher = watch(folder, () => {
      if (!existsSync(socket)) return;
      watcher.close();
      resolve();
    });
    child.ended.then((code) => {
      watcher.close();
      reject(new Error(`pulseaudio ended: ${code}`));
    });
  });
  return {
    env: { PULSE_SERVER: `unix:${socket}` },
    stop: async () => {
      await end(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
