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
  const touched = await listTouched(operator, account, { sinceSec, minSlot: head.slot }, signal);
  const payments: ChainPayment[] = [];
  const unread: string[] = [];
  for (const entry of touched) {
    const shown = await operator.shown(entry.signature, signal);
    if (shown === null)
      throw new RpcFault('malformed', operator.origin, 'lists a transaction that it does not show');
    const payment = shown === 'unsupported' ? 'unread' : readPayment(shown, entry, asset, from);
    if (payment === 'unread') unread.push(entry.signature);
    else if (payment !== null) payments.unshift(payment);
  }
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
 * Newest first. A list that ends says nothing of what was before it: throws `pruned` unless the operator keeps a history
 * from `sinceSec` on (T31).
 */
async function listTouched(
  operator: SolanaOperator,
  account: string,
  { sinceSec, minSlot }: { readonly sinceSec: number; readonly minSlot: number },
  signal: AbortSignal | undefined,
): Promise<Touched[]> {
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
      return found;
    }
    if (isBefore(last)) return found;
    before = last.signature;
  }
  throw new RpcFault('too_large', operator.origin, 'shows more transactions than are read');
}

async function assertReachesBack(
  operator: SolanaOperator,
  sinceSec: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const first = await operator.firstArchivedSlot(signal);
  if (first <= 1) return;
  const timeSec = await operator.timeOf(first, signal);
  if (timeSec !== null && timeSec <= sinceSec) return;
  throw new RpcFault(
    'pruned',
    operator.origin,
    `keeps no history from ${new Date(sinceSec * 1000).toISOString()} on`,
  );
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
function changes(
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
