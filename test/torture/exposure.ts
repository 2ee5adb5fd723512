import type { Chain } from '../../sandbox/chain.ts';
import type { SolanaChain } from '../../sandbox/solana/chain.ts';
import type { Order, PaymentSeen } from '../../sandbox/shop/order.ts';
import type { Shop } from '../../sandbox/shop/shop.ts';
import type { ChainName } from '../support/world.js';
import type { SeenLine } from './watch.js';

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

/**
 * Follows the journal: after every hold, all that is live, and all that was captured of what was held within a day of
 * true time, must lie within the cap of the config that the hold was judged under. `caps` are the caps by config version.
 */
export function followJournal(
  journal: readonly SeenLine[],
  caps: ReadonlyMap<number, bigint>,
): ExposureFindings {
  const counted = new Map<string, { usdMicros: bigint; heldMs: number; isLive: boolean }>();
  const broken: string[] = [];
  let peak: Peak = { usdMicros: 0n, capUsdMicros: 0n };
  for (const { seq, kind, subject, data, atMs } of journal) {
    const known = counted.get(subject);
    if (kind === 'release' && known !== undefined) Object.assign(known, { usdMicros: 0n, isLive: false });
    if ((kind === 'capture' || kind === 'confirm') && known !== undefined)
      Object.assign(known, { usdMicros: BigInt(data['captured_usd_micros'] ?? 0), isLive: false });
    if (kind !== 'hold') continue;
    counted.set(subject, {
      usdMicros: BigInt(data['held_usd_micros'] ?? 0),
      heldMs: atMs,
      isLive: true,
    });
    let total = 0n;
    for (const { usdMicros, heldMs, isLive } of counted.values())
      if (isLive || heldMs > atMs - WINDOW_MS + SLACK_MS) total += usdMicros;
    const cap = caps.get(Number(data['config_version'])) ?? 0n;
    if (total > cap) broken.push(`entry ${seq}: the hold made the exposure ${total} under a cap of ${cap}`);
    if (total > peak.usdMicros) peak = { usdMicros: total, capUsdMicros: cap };
  }
  return { peak, broken };
}

/** When an authorization can settle no more: by Base's time, in seconds, or by Solana's height. */
interface Expiry {
  readonly chain: ChainName;
  readonly last: number;
}

/** A signed payment as it first reached a seller: from then on it is out of the wallet's hands. */
export interface Arrival {
  readonly nonce: string;
  readonly usdMicros: bigint;
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
  readonly #clock: { readonly atMs: number; readonly timeSec: number }[] = [];
  readonly #caps: { readonly fromMs: number; readonly usdMicros: bigint }[] = [];
  readonly #now: () => number;
  #watching: NodeJS.Timeout | undefined;

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

  /** Reads Base's clock again and again, until stopped. */
  watchClock(chain: Chain, everyMs: number): void {
    const look = async (): Promise<void> => {
      const timeSec = await chain.nowSec();
      this.#clock.push({ atMs: this.#now(), timeSec });
    };
    this.#watching = setInterval(() => void look().catch(() => undefined), everyMs);
  }

  /** How many payments on a chain have reached sellers. */
  arrivalsOn(chain: ChainName): number {
    return [...this.arrivals.values()].filter(({ expiry }) => expiry.chain === chain).length;
  }

  /** Whether a payment that reached a seller could still settle at this moment. */
  couldSettle({ expiry: { chain, last } }: Arrival): boolean {
    // A transaction of Solana may follow any block that there is, not the finalized ones alone.
    if (chain === 'solana') return this.#blocks.height('processed') <= last;
    return Math.max(Math.floor(this.#now() / 1000), this.#clock.at(-1)?.timeSec ?? 0) <= last;
  }

  stop(): void {
    clearInterval(this.#watching);
  }

  /** From now on the cap is this. */
  noteCap(usdMicros: bigint): void {
    this.#caps.push({ fromMs: this.#now(), usdMicros });
  }

  #see({ payment, url }: Order): void {
    if (payment?.nonce === undefined) return;
    const { nonce, header, value } = payment;
    const headers = this.presentations.get(nonce) ?? new Map<string, number>();
    this.presentations.set(nonce, headers);
    headers.set(header, (headers.get(header) ?? 0) + 1);
    if (this.arrivals.has(nonce)) return;
    this.arrivals.set(nonce, {
      nonce,
      usdMicros: BigInt(value ?? 0),
      expiry: this.#expiryOf(payment),
      height: this.#blocks.height(),
      atMs: this.#now(),
      wishId: url.searchParams.get('id') ?? '',
    });
  }

  #expiryOf({ blockhash, validBefore }: PaymentSeen): Expiry {
    if (blockhash === undefined) return { chain: 'base', last: Number(validBefore) - 1 };
    // No wallet signs over the hash of no block: one that did is counted for ever, and so found.
    return { chain: 'solana', last: this.#blocks.lastFor(blockhash) ?? Number.POSITIVE_INFINITY };
  }

  /**
   * Follows the arrivals: at each, all that could still settle, and all that arrived within a day and has settled, must
   * lie within the cap of that moment.
   * `settled` are the nonces that the chains show as spent in the end.
   */
  follow(settled: ReadonlySet<string>): ExposureFindings {
    const arrivals = [...this.arrivals.values()];
    const broken: string[] = [];
    let peak: Peak = { usdMicros: 0n, capUsdMicros: 0n };
    for (const [i, arrival] of arrivals.entries()) {
      const now = { base: this.#chainTimeAfter(arrival.atMs), solana: arrival.height };
      const usdMicros = arrivals
        .slice(0, i + 1)
        .filter(({ nonce, atMs, expiry: { chain, last } }) =>
          settled.has(nonce) ? atMs > arrival.atMs - WINDOW_MS + SLACK_MS : last >= now[chain],
        )
        .reduce((sum, one) => sum + one.usdMicros, 0n);
      const capUsdMicros = this.#capAt(arrival.atMs);
      if (usdMicros > capUsdMicros) {
        broken.push(`arrival of ${arrival.nonce}: ${usdMicros} could move under a cap of ${capUsdMicros}`);
      }
      if (usdMicros > peak.usdMicros) peak = { usdMicros, capUsdMicros };
    }
    return { peak, broken };
  }

  /** Base's time as it was first seen after a moment: what had expired by then may have been let go of before. */
  #chainTimeAfter(atMs: number): number {
    return this.#clock.find((one) => one.atMs >= atMs)?.timeSec ?? Number.POSITIVE_INFINITY;
  }

  #capAt(atMs: number): bigint {
    return this.#caps.findLast(({ fromMs }) => fromMs <= atMs)?.usdMicros ?? 0n;
  }
}
