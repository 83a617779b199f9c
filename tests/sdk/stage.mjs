// Rooms and participants for one column of the table.

import { mintToken } from '../lib/token.mjs';

let rooms = 0;

/** A room with the two actors that play in it, kept from row to row while rows pass. */
export class Stage {
  /** `server`: url, key, secret. `mode` is for `me`: 'single' or 'dual'. */
  constructor(server, me, other, mode) {
    Object.assign(this, { server, actors: { me, other }, mode, joined: new Set(), count: 0 });
    this.renew();
  }

  renew() {
    rooms += 1;
    this.room = `table-${process.pid}-${rooms}`;
    this.players = null;
  }

  /** Joins a new participant of 'me' or 'other'; the options are those of tokens and of `connect`. */
  async join(who, { grants, secret, ttl, autoSubscribe = true } = {}, identity = null) {
    this.count += 1;
    const name = `${who}-${this.count}`;
    const token = mintToken({
      key: this.server.key,
      secret: secret ?? this.server.secret,
      identity: identity ?? `${this.actors[who].sdk} ${name}`,
      room: this.room,
      grants,
      ttl,
    });
    const single = who === 'other' || this.mode === 'single';
    const session = await this.actors[who].join(
      `${this.room}-${name}`,
      identity ?? `${this.actors[who].sdk} ${name}`,
      { url: this.server.url, token, single, autoSubscribe },
    );
    this.joined.add(session);
    return session;
  }

  /** The two main participants. */
  async pair() {
    if (!this.players) {
      const [me, other] = await Promise.all([this.join('me'), this.join('other')]);
      await Promise.all([me.participant(other.identity), other.participant(me.identity)]);
      this.players = { me, other };
    }
    return this.players;
  }

  async leave(session) {
    this.joined.delete(session);
    await session.call('disconnect');
  }

  /** Ends all sessions and goes to a new room. */
  async reset() {
    await Promise.allSettled([...this.joined].map((session) => this.leave(session)));
    this.renew();
  }
}
