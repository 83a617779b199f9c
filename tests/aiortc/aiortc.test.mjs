// aiortc, whose ICE and DTLS are independent of the server's and of libwebrtc,
// joins over the raw signaling and exchanges media and data with a browser. (Not
// with the Rust SDK: when aiortc's two tracks come within milliseconds, that SDK
// at times hands over none of the frames it decodes; 3 of 40 runs against LiveKit
// 1.11.0.)

import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ProcessActor } from '../lib/actor.mjs';
import { close, launch, PageActor, servePage } from '../lib/browsers.mjs';
import { serverUnderTest } from '../lib/server.mjs';
import { CAPABILITIES, play } from '../sdk/capabilities.mjs';
import { Stage } from '../sdk/stage.mjs';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const PLAYED = [
  'connect, see each other', 'publish video', 'publish audio', 'receive video', 'receive audio',
  'data, reliable', 'data, lossy',
];

let server;
let page;
let chromium;
let aiortc;
let stage;

before(async () => {
  server = await serverUnderTest();
  page = await servePage();
  chromium = await launch('chromium');
  aiortc = new ProcessActor('aiortc', at('../.venv/bin/python'), [at('aiortc_driver.py')]);
  stage = new Stage(server, aiortc, await PageActor.open(chromium, page.url, 'browser'), 'dual');
});

after(async () => {
  await aiortc?.stop();
  if (chromium) await close(chromium);
  await page?.close();
  await server?.stop();
});

for (const name of PLAYED) {
  test(`aiortc: ${name}`, () => play(CAPABILITIES.find((capability) => capability.name === name), stage));
}
