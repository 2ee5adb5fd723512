import { setTimeout as delay } from 'node:timers/promises';
import type { Shop } from '../../sandbox/shop/shop.ts';
import type { SolanaChain } from '../../sandbox/solana/chain.ts';
import type { Random } from '../support/random.js';
import type { Arrival, Witness } from './exposure.js';

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

interface Promised {
  readonly shop: Shop;
  readonly nonce: string;
  /** Whether its moment has come. */
  readonly isDue: () => boolean;
}

/** Settles what sellers promised to settle later: soon, at the last moment at which the chain takes it, or never. */
export async function settleLate(parts: {
  readonly shops: readonly Shop[];
  readonly solana: SolanaChain;
  readonly witness: Witness;
  readonly now: () => number;
  readonly random: Random;
  readonly isOver: () => boolean;
  readonly counts: Map<string, number>;
}): Promise<void> {
  const { shops, random, counts, isOver } = parts;
  const read = new Map<Shop, number>();
  let waiting: Promised[] = [];
  while (!isOver()) {
    await delay(LOOK_EVERY_MS);
    for (const shop of shops) {
      const { entries } = shop.pending;
      for (const { nonce } of entries.slice(read.get(shop) ?? 0)) {
        const when = drawWhen(random);
        counts.set(`settled ${when}`, (counts.get(`settled ${when}`) ?? 0) + 1);
        if (when !== 'never') waiting.push({ shop, nonce, isDue: dueAt(when, nonce, parts) });
      }
      read.set(shop, entries.length);
    }
    const due = waiting.filter(({ isDue }) => isDue());
    waiting = waiting.filter((one) => !due.includes(one));
    await Promise.all(due.map(({ shop, nonce }) => shop.releasePending(nonce)));
  }
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
