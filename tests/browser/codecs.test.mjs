// Every video codec that Chromium sends is decoded by a second Chromium.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openMeeting } from '../lib/meeting.mjs';

let meeting;

before(async () => {
  meeting = await openMeeting(['chromium', 'chromium']);
});

after(() => meeting?.close());

for (const codec of ['vp8', 'h264', 'vp9', 'av1']) {
  for (const single of [true, false]) {
    test(`${codec} is decoded, ${single ? 'one PeerConnection' : 'two PeerConnections'}`, async () => {
      meeting.renew();
      const viewer = await meeting.join(1, 'viewer', 1, { fields: { single }, video: null, audio: false });
      const options = { videoCodec: codec, backupCodec: false };
      const sender = await meeting.join(0, 'sender', 3, { fields: { single }, video: { options }, audio: false });
      await viewer.picture('sender', 3, { count: 10, ms: 20_000 });
      const received = await viewer.call('stats', { identity: 'sender', source: 'camera' });
      const sent = await sender.call('stats', { sid: sender.media.video });
      assert.equal(received.codec.toLowerCase(), `video/${codec}`);
      assert.equal(sent.codec.toLowerCase(), `video/${codec}`);
      await Promise.all([sender.call('disconnect'), viewer.call('disconnect')]);
    });
  }
}
