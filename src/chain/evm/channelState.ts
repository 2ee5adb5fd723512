import { concat, numberToHex, toEventSelector, toFunctionSelector } from 'viem';
import { readAddress } from '../../money/address.js';
import { CHANNEL_CONTRACT } from '../../money/channelContract.js';
import type { AtomicAmount } from '../../money/unit.js';
import type { EvmChannel } from '../../payment/channelIntent.js';
import { evmChannelId } from '../../protocols/evm/channel.js';
import type { Bench, Verdict } from '../bench.js';
import { RpcFault } from '../rpcFault.js';
import type { SettlementQuery } from '../settlement.js';
import { ofKind } from './absence.js';
import type { Block, Hex } from './answer.js';
import { judgeChannel, type ChannelEnd } from './channelVerdict.js';
import { searchLogs } from './logSearch.js';
import {
  blockOfEvent,
  guard,
  onCommonBlock,
  SEARCH_CALLS_MAX,
  type CommonBlock,
  type Observation,
} from './observation.js';
import type { EventLog, Heads, Operator } from './operator.js';

/** A question about a deposit: whether its channel was opened, and what its payee had of it once nothing is left. */
export type ChannelQuery = SettlementQuery & { readonly channel: Hex };

const CHANNELS = toFunctionSelector('channels(bytes32)');
const PENDING = toFunctionSelector('pendingWithdrawals(bytes32)');
/** What takes something out of a channel. */
const TAKINGS = [
  'Claimed(bytes32,address,uint128,uint128)',
  'Refunded(bytes32,address,uint128)',
  'WithdrawFinalized(bytes32,address,uint128)',
].map((event) => toEventSelector(event));
/** What the contract writes when it opens one: all of its terms. */
const CREATED = toEventSelector(
  'ChannelCreated(bytes32,(address,address,address,address,address,uint40,bytes32))',
);
/** Characters of a word, behind `0x`. */
const WORD_CHARS = 64;
/** Characters of an address, which is the end of a word. */
const ADDRESS_CHARS = 40;
/** Parties, token, delay and salt. */
const CREATED_WORDS = 7;
/** Blocks that are searched for the end of a channel, which it is asked about soon after it: half a day of Base. */
const END_BLOCKS_MAX = 20_000n;

/** What a channel was given, and what its payee has taken. */
interface ChannelState {
  readonly balanceAtomic: AtomicAmount;
  readonly takenAtomic: AtomicAmount;
}

/**
 * Looks at the common block; where the channel is not there yet, and still may come, at the newest, too. Never throws for RPC
 * faults.
 */
export async function observeChannelSettled(
  operator: Operator,
  query: ChannelQuery,
  at: CommonBlock,
  signal: AbortSignal,
): Promise<Observation> {
  const { common, heads } = at;
  const settled = await onCommonBlock(operator, at, signal, () =>
    lookAt(operator, query, { at: common, settled: common }, signal),
  );
  const mayCome = settled.kind === 'unused' && common.timeSec < query.validBeforeSec;
  return mayCome ? observeChannelLatest(operator, query, heads, signal) : settled;
}

/** Looks at the operator's newest block: enough to see a channel, never enough to rule one out. Never throws for RPC faults. */
export function observeChannelLatest(
  operator: Operator,
  query: ChannelQuery,
  { latest, settled }: Heads,
  signal: AbortSignal,
): Promise<Observation> {
  return guard(operator, () => lookAt(operator, query, { at: latest, settled }, signal));
}

/**
 * Weighs what the operators show of a channel: see {@link judgeChannel}.
 *
 * A channel whose deposit was brought, and in which the payee has taken all there is, is empty for good: its one deposit is made
 * by a nonce that the token takes once, and nothing is claimed beyond what is in it.
 */
export function judgeChannelState(
  observations: readonly Observation[],
  query: Pick<SettlementQuery, 'validBeforeSec'>,
  bench: Bench,
): Verdict {
  const emptied = ofKind(observations, 'emptied');
  const last = emptied.find((one) => one.last !== null)?.last ?? null;
  const blockTimeMs = last === null ? null : last.block.timeSec * 1000;
  const ends = emptied.map(({ settled, at, takenAtomic }): ChannelEnd => ({
    ...{ settled, sinceBlock: at.number, says: String(takenAtomic) },
    verdict: {
      ...{ kind: 'captured', tx: last?.tx ?? null, blockTimeMs, takenAtomic, amountAtomic: takenAtomic },
      final: true,
    },
  }));
  return judgeChannel(observations, ends, query, bench);
}

/** What of a channel its payee has not taken, in an operator's newest block; 0 where there is no such channel. Throws RpcFault. */
export async function channelLeft(
  operator: Operator,
  channel: Hex,
  signal: AbortSignal | undefined,
): Promise<AtomicAmount> {
  const { hash } = await operator.latest(signal);
  const { balanceAtomic, takenAtomic } = await stateAt(operator, channel, hash, signal);
  return balanceAtomic - takenAtomic;
}

/**
 * What is left of a channel by what operators show: so much as a quorum of them does, else the least that one does, for more than
 * there is would void a request (T28). Null where none shows anything.
 */
export function agreedLeft(amounts: readonly AtomicAmount[], quorum: number): AtomicAmount | null {
  const agreed = amounts.find((amount) => amounts.filter((one) => one === amount).length >= quorum);
  return agreed ?? amounts.toSorted((a, b) => (a < b ? -1 : 1))[0] ?? null;
}

/** Whether the contract knows, in the newest block, that the rest of a channel was asked back. Throws RpcFault. */
export async function channelEndAsked(
  operator: Operator,
  channel: Hex,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { hash } = await operator.latest(signal);
  const [, askedSec] = await wordsAt(operator, [PENDING, channel], hash, signal);
  return askedSec > 0n;
}

/** What asks for the channels that were opened. */
export const CHANNEL_OPENINGS: { readonly address: Hex; readonly topics: readonly Hex[] } = {
  address: CHANNEL_CONTRACT,
  topics: [CREATED],
};

/**
 * Reads what the contract wrote when it opened a channel; null for other words, and where its terms do not make the id that it
 * is said to have.
 */
export function readCreation(
  { topics, data }: Pick<EventLog, 'topics' | 'data'>,
  chainId: number,
): EvmChannel | null {
  const [event, id] = topics;
  if (event !== CREATED || id === undefined || data.length !== 2 + CREATED_WORDS * WORD_CHARS) return null;
  const word = (index: number): string => data.slice(2 + index * WORD_CHARS, 2 + (index + 1) * WORD_CHARS);
  const [payer, payerAuthorizer, receiver, receiverAuthorizer, token] = [0, 1, 2, 3, 4].map((index) =>
    readAddress(`0x${word(index).slice(-ADDRESS_CHARS)}`),
  );
  if (!payer || !payerAuthorizer || !receiver || !receiverAuthorizer || !token) return null;
  const channel: EvmChannel = {
    ...{ payer, payerAuthorizer, receiver, receiverAuthorizer, token },
    withdrawDelaySec: Number(BigInt(`0x${word(5)}`)),
    salt: numberToHex(BigInt(`0x${word(6)}`), { size: 32 }),
  };
  return evmChannelId(channel, chainId) === id.toLowerCase() ? channel : null;
}

async function lookAt(
  operator: Operator,
  query: ChannelQuery,
  { at, settled: settledHead }: { readonly at: Block; readonly settled: Block },
  signal: AbortSignal,
): Promise<Observation> {
  const { origin } = operator;
  const settled = at.number <= settledHead.number;
  // The nonce of its deposit is used by that deposit alone: nothing else is ever signed under it.
  if (!(await operator.isUsed(query, at.hash, signal))) return { kind: 'unused', at, settled, origin };
  const { balanceAtomic, takenAtomic } = await stateAt(operator, query.channel, at.hash, signal);
  if (takenAtomic > query.amountAtomic)
    throw new RpcFault('malformed', origin, 'showed more taken of a channel than was put into it');
  if (balanceAtomic > takenAtomic) return { kind: 'deposited', at, settled, origin };
  const last = await lastTaking(operator, query, at, signal);
  return { kind: 'emptied', at, settled, takenAtomic, last, origin };
}

async function stateAt(
  operator: Operator,
  channel: Hex,
  blockHash: Hex,
  signal: AbortSignal | undefined,
): Promise<ChannelState> {
  const [balanceAtomic, takenAtomic] = await wordsAt(operator, [CHANNELS, channel], blockHash, signal);
  if (takenAtomic > balanceAtomic)
    throw new RpcFault('malformed', operator.origin, 'showed more taken of a channel than it holds');
  return { balanceAtomic, takenAtomic };
}

/** The two words by which the contract answers what it keeps of a channel. */
async function wordsAt(
  operator: Operator,
  data: readonly [selector: Hex, channel: Hex],
  blockHash: Hex,
  signal: AbortSignal | undefined,
): Promise<readonly [bigint, bigint]> {
  const answer = await operator.callAt({ to: CHANNEL_CONTRACT, data: concat(data) }, blockHash, signal);
  if (answer.length !== 2 + 2 * WORD_CHARS)
    throw new RpcFault('malformed', operator.origin, 'answered no state of a channel');
  const wordAt = (word: number): bigint =>
    BigInt(`0x${answer.slice(2 + word * WORD_CHARS, 2 + (word + 1) * WORD_CHARS)}`);
  return [wordAt(0), wordAt(1)];
}

/** What took the last of a channel; null where the operator does not show it: the state alone is the proof. */
async function lastTaking(
  operator: Operator,
  query: ChannelQuery,
  at: Block,
  signal: AbortSignal,
): Promise<Extract<Observation, { kind: 'emptied' }>['last']> {
  const from = at.number > END_BLOCKS_MAX ? at.number - END_BLOCKS_MAX : 0n;
  const events = {
    origin: operator.origin,
    logs: (asked: Parameters<Operator['events']>[0], stop?: AbortSignal) => operator.events(asked, stop),
  };
  const filter = { address: CHANNEL_CONTRACT, topics: [TAKINGS, query.channel] } as const;
  try {
    let last: EventLog | null = null;
    for await (const page of searchLogs(events, filter, { from, to: at.number }, SEARCH_CALLS_MAX, signal))
      last = page.at(-1) ?? last;
    if (last === null) return null;
    return { tx: last.tx, block: await blockOfEvent(operator, last, false, query, signal) };
  } catch (fault) {
    if (fault instanceof RpcFault) return null;
    throw fault;
  }
}
