import { randomBytes } from 'node:crypto';

/** 80 random bits: ids are handed to agents as handles and must not be guessable across agents. */
export const ID_BYTES = 10;

/** A fresh id such as `pay_3f…`. */
export function newId(prefix: 'pay' | 'wdr' | 'quo' | 'ses' | 'led' | 'apv' | 'ent' | 'run' | 'prp'): string {
  return `${prefix}_${randomBytes(ID_BYTES).toString('hex')}`;
}
