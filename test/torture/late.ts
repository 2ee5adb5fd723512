import { setTimeout as delay } from 'node:timers/promises';
import type { Shop } from '../../sandbox/shop/shop.ts';
import type { SolanaChain } from '../../sandbox/solana/chain.ts';
import type { Random } from '../support/random.js';
import type { Arrival, Witness } from './exposure.js';
import type { Front } from './sellers/front.js';

const LOOK_EVERY_MS = 50;
/** A seller who settles soon does so within this. */
const SOON_MS_MAX = 6_000;
/** How a promised settlement comes: in hundred. The rest never does. */
const SHARES = [
  [30, 'soon'],
  [45, 'last'],
] as const;
/** How near to its end the last moment of a payment lies: seconds on Base, blocks on Solana. */
const LAST_SEC_MAX = 2;
const LAST_BLOCKS_MAX = 20;

/** A settlement that a seller put off. */
interface Promised {
  readonly nonce: string;
  readonly settle: () => Promise<unknown>;
}

/** Settles what sellers promised to settle later: soon, at the last moment at which the chain takes it, or never. */
export async function settleLate(parts: {
  readonly shops: readonly Shop[];
  readonly fronts: readonly Front[];
  readonly solana: SolanaChain;
  readonly witness: Witness;
  readonly now: () => number;
  readonly random: Random;
  readonly isOver: () => boolean;
  readonly counts: Map<string, number>;
}): Promise<void> {
  const { shops, fronts, random, counts, isOver } = parts;
  const sources: readonly (() => readonly Promised[])[] = [
    ...shops.map((shop) => () => shop.pending.entries.map(({ nonce }) => settledBy(shop, nonce))),
    ...fronts.map((front) => () => front.postponed),
  ];
  const read = sources.map(() => 0);
  let waiting: (Promised & { readonly isDue: () => boolean })[] = [];
  while (!isOver()) {
    await delay(LOOK_EVERY_MS);
    for (const [i, promised] of sources.entries()) {
      const all = promised();
      for (const one of all.slice(read[i])) {
        const when = drawWhen(random);
        counts.set(`settled ${when}`, (counts.get(`settled ${when}`) ?? 0) + 1);
        if (when !== 'never') waiting.push({ ...one, isDue: dueAt(when, one.nonce, parts) });
      }
      read[i] = all.length;
    }
    const due = waiting.filter(({ isDue }) => isDue());
    waiting = waiting.filter((one) => !due.includes(one));
    // A seller that is asked too late, or finds its chain out of reach, settles nothing.
    await Promise.all(due.map(({ settle }) => settle().catch(() => undefined)));
  }
}

function settledBy(shop: Shop, nonce: string): Promised {
  return { nonce, settle: () => shop.releasePending(nonce) };
}

function drawWhen(random: Random): 'soon' | 'last' | 'never' {
  let at = random.below(100);
  for (const [share, when] of SHARES) {
    if (at < share) return when;
    at -= share;
  }
  return 'never';
}

function dueAt(
  when: 'soon' | 'last',
  nonce: string,
  parts: { readonly solana: SolanaChain; witness: Witness; now: () => number; random: Random },
): () => boolean {
  const { solana, witness, now, random } = parts;
  const arrival: Arrival | undefined = witness.arrivals.get(nonce);
  if (when === 'soon' || arrival === undefined) {
    const atMs = now() + random.below(SOON_MS_MAX);
    return () => now() >= atMs;
  }
  const { chain, last } = arrival.expiry;
  if (chain === 'solana') {
    const height = last - random.below(LAST_BLOCKS_MAX);
    return () => solana.blocks.height('processed') >= height;
  }
  const atMs = (last - random.below(LAST_SEC_MAX)) * 1000;
  return () => now() >= atMs;
}
