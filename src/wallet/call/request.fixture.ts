import { createHmac } from 'node:crypto';
import type { Caller } from './request.js';

/** An agent of a wallet whose ledger hashes by `key`. */
export function callerOf(agent: string, key = 'a ledger'): Caller {
  return { agent, keyedHash: (text) => createHmac('sha256', key).update(text).digest('hex') };
}
