import { PERMIT2, PERMIT2_SPENDERS } from '../../money/permit2.js';
import type { Moved } from '../history.js';
import type { Permit2Use, SettlementQuery } from '../settlement.js';
import { RpcFault } from '../rpcFault.js';
import type { Block, Hex } from './answer.js';
import { searchLogs } from './logSearch.js';
import {
  blockOfEvent,
  observeSpent,
  SEARCH_CALLS_MAX,
  searchRanges,
  type NonceUse,
  type Observation,
} from './observation.js';
import type { MinedCall, Operator } from './operator.js';
import type { TransferLog } from './tokenLog.js';

/** Transactions that one look reads: more payments to one payee than these are not made in ten minutes. */
const TRANSACTIONS_MAX = 256;

/** Bytes of a function's selector, and of a word of the ABI, in hex digits; `0x` stands before them. */
const SELECTOR_END = 10;
const WORD_DIGITS = 64;

/**
 * The functions that use what was signed for Permit2, x402's contracts' and its own, by selector: in which words of their arguments its
 * nonce, its owner and its payee stand, and the amount that is taken, where the caller chooses that.
 */
const SETTLE_CALLS: Readonly<Record<string, CallWords>> = {
  // x402ExactPermit2Proxy: settle, settleWithPermit
  '0x13cd3b53': { nonce: 2, owner: 4, to: 5, amount: null },
  '0xfa340378': { nonce: 7, owner: 9, to: 10, amount: null },
  // x402UptoPermit2Proxy: the same
  '0xff11e7b4': { nonce: 2, owner: 5, to: 6, amount: 4 },
  '0x016c1748': { nonce: 7, owner: 10, to: 11, amount: 9 },
  // Permit2 itself, by which an owner takes money out: permitTransferFrom
  '0x30f28b7a': { nonce: 2, owner: 6, to: 4, amount: 5 },
};

interface CallWords {
  readonly nonce: number;
  readonly owner: number;
  readonly to: number;
  readonly amount: number | null;
}

/** What was signed for Permit2, which marks a nonce as taken and writes no event of it. */
export const PERMIT2_USE: NonceUse = {
  isUsed: (operator, query, blockHash, signal) => operator.isTaken(query, blockHash, signal),
  lookForUse,
};

function lookForUse(
  operator: Operator,
  query: SettlementQuery,
  at: Block,
  settled: Block,
  signal: AbortSignal,
): Promise<Observation> {
  return observeSpent(operator, at, settled, async () => {
    const transfer = await findTransfer(operator, query, at, signal);
    if (transfer === null) return null;
    const { tx, amountAtomic } = transfer;
    return {
      kind: 'paid',
      block: await blockOfEvent(operator, transfer, true, query, signal),
      tx,
      amountAtomic,
    };
  });
}

/**
 * The transfer that the nonce made, between the signing and the expiry: one to the payee, in a transaction that calls the
 * spender with this nonce and nothing else. Null where the operator shows none, as where another contract made the call:
 * how much it took is then not read from other transfers beside it, which a seller could choose (T36).
 */
async function findTransfer(
  operator: Operator,
  query: SettlementQuery,
  at: Block,
  signal: AbortSignal,
): Promise<TransferLog | null> {
  const { asset, from: payer, to: payee } = query;
  const filter = { asset, payer, payee, events: ['Transfer'] } as const;
  let calls = 0;
  for await (const range of searchRanges(operator, query, at, signal)) {
    const found: TransferLog[] = [];
    for await (const page of searchLogs(operator, filter, range, SEARCH_CALLS_MAX, signal))
      found.push(...page.filter((log): log is TransferLog => log.event === 'Transfer'));
    for (const transfer of claimedFirst(found, query)) {
      if (++calls > TRANSACTIONS_MAX)
        throw new RpcFault('refused', operator.origin, `shows more than ${TRANSACTIONS_MAX} such transfers`);
      const call = await operator.transaction(transfer.tx, signal);
      if (call.blockHash === transfer.blockHash && isUse(call, transfer, query)) return transfer;
    }
  }
  return null;
}

/** Transfers that can be this payment's; the one that the seller names before the others. */
function claimedFirst(
  found: readonly TransferLog[],
  { amountAtomic, permit2 }: SettlementQuery,
): TransferLog[] {
  const claimed = permit2?.claimedTx?.toLowerCase();
  return found
    .filter((one) =>
      permit2?.isCeiling ? one.amountAtomic <= amountAtomic : one.amountAtomic === amountAtomic,
    )
    .sort((a, b) => Number(b.tx === claimed) - Number(a.tx === claimed));
}

/** Whether a call of the spender uses this nonce, and makes this transfer by it. */
function isUse({ to, input }: MinedCall, transfer: TransferLog, query: SettlementQuery): boolean {
  const { spender }: Pick<Permit2Use, 'spender'> = query.permit2 ?? { spender: '0x' };
  const words = SETTLE_CALLS[input.slice(0, SELECTOR_END)];
  if (to !== spender.toLowerCase() || words === undefined) return false;
  return (
    wordAt(input, words.nonce) === query.nonce.toLowerCase() &&
    isAddressAt(input, words.owner, query.from) &&
    isAddressAt(input, words.to, query.to) &&
    (words.amount === null || BigInt(wordAt(input, words.amount) ?? '0x0') === transfer.amountAtomic)
  );
}

/** The contracts that use what is signed for Permit2. */
const SPENDERS: readonly string[] = [PERMIT2, ...Object.values(PERMIT2_SPENDERS)].map((one) =>
  one.toLowerCase(),
);

/**
 * The nonce of Permit2 that made a transfer, where its transaction is a call of one of these contracts: that uses one nonce
 * and moves nothing beside. Null where another contract made the call, which may have used any. Throws RpcFault.
 */
export async function permit2NonceIn(
  operator: Operator,
  { tx, from, to: payee, amountAtomic }: Moved,
  signal: AbortSignal | undefined,
): Promise<Hex | null> {
  const { to, input } = await operator.transaction(tx, signal);
  const words = SETTLE_CALLS[input.slice(0, SELECTOR_END)];
  if (to === null || !SPENDERS.includes(to) || words === undefined) return null;
  const isIt =
    isAddressAt(input, words.owner, from) &&
    isAddressAt(input, words.to, payee as Hex) &&
    (words.amount === null || BigInt(wordAt(input, words.amount) ?? '0x0') === amountAtomic);
  return isIt ? wordAt(input, words.nonce) : null;
}

function wordAt(input: Hex, index: number): Hex | null {
  const from = SELECTOR_END + index * WORD_DIGITS;
  const word = input.slice(from, from + WORD_DIGITS);
  return word.length === WORD_DIGITS ? `0x${word}` : null;
}

function isAddressAt(input: Hex, index: number, address: Hex): boolean {
  return wordAt(input, index)?.slice(-40) === address.slice(2).toLowerCase();
}
