// The right layer for the size of a tile, a bit rate that grows, and IPv6.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openMeeting } from '../lib/meeting.mjs';

const STATS_EVERY_MS = 200;

let meeting;

before(async () => {
  meeting = await openMeeting(['chromium', 'chromium']);
});

after(() => meeting?.close());

/** Asks for stats until `holds`, and fails with the last ones after `ms`. */
async function untilStats(session, fields, holds, ms) {
  const deadline = performance.now() + ms;
  for (;;) {
    const stats = await session.call('stats', fields);
    if (holds(stats)) return stats;
    if (performance.now() > deadline) assert.fail(`not within ${ms} ms: ${holds}, last ${JSON.stringify(stats)}`);
    await new Promise((resolve) => { setTimeout(resolve, STATS_EVERY_MS); });
  }
}

async function leaveAll(...sessions) {
  await Promise.all(sessions.map((session) => session.call('disconnect')));
}

test('a tile that shrinks and grows gets smaller and larger pictures without a freeze', async () => {
  meeting.renew();
  const options = { simulcast: true };
  const sender = await meeting.join(0, 'sender', 3, { video: { width: 1280, height: 720, options }, audio: false });
  const fields = { options: { adaptiveStream: true } };
  const viewer = await meeting.join(1, 'viewer', 1, { fields, video: null, audio: false });
  const of = { identity: 'sender', source: 'camera' };
  await viewer.event('track_subscribed', of);
  await viewer.call('size', { ...of, width: 1280, height: 720 });
  await untilStats(viewer, of, ({ frameHeight }) => frameHeight === 720, 20_000);
  await viewer.call('size', { ...of, width: 160, height: 90 });
  await untilStats(viewer, of, ({ frameHeight }) => frameHeight <= 180, 15_000);
  await viewer.picture('sender', 3);
  await viewer.call('size', { ...of, width: 1280, height: 720 });
  const { freezeCount } = await untilStats(viewer, of, ({ frameHeight }) => frameHeight === 720, 20_000);
  await viewer.picture('sender', 3);
  assert.equal(freezeCount, 0);
  await leaveAll(sender, viewer);
});

const ENOUGH = 1_500_000;
const TEN_SECONDS = 10_000;

/** Publishes a noisy 720p picture alone in a room, and waits for the estimate to pass. */
async function publishNoise({ feedback }) {
  meeting.renew();
  const [{ page }] = meeting.actors;
  await page.evaluate((wanted) => window.bareEstimate(wanted), { feedback });
  const options = { simulcast: false, videoEncoding: { maxBitrate: 3_000_000, maxFramerate: 15 } };
  const video = { width: 1280, height: 720, noisy: true, options };
  const sender = await meeting.join(0, 'sender', 3, { video, audio: false });
  const of = { sid: sender.media.video };
  try {
    await untilStats(sender, of, ({ availableOutgoingBitrate }) => availableOutgoingBitrate > ENOUGH, TEN_SECONDS);
  } finally {
    await leaveAll(sender);
    await page.reload();
    await meeting.actors[0].ready();
  }
}

test('the uplink estimate passes 1.5 Mbit/s within 10 s of publishing a noisy 720p picture', () =>
  publishNoise({ feedback: true }));

test('without transport-wide feedback it does not', () =>
  assert.rejects(publishNoise({ feedback: false }), /not within 10000 ms/));

test('media goes over IPv6', async () => {
  meeting.renew();
  const fields = { url: `ws://[::1]:${meeting.server.port}` };
  const sender = await meeting.join(0, 'sender', 3, { fields });
  const viewer = await meeting.join(1, 'viewer', 1, { fields });
  await Promise.all([
    viewer.picture('sender', 3), viewer.tone('sender', 3),
    sender.picture('viewer', 1), sender.tone('viewer', 1),
  ]);
  const { remoteAddress } = await sender.call('stats', { sid: sender.media.video });
  assert.ok(remoteAddress.includes(':'), `the server's address is ${remoteAddress}`);
  await leaveAll(sender, viewer);
});
