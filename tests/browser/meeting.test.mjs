// Three people in one room, two in Chromium and one in Firefox, on a bare page
// that uses livekit-client. Everything is judged by decoded pixels and sound.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openMeeting } from '../lib/meeting.mjs';

/** The longest gap in picture or sound while the signal connection is away. */
const GAP_MS = 1000;
const SECOND = 1000;
const [ANNA, BEN, CARA] = [0, 1, 2];

let meeting;
let people;

/** Everybody sees and hears everybody else's own picture and tone, from now on. */
function allMeet(sessions = people) {
  const pairs = sessions.flatMap((viewer) =>
    sessions.filter((shown) => shown !== viewer).map((shown) => [viewer, shown]));
  return Promise.all(pairs.flatMap(([viewer, shown]) => [
    viewer.picture(shown.identity, shown.person, { ms: 15_000 }),
    viewer.tone(shown.identity, shown.person, { ms: 15_000 }),
  ]));
}

before(async () => {
  meeting = await openMeeting(['chromium', 'chromium', 'firefox']);
  people = [];
  for (const [at, name] of ['anna', 'ben', 'cara'].entries()) {
    people.push(await meeting.join(at, name, at));
  }
});

after(() => meeting?.close());

test('each of three decodes the moving picture and hears the tone of the right person', () => allMeet());

/** Mutes a track of `from` and unmutes it again, timing it; `gone` and `back` await what `to` must notice. */
async function muteBriefly(t, from, to, sid, gone, back) {
  const { identity } = from;
  const set = async (muted, event, noticed) => {
    const since = performance.now();
    await from.call('mute', { sid, muted });
    const noticing = await Promise.all([to.event(event, { identity, sid }, { since }), noticed(since)]);
    const [told, perceived] = noticing.map(({ at }) => Math.round(at - since));
    t.diagnostic(`${event} of ${identity}: told to ${to.identity} after ${told} ms, perceived after ${perceived} ms`);
    assert.ok(Math.max(told, perceived) < SECOND, `${event}: told after ${told} ms, perceived after ${perceived} ms`);
  };
  try {
    await set(true, 'track_muted', gone);
  } finally {
    await set(false, 'track_unmuted', back);
  }
}

test('mute and unmute are seen and heard within a second', async (t) => {
  for (const [from, to] of [[people[ANNA], people[CARA]], [people[CARA], people[BEN]]]) {
    const { identity, person, media } = from;
    await muteBriefly(
      t, from, to, media.audio,
      (since) => to.silence(identity, { since }),
      (since) => to.tone(identity, person, { since, count: 1 }),
    );
    await muteBriefly(
      t, from, to, media.video,
      (since) => to.event('track_muted', { identity, sid: media.video }, { since }),
      (since) => to.picture(identity, person, { since, count: 2 }),
    );
  }
});

test('a shared screen appears in Firefox and ends there', async () => {
  const [anna, , cara] = people;
  const screen = 4;
  const { sid } = await anna.call('screenShare', { person: screen, enabled: true });
  await cara.event('track_subscribed', { identity: anna.identity, source: 'screen_share', sid });
  await cara.picture(anna.identity, screen, { source: 'screen_share', ms: 15_000 });
  await cara.picture(anna.identity, ANNA);
  await anna.call('screenShare', { person: screen, enabled: false });
  await cara.event('track_unpublished', { identity: anna.identity, sid });
  await allMeet();
});

test('a lost WebSocket leaves picture and sound untouched', async () => {
  for (const at of [BEN, CARA]) {
    const person = people[at];
    const others = people.filter((other) => other !== person);
    const since = performance.now();
    await person.call('dropSocket');
    await person.event('reconnected', {}, { since, ms: 15_000 });
    await allMeet();
    for (const other of others) {
      for (const kind of ['video', 'audio']) {
        const gaps = [person.longestGap(kind, other.identity, since), other.longestGap(kind, person.identity, since)];
        assert.ok(Math.max(...gaps) < GAP_MS, `${kind} between ${person.name} and ${other.name}: gaps ${gaps.map(Math.round)} ms`);
      }
      assert.equal(other.seen('participant_left', { identity: person.identity }, since).length, 0);
    }
  }
});

test('somebody who reloads the page is there once, with picture and sound', async () => {
  const [anna, , cara] = people;
  const since = performance.now();
  people[BEN] = await meeting.reload(people[BEN]);
  const ben = people[BEN];
  await allMeet();
  for (const viewer of [anna, cara]) {
    const { participants } = await viewer.call('state');
    assert.deepEqual(participants.filter(({ identity }) => identity === ben.identity).map(({ sid }) => sid), [ben.sid]);
    assert.equal(participants.length, 2);
    assert.equal(viewer.seen('participant_left', { identity: ben.identity }, since).length, 1);
  }
});

test('somebody who leaves is gone for the others, who go on', async () => {
  const [anna, ben, cara] = people;
  await ben.call('disconnect');
  await Promise.all([anna, cara].map((viewer) => viewer.event('participant_left', { identity: ben.identity }, { since: ben.joinedAt })));
  await allMeet([anna, cara]);
});
