import type { Config } from '../../config/settings.js';
import { isWalletError } from '../../errors/walletError.js';
import type { Movements } from '../../chain/chain.js';
import type { UnlockedWallet } from '../../keys/keystore.js';
import type { MoneyPlace, Movement, MovementBook, SearchedSpan } from '../../ledger/books/movement.js';
import type { Ledger } from '../../ledger/ledger.js';
import { agentAddresses, fundedAssets } from '../../owner/ownAddresses.js';

/** A ledger that begins now may belong to a phrase that was restored: money that came a little before is its own. */
const BEFORE_MS = 3_600_000;
/** How far back the first look goes at most: three months of pages are what a public RPC bears. */
const BACK_MS_MAX = 92 * 86_400_000;
/** Looks at one address in one go: with what one look reads at most, a month of Base. */
const LOOKS_MAX = 8;

/** What a look at the chains came to. */
export interface MoneyLook {
  /** Whether anything new came or went. */
  readonly isNews: boolean;
  /** Why a network was not read to its end, in a sentence each. */
  readonly notes: readonly string[];
}

/**
 * Reads what came to the wallet's addresses and left them since the last look, and remembers it. Bounded by the signal: what
 * was read by then is kept, and the next look goes on from there, in any process.
 */
export async function lookForMoney(
  {
    config,
    keys,
    ledger,
    book,
    now,
  }: {
    readonly config: Config;
    readonly keys: UnlockedWallet;
    readonly ledger: Ledger;
    readonly book: MovementBook;
    readonly now: () => number;
  },
  signal: AbortSignal,
): Promise<MoneyLook> {
  const begunMs = await ledger.begunMs();
  const sinceMs = Math.max(begunMs - BEFORE_MS, now() - BACK_MS_MAX);
  const looks = fundedAssets(config, keys, now)
    .filter(({ network }) => network.family !== 'lightning')
    .map(async ({ network, asset, chain }): Promise<MoneyLook> => {
      const notes: string[] = [];
      let isNews = false;
      for (const { address } of await agentAddresses(config, keys, ledger, network)) {
        const place: MoneyPlace = { network: network.caip2, asset: asset.address, address };
        for (let look = 0; look < LOOKS_MAX; look++) {
          const last = book.lastSpan(place);
          const start =
            last === null
              ? { sinceSec: Math.floor(sinceMs / 1000) }
              : { afterBlock: last.toBlock, afterSec: Math.floor(last.toMs / 1000) };
          let read: Movements | null;
          try {
            read = await chain.movements(asset, address, start, signal);
          } catch (error) {
            if (!isWalletError(error)) throw error;
            notes.push(
              error.code === 'cancelled'
                ? `${network.label} was not read to its end yet.`
                : error.shortMessage,
            );
            return { isNews, notes };
          }
          if (read === null) break;
          const { span, movements } = keptAs(place, read);
          book.keep(span, movements);
          isNews ||= movements.length > 0;
          if (!read.hasMore) break;
          if (look === LOOKS_MAX - 1) notes.push(`${network.label} was not read to its end yet.`);
        }
      }
      return { isNews, notes };
    });
  const done = await Promise.all(looks);
  return {
    isNews: done.some(({ isNews }) => isNews),
    notes: [...new Set(done.flatMap(({ notes }) => notes))],
  };
}

function keptAs(
  place: MoneyPlace,
  read: Movements,
): { readonly span: SearchedSpan; readonly movements: readonly Movement[] } {
  return {
    span: {
      ...place,
      fromBlock: read.fromBlock,
      fromMs: read.fromSec * 1000,
      toBlock: read.toBlock,
      toMs: read.toSec * 1000,
      balanceAtomic: read.balanceAtomic,
      readBy: read.readBy,
      isWhole: read.isWhole,
      unread: read.unread,
    },
    movements: read.movements.map(({ timeSec, ...movement }) => ({
      ...place,
      ...movement,
      atMs: timeSec * 1000,
    })),
  };
}
