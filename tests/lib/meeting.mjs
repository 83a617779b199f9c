// A room with browsers around it, for the tests of browser/.

import { close, launch, PageActor, servePage } from './browsers.mjs';
import { serverUnderTest } from './server.mjs';
import { mintToken } from './token.mjs';

let rooms = 0;

class Meeting {
  constructor(server, page) {
    Object.assign(this, { server, page, browsers: [], actors: [] });
    this.renew();
  }

  /** Goes to a new room; the participants of the old one stay in it. */
  renew() {
    rooms += 1;
    this.room = `browser-${process.pid}-${rooms}`;
  }

  async addBrowser(name, options) {
    const browser = await launch(name, options);
    this.browsers.push(browser);
    this.actors.push(await PageActor.open(browser, this.page.url, name));
  }

  /** What `connect` needs; `fields` are more of its fields, as `options` of the Room. */
  ticket(identity, fields = {}) {
    const { key, secret, url } = this.server;
    return { url, token: mintToken({ key, secret, identity, room: this.room }), ...fields };
  }

  /** Joins in browser `at` as `person` and publishes camera and microphone. */
  async join(at, identity, person, { fields, video = {}, audio = true } = {}) {
    const joinedAt = performance.now();
    const session = await this.actors[at].join(`${identity}-${joinedAt}`, identity, this.ticket(identity, fields));
    Object.assign(session, { person, at, joinedAt, media: {} });
    if (video) session.media.video = (await session.call('publish', { kind: 'video', person, source: 'camera', ...video })).sid;
    if (audio) session.media.audio = (await session.call('publish', { kind: 'audio', person, source: 'microphone' })).sid;
    return session;
  }

  /** Reloads the page of a participant without a word to the server, and joins again. */
  async reload({ at, identity, person }) {
    await this.actors[at].page.reload();
    await this.actors[at].ready();
    return this.join(at, identity, person);
  }

  async close() {
    await Promise.allSettled(this.browsers.map(close));
    await this.page.close();
    await this.server.stop();
  }
}

/** Opens the given browsers ('chromium', 'firefox') on the driver page. `server` replaces the usual one. */
export async function openMeeting(names, { server, args } = {}) {
  const meeting = new Meeting(server ?? await serverUnderTest(), await servePage());
  try {
    for (const name of names) await meeting.addBrowser(name, { args });
  } catch (error) {
    await meeting.close();
    throw error;
  }
  return meeting;
}
