// Starts the browsers of the tests and the page that drives livekit-client.

import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import puppeteer from 'puppeteer-core';
import { Actor } from './actor.mjs';
import { startSound } from './sound.mjs';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const FIREFOX = ['/usr/bin/firefox-esr', '/usr/bin/firefox'];

/** The path of an installed browser, or null. */
export function browserPath(name) {
  const chosen = process.env[`VISAVIS_TEST_${name.toUpperCase()}`];
  return chosen ?? (name === 'firefox' ? FIREFOX : CHROMIUM).find((path) => existsSync(path)) ?? null;
}

const CHROMIUM_ARGS = [
  // The tests may run as root, where Chromium's sandbox can't start; the pages are ours.
  '--no-sandbox',
  '--auto-accept-this-tab-capture',
  '--autoplay-policy=no-user-gesture-required',
  '--allow-loopback-in-peer-connection',
  '--disable-features=WebRtcHideLocalIpsWithMdns',
  // Pages that are not in front would draw and decode at 1 fps.
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
  '--disable-gpu',
  '--mute-audio',
];

const FIREFOX_PREFS = {
  'media.navigator.permission.disabled': true,
  'media.autoplay.default': 0,
  'media.autoplay.blocking_policy': 0,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  'media.peerconnection.ice.loopback': true,
  'media.getusermedia.insecure.enabled': true,
  // Nothing is fetched from Mozilla while tests run.
  'app.normandy.enabled': false,
  'datareporting.healthreport.uploadEnabled': false,
  'media.gmp-manager.updateEnabled': false,
};

const running = new Map();
// A test runner that is stopped leaves no browsers behind; on signals puppeteer sees to it.
process.on('exit', () => running.forEach((_, browser) => browser.process()?.kill('SIGKILL')));

/** Starts 'chromium' or 'firefox'; `args` are further arguments of Chromium. */
export async function launch(name, { args = [] } = {}) {
  const executablePath = browserPath(name);
  if (!executablePath) throw new Error(`${name} is not installed; run node tests/setup.mjs`);
  const common = { executablePath, headless: true, defaultViewport: { width: 1280, height: 720 } };
  if (name === 'chromium') {
    const browser = await puppeteer.launch({ ...common, args: [...CHROMIUM_ARGS, ...args] });
    running.set(browser, null);
    return browser;
  }
  const sound = await startSound();
  try {
    const env = { ...process.env, ...sound.env };
    const browser = await puppeteer.launch({ ...common, browser: name, extraPrefsFirefox: FIREFOX_PREFS, env });
    running.set(browser, sound);
    return browser;
  } catch (error) {
    await sound.stop();
    throw error;
  }
}

/** Closes a browser, by force when it does not answer. */
export async function close(browser) {
  const child = browser.process();
  const killed = setTimeout(() => child?.kill('SIGKILL'), 5000);
  await browser.close().catch(() => {});
  clearTimeout(killed);
  await running.get(browser)?.stop();
  running.delete(browser);
}

const FILES = {
  '/': ['page/index.html', 'text/html'],
  '/session.mjs': ['page/session.mjs', 'text/javascript'],
  '/source.mjs': ['page/source.mjs', 'text/javascript'],
  '/reader.mjs': ['page/reader.mjs', 'text/javascript'],
  '/stats.mjs': ['page/stats.mjs', 'text/javascript'],
  '/pattern.mjs': ['pattern.mjs', 'text/javascript'],
  '/livekit-client.mjs': ['../node_modules/livekit-client/dist/livekit-client.esm.mjs', 'text/javascript'],
};

/** Serves the driver page on loopback; `{ url, close }`. */
export async function servePage() {
  const server = createServer(async (request, response) => {
    const [file, type] = FILES[new URL(request.url, 'http://localhost').pathname] ?? [];
    if (!file) {
      response.writeHead(404).end();
      return;
    }
    response.setHeader('content-type', `${type}; charset=utf-8`);
    response.end(await readFile(fileURLToPath(new URL(file, import.meta.url))));
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close: () => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); }),
  };
}

/** The driver page in one browser: livekit-client as an actor. */
export class PageActor extends Actor {
  /** Opens the page; `sdk` names it in tables and failures. */
  static async open(browser, pageUrl, sdk) {
    const actor = new PageActor(sdk);
    const page = await browser.newPage();
    Object.assign(actor, { page, log: [] });
    page.on('console', (message) => actor.note(message.text()));
    page.on('pageerror', (error) => actor.note(`page error: ${error.message}`));
    await page.exposeFunction('report', (events) => events.forEach((event) => actor.handle(event)));
    await page.goto(pageUrl);
    await actor.ready();
    return actor;
  }

  /** Resolves when the page takes verbs. */
  async ready() {
    await this.page.waitForFunction('window.request !== undefined');
  }

  note(line) {
    this.log.push(line);
    if (this.log.length > 200) this.log.shift();
  }

  request(verb, session, fields) {
    return this.page.evaluate((...call) => window.request(...call), verb, session, fields);
  }

  async stop() {
    await this.page.close().catch(() => {});
  }
}
