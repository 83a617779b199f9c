// What the web app says when camera and microphone are denied, and when the
// connection is lost.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AppPerson } from '../lib/app.mjs';
import { close, launch } from '../lib/browsers.mjs';
import { startServer } from '../lib/server.mjs';

let server;
let chromium;

before(async () => {
  server = await startServer();
  chromium = await launch('chromium');
});

after(async () => {
  if (chromium) await close(chromium);
  await server?.stop();
});

test('a browser that blocks camera and microphone is told of, and joining still works', async () => {
  const page = await chromium.newPage();
  const cdp = await page.createCDPSession();
  for (const name of ['camera', 'microphone']) {
    await cdp.send('Browser.setPermission', { permission: { name }, setting: 'denied', origin: server.http });
  }
  await page.goto(`${server.http}/m/denied`);
  const person = new AppPerson(page, 'Dora', 0);
  const text = await person.text('notice', '[data-state="blocked-site"]');
  assert.match(text, /blocks camera and microphone/);
  await person.join();
  await person.there('tile');
  await page.close();
});

test('a lost server is told of, with what it means', async () => {
  const person = await AppPerson.open(chromium, { http: server.http, room: 'lost', name: 'Emil', person: 0 });
  await person.join();
  await person.there('tile');
  server.child.kill('SIGKILL');
  const text = await person.text('state', '[data-state="reconnecting"]');
  assert.match(text, /Reconnecting, \d+ s\..*Nobody sees or hears you/s);
});
