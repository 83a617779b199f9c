// Three people meet in the web app, two in Chromium and one in Firefox, with
// its own buttons and keys. Judged by decoded pixels and sound.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AppPerson } from '../lib/app.mjs';
import { close, launch } from '../lib/browsers.mjs';
import { startServer } from '../lib/server.mjs';

/** The longest gap in picture or sound while the signal connection is away. */
const GAP_MS = 1000;
const SECOND = 1000;
const ROOM = 'three-people';

let server;
const browsers = [];
let anna;
let ben;
let cara;

const everybody = () => [anna, ben, cara];

/** Everybody among `people` sees and hears all the others. */
function allMeet(people = everybody(), ms = 15_000) {
  return Promise.all(people.flatMap((viewer) =>
    people.filter((shown) => shown !== viewer).map((shown) => viewer.meets(shown, ms))));
}

before(async () => {
  server = await startServer();
  const people = [];
  for (const [person, [browser, name]] of [['chromium', 'Anna'], ['chromium', 'Ben'], ['firefox', 'Cara']].entries()) {
    browsers.push(await launch(browser));
    people.push(await AppPerson.open(browsers.at(-1), { http: server.http, room: ROOM, name, person }));
    await people.at(-1).join();
  }
  [anna, ben, cara] = people;
});

after(async () => {
  await Promise.allSettled(browsers.map(close));
  await server?.stop();
});

test('three people see and hear each other', async () => {
  await allMeet();
  for (const person of everybody()) {
    const tiles = await person.tiles();
    assert.equal(tiles.length, 3, JSON.stringify(tiles));
  }
});

test('the microphone is muted by button and unmuted by key, heard and seen within a second', async () => {
  await anna.click('toggle-microphone');
  await Promise.all([ben, cara].map((viewer) => viewer.until('silent', { person: anna.person }, SECOND)));
  const tile = (await cara.tiles()).find(({ name }) => name === 'Anna');
  assert.match(tile.text, /microphone off/);
  await anna.page.keyboard.press('m');
  await Promise.all([ben, cara].map((viewer) => viewer.until('hears', { person: anna.person }, SECOND)));
});

test('a camera that is turned off leaves no picture, and comes back', async () => {
  await ben.click('toggle-camera');
  const tile = `[data-testid="tile"][data-source="camera"] video`;
  const pictures = async () => (await anna.page.$$(tile)).length;
  await anna.page.waitForFunction((selector) => document.querySelectorAll(selector).length === 2, { timeout: SECOND, polling: 50 }, tile);
  assert.equal(await pictures(), 2);
  await ben.click('toggle-camera');
  await anna.meets(ben);
});

test('a shared screen appears for the others and ends', async () => {
  const screen = { name: await screenName(), person: ben.person + 3, source: 'screen' };
  await Promise.all([anna, cara].map((viewer) => viewer.until('sees', screen, 15_000)));
  await ben.click('toggle-share');
  await Promise.all([anna, cara].map((viewer) => viewer.gone('[data-testid="tile"][data-source="screen"]')));
  await allMeet();
});

/** Ben shares; the name that the others' tile of his screen bears. */
async function screenName() {
  await ben.click('toggle-share');
  await anna.there('tile', '[data-source="screen"]');
  return (await anna.tiles()).find(({ source }) => source === 'screen').name;
}

test('a line of chat reaches the others', async () => {
  await anna.click('toggle-chat');
  await anna.type('chat-input', 'Hello from Anna');
  await anna.click('chat-send');
  for (const viewer of [ben, cara]) {
    await viewer.click('toggle-chat');
    assert.match(await viewer.text('chat-line'), /Anna[\s\S]*Hello from Anna/);
  }
  for (const person of everybody()) await person.click('toggle-chat');
});

test('a lost WebSocket leaves picture and sound untouched', async () => {
  const [sinceAnna, sinceBen] = [await anna.now(), await ben.now()];
  await ben.ask('dropSocket');
  await ben.there('state', '[data-state="renewing"]');
  await ben.gone('[data-testid="state"]');
  await allMeet();
  const gaps = [
    await anna.ask('gaps', { name: ben.name, person: ben.person, since: sinceAnna }),
    await ben.ask('gaps', { name: anna.name, person: anna.person, since: sinceBen }),
  ];
  for (const { picture, sound } of gaps) assert.ok(Math.max(picture, sound) < GAP_MS, JSON.stringify(gaps));
});

test('a reload brings the same person back, with one tile', async () => {
  const identity = async () => (await anna.tiles()).find(({ name }) => name === 'Ben')?.identity;
  const earlier = await identity();
  await anna.ask('watchTiles');
  await ben.page.reload();
  await ben.there('meeting');
  await allMeet();
  assert.equal(await identity(), earlier);
  assert.equal((await anna.tiles()).length, 3);
  assert.ok(await anna.ask('mostTiles') <= 3, 'there was a ghost tile');
});

test('somebody who leaves is gone for the others, who go on', async () => {
  await ben.click('leave');
  await ben.there('left', '[data-state="left"]');
  for (const viewer of [anna, cara]) {
    await viewer.page.waitForFunction(() => window.probe.tiles().length === 2, { timeout: 3 * SECOND, polling: 50 });
  }
  await allMeet([anna, cara]);
});
