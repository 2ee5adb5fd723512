import type { SvmAsset } from '../../money/asset.js';
import {
  messageHash,
  readOwnMessage,
  readTransaction,
  tokenAccountOf,
} from '../../protocols/solana/solanaMessage.js';
import type { ChainHistory, ChainPayment } from '../history.js';
import { RpcFault } from '../rpcFault.js';
import type { LandedTransaction, Touched } from './solanaAnswer.js';
import { TOUCHED_PAGE, type SolanaOperator } from './solanaOperator.js';

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
  const touched = await listTouched(operator, account, sinceSec, head.slot, signal);
  const payments: ChainPayment[] = [];
  for (const entry of touched) {
    const landed = await operator.transaction(entry.signature, signal);
    if (landed === null)
      throw new RpcFault('malformed', operator.origin, 'lists a transaction that it does not show');
    const payment = await readPayment(landed, entry, asset, from);
    if (payment !== null) payments.unshift(payment);
  }
  const blocks = touched.map(({ slot }) => BigInt(slot));
  return {
    payments,
    spentWithoutTransfer: [],
    fromBlock: blocks.at(-1) ?? BigInt(head.slot),
    toBlock: blocks[0] ?? BigInt(head.slot),
    untilSec: (await operator.timeOf(head.slot, signal)) ?? 0,
    origin: operator.origin,
  };
}

/** Newest first. */
async function listTouched(
  operator: SolanaOperator,
  account: string,
  sinceSec: number,
  minSlot: number,
  signal: AbortSignal | undefined,
): Promise<Touched[]> {
  const found: Touched[] = [];
  let before: string | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const entries = await operator.touched(
      account,
      { minSlot, ...(before === undefined ? {} : { before }) },
      signal,
    );
    found.push(
      ...entries.filter(({ failed, timeSec }) => !failed && (timeSec === null || timeSec >= sinceSec)),
    );
    const last = entries.at(-1);
    if (last === undefined || entries.length < TOUCHED_PAGE) return found;
    if (last.timeSec !== null && last.timeSec < sinceSec) return found;
    before = last.signature;
  }
  throw new RpcFault('too_large', operator.origin, 'shows more transactions than are read');
}

/** What a transaction took from the owner, by the balances before and after it; null where it took nothing. */
async function readPayment(
  landed: LandedTransaction,
  { signature, slot, timeSec }: Touched,
  asset: SvmAsset,
  from: string,
): Promise<ChainPayment | null> {
  const transaction = readTransaction(landed.base64);
  if (transaction === undefined) throw new Error('a transaction that cannot be read');
  const change = changes(landed, asset);
  const taken = -(change.get(from) ?? 0n);
  if (taken <= 0n) return null;
  const [receiver] = [...change].filter(([, amount]) => amount > 0n).sort(([, a], [, b]) => (a < b ? 1 : -1));
  const isOurs = readOwnMessage(transaction.message) !== undefined;
  return {
    nonce: isOurs ? messageHash(transaction.message) : null,
    to: receiver?.[0] ?? '',
    amountAtomic: taken,
    tx: signature,
    blockNumber: BigInt(slot),
    logIndex: 0,
    timeSec: timeSec ?? landed.timeSec ?? 0,
  };
}

/** How each owner's holding of the asset changed. */
function changes({ before, after }: LandedTransaction, asset: SvmAsset): Map<string, bigint> {
  const change = new Map<string, bigint>();
  for (const [balances, sign] of [
    [before, -1n],
    [after, 1n],
  ] as const) {
    for (const { mint, owner, amountAtomic } of balances) {
      if (mint !== asset.address || owner === null) continue;
      change.set(owner, (change.get(owner) ?? 0n) + sign * amountAtomic);
    }
  }
  return change;
}
