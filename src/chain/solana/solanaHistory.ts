import type { SvmAsset } from '../../money/asset.js';
import {
  messageHash,
  readOwnMessage,
  readTransaction,
  tokenAccountOf,
} from '../../protocols/solana/solanaMessage.js';
import type { ChainHistory, ChainPayment } from '../history.js';
import { RpcFault } from '../rpcFault.js';
import type { ShownTransaction, Touched } from './solanaAnswer.js';
import type { SolanaOperator } from './solanaOperator.js';

/** Pages of one history: a hundred thousand transactions of one account in a month. */
const PAGES_MAX = 100;

/**
 * Reads all that left an owner's token account since a moment, up to the operator's newest confirmed block. Throws
 * RpcFault.
 */
export async function readSolanaHistory(
  operator: SolanaOperator,
  { asset, from, sinceSec }: { readonly asset: SvmAsset; readonly from: string; readonly sinceSec: number },
  signal: AbortSignal | undefined,
): Promise<ChainHistory> {
  const head = await operator.finalized(signal);
  const account = await tokenAccountOf(from, asset);
  const { touched, isCut } = await listTouched(operator, account, { sinceSec, minSlot: head.slot }, signal);
  const payments: ChainPayment[] = [];
  const unread: string[] = [];
  let beginsWithAccount = false;
  for (const entry of touched) {
    const shown = await operator.shown(entry.signature, signal);
    if (shown === null)
      throw new RpcFault('malformed', operator.origin, 'lists a transaction that it does not show');
    if (shown !== 'unsupported') beginsWithAccount ||= makesAccount(shown, asset, from);
    const payment = shown === 'unsupported' ? 'unread' : readPayment(shown, entry, asset, from);
    if (payment === 'unread') unread.push(entry.signature);
    else if (payment !== null) payments.unshift(payment);
  }
  if (!isCut && !beginsWithAccount && !(await isNoAccount(operator, account, touched, signal)))
    throw keepsNone(operator, sinceSec);
  const blocks = touched.map(({ slot }) => BigInt(slot));
  return {
    payments,
    spentWithoutTransfer: [],
    unread,
    fromBlock: blocks.at(-1) ?? BigInt(head.slot),
    toBlock: blocks[0] ?? BigInt(head.slot),
    untilSec: (await operator.timeOf(head.slot, signal)) ?? 0,
    origin: operator.origin,
  };
}

/**
 * Newest first, without what failed; `isCut` where the list goes on to before `sinceSec`. One that ends says nothing of
 * what was before it: throws `pruned` unless the operator keeps a history from `sinceSec` on by its own word, and then it
 * counts only where it begins with the account itself. An index can be shorter than the history that an operator names,
 * and says so nowhere (T31).
 */
async function listTouched(
  operator: SolanaOperator,
  account: string,
  { sinceSec, minSlot }: { readonly sinceSec: number; readonly minSlot: number },
  signal: AbortSignal | undefined,
): Promise<{ readonly touched: readonly Touched[]; readonly isCut: boolean }> {
  const isBefore = ({ timeSec }: Touched): boolean => timeSec !== null && timeSec < sinceSec;
  const found: Touched[] = [];
  let before: string | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const place = { minSlot, ...(before === undefined ? {} : { before }) };
    const entries = await operator.touched(account, place, signal);
    found.push(...entries.filter((entry) => !entry.failed && !isBefore(entry)));
    const last = entries.at(-1);
    // A short page may be an operator's own bound: only an empty one is the end.
    if (last === undefined) {
      await assertReachesBack(operator, sinceSec, signal);
      return { touched: found, isCut: false };
    }
    if (isBefore(last)) return { touched: found, isCut: true };
    before = last.signature;
  }
  throw new RpcFault('too_large', operator.origin, 'shows more transactions than are read');
}

/** Throws `pruned` unless the operator keeps a history from `sinceSec` on, by its own word. */
export async function assertReachesBack(
  operator: SolanaOperator,
  sinceSec: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const first = await operator.firstArchivedSlot(signal);
  if (first <= 1) return;
  const timeSec = await operator.timeOf(first, signal);
  if (timeSec !== null && timeSec <= sinceSec) return;
  throw keepsNone(operator, sinceSec);
}

export function keepsNone({ origin }: SolanaOperator, sinceSec: number): RpcFault {
  return new RpcFault(
    'pruned',
    origin,
    `keeps no history from ${new Date(sinceSec * 1000).toISOString()} on`,
  );
}

/**
 * Whether a transaction made the owner's token account. A node lists each token account that one names, where it was
 * there before and where it was after; only our key could close it, and never does, so it was made once.
 */
export function makesAccount({ balances }: ShownTransaction, asset: SvmAsset, from: string): boolean {
  if (balances === null) return false;
  const { before, after } = balances;
  const isThere = before.some(({ mint, owner }) => mint === asset.address && (owner ?? from) === from);
  return !isThere && after.some(({ mint, owner }) => mint === asset.address && owner === from);
}

/** Whether nothing that took effect touched the account, and there is none. */
async function isNoAccount(
  operator: SolanaOperator,
  account: string,
  touched: readonly Touched[],
  signal: AbortSignal | undefined,
): Promise<boolean> {
  return touched.length === 0 && (await operator.tokenBalance(account, signal)) === null;
}

/**
 * What a transaction took from the owner, by the balances before and after it, whatever else is in it: null where it took
 * nothing, `unread` where the balances do not show the owner's.
 */
function readPayment(
  { base64, timeSec: shownSec, balances }: ShownTransaction,
  { signature, slot, timeSec }: Touched,
  asset: SvmAsset,
  from: string,
): ChainPayment | 'unread' | null {
  const change = balances === null ? null : changes(balances, asset);
  const own = change?.get(from);
  if (change === null || own === undefined) return 'unread';
  if (own >= 0n) return null;
  const [receiver] = [...change].filter(([, amount]) => amount > 0n).sort(([, a], [, b]) => (a < b ? 1 : -1));
  const message = base64 === null ? undefined : readTransaction(base64)?.message;
  const isOurs = message !== undefined && readOwnMessage(message) !== undefined;
  return {
    nonce: isOurs ? messageHash(message) : null,
    to: receiver?.[0] ?? '',
    amountAtomic: -own,
    tx: signature,
    blockNumber: BigInt(slot),
    logIndex: 0,
    timeSec: timeSec ?? shownSec ?? 0,
  };
}

/** How each owner's holding of the asset changed; null where the owner of one is not shown. */
export function changes(
  { before, after }: NonNullable<ShownTransaction['balances']>,
  asset: SvmAsset,
): Map<string, bigint> | null {
  const change = new Map<string, bigint>();
  for (const [balances, sign] of [
    [before, -1n],
    [after, 1n],
  ] as const) {
    for (const { mint, owner, amountAtomic } of balances) {
      if (mint !== asset.address) continue;
      if (owner === null) return null;
      change.set(owner, (change.get(owner) ?? 0n) + sign * amountAtomic);
    }
  }
  return change;
}
