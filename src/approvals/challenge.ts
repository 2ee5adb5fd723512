import { createHash, randomBytes } from 'node:crypto';
import type { Answer } from './inbox.js';

/** A person needs seconds to touch a key, and a minute to fetch a phone. */
export const CHALLENGE_LIFE_MS = 3 * 60_000;

/** More than one person can have open. */
const CHALLENGES_MAX = 32;

const RANDOM_BYTES = 16;
const ID_BYTES = 16;

/**
 * Where a page is that asks for a passkey: a port of `localhost`, or an address of the owner's own under TLS, with the name
 * that its passkeys are bound to.
 */
export type PasskeyPlace = number | { readonly origin: string; readonly rpId: string };

interface Open {
  readonly random: Buffer;
  readonly at: PasskeyPlace;
  readonly expiresMs: number;
}

/** One challenge to be signed. */
export interface Challenge {
  readonly id: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * What a passkey's signature is for when it answers a question: the digest of what is asked and the very answer, with
 * its amount, so that a yes to one payment is none to another and no raise of a cap (T18).
 */
export function answerPurpose(digest: string, answer: Answer): string {
  const amount = answer.kind === 'session' ? answer.usdMicros.toString() : null;
  return JSON.stringify(['purser answer 1', digest, answer.kind, amount]);
}

/** What a passkey's signature is for when it takes back that the answer to a question blocked its host. */
export function unblockPurpose(digest: string, host: string): string {
  return JSON.stringify(['purser unblock 1', digest, host]);
}

/**
 * The challenges that are open in this process: each for one purpose, for one signature, for
 * {@link CHALLENGE_LIFE_MS}. A challenge is 16 random bytes and a SHA-256 over them and its purpose; only the random
 * ones are kept, so that it can be taken for no other purpose than the one it is taken with.
 */
export class Challenges {
  readonly #open = new Map<string, Open>();
  readonly #max: number;

  /** `max` is how many are open at once; past it the oldest goes. */
  constructor(max = CHALLENGES_MAX) {
    this.#max = max;
  }

  /** `at` is where the page that asks for the signature is served. */
  issue(purpose: string, at: PasskeyPlace, nowMs: number): Challenge {
    for (const [id, { expiresMs }] of this.#open) {
      // They end in the order in which they began.
      if (expiresMs > nowMs && this.#open.size < this.#max) break;
      this.#open.delete(id);
    }
    const id = randomBytes(ID_BYTES).toString('hex');
    const random = randomBytes(RANDOM_BYTES);
    this.#open.set(id, { random, at, expiresMs: nowMs + CHALLENGE_LIFE_MS });
    return { id, bytes: bind(random, purpose) };
  }

  /** Ends the challenge, and answers what must have been signed, and where; null where it is none or too old. */
  take(
    id: string,
    purpose: string,
    nowMs: number,
  ): { readonly bytes: Uint8Array<ArrayBuffer>; readonly at: PasskeyPlace } | null {
    const open = this.#open.get(id);
    this.#open.delete(id);
    if (open === undefined || open.expiresMs <= nowMs) return null;
    return { bytes: bind(open.random, purpose), at: open.at };
  }
}

function bind(random: Buffer, purpose: string): Uint8Array<ArrayBuffer> {
  const digest = createHash('sha256').update(random).update(purpose).digest();
  return new Uint8Array([...random, ...digest]);
}
