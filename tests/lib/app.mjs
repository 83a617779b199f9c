// People at the web app: a page each, with a probe as their devices, eyes and ears.

import { readFile } from 'node:fs/promises';
import { PATIENCE_MS } from './actor.mjs';

const MODULES = ['pattern.mjs', 'page/source.mjs', 'page/reader.mjs', 'page/probe.mjs'];

/** The probe as one classic script: browsers run no modules before a page's own. */
async function probeScript(person) {
  const texts = await Promise.all(MODULES.map((file) => readFile(new URL(file, import.meta.url), 'utf8')));
  const plain = texts.map((text) => text.replace(/^import .*$/gm, '').replace(/^export /gm, ''));
  return `(() => { window.probePerson = ${person}; ${plain.join('\n')} })()`;
}

/** A control or text by its hook. */
const hook = (name) => `[data-testid="${name}"]`;

export class AppPerson {
  constructor(page, name, person) {
    Object.assign(this, { page, name, person });
  }

  /** Opens the room's page in a browser. */
  static async open(browser, { http, room, name, person }) {
    const page = await browser.newPage();
    await page.evaluateOnNewDocument(await probeScript(person));
    await page.goto(`${http}/m/${room}`);
    return new AppPerson(page, name, person);
  }

  /** Types the name and joins. */
  async join() {
    await this.type('name', this.name);
    await this.click('join');
    await this.there('meeting');
  }

  there(name, selector = '') {
    return this.page.waitForSelector(`${hook(name)}${selector}`, { timeout: PATIENCE_MS });
  }

  gone(selector) {
    return this.page.waitForSelector(selector, { hidden: true, timeout: PATIENCE_MS });
  }

  async click(name) {
    await (await this.there(name)).click();
  }

  async type(name, text) {
    await (await this.there(name)).type(text);
  }

  async text(name, selector) {
    return (await this.there(name, selector)).evaluate((element) => element.textContent);
  }

  now() {
    return this.ask('now');
  }

  /** What the probe answers. */
  ask(question, about) {
    return this.page.evaluate((verb, fields) => window.probe[verb](fields), question, about);
  }

  /** Resolves when the probe's answer is true; the failure names the question. */
  async until(question, about, ms = PATIENCE_MS) {
    const fields = { since: await this.now(), ...about };
    const holds = (verb, of) => window.probe[verb](of);
    await this.page.waitForFunction(holds, { timeout: ms, polling: 50 }, question, fields).catch((error) => {
      throw new Error(`${this.name} ${question} ${JSON.stringify(about)}: ${error.message}`);
    });
  }

  /** Sees the other person's moving picture and hears their tone. */
  async meets({ name, person }, ms) {
    await Promise.all([this.until('sees', { name, person }, ms), this.until('hears', { person }, ms)]);
  }

  /** The tiles as the page shows them. */
  tiles() {
    return this.ask('tiles');
  }
}
