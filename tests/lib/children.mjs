// Processes that tests start end with the test process, however that ends.

import { spawn } from 'node:child_process';

const children = new Set();
const killAll = () => children.forEach((child) => child.kill('SIGKILL'));

process.on('exit', killAll);
for (const [signal, number] of [['SIGINT', 2], ['SIGTERM', 15], ['SIGHUP', 1]]) {
  process.on(signal, () => {
    killAll();
    process.exit(128 + number);
  });
}

/** Starts a process; `child.ended` resolves with its exit code when it is gone. */
export function start(command, args, options) {
  const child = spawn(command, args, options);
  children.add(child);
  child.ended = new Promise((resolve) => { child.on('close', resolve); });
  child.ended.then(() => children.delete(child));
  return child;
}

/** Ends a process: politely with `signal`, by force after `patience` ms. */
export async function end(child, { signal = 'SIGTERM', patience = 5000 } = {}) {
  child.kill(signal);
  const force = setTimeout(() => child.kill('SIGKILL'), patience);
  await child.ended;
  clearTimeout(force);
}
