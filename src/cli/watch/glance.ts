import { isWalletError, type WalletError } from '../../errors/walletError.js';
import type { Ledger } from '../../ledger/ledger.js';
import { openNotices } from '../../ledger/stores.js';
import { formatUsd } from '../../money/decimal.js';
import { openLedgerWithoutKeys } from '../../owner/ownerFreeze.js';
import type { BalanceLine } from '../../wallet/balance.js';
import type { Engine } from '../../wallet/engine.js';
import type { CommandCall } from '../command.js';
import { servedPassphrase, warnOn } from '../setUp/passphrase.js';
import { walletOptions } from '../terminal/wallet.js';

const DAY_MS = 24 * 3600 * 1000;
/** More questions than a person answers at once. */
const QUESTIONS_MAX = 100;

/** What the ledger says without keys. */
export interface Books {
  readonly spentUsd: string;
  readonly heldUsd: string;
  readonly open: number;
  readonly frozen: boolean;
}

/** The totals of the last day and what is open; null where the ledger cannot be read. */
export async function readBooks({ io, home }: CommandCall): Promise<Books | null> {
  let ledger: Ledger | null = null;
  try {
    ledger = await openLedgerWithoutKeys(home);
    const books = await ledger.openBooks(io.now() - DAY_MS);
    return {
      spentUsd: formatUsd(books.capturedUsdMicros),
      heldUsd: formatUsd(books.heldUsdMicros),
      open: books.open,
      frozen: (await ledger.head()).frozen,
    };
  } catch (error) {
    if (isWalletError(error)) return null;
    throw error;
  } finally {
    await ledger?.close();
  }
}

/** How many notices nobody saw; null where that cannot be read. Needs no keys. */
export async function countUnseen({ io, home }: CommandCall): Promise<number | null> {
  try {
    const book = openNotices(home, io.now());
    try {
      return await book.unseen();
    } finally {
      book.close();
    }
  } catch (error) {
    if (isWalletError(error)) return null;
    throw error;
  }
}

/** What takes keys to read. */
export interface Opened {
  readonly balances: readonly BalanceLine[];
  /** Questions that wait for the owner. */
  readonly waiting: number;
}

/** Opens the wallet where its keys come without a question; else says why it stays shut. */
export async function openQuietly(call: CommandCall): Promise<Engine | WalletError> {
  const { io, home } = call;
  const { Engine } = await import('../../wallet/engine.js');
  try {
    const passphrase = (attempt?: number): Promise<string | null> =>
      servedPassphrase(io.env, home, warnOn(io), attempt);
    return await Engine.open({ ...walletOptions(call), passphrase });
  } catch (error) {
    if (isWalletError(error)) return error;
    throw error;
  }
}

/** What keys show that open without a question; else why nothing was looked at. */
export async function readOpened(call: CommandCall): Promise<Opened | WalletError> {
  const engine = await openQuietly(call);
  if (isWalletError(engine)) return engine;
  try {
    const [balances, waiting] = await Promise.all([readMoney(engine), countWaiting(engine)]);
    return { balances, waiting };
  } catch (error) {
    if (isWalletError(error)) return error;
    throw error;
  } finally {
    await engine.close();
  }
}

/** What is on each network; asks their RPCs. */
export async function readMoney(engine: Engine): Promise<readonly BalanceLine[]> {
  const { balance } = await import('../../wallet/balance.js');
  return (await balance(engine, { id: 'none' }, {}))['balances'] as readonly BalanceLine[];
}

/** How many questions wait for the owner. */
export async function countWaiting(engine: Engine): Promise<number> {
  return (await engine.ledger.approvals.pending(QUESTIONS_MAX, engine.now())).length;
}
