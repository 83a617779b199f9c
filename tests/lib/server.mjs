// The server under test: one that runs already, or the built binary on a free port.

import { createServer } from 'node:net';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { end, start } from './children.mjs';

const READY_MS = 20_000;

/** A TCP port that is free at the moment. */
export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const { port } = server.address();
  await new Promise((resolve) => { server.close(resolve); });
  return port;
}

/** The built server's path. */
export function binary() {
  const chosen = process.env.VISAVIS_BINARY;
  const built = ['debug', 'release'].map((kind) => fileURLToPath(new URL(`../../target/${kind}/visavis`, import.meta.url)));
  const found = chosen ?? built.find((path) => existsSync(path));
  if (!found) throw new Error('no server binary; run cargo build, or name one in VISAVIS_BINARY');
  return found;
}

async function untilReady(url, child) {
  const deadline = performance.now() + READY_MS;
  for (;;) {
    if (child.exitCode !== null) throw new Error('the server ended before it was ready');
    const response = await fetch(url).catch(() => null);
    if (response?.ok) return;
    if (performance.now() > deadline) throw new Error(`the server is not ready after ${READY_MS} ms`);
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}

/**
 * Starts the built server in development mode: `{ url, http, key, secret, child, stop }`.
 * Its output goes to stderr with VISAVIS_TEST_VERBOSE, and into failures otherwise.
 */
export async function startServer({ args = [] } = {}) {
  const port = await freePort();
  const data = mkdtempSync(join(tmpdir(), 'visavis-test-'));
  const command = ['serve', '--dev', '--port', String(port), '--data-dir', data, ...args];
  const child = start(binary(), command, { stdio: ['ignore', 'pipe', 'pipe'] });
  const server = {
    url: `ws://127.0.0.1:${port}`,
    http: `http://127.0.0.1:${port}`,
    key: 'devkey',
    secret: 'secret',
    port,
    child,
    output: '',
  };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text) => {
      server.output = (server.output + text).slice(-20_000);
      if (process.env.VISAVIS_TEST_VERBOSE) process.stderr.write(text);
    });
  }
  child.on('error', () => {});
  server.stop = async () => {
    await end(child);
    rmSync(data, { recursive: true, force: true });
  };
  try {
    await untilReady(server.http, child);
  } catch (error) {
    await server.stop();
    throw new Error(`${error.message}\n${server.output}`);
  }
  return server;
}

/**
 * The server named by VISAVIS_TEST_URL, _KEY and _SECRET (any LiveKit server),
 * or a new one of our own.
 */
export async function serverUnderTest() {
  const { VISAVIS_TEST_URL: url, VISAVIS_TEST_KEY: key, VISAVIS_TEST_SECRET: secret } = process.env;
  if (!url) return startServer();
  const http = url.replace(/^ws/, 'http');
  return { url, http, key, secret, port: Number(new URL(http).port), stop: async () => {} };
}
