import { concat, pad, toEventSelector, toFunctionSelector } from 'viem/utils';
import type { AtomicAmount } from '../../money/unit.js';
import type { CommitmentKey } from '../../payment/commitment.js';
import { ACCOUNT_KEYCHAIN } from '../../protocols/tempo/keychain.js';
import { disagreement, tooFew, type Bench, type Verdict } from '../bench.js';
import type { Block, Hex } from '../evm/answer.js';
import { searchLogs } from '../evm/logSearch.js';
import {
  guard,
  onCommonBlock,
  SEARCH_CALLS_MAX,
  searchStarts,
  type CommonBlock,
  type Observation,
  type SeenCharge,
} from '../evm/observation.js';
import type { EventLog, Heads, Operator } from '../evm/operator.js';
import { RpcFault } from '../rpcFault.js';
import type { ChargeOnChain, TempoSettlementQuery } from '../settlement.js';

/** A question about a promise: what was taken by it, and whether it has ended. */
type CommitmentQuery = TempoSettlementQuery & { readonly commitment: CommitmentKey };
type Promised = Extract<Observation, { kind: 'promised' }>;

const GET_KEY = toFunctionSelector('getKey(address,address)');
const IS_BURNED = toFunctionSelector('isKeyAuthorizationWitnessBurned(address,bytes32)');
const SPENT = toEventSelector('AccessKeySpend(address,address,address,uint256,uint256)');
/** Characters of a word, behind `0x`. */
const WORD_CHARS = 64;
/** Words of a key's state: its kind, its address, its end, whether limits hold, whether it was taken back. */
const KEY_WORDS = 5;

/** Looks at the common block. Never throws for RPC faults. */
export function observeCommitmentSettled(
  operator: Operator,
  query: CommitmentQuery,
  at: CommonBlock,
  signal: AbortSignal,
): Promise<Observation> {
  return onCommonBlock(operator, at, signal, () =>
    lookUpTo(operator, query, { at: at.common, settled: at.common }, signal),
  );
}

/** Looks at the operator's newest block: enough to see a charge, never enough to prove an end. Never throws for RPC faults. */
export function observeCommitmentLatest(
  operator: Operator,
  query: CommitmentQuery,
  { latest, settled }: Heads,
  signal: AbortSignal,
): Promise<Observation> {
  return guard(operator, () => lookUpTo(operator, query, { at: latest, settled }, signal));
}

/**
 * Weighs what the operators show of a promise. A charge counts by the word of one; that the promise has ended is believed of as
 * many as a release needs, at a settled block, for it frees its rate (T28). Those who show other charges up to a block that is
 * settled for both contradict each other.
 */
export function judgeCommitment(observations: readonly Observation[], bench: Bench): Verdict {
  const seen = observations.filter((one): one is Promised => one.kind === 'promised');
  const settled = seen.filter((one) => one.settled);
  const shown = new Set(
    settled.map((one) => `${one.at.hash} ${one.standing} ${JSON.stringify(one.charges.map(textOf))}`),
  );
  if (observations.some(({ kind }) => kind === 'forked') || shown.size > 1)
    return disagreement(observations.filter(({ kind }) => kind !== 'down'));
  const isProved = settled.length >= bench.quorum;
  const charges = chargesIn(seen, settled, isProved);
  const [first] = settled;
  if (isProved && first !== undefined && (first.standing === 'cancelled' || first.standing === 'over')) {
    const { hash, timeSec } = first.at;
    const proof = first.standing === 'over' ? 'expired_unused' : 'cancelled';
    return { kind: 'released', blockHash: hash, blockTimeSec: timeSec, proof, charges };
  }
  if (seen.length > 0) {
    const isKnown = seen.some(({ standing }) => standing === 'known' || standing === 'cancelled');
    const seenSec = isProved && first !== undefined ? first.at.timeSec : null;
    return { kind: 'open', promise: { charges, isKnown, seenSec } };
  }
  const faults = observations.flatMap((one) => (one.kind === 'down' ? [one.fault] : []));
  return tooFew(faults, bench);
}

function textOf({ tx, amountAtomic }: SeenCharge): string {
  return `${tx} ${amountAtomic}`;
}

function chargesIn(
  seen: readonly Promised[],
  settled: readonly Promised[],
  isProved: boolean,
): ChargeOnChain[] {
  const proved = new Set(isProved ? settled.flatMap(({ charges }) => charges.map(textOf)) : []);
  const byTx = new Map<string, ChargeOnChain>();
  for (const charge of seen.flatMap(({ charges }) => charges)) {
    const { tx, block, amountAtomic } = charge;
    const known = byTx.get(tx);
    // Before it is settled one may lie about it: the larger amount counts.
    if (known !== undefined && known.amountAtomic >= amountAtomic) continue;
    byTx.set(tx, { tx, blockTimeMs: block.timeSec * 1000, amountAtomic, final: proved.has(textOf(charge)) });
  }
  return [...byTx.values()].sort((a, b) => a.blockTimeMs - b.blockTimeMs);
}

async function lookUpTo(
  operator: Operator,
  query: CommitmentQuery,
  { at, settled }: { readonly at: Block; readonly settled: Block },
  signal: AbortSignal,
): Promise<Observation> {
  const standing = await standingAt(operator, query, at, signal);
  const charges = await chargesUpTo(operator, query, at, signal);
  return {
    ...{ kind: 'promised', at, standing, charges, origin: operator.origin },
    settled: at.number <= settled.number,
  };
}

/** How the chain stands to the key in the state of a block. A key that was taken back is never let in again. */
async function standingAt(
  operator: Operator,
  { from, commitment: { accessKey, witness }, validBeforeSec }: CommitmentQuery,
  at: Block,
  signal: AbortSignal,
): Promise<Promised['standing']> {
  if (at.timeSec >= validBeforeSec) return 'over';
  const key = { to: ACCOUNT_KEYCHAIN, data: concat([GET_KEY, pad(from), pad(accessKey)]) };
  const answer = await operator.callAt(key, at.hash, signal);
  if (answer.length !== 2 + KEY_WORDS * WORD_CHARS)
    throw new RpcFault('malformed', operator.origin, 'answered no state of a key');
  if (wordAt(answer, 4) !== 0n) return 'cancelled';
  if (wordAt(answer, 1) !== 0n) return 'known';
  try {
    const burned = { to: ACCOUNT_KEYCHAIN, data: concat([IS_BURNED, pad(from), witness]) };
    return wordAt(await operator.callAt(burned, at.hash, signal), 0) === 1n ? 'cancelled' : 'not_known';
  } catch (fault) {
    // A chain of before that fork knows of no such thing, and an operator that does not say leaves it open.
    if (fault instanceof RpcFault) return 'not_known';
    throw fault;
  }
}

/** Every transaction that took by the key, from where the search was, oldest first. */
async function chargesUpTo(
  operator: Operator,
  query: CommitmentQuery,
  at: Block,
  signal: AbortSignal,
): Promise<SeenCharge[]> {
  const { from: payer, commitment, asset, marks = [] } = query;
  const topics = [
    SPENT,
    pad(lower(payer)),
    pad(lower(commitment.accessKey)),
    pad(lower(asset.address as Hex)),
  ];
  const events = {
    origin: operator.origin,
    logs: (asked: Parameters<Operator['events']>[0], stop?: AbortSignal) => operator.events(asked, stop),
  };
  let from = at.number;
  // A mark may have been read a moment too late: behind it comes the time of the signing, and a little before.
  let starts = marks.some(({ operator: origin }) => origin === operator.origin) ? 2 : 1;
  for await (const start of searchStarts(operator, query, at, signal)) {
    from = start;
    if (--starts === 0) break;
  }
  const spends = new Map<Hex, EventLog>();
  const filter = { address: ACCOUNT_KEYCHAIN, topics };
  for await (const page of searchLogs(events, filter, { from, to: at.number }, SEARCH_CALLS_MAX, signal))
    for (const log of page) spends.set(log.tx, log);
  const charges: SeenCharge[] = [];
  for (const log of spends.values()) {
    const block = await operator.blockAt(log.blockNumber, signal);
    if (block.hash !== log.blockHash)
      throw new RpcFault('malformed', operator.origin, 'showed an event of a block that is not on its chain');
    charges.push({ tx: log.tx, block, amountAtomic: await takenIn(operator, query, log, signal) });
  }
  return charges.sort((a, b) => Number(a.block.number - b.block.number) || (a.tx < b.tx ? -1 : 1));
}

/** What a transaction took of the payer. What it counted against the key's limit is no measure: a fee is counted at its most. */
async function takenIn(
  operator: Operator,
  { asset, from: payer }: CommitmentQuery,
  { tx, blockHash }: EventLog,
  signal: AbortSignal,
): Promise<AtomicAmount> {
  const logs = await operator.logs(
    { asset, payer, events: ['Transfer'], blocks: { hash: blockHash } },
    signal,
  );
  return logs.reduce(
    (sum, log) => (log.tx === tx && log.event === 'Transfer' ? sum + log.amountAtomic : sum),
    0n,
  );
}

function lower(hex: Hex): Hex {
  return hex.toLowerCase() as Hex;
}

/** A word of the ABI by its place; 0 where the answer is too short. */
function wordAt(data: Hex, index: number): bigint {
  const start = 2 + index * WORD_CHARS;
  return BigInt(`0x${data.slice(start, start + WORD_CHARS) || '0'}`);
}
