import { randomBytes, timingSafeEqual } from 'node:crypto';
import { hashToken } from '../money/agent.js';

const TOKEN = /^pprx_[A-Za-z0-9_-]{43}$/;
const TOKEN_BYTES = 32;

/** A token for one proxy, good for as long as that runs: it is kept nowhere. */
export function newProxyToken(): string {
  return `pprx_${randomBytes(TOKEN_BYTES).toString('base64url')}`;
}

/** Whether a text has the form of a proxy's token. */
export function isProxyToken(text: string): boolean {
  return TOKEN.test(text);
}

/** Whether two tokens are the same, in a time that does not say how much of them is. */
export function isSameToken(given: string, own: string): boolean {
  return timingSafeEqual(Buffer.from(hashToken(given), 'hex'), Buffer.from(hashToken(own), 'hex'));
}

/** A token of a proxy's or an agent's, anywhere in a text. */
const TOKEN_WITHIN = /(?:pprx|purser_[a-z][a-z0-9-]{0,31})_[A-Za-z0-9_-]{43}/;

/** Whether a token stands in a text, be it within an address: such a text goes to no seller (T38). */
export function holdsToken(text: string): boolean {
  return TOKEN_WITHIN.test(text);
}
