import type { ServerResponse } from 'node:http';

/** The sandbox's own time: the machine's, and as far ahead of it as its chains were moved. */
export class SandboxClock {
  readonly #aheadMs = new Map<string, number>();

  /** ms since 1970. */
  readonly now = (): number => Date.now() + Math.max(0, ...this.#aheadMs.values());

  /** Where a chain now stands, as far as it was moved ahead of the machine's time. */
  aheadMs(chain: string): number {
    return this.#aheadMs.get(chain) ?? 0;
  }

  /** Notes how far ahead of the machine's time a chain is now. */
  moveTo(chain: string, aheadMs: number): void {
    this.#aheadMs.set(chain, aheadMs);
  }
}

/** Puts the time into an answer's `Date`; none for null. */
export function dateAnswer(response: ServerResponse, ms: number | null): void {
  response.sendDate = false;
  if (ms === null) response.removeHeader('date');
  else response.setHeader('date', new Date(ms).toUTCString());
}
