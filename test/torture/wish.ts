import type { FaultName } from '../../sandbox/faults.ts';
import type { Outcome } from '../../src/wallet/answer/outcome.js';
import type { Random } from '../support/random.js';
import type { ChainName } from '../support/world.js';
import { ESTRANGING_FAULT, FRONT_FAULTS, type FrontFault } from './sellers/front.js';

/** Something an agent wants once, however often it has to ask. */
export interface Wish {
  readonly id: string;
  /** Whose wish it is: one of the wallet's agents, by name. */
  readonly agent: string;
  readonly url: string;
  readonly fault: FaultName | FrontFault | 'none';
  /** Arguments of `wallet_pay` beside the bound on time. */
  readonly call: Readonly<Record<string, unknown>>;
  /** How long a call for it may take, times what this machine is slower than a fast one. */
  readonly timeoutMs: number;
  /** Whether it is quoted first, and the quote paid. */
  readonly isQuoted: boolean;
  /** How many ask for it in parallel, in whatever processes. */
  readonly twins: number;
}

/** What a call for a wish came to; null where its process ended first. */
export interface Told {
  readonly wish: Wish;
  readonly outcome: Outcome | null;
}

/** Faults after which an origin goes on being paid. */
const COMMON: readonly FaultName[] = [
  'reject',
  'insufficient_funds',
  'verify_refused',
  'receipt_failed',
  'hang',
  'drop',
  'error_before_settle',
  'unsettled',
  'redirect_paid',
  'hang_after_settle',
  'drop_after_settle',
  'error_after_settle',
  'error_with_receipt',
  'settle_unheard_delivered',
  'no_receipt',
  'garbled_receipt',
  'cut_body',
  'redirect_after_settle',
  'settlement_pending',
  'fails_then_settles_delivered',
  'settles_later',
  'hang_settles_later',
  'hang_unpaid',
  'drop_unpaid',
  'error_unpaid',
];
/** Faults after which a wallet pauses the origin (T12): each is met at an origin of its own. */
const ESTRANGING: readonly FaultName[] = [
  'second_402',
  'denied_receipt',
  'settle_unheard',
  'verify_refused_falsely',
  'fails_then_settles',
  'false_receipt',
  'borrowed_receipt',
];

const CLEAN_PERCENT = 35;
const ESTRANGING_PERCENT = 5;
const GOODS = ['json', 'text', 'echo', 'stream?events=3&ms=20', 'slow?ms=80', 'large?bytes=60000'];
const PRICES = ['0.01', '0.02', '0.031', '0.047'];
/** Where a wish can be paid: mostly on one chain, now and then on whichever the wallet takes. */
const CHAIN_SHARES = [
  [40, 'base'],
  [45, 'solana'],
] as const;
/** Seconds an authorization lives: the shortest that the facilitator takes, so that many expire within a run. */
const LIVES = ['9', '14', '25'];

/** How many origins common wishes go to at once. */
const STALLS = 6;

/** In hundred, how often a wish is for what is sold by another protocol or scheme than `exact` of x402. */
const OTHER_PERCENT = 55;
/** What those are: by its weight, where at a front, and by which method. Prices leave room for fees below the bound on a call. */
const OTHERS: readonly (readonly [weight: number, draw: (id: string, random: Random) => string])[] = [
  [28, (id, random) => `/lightning/l402/${random.pick(SATS)}/${id}/?`],
  [14, (id, random) => `/lightning/mpp/${random.pick(SATS)}/${id}/?`],
  [18, (_id, random) => `/mpp/tempo?usd=${random.pick(PRICES)}&life=${random.pick(LIVES)}&`],
  [8, (_id, random) => `/mpp/tempo?usd=${random.pick(SMALL_PRICES)}&fee=own&life=${random.pick(LIVES)}&`],
  [9, (_id, random) => `/mpp/evm?usd=${random.pick(PRICES)}&life=${random.pick(LIVES)}&`],
  [9, (_id, random) => `/mpp/solana?usd=${random.pick(PRICES)}&`],
  [14, (_id, random) => `/permit2/upto/a?usd=0.047&charge=${random.pick(CHARGES)}&`],
  [6, (_id, random) => `/permit2/upto/sponsored/a?usd=0.031&charge=${random.pick(CHARGES)}&`],
  [6, (_id, random) => `/permit2/exact/a?usd=${random.pick(PRICES)}&`],
];
const SATS = [10, 20, 31];
const SMALL_PRICES = ['0.01', '0.02', '0.031'];
/** Of a ceiling: nothing of it, some, or nearly all. */
const CHARGES = ['0', '0.004', '0.013', '0.03'];

/**
 * Where wishes are granted: some origins for common ones, and fresh ones for those that estrange theirs. An origin that
 * a wallet has paused is left, too: the wallet is right to, and there is nothing to learn from asking on.
 */
export class Market {
  readonly #open: string[];
  readonly #fresh: string[];

  constructor(origins: readonly string[]) {
    this.#open = origins.slice(0, STALLS);
    this.#fresh = origins.slice(STALLS);
  }

  pickOrigin(random: Random): string {
    return random.pick(this.#open);
  }

  /** An origin for one estranging wish; undefined once there is none to spare. */
  takeOrigin(): string | undefined {
    return this.#fresh.shift();
  }

  /** Puts a fresh origin in the place of one that was paused, while there is one. */
  leave(url: string): void {
    const place = this.#open.indexOf(new URL(url).origin);
    const next = place === -1 ? undefined : this.#fresh.shift();
    if (next !== undefined) this.#open[place] = next;
  }
}

/** The one chain that a wish is offered on; undefined where it is offered on both. */
function drawChain(random: Random): ChainName | undefined {
  let at = random.below(100);
  for (const [share, chain] of CHAIN_SHARES) {
    if (at < share) return chain;
    at -= share;
  }
  return undefined;
}

/** Where wishes go: the shops of x402, and the fronts of those that sell otherwise. */
export interface Markets {
  readonly shops: Market;
  readonly fronts: Market;
}

/** Draws a wish. */
export function drawWish(id: string, agent: string, random: Random, { shops, fronts }: Markets): Wish {
  const isOther = random.percent(OTHER_PERCENT);
  const drawn = isOther ? drawOther(id, random, fronts) : drawExact(id, random, shops);
  const isPost = random.percent(40);
  return {
    id,
    agent,
    url: drawn.url.href,
    fault: drawn.fault,
    call: {
      url: drawn.url.href,
      max_usd: '0.05',
      ...(isPost ? { method: 'POST', body: { wish: id } } : {}),
      ...(random.percent(30) ? { idempotency_key: `key-${id}` } : {}),
    },
    timeoutMs: 1_000 + random.below(2_500),
    isQuoted: random.percent(20),
    twins: random.percent(15) ? 2 + random.below(3) : 1,
  };
}

type Drawn = Pick<Wish, 'fault'> & { readonly url: URL };

function drawOther(id: string, random: Random, market: Market): Drawn {
  const estranged = random.percent(ESTRANGING_PERCENT) ? market.takeOrigin() : undefined;
  const fault =
    estranged !== undefined
      ? ESTRANGING_FAULT
      : random.percent(CLEAN_PERCENT)
        ? 'none'
        : random.pick(FRONT_FAULTS);
  const draw = pickWeighed(OTHERS, random);
  const url = new URL(`${draw(id, random)}id=${id}`, estranged ?? market.pickOrigin(random));
  if (fault !== 'none') {
    url.searchParams.set('fault', fault);
    if (random.percent(30)) url.searchParams.set('times', '2');
  }
  return { url, fault };
}

function pickWeighed<T>(choices: readonly (readonly [number, T])[], random: Random): T {
  let at = random.below(choices.reduce((sum, [weight]) => sum + weight, 0));
  for (const [weight, choice] of choices) {
    if (at < weight) return choice;
    at -= weight;
  }
  throw new RangeError('Nothing to choose from');
}

function drawExact(id: string, random: Random, market: Market): Drawn {
  const estranged = random.percent(ESTRANGING_PERCENT) ? market.takeOrigin() : undefined;
  const fault =
    estranged !== undefined
      ? random.pick(ESTRANGING)
      : random.percent(CLEAN_PERCENT)
        ? 'none'
        : random.pick(COMMON);
  const url = new URL(
    `/v${random.pick([1, 2])}/${random.pick(GOODS)}`,
    estranged ?? market.pickOrigin(random),
  );
  url.searchParams.set('id', id);
  url.searchParams.set('usd', random.pick(PRICES));
  const chain = drawChain(random);
  if (chain !== undefined) url.searchParams.set('chain', chain);
  if (random.percent(70)) url.searchParams.set('timeout', random.pick(LIVES));
  if (fault !== 'none') {
    url.searchParams.set('fault', fault);
    if (random.percent(70)) url.searchParams.set('times', random.pick(['1', '2']));
  }
  return { url, fault };
}
