import type { SvmAsset } from '../../money/asset.js';
import {
  paysOwnFee,
  readOwnMessage,
  readTransaction,
  tokenAccountOf,
} from '../../protocols/solana/solanaMessage.js';
import type { ChainMovement, MovementsOf, MovementStart } from '../movement.js';
import { RpcFault } from '../rpcFault.js';
import type { ShownTransaction, Touched } from './solanaAnswer.js';
import { assertReachesBack, changes, keepsNone, makesAccount } from './solanaHistory.js';
import type { SolanaOperator } from './solanaOperator.js';

/** Pages of the list of one account: a hundred thousand transactions since the last look. */
const PAGES_MAX = 100;
/** Transactions that one look reads: one call each. What is more goes on at the next look. */
const READ_MAX = 500;

/** What one operator shows of an account from a place on. */
export interface SolanaMovements extends MovementsOf {
  readonly fromBlock: bigint;
  readonly fromSec: number;
  readonly toBlock: bigint;
  readonly toSec: number;
  readonly hasMore: boolean;
}

/**
 * Reads what came to an owner's token account and left it since a place, up to the finalized slot that its balance is of.
 * Throws RpcFault, `pruned` where the operator's history begins later (T31).
 */
export async function readSolanaMovements(
  operator: SolanaOperator,
  {
    asset,
    address,
    start,
  }: { readonly asset: SvmAsset; readonly address: string; readonly start: MovementStart },
  signal: AbortSignal | undefined,
): Promise<SolanaMovements> {
  const account = await tokenAccountOf(address, asset);
  const { amountAtomic, slot } = await operator.settledBalance(account, signal);
  const toSec = (await operator.timeOf(slot, signal)) ?? 0;
  const { entries, isCut } = await listSince(operator, account, { start, slot }, signal);
  const read = firstOf(entries);
  const movements: ChainMovement[] = [];
  const unread: string[] = [];
  let beginsWithAccount = false;
  for (const entry of read) {
    const shown = await operator.shown(entry.signature, signal);
    if (shown === null)
      throw new RpcFault('malformed', operator.origin, 'lists a transaction that it does not show');
    if (shown !== 'unsupported') beginsWithAccount ||= makesAccount(shown, asset, address);
    const movement = shown === 'unsupported' ? 'unread' : movementOf(shown, entry, asset, address);
    if (movement === 'unread') unread.push(entry.signature);
    else if (movement !== null) movements.push(movement);
  }
  if (!isCut && !beginsWithAccount && (entries.length > 0 || amountAtomic > 0n))
    throw keepsNone(operator, sinceOf(start));
  const hasMore = read.length < entries.length;
  const last = read.at(-1);
  return {
    origin: operator.origin,
    ...{ movements, unread, hasMore },
    balanceAtomic: hasMore ? null : amountAtomic,
    fromBlock: 'afterBlock' in start ? start.afterBlock + 1n : BigInt(read[0]?.slot ?? slot),
    fromSec: sinceOf(start),
    toBlock: BigInt(hasMore ? (last?.slot ?? slot) : slot),
    toSec: hasMore ? (last?.timeSec ?? toSec) : toSec,
  };
}

function sinceOf(start: MovementStart): number {
  return 'afterBlock' in start ? start.afterSec : start.sinceSec;
}

/** The oldest that one look reads, with all of the slot that it ends in. */
function firstOf(entries: readonly Touched[]): readonly Touched[] {
  const last = entries[READ_MAX - 1];
  if (last === undefined) return entries;
  return entries.filter(({ slot }, i) => i < READ_MAX || slot === last.slot);
}

/** What took effect on the account since a place, oldest first; `isCut` where the list goes on to before it. */
async function listSince(
  operator: SolanaOperator,
  account: string,
  { start, slot: newest }: { readonly start: MovementStart; readonly slot: number },
  signal: AbortSignal | undefined,
): Promise<{ readonly entries: readonly Touched[]; readonly isCut: boolean }> {
  const isBefore = ({ slot, timeSec }: Touched): boolean =>
    'afterBlock' in start ? BigInt(slot) <= start.afterBlock : timeSec !== null && timeSec < start.sinceSec;
  const found: Touched[] = [];
  let before: string | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const place = { minSlot: newest, ...(before === undefined ? {} : { before }) };
    const entries = await operator.touched(account, place, signal);
    found.push(...entries.filter((entry) => !entry.failed && entry.slot <= newest && !isBefore(entry)));
    const last = entries.at(-1);
    if (last !== undefined && isBefore(last)) return { entries: found.reverse(), isCut: true };
    if (last === undefined) {
      await assertReachesBack(operator, sinceOf(start), signal);
      return { entries: found.reverse(), isCut: false };
    }
    before = last.signature;
  }
  throw new RpcFault('too_large', operator.origin, 'shows more transactions than are read');
}

/** How a transaction changed the owner's balance: null where it did not, `unread` where that is not shown. */
function movementOf(
  { base64, timeSec: shownSec, balances }: ShownTransaction,
  { signature, slot, timeSec }: Touched,
  asset: SvmAsset,
  address: string,
): ChainMovement | 'unread' | null {
  const change = balances === null ? null : changes(balances, asset);
  const own = change?.get(address);
  if (change === null || own === undefined) return 'unread';
  if (own === 0n) return null;
  const isIn = own > 0n;
  const [other] = [...change]
    .filter(([, amount]) => (isIn ? amount < 0n : amount > 0n))
    .sort(([, a], [, b]) => (isIn ? Number(a - b) : Number(b - a)));
  const message = base64 === null ? undefined : readTransaction(base64)?.message;
  const transfer = message === undefined ? undefined : readOwnMessage(message);
  return {
    direction: isIn ? 'in' : 'out',
    other: other?.[0] ?? '',
    amountAtomic: isIn ? own : -own,
    tx: signature,
    block: BigInt(slot),
    index: 0,
    timeSec: timeSec ?? shownSec ?? 0,
    // The shape of an x402 payment: somebody else pays the fee of the one who sends.
    isProtocol: isIn && transfer !== undefined && !paysOwnFee(transfer),
  };
}
