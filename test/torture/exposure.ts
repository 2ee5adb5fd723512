import type { Chain } from '../../sandbox/chain.ts';
import type { SolanaChain } from '../../sandbox/solana/chain.ts';
import type { Order } from '../../sandbox/shop/order.ts';
import type { Shop } from '../../sandbox/shop/shop.ts';
import type { ChainName } from '../support/world.js';
import type { Shown } from './sellers/shown.js';
import type { SeenLine } from './watch.js';

/** Where money moves: a chain, or the owner's Lightning node. */
export const PLACES = ['base', 'solana', 'tempo', 'lightning'] as const;
export type Place = ChainName | 'tempo' | 'lightning';

/** The most that was ever at stake, in micro-dollars, and the cap that was in force then. */
export interface Peak {
  readonly usdMicros: bigint;
  readonly capUsdMicros: bigint;
}

/** What was found by following exposure from entry to entry, or from arrival to arrival. */
export interface ExposureFindings {
  readonly peak: Peak;
  readonly broken: readonly string[];
}

/** The window of the cap that is followed, and what true time and the chain's may differ by. */
const WINDOW_MS = 86_400_000;
const SLACK_MS = 120_000;
/** Of what is counted when a cap is passed: what is at the edge of the window is in question first. */
const OLDEST_SHOWN = 8;

/** What of a payment counts: in micro-dollars, since when by true time, and by the ledger's own. */
interface Counted {
  readonly usdMicros: bigint;
  readonly heldMs: number;
  readonly countedMs: number;
  readonly isLive: boolean;
}

/**
 * Follows the journal: after every hold, all that is live, and all that was captured of what was held within a day of
 * true time, must lie within the cap of the config that the hold was judged under. `caps` are the caps by config version.
 */
export function followJournal(
  journal: readonly SeenLine[],
  caps: ReadonlyMap<number, bigint>,
): ExposureFindings {
  const counted = new Map<string, Counted>();
  const broken: string[] = [];
  let peak: Peak = { usdMicros: 0n, capUsdMicros: 0n };
  for (const { seq, kind, subject, data, atMs, ledgerMs } of journal) {
    const known = counted.get(subject);
    if (kind === 'release' && known !== undefined) Object.assign(known, { usdMicros: 0n, isLive: false });
    if ((kind === 'capture' || kind === 'confirm') && known !== undefined)
      Object.assign(known, {
        usdMicros: BigInt(data['captured_usd_micros'] ?? 0),
        isLive: false,
        countedMs: Number(data['counted_ms'] ?? known.countedMs),
      });
    if (kind !== 'hold') continue;
    counted.set(subject, {
      usdMicros: BigInt(data['held_usd_micros'] ?? 0),
      ...{ heldMs: atMs, countedMs: ledgerMs, isLive: true },
    });
    const within = [...counted].filter(
      ([, { heldMs, isLive }]) => isLive || heldMs > atMs - WINDOW_MS + SLACK_MS,
    );
    const total = within.reduce((sum, [, { usdMicros }]) => sum + usdMicros, 0n);
    const cap = caps.get(Number(data['config_version'])) ?? 0n;
    if (total > cap) {
      const byLedger = [...counted.values()]
        .filter(({ isLive, countedMs }) => isLive || countedMs > ledgerMs - WINDOW_MS)
        .reduce((sum, { usdMicros }) => sum + usdMicros, 0n);
      const oldest = within.slice(0, OLDEST_SHOWN).map(([id, { usdMicros, heldMs, isLive }]) => {
        const minutes = Math.round((atMs - heldMs) / 60_000);
        return `${id} ${usdMicros}, ${isLive ? 'live' : 'captured'}, held ${minutes} min before`;
      });
      broken.push(
        `entry ${seq}: the hold made the exposure ${total} under a cap of ${cap}, and ${byLedger} by the ledger's own times; it was written at ${new Date(ledgerMs).toISOString()}, seen at ${new Date(atMs).toISOString()}; the oldest in it: ${oldest.join('; ')}`,
      );
    }
    if (total > peak.usdMicros) peak = { usdMicros: total, capUsdMicros: cap };
  }
  return { peak, broken };
}

/**
 * When a payment can settle no more: after a second of its chain's time, after a height of Solana's, and by Lightning once the
 * node's books say that it failed.
 */
interface Expiry {
  readonly chain: Place;
  readonly last: number;
}

/** What left in the end, by the chain or the node: in micro-dollars, and in which second of its chain where that is known. */
export interface Moved {
  readonly usdMicros: bigint;
  readonly sec: number | null;
}

/** A signed payment as it first reached a seller: from then on it is out of the wallet's hands. */
export interface Arrival {
  readonly nonce: string;
  /** The most that it can take. */
  readonly usdMicros: bigint;
  /** Whether less may be taken, as under a ceiling. */
  readonly isCeiling: boolean;
  readonly expiry: Expiry;
  /** The finalized height of Solana just then. */
  readonly height: number;
  /** By the world's clock, which sleeps move. */
  readonly atMs: number;
  readonly wishId: string;
}

/** Watches sellers and the chains' clocks from outside: all it knows, it did not learn from the wallet. */
export class Witness {
  readonly arrivals = new Map<string, Arrival>();
  /** How often each payment header came, by nonce and header. */
  readonly presentations = new Map<string, Map<string, number>>();
  readonly #blocks: SolanaChain['blocks'];
  readonly #clocks: Record<'base' | 'tempo', { readonly atMs: number; readonly timeSec: number }[]> = {
    base: [],
    tempo: [],
  };
  /** Payments by Lightning that can move nothing any more, by nonce, and since when. */
  readonly #failed = new Map<string, number>();
  readonly #caps: { readonly fromMs: number; readonly usdMicros: bigint }[] = [];
  readonly #now: () => number;
  readonly #watching: NodeJS.Timeout[] = [];

  constructor({ blocks }: SolanaChain, now: () => number) {
    this.#blocks = blocks;
    this.#now = now;
  }

  /** Takes note of every payment that reaches a shop, in the moment it does. */
  watch(shop: Shop): void {
    const { requests } = shop;
    const add = requests.add.bind(requests);
    requests.add = (order) => {
      this.#see(order);
      return add(order);
    };
  }

  /** Reads a chain's clock again and again, until stopped. */
  watchClock(of: 'base' | 'tempo', chain: Pick<Chain, 'nowSec'>, everyMs: number): void {
    const look = async (): Promise<void> => {
      const timeSec = await chain.nowSec();
      this.#clocks[of].push({ atMs: this.#now(), timeSec });
    };
    this.#watching.push(setInterval(() => void look().catch(() => undefined), everyMs));
  }

  /** How many payments have reached sellers there, or the node. */
  arrivalsOn(chain: Place): number {
    return [...this.arrivals.values()].filter(({ expiry }) => expiry.chain === chain).length;
  }

  /** Whether a payment that reached a seller could still settle at this moment. */
  couldSettle({ nonce, expiry: { chain, last } }: Arrival): boolean {
    if (chain === 'lightning') return !this.#failed.has(nonce);
    // A transaction of Solana may follow any block that there is, not the finalized ones alone.
    if (chain === 'solana') return this.#blocks.height('processed') <= last;
    return Math.max(Math.floor(this.#now() / 1000), this.#clocks[chain].at(-1)?.timeSec ?? 0) <= last;
  }

  stop(): void {
    for (const one of this.#watching) clearInterval(one);
  }

  /** From now on the cap is this. */
  noteCap(usdMicros: bigint): void {
    this.#caps.push({ fromMs: this.#now(), usdMicros });
  }

  #see({ payment, url }: Order): void {
    if (payment?.nonce === undefined) return;
    const { nonce, header, value, blockhash } = payment;
    const ends = blockhash ?? ({ place: 'base', lastSec: Number(payment.validBefore) - 1 } as const);
    const shown = { nonce, header, usdMicros: BigInt(value ?? 0), isCeiling: false, ends };
    this.note(shown, url.searchParams.get('id') ?? '');
  }

  /** Takes note of a payment that a seller is shown. */
  note({ nonce, header, usdMicros, isCeiling, ends }: Shown, wishId: string): void {
    const headers = this.presentations.get(nonce) ?? new Map<string, number>();
    this.presentations.set(nonce, headers);
    headers.set(header, (headers.get(header) ?? 0) + 1);
    const expiry: Expiry =
      typeof ends === 'string'
        ? // No wallet signs over the hash of no block: one that did is counted for ever, and so found.
          { chain: 'solana', last: this.#blocks.lastFor(ends) ?? Number.POSITIVE_INFINITY }
        : { chain: ends.place, last: ends.lastSec };
    this.#add({ nonce, usdMicros, isCeiling, expiry, wishId });
  }

  /** Takes note of an invoice that the node was asked to pay: until its books say that it failed, it can be paid. */
  noteAsked(nonce: string, usdMicros: bigint, wishId: string): void {
    this.#failed.delete(nonce);
    const expiry = { chain: 'lightning', last: Number.POSITIVE_INFINITY } as const;
    this.#add({ nonce, usdMicros, isCeiling: false, expiry, wishId });
  }

  /** The node's books say that nothing of it can be paid any more. */
  noteFailed(nonce: string): void {
    this.#failed.set(nonce, this.#now());
  }

  #add(arrival: Omit<Arrival, 'height' | 'atMs'>): void {
    if (this.arrivals.has(arrival.nonce)) return;
    this.arrivals.set(arrival.nonce, { ...arrival, height: this.#blocks.height(), atMs: this.#now() });
  }

  /**
   * Follows the arrivals: at each, all that could still settle, and all that arrived within a day and has settled, must
   * lie within the cap of that moment. Under a ceiling all of it counts until less of it was taken.
   * `settled` is what chains and node show as moved in the end, by nonce.
   */
  follow(settled: ReadonlyMap<string, Moved>): ExposureFindings {
    const arrivals = [...this.arrivals.values()];
    const broken: string[] = [];
    let peak: Peak = { usdMicros: 0n, capUsdMicros: 0n };
    for (const [i, arrival] of arrivals.entries()) {
      const now = {
        base: this.#timeAfter('base', arrival.atMs),
        tempo: this.#timeAfter('tempo', arrival.atMs),
        solana: arrival.height,
      };
      const atStake = (one: Arrival): bigint => {
        const { chain, last } = one.expiry;
        const moved = settled.get(one.nonce);
        if (chain === 'lightning') {
          const isOver = (this.#failed.get(one.nonce) ?? Number.POSITIVE_INFINITY) <= arrival.atMs;
          if (moved === undefined) return isOver ? 0n : one.usdMicros;
        } else if (moved === undefined) return last >= now[chain] ? one.usdMicros : 0n;
        else if (one.isCeiling && (moved.sec ?? 0) > now[chain]) return one.usdMicros;
        return one.atMs > arrival.atMs - WINDOW_MS + SLACK_MS ? moved.usdMicros : 0n;
      };
      const usdMicros = arrivals.slice(0, i + 1).reduce((sum, one) => sum + atStake(one), 0n);
      const capUsdMicros = this.#capAt(arrival.atMs);
      if (usdMicros > capUsdMicros) {
        broken.push(`arrival of ${arrival.nonce}: ${usdMicros} could move under a cap of ${capUsdMicros}`);
      }
      if (usdMicros > peak.usdMicros) peak = { usdMicros, capUsdMicros };
    }
    return { peak, broken };
  }

  /** A chain's time as it was first seen after a moment: what had expired by then may have been let go of before. */
  #timeAfter(of: 'base' | 'tempo', atMs: number): number {
    return this.#clocks[of].find((one) => one.atMs >= atMs)?.timeSec ?? Number.POSITIVE_INFINITY;
  }

  #capAt(atMs: number): bigint {
    return this.#caps.findLast(({ fromMs }) => fromMs <= atMs)?.usdMicros ?? 0n;
  }
}
