import { setTimeout as delay } from 'node:timers/promises';
import { FAILOVER_MS_MAX, type Endpoints } from '../endpoints.js';
import type { Mark } from '../../payment/mark.js';
import { Marks } from '../marks.js';
import { RpcFault } from '../rpcFault.js';
import type { Blockhash, SolanaOperator } from './solanaOperator.js';
import { BLOCKHASH_BLOCKS } from './observation.js';

/** Of a minute that a blockhash lives: a payment on one of this age has most of its time left. */
const FRESH_MS = 15_000;
/** From this age on the next one is read behind the payment that uses it. */
const RENEW_MS = 5_000;
/**
 * How far the last block of a blockhash may be from where a second operator puts it. Operators that are read are rarely
 * ten blocks apart; no proof rests on it.
 */
const APART_BLOCKS_MAX = 64;
/** The second operator is asked beside the first: how much longer its answer is waited for, before it is done without. */
const SECOND_MS_MAX = 250;
/** Slots taken off a mark, some 60 s: it may be read a moment after the signing that it is kept for. */
const MARK_MARGIN_SLOTS = 150;

/** Blockhashes to build on, kept warm, and where each operator stood when the one in use was read. */
export class Blockhashes {
  readonly #endpoints: Endpoints<SolanaOperator>;
  /** Whether one operator's word is enough, for the owner named it. */
  readonly #trusted: boolean;
  readonly #nowMs: () => number;
  readonly #marks: Marks<SolanaOperator>;
  #kept: (Blockhash & { readonly atMs: number }) | undefined;
  #reading: Promise<Blockhash> | undefined;

  constructor(endpoints: Endpoints<SolanaOperator>, trusted: boolean, nowMs: () => number) {
    this.#endpoints = endpoints;
    this.#trusted = trusted;
    this.#nowMs = nowMs;
    this.#marks = new Marks<SolanaOperator>(async (operator) => {
      const { slot, blockHeight } = await operator.confirmed();
      return markAt(slot, blockHeight);
    }, nowMs);
  }

  /** One that is seconds old at most. Throws `rpc_unavailable`, `cancelled`. */
  async newest(signal?: AbortSignal): Promise<Blockhash> {
    const kept = this.#kept;
    const ageMs = kept === undefined ? Infinity : this.#nowMs() - kept.atMs;
    if (kept === undefined || ageMs < 0 || ageMs >= FRESH_MS) return this.#read(signal);
    // Runs after the payment. The next call that needs a blockhash will meet the same fault and report it.
    if (ageMs >= RENEW_MS) this.#read().catch(() => undefined);
    return kept;
  }

  /** Marks of the one in use: none is older than it, or a mark would say less than what the blockhash lives. */
  marks(): readonly Mark[] {
    return this.#marks.since(this.#kept?.atMs ?? this.#nowMs());
  }

  async readMarks(): Promise<readonly Mark[]> {
    await Promise.all(
      this.#marks.read(await this.#endpoints.all(), this.#kept?.atMs ?? this.#nowMs() - FRESH_MS),
    );
    return this.marks();
  }

  #read(signal?: AbortSignal): Promise<Blockhash> {
    this.#reading ??= this.#readNew(signal).finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  async #readNew(signal?: AbortSignal): Promise<Blockhash> {
    const atMs = this.#nowMs();
    // The one that is asked first tells where it stands with the blockhash; the others are asked beside it.
    const [, ...others] = await this.#endpoints.all();
    const marking = this.#marks.read(others, atMs);
    const read = await this.#endpoints.askOne(
      signal,
      async (operator, deadline) => {
        const given = await operator.latestBlockhash(deadline);
        const mark = markAt(given.slot, given.lastValidBlockHeight - BLOCKHASH_BLOCKS);
        this.#marks.note({ operator: operator.origin, ...mark }, atMs);
        await this.#assertInLine(operator, given, { atMs, marking });
        return given;
      },
      FAILOVER_MS_MAX,
    );
    this.#kept = { ...read, atMs };
    return read;
  }

  /**
   * T28: throws where no second operator puts the last block near where this one does. Where no other answers in time
   * there is nothing to compare with; a proof later goes by each operator's own count in any case.
   */
  async #assertInLine(
    { origin }: SolanaOperator,
    { lastValidBlockHeight }: Blockhash,
    beside: { readonly atMs: number; readonly marking: readonly Promise<void>[] },
  ): Promise<void> {
    if (this.#trusted || this.#endpoints.count < 2) return;
    const heights = (): number[] =>
      this.#marks
        .since(beside.atMs)
        .flatMap(({ operator, height }) => (operator === origin ? [] : [height ?? 0]));
    const all = Promise.all(beside.marking);
    if (heights().length === 0) await Promise.race([all, delay(SECOND_MS_MAX, undefined, { ref: false })]);
    const others = heights();
    const height = lastValidBlockHeight - BLOCKHASH_BLOCKS;
    if (others.length === 0 || others.some((other) => Math.abs(height - other) <= APART_BLOCKS_MAX)) return;
    throw new RpcFault(
      'malformed',
      origin,
      `gives a blockhash that lives to block ${lastValidBlockHeight}, and no other operator is near that`,
    );
  }
}

function markAt(slot: number, height: number): { readonly after: number; readonly height: number } {
  return { after: Math.max(0, slot - MARK_MARGIN_SLOTS), height };
}
