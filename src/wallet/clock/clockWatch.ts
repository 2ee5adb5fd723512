import type { TimeGiven } from '../../chain/chain.js';
import type { LedgerClock } from '../../ledger/ledgerStore.js';
import {
  judgeClock,
  type Clocks,
  type ClockVerdict,
  type ClockWitness,
  type TimeReading,
} from '../../policy/clock.js';

/** A chain's pace is judged by looks that are no further apart than this. ms */
const PACE_MS_MAX = 10 * 60_000;
/** More operators than any config names; the one that was heard longest ago goes. */
const WITNESSES_MAX = 64;

/** All sellers together have one voice: anybody can be many of them. */
const SELLERS = 'the seller';

type Witness = { -readonly [Key in keyof ClockWitness]: ClockWitness[Key] };

/** What is told of a time that somebody gave. */
interface Given {
  readonly ms: number;
  readonly tookMs: number;
}

/**
 * Watches the wall clock by the times that others give with answers that come anyway. A reading holds as long as the
 * wall clock runs as the monotonic one does: after a jump, or a sleep of the machine, it says little more.
 *
 * To the ledger it is the bound of its time: with the wall clock while that is found right, and otherwise no faster than
 * the monotonic clock runs.
 */
export class ClockWatch implements LedgerClock {
  readonly #nowMs: () => number;
  readonly #monotonicMs: () => number;
  readonly #witnesses = new Map<string, Witness>();
  /** A moment at which ledger time was known to be no later than the truth, or when this process began to keep it. */
  #anchor: { readonly ledgerMs: number; readonly monotonicMs: number } | null = null;
  /** The newest entry as last told: one that is earlier than before was set back by the owner. */
  #newestMs = -Infinity;

  constructor(nowMs: () => number, monotonicMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
    this.#monotonicMs = monotonicMs;
  }

  /** Notes the `Date` of an answer; `facilitator` is the origin of the owner's where it comes from there. */
  noteDate(given: Given, facilitator: string | null): void {
    this.#witness(facilitator ?? SELLERS, false).date = this.#reading(given);
  }

  /** Notes a time that an RPC operator gave, which the owner may have named. */
  noteOperator({ operator, kind, ...given }: TimeGiven, trusted: boolean): void {
    const witness = this.#witness(operator, trusted);
    if (kind === 'date') {
      witness.date = this.#reading(given);
      return;
    }
    const reading = this.#reading(given);
    const first = witness.earlierBlock ?? witness.block;
    const isOld = first !== null && reading.monotonicMs - first.monotonicMs > PACE_MS_MAX;
    witness.earlierBlock = isOld ? witness.block : first;
    witness.block = reading;
  }

  /** Whether the wall clock is right, by what was heard so far. Asks nobody. */
  verdict(): ClockVerdict {
    return judgeClock([...this.#witnesses.values()], this.#clocks());
  }

  latestMs(newestMs: number): number {
    const monotonicMs = this.#monotonicMs();
    if (this.verdict().kind === 'right') {
      // To what it says now, and no further: whoever writes may have read it before it was set right.
      const ledgerMs = this.#nowMs();
      this.#anchor = { ledgerMs, monotonicMs };
      return ledgerMs;
    }
    if (newestMs < this.#newestMs) this.#anchor = null;
    this.#newestMs = newestMs;
    this.#anchor ??= { ledgerMs: newestMs, monotonicMs };
    return Math.floor(this.#anchor.ledgerMs + monotonicMs - this.#anchor.monotonicMs);
  }

  #witness(name: string, trusted: boolean): Witness {
    const nothing = { date: null, block: null, earlierBlock: null };
    const witness = { ...(this.#witnesses.get(name) ?? nothing), name, trusted };
    // Last heard, last in the map.
    this.#witnesses.delete(name);
    this.#witnesses.set(name, witness);
    const oldest = this.#witnesses.keys().next();
    if (this.#witnesses.size > WITNESSES_MAX && oldest.done === false) this.#witnesses.delete(oldest.value);
    return witness;
  }

  #reading({ ms, tookMs }: Given): TimeReading {
    return { ...this.#clocks(), givenMs: ms, tookMs };
  }

  #clocks(): Clocks {
    return { wallMs: this.#nowMs(), monotonicMs: this.#monotonicMs() };
  }
}
