import type { Challenge } from './probe.js';

/** A challenge that nobody saw for so long is asked for anew, whatever was paid since. */
const SEEN_MS = 3_600_000;
/** Endpoints that are remembered; the one seen longest ago is forgotten first. */
const SEEN_MAX = 200;
/** Bytes of a challenge that is remembered: honest ones have some kilobytes. */
const BYTES_MAX = 32 * 1024;

/** What endpoints asked last, in the memory of this process alone: a new one asks each endpoint once. */
export class SeenChallenges {
  readonly #seen = new Map<string, { readonly challenge: Challenge; readonly atMs: number }>();

  /** Remembers what was asked at a place; what was asked there before is forgotten. */
  note(place: string, challenge: Challenge): void {
    const { bodyText, headers } = challenge.answer;
    const bytes = headers.reduce((sum, [, value]) => sum + value.length, bodyText.length);
    this.#seen.delete(place);
    if (bytes > BYTES_MAX) return;
    this.#seen.set(place, { challenge, atMs: performance.now() });
    const [oldest] = this.#seen.keys();
    if (this.#seen.size > SEEN_MAX && oldest !== undefined) this.#seen.delete(oldest);
  }

  /** What was asked there, or null. */
  recall(place: string): Challenge | null {
    const seen = this.#seen.get(place);
    if (seen === undefined || performance.now() - seen.atMs > SEEN_MS) return null;
    return seen.challenge;
  }

  forget(place: string): void {
    this.#seen.delete(place);
  }
}
