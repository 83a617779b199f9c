// Access tokens, made without a library: what a server sees must not depend on
// the SDK that is being tested.

import { createHmac } from 'node:crypto';

const base64url = (value) => Buffer.from(value).toString('base64url');

/**
 * A signed HS256 token. `grants` is merged over the usual video grants of
 * somebody who joins `room`; `ttl` is in seconds from now and may be negative.
 */
export function mintToken({ key, secret, identity, room, name, metadata, grants = {}, ttl = 600 }) {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: key,
    sub: identity,
    nbf: now - 3600,
    exp: now + ttl,
    name,
    metadata,
    video: { roomJoin: true, room, canUpdateOwnMetadata: true, ...grants },
  };
  const header = base64url(JSON.stringify({ alg: 'HS256', typ: 'JWT' }));
  const signed = `${header}.${base64url(JSON.stringify(claims))}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}
