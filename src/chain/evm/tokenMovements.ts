import type { Hex, Block } from './answer.js';
import type { ChainMovement, Movements, MovementsOf, MovementStart } from '../movement.js';
import { joinMovements } from '../movement.js';
import { RpcFault } from '../rpcFault.js';
import { findMoment } from './blockSearch.js';
import { searchLogs } from './logSearch.js';
import type { Heads, Operator, TokenAt } from './operator.js';
import { transferOf, isNonceLog, type MemoLog, type TransferLog } from './tokenLog.js';

/** Blocks of one look: five days of Base. What is longer goes on at the next. */
const LOOK_BLOCKS_MAX = 216_000n;
/** Questions of one look to one operator for logs: pages of a thousand blocks, both ways. */
const LOOK_CALLS_MAX = 450;
/** Blocks whose exact time one look reads; between two that are known a time is as good by their pace. */
const BLOCK_TIMES_MAX = 100;
/** Deposits of one look that are asked about for an authorization: one call each. */
const AUTHORIZATIONS_MAX = 100;

/** An operator and where it stands. */
export interface Standing {
  readonly operator: Operator;
  readonly heads: Heads;
}

/**
 * Reads all movements of an address from a place on, up to a block that is settled for every operator read. Throws
 * RpcFault where none of them can be read.
 */
export async function readTokenMovements(
  standings: readonly Standing[],
  {
    asset,
    address,
    start,
  }: { readonly asset: TokenAt; readonly address: Hex; readonly start: MovementStart },
  { common, quorum }: { readonly common: Block; readonly quorum: number },
  signal: AbortSignal | undefined,
): Promise<Movements | null> {
  // An operator that has not come so far cannot be asked about it (T31).
  const ready = standings.filter(({ heads }) => heads.settled.number >= common.number);
  const faults = standings
    .filter((standing) => !ready.includes(standing))
    .map(({ operator }) => `${operator.origin} is behind`);
  const [first] = ready;
  if (first === undefined) return null;
  const from =
    'afterBlock' in start
      ? { number: start.afterBlock + 1n, timeSec: start.afterSec }
      : await beginning(first.operator, start.sinceSec, common, signal);
  if (from.number > common.number) return null;
  const last = from.number + LOOK_BLOCKS_MAX - 1n;
  const to = last < common.number ? await first.operator.blockAt(last, signal) : common;
  const shown: MovementsOf[] = [];
  const span = { from, to };
  for (const settled of await Promise.allSettled(
    ready.map(({ operator }) => readSpan(operator, { asset, address }, span, signal)),
  )) {
    if (settled.status === 'fulfilled') shown.push(settled.value);
    else if (settled.reason instanceof RpcFault) faults.push(settled.reason.message);
    else throw settled.reason;
  }
  if (shown.length === 0) throw new RpcFault('no_answer', first.operator.origin, faults.join('; '));
  return {
    ...joinMovements(shown),
    ...{ fromBlock: from.number, fromSec: from.timeSec, toBlock: to.number, toSec: to.timeSec },
    ...{ faults, isWhole: shown.length >= quorum, hasMore: to.number < common.number },
  };
}

async function beginning(
  operator: Operator,
  sinceSec: number,
  top: Block,
  signal: AbortSignal | undefined,
): Promise<Pick<Block, 'number' | 'timeSec'>> {
  const { below } = await findMoment(operator, sinceSec, top, signal);
  return operator.blockAt(below < 0n ? 0n : below, signal);
}

async function readSpan(
  operator: Operator,
  { asset, address }: { readonly asset: TokenAt; readonly address: Hex },
  { from, to }: { readonly from: Pick<Block, 'number' | 'timeSec'>; readonly to: Block },
  signal: AbortSignal | undefined,
): Promise<MovementsOf> {
  const range = { from: from.number, to: to.number };
  const events =
    asset.family === 'tempo' ? (['Transfer', 'TransferWithMemo'] as const) : (['Transfer'] as const);
  const read = async (party: { readonly payer: Hex } | { readonly payee: Hex }) => {
    const logs: (TransferLog | MemoLog)[] = [];
    for await (const page of searchLogs(
      operator,
      { asset, events, ...party },
      range,
      LOOK_CALLS_MAX / 2,
      signal,
    ))
      for (const log of page) if (!isNonceLog(log)) logs.push(log);
    return logs;
  };
  const into = await read({ payee: address });
  const outOf = await read({ payer: address });
  const transfers = [...into.filter(isMoved), ...outOf.filter(isMoved)];
  const times = await timesOf(operator, transfers, { from, to }, signal);
  const protocol = await paidByProtocol(operator, asset, into, signal);
  const movements = transfers.map((log): ChainMovement => {
    const isIn = into.includes(log);
    return {
      direction: isIn ? 'in' : 'out',
      other: isIn ? log.from : log.to,
      amountAtomic: log.amountAtomic,
      tx: log.tx,
      block: log.blockNumber,
      index: log.logIndex,
      timeSec: times(log.blockNumber),
      isProtocol: isIn && protocol.has(log),
    };
  });
  return {
    origin: operator.origin,
    movements,
    unread: [],
    balanceAtomic: await balanceAt(operator, { asset, address }, to.number, signal),
  };
}

/** What moved anything: a transfer of nothing is anybody's to write, and one to oneself changes no balance. */
function isMoved(log: TransferLog | MemoLog): log is TransferLog {
  return log.event === 'Transfer' && log.amountAtomic > 0n && log.from !== log.to;
}

/** Null where the operator keeps no state of that block: it is no fault of what it shows otherwise. */
async function balanceAt(
  operator: Operator,
  { asset, address }: { readonly asset: TokenAt; readonly address: Hex },
  block: bigint,
  signal: AbortSignal | undefined,
): Promise<bigint | null> {
  try {
    return await operator.balanceOf(asset, address, signal, block);
  } catch (fault) {
    if (fault instanceof RpcFault) return null;
    throw fault;
  }
}

/** The time of any block of a span: exact for the first {@link BLOCK_TIMES_MAX}, by the pace of the chain for the others. */
async function timesOf(
  operator: Operator,
  logs: readonly TransferLog[],
  { from, to }: { readonly from: Pick<Block, 'number' | 'timeSec'>; readonly to: Block },
  signal: AbortSignal | undefined,
): Promise<(block: bigint) => number> {
  const known = new Map([
    [from.number, from.timeSec],
    [to.number, to.timeSec],
  ]);
  const wanted = [...new Set(logs.map(({ blockNumber }) => blockNumber))].filter(
    (block) => !known.has(block),
  );
  for (const block of wanted.slice(0, BLOCK_TIMES_MAX))
    known.set(block, (await operator.blockAt(block, signal)).timeSec);
  const order = [...known].sort(([a], [b]) => (a < b ? -1 : 1));
  return (block) => {
    const exact = known.get(block);
    if (exact !== undefined) return exact;
    const after = order.findIndex(([number]) => number > block);
    const [low, lowSec] = order[after - 1] ?? [from.number, from.timeSec];
    const [high, highSec] = order[after] ?? [to.number, to.timeSec];
    const share = high === low ? 0 : Number(block - low) / Number(high - low);
    return Math.floor(lowSec + (highSec - lowSec) * share);
  };
}

/**
 * Those of the deposits that a payment protocol made: on Tempo with a memo, elsewhere by an authorization of the payer's
 * (EIP-3009), whose log stands before that of the transfer.
 */
async function paidByProtocol(
  operator: Operator,
  asset: TokenAt,
  into: readonly (TransferLog | MemoLog)[],
  signal: AbortSignal | undefined,
): Promise<ReadonlySet<TransferLog>> {
  const transfers = into.filter(isMoved);
  if (asset.family === 'tempo') {
    const memos = into.filter(({ event }) => event === 'TransferWithMemo');
    return new Set(
      transfers.filter(({ tx, logIndex }) =>
        memos.some((memo) => memo.tx === tx && memo.logIndex === logIndex + 1),
      ),
    );
  }
  const found = new Set<TransferLog>();
  for (const transfer of transfers.slice(0, AUTHORIZATIONS_MAX)) {
    const { from, blockNumber } = transfer;
    const logs = await operator.logs(
      {
        ...{ asset, payer: from, events: ['AuthorizationUsed', 'Transfer'] },
        blocks: { from: blockNumber, to: blockNumber },
      },
      signal,
    );
    const isPaid = logs.some((log) => {
      if (!isNonceLog(log)) return false;
      const moved = transferOf(logs, log);
      return moved?.tx === transfer.tx && moved.logIndex === transfer.logIndex;
    });
    if (isPaid) found.add(transfer);
  }
  return found;
}
