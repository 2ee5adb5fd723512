import { concat, numberToHex, pad, toEventSelector, toFunctionSelector } from 'viem/utils';
import { readAddress } from '../../money/address.js';
import type { ChannelDescriptor } from '../../payment/channelIntent.js';
import type { AtomicAmount } from '../../money/unit.js';
import { CHANNEL_RESERVE, channelId } from '../../protocols/tempo/channel.js';
import type { Bench, Verdict } from '../bench.js';
import { ofKind } from '../evm/absence.js';
import type { Block, Hex } from '../evm/answer.js';
import { judgeChannel, type ChannelEnd } from '../evm/channelVerdict.js';
import { searchLogs } from '../evm/logSearch.js';
import {
  blockOfEvent,
  guard,
  onCommonBlock,
  SEARCH_CALLS_MAX,
  searchStarts,
  type CommonBlock,
  type Observation,
} from '../evm/observation.js';
import type { EventLog, Heads, Operator } from '../evm/operator.js';
import type { Moved } from '../history.js';
import { RpcFault } from '../rpcFault.js';
import type { TempoSettlementQuery } from '../settlement.js';
import { findLanding } from './observation.js';
import { FEE_MANAGER } from './tempoHistory.js';

/** A question about a channel: whether it was opened, and what was taken of it by its end. */
export type ChannelQuery = TempoSettlementQuery & { readonly channel: Hex };

const GET_STATE = toFunctionSelector('getChannelState(bytes32)');
const OPENED = toEventSelector(
  'ChannelOpened(bytes32,address,address,address,address,address,bytes32,bytes32,uint96)',
);
const TOPPED_UP = toEventSelector('TopUp(bytes32,address,address,uint96,uint96)');
const CLOSED = toEventSelector('ChannelClosed(bytes32,address,address,uint96,uint96)');
/** Characters of a word, behind `0x`. */
const WORD_CHARS = 64;

/** Looks at the common block. Never throws for RPC faults. */
export function observeChannelSettled(
  operator: Operator,
  query: ChannelQuery,
  at: CommonBlock,
  signal: AbortSignal,
): Promise<Observation> {
  return onCommonBlock(operator, at, signal, () =>
    lookUpTo(operator, query, { at: at.common, settled: at.common }, signal),
  );
}

/** Looks at the operator's newest block: enough to see a channel, never enough to rule one out. Never throws for RPC faults. */
export function observeChannelLatest(
  operator: Operator,
  query: ChannelQuery,
  { latest, settled }: Heads,
  signal: AbortSignal,
): Promise<Observation> {
  return guard(operator, () => lookUpTo(operator, query, { at: latest, settled }, signal));
}

/** Weighs what the operators show of a channel: see {@link judgeChannel}. */
export function judgeTempoChannel(
  observations: readonly Observation[],
  query: Pick<TempoSettlementQuery, 'validBeforeSec'>,
  bench: Bench,
): Verdict {
  const ends = ofKind(observations, 'paid').map(
    ({ tx, block, settled, amountAtomic, takenAtomic }): ChannelEnd => ({
      ...{ settled, sinceBlock: block.number, says: `${tx} ${block.hash} ${amountAtomic} ${takenAtomic}` },
      verdict: {
        ...{ kind: 'captured', tx, blockTimeMs: block.timeSec * 1000, amountAtomic },
        ...{ takenAtomic: takenAtomic ?? 0n, final: true },
      },
    }),
  );
  return judgeChannel(observations, ends, query, bench);
}

async function lookUpTo(
  operator: Operator,
  query: ChannelQuery,
  { at, settled }: { readonly at: Block; readonly settled: Block },
  signal: AbortSignal,
): Promise<Observation> {
  const { origin } = operator;
  const isSettled = at.number <= settled.number;
  const heldAtomic = await depositAt(operator, query.channel, at, signal);
  if (heldAtomic > 0n) return { kind: 'deposited', at, settled: isSettled, heldAtomic, origin };
  const { opened, closed } = await eventsOf(operator, query, at, signal);
  const feeAtomic = query.knownFeeAtomic ?? (await feeOf(operator, query, at, signal));
  if (closed !== null) {
    const block = await blockOfEvent(operator, closed, false, query, signal);
    // More than the ledger knows was in it may have been taken by what an older copy lacks: that counts by itself.
    const most = query.amountAtomic - feeAtomic;
    const shown = wordAt(closed.data, 0);
    const takenAtomic = shown < most ? shown : most;
    const amountAtomic = takenAtomic + feeAtomic;
    return {
      ...{ kind: 'paid', at, block, tx: closed.tx, amountAtomic, takenAtomic, origin },
      settled: block.number <= settled.number,
    };
  }
  if (opened !== null)
    throw new RpcFault('malformed', origin, 'showed a channel opened, and neither its state nor its end');
  // It was found on the chain: whoever shows nothing of it looks at another history.
  if (query.knownFeeAtomic !== undefined)
    throw new RpcFault(
      'malformed',
      origin,
      'showed neither the state nor the end of a channel that was opened',
    );
  if (feeAtomic === 0n) return { kind: 'unused', at, settled: isSettled, origin };
  // The transaction took its fee and opened nothing.
  const landed = await findLanding(operator, query, at, signal);
  if (landed === null) return { kind: 'unused', at, settled: isSettled, origin };
  const block = await blockOfEvent(operator, landed, true, query, signal);
  return {
    ...{ kind: 'paid', at, block, tx: landed.tx, amountAtomic: feeAtomic, origin },
    settled: block.number <= settled.number,
  };
}

/** The word of what opens a channel in which its deposit stands, behind operator, token, signer, salt and hash. */
const OPENED_DEPOSIT_WORD = 5;

/**
 * The channel that a transfer to the reserve opened, or added to; null where its transaction did so for none of this payer's, or
 * for several. Throws RpcFault.
 */
export async function channelDepositedIn(
  operator: Operator,
  { tx, from, to, amountAtomic, blockNumber }: Moved,
  signal: AbortSignal | undefined,
): Promise<Hex | null> {
  if (to !== CHANNEL_RESERVE) return null;
  const blocks = { from: blockNumber, to: blockNumber };
  const topics = [[OPENED, TOPPED_UP]];
  const logs = await operator.events({ address: CHANNEL_RESERVE, topics, blocks }, signal);
  const [deposited, ...others] = logs.filter((log) => log.tx === tx && log.topics[2] === pad(lower(from)));
  if (deposited === undefined || others.length > 0) return null;
  const word = deposited.topics[0] === OPENED ? OPENED_DEPOSIT_WORD : 0;
  // What moved has the fee of the transaction in it, where that was ours to pay.
  return wordAt(deposited.data, word) <= amountAtomic ? (deposited.topics[1] ?? null) : null;
}

/** A channel as the chain's own event tells of its opening. */
export interface OpenedChannel {
  readonly descriptor: ChannelDescriptor;
  readonly depositAtomic: AtomicAmount;
}

/**
 * Reads what the reserve wrote when it opened a channel; null for other words, and where they do not make the id that is asked for:
 * so nobody can tell of another channel by it.
 */
export function readOpening(log: EventLog, id: Hex, chainId: number): OpenedChannel | null {
  const [event, , payer, payee] = log.topics;
  if (event !== OPENED || payer === undefined || payee === undefined) return null;
  const [operator, token, signer] = [0, 1, 2].map((index) => addressOf(numberToHex(wordAt(log.data, index))));
  const [from, to] = [payer, payee].map(addressOf);
  if (!from || !to || !operator || !token || !signer) return null;
  const word = (index: number): Hex => numberToHex(wordAt(log.data, index), { size: 32 });
  const descriptor: ChannelDescriptor = {
    ...{ payer: from, payee: to, operator, token, salt: word(3), authorizedSigner: signer },
    expiringNonceHash: word(4),
  };
  const isIt = channelId(descriptor, chainId) === lower(id);
  return isIt ? { descriptor, depositAtomic: wordAt(log.data, OPENED_DEPOSIT_WORD) } : null;
}

/** What asks for the opening of a channel. */
export function channelOpenings(id: Hex): { readonly address: Hex; readonly topics: readonly Hex[] } {
  return { address: CHANNEL_RESERVE, topics: [OPENED, id] };
}

/** An address in the last bytes of a word. */
function addressOf(word: Hex): Hex | undefined {
  return readAddress(`0x${word.slice(2).padStart(WORD_CHARS, '0').slice(-ADDRESS_CHARS)}`);
}

/** Characters of an address, behind `0x`. */
const ADDRESS_CHARS = 40;

function lower(hex: Hex): Hex {
  return hex.toLowerCase() as Hex;
}

/** What a channel holds in the state of a block; 0 where it is not open. */
async function depositAt(
  operator: Operator,
  channel: Hex,
  { hash }: Block,
  signal: AbortSignal,
): Promise<AtomicAmount> {
  const call = { to: CHANNEL_RESERVE, data: concat([GET_STATE, channel]) };
  const answer = await operator.callAt(call, hash, signal);
  if (answer.length !== 2 + 3 * WORD_CHARS)
    throw new RpcFault('malformed', operator.origin, 'answered no state of a channel');
  return wordAt(answer, 1);
}

/** That a channel was opened, and that it was closed, from its signing on. */
async function eventsOf(
  operator: Operator,
  query: ChannelQuery,
  at: Block,
  signal: AbortSignal,
): Promise<{ readonly opened: EventLog | null; readonly closed: EventLog | null }> {
  const { channel, from: payer, to: payee } = query;
  const filter = {
    address: CHANNEL_RESERVE,
    topics: [[OPENED, CLOSED], channel, pad(payer), pad(payee)],
  };
  const found: { opened: EventLog | null; closed: EventLog | null } = { opened: null, closed: null };
  const events = {
    origin: operator.origin,
    logs: (asked: Parameters<Operator['events']>[0], stop?: AbortSignal) => operator.events(asked, stop),
  };
  let to = at.number;
  for await (const from of searchStarts(operator, query, at, signal)) {
    for await (const page of searchLogs(events, filter, { from, to }, SEARCH_CALLS_MAX, signal)) {
      for (const log of page) {
        if (log.topics[0] === OPENED) found.opened = log;
        else found.closed = log;
      }
    }
    if (found.opened !== null || found.closed !== null || from === 0n) break;
    to = from;
  }
  return found;
}

/** The fee that our own transaction took; 0 where the payee paid it, or it never landed. */
async function feeOf(
  operator: Operator,
  query: ChannelQuery,
  at: Block,
  signal: AbortSignal,
): Promise<AtomicAmount> {
  if (query.ownTx === null) return 0n;
  const landed = await findLanding(operator, query, at, signal);
  if (landed === null) return 0n;
  const { asset, from: payer } = query;
  const blocks = { hash: landed.blockHash };
  const logs = await operator.logs({ asset, payer, events: ['Transfer'], blocks }, signal);
  return logs.reduce(
    (sum, log) =>
      log.tx === query.ownTx && log.event === 'Transfer' && log.to === FEE_MANAGER
        ? sum + log.amountAtomic
        : sum,
    0n,
  );
}

/** A word of the ABI by its place in what a contract wrote. */
function wordAt(data: Hex, index: number): bigint {
  const start = 2 + index * WORD_CHARS;
  return BigInt(`0x${data.slice(start, start + WORD_CHARS) || '0'}`);
}
