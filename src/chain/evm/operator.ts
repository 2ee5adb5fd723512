import { concat, numberToHex, pad, toEventSelector, toFunctionSelector } from 'viem';
import type { EvmAsset, TempoAsset } from '../../money/asset.js';
import type { EvmNetwork, TempoNetwork } from '../../money/network.js';
import { PERMIT2 } from '../../money/permit2.js';
import {
  readAddress20,
  readAddressWord,
  readBlock,
  readBool,
  readBytes,
  readCoins,
  readObject,
  readQuantity,
  readSmallQuantity,
  readUint,
  readWord,
  type Block,
  type Hex,
} from './answer.js';
import { openRpc, type RpcFetch } from '../rpc.js';
import { RpcFault } from '../rpcFault.js';
import type { OnTime } from '../timeGiven.js';
import { sortLogs, type LogPlace, type TokenEvent, type TokenLog } from './tokenLog.js';
import type { AtomicAmount } from '../../money/unit.js';

/** Block tag below which nothing is reorganised any more, as far as we care. */
export type Finality = EvmNetwork['finality'];

/** A token that an operator of this kind can be asked about. */
export type TokenAt = EvmAsset | TempoAsset;

/** Logs of one token about one payer, or where none is named of all that was paid to a payee. */
export interface LogFilter {
  readonly asset: TokenAt;
  readonly payer?: Hex;
  /** Only transfers to this address; for the event `Transfer`. */
  readonly payee?: Hex;
  readonly events: readonly TokenEvent[];
  /** Only logs of this nonce; for the events that have one. */
  readonly nonce?: Hex;
  /** Only logs of this memo; for the event that has one. */
  readonly memo?: Hex;
  /** Both ends included; or one block by its hash, so that no reorganisation mixes in. */
  readonly blocks: { readonly from: bigint; readonly to: bigint } | { readonly hash: Hex };
}

/** Events of one contract. */
export interface EventFilter {
  readonly address: Hex;
  /** What each topic has to be, or one of; the first is the event. */
  readonly topics: readonly (Hex | readonly Hex[])[];
  /** Both ends included. */
  readonly blocks: { readonly from: bigint; readonly to: bigint };
}

/** An event of a contract, as it stands on the chain. */
export interface EventLog extends LogPlace {
  readonly topics: readonly Hex[];
  readonly data: Hex;
}

/** The newest block, and the newest one that is settled for good. */
export interface Heads {
  readonly latest: Block;
  readonly settled: Block;
}

/**
 * One RPC operator of one chain, asked in our few questions. Each throws {@link RpcFault} and nothing else; every
 * answer is taken apart strictly, for the operator may be hostile (T28).
 */
export interface Operator {
  readonly origin: string;
  heads(signal?: AbortSignal): Promise<Heads>;
  latest(signal?: AbortSignal): Promise<Block>;
  settled(signal?: AbortSignal): Promise<Block>;
  /** The block at this height of the operator's canonical chain. */
  blockAt(number: bigint, signal?: AbortSignal): Promise<Block>;
  /** Whether the nonce was used *or cancelled* in the state after this very block (EIP-1898). */
  isUsed(
    authorization: { readonly asset: TokenAt; readonly from: Hex; readonly nonce: Hex },
    blockHash: Hex,
    signal?: AbortSignal,
  ): Promise<boolean>;
  /** Whether Permit2 has taken the nonce in the state after this very block, for a transfer or because its signer struck it out. */
  isTaken(
    permit: { readonly from: Hex; readonly nonce: Hex },
    blockHash: Hex,
    signal?: AbortSignal,
  ): Promise<boolean>;
  /** What Permit2 may move of an address's tokens, atomic, in the newest block. */
  allowance(asset: TokenAt, address: Hex, signal?: AbortSignal): Promise<AtomicAmount>;
  /** The number of an address's next permit of this token (EIP-2612). */
  permitNumber(asset: TokenAt, address: Hex, signal?: AbortSignal): Promise<bigint>;
  /** A transaction that is in a block. */
  transaction(hash: Hex, signal?: AbortSignal): Promise<MinedCall>;
  /** In the newest block, or after the one named. */
  balanceOf(asset: TokenAt, address: Hex, signal?: AbortSignal, block?: bigint): Promise<AtomicAmount>;
  /** What a transaction of this address would take: its next number, its coin, and the price of gas now. */
  gasTerms(address: Hex, signal?: AbortSignal): Promise<GasTerms>;
  /** Gas that a plain transfer of the token would use; refused where the token would not make it. */
  estimateTransfer(
    transfer: {
      readonly asset: TokenAt;
      readonly from: Hex;
      readonly to: Hex;
      readonly amountAtomic: AtomicAmount;
    },
    signal?: AbortSignal,
  ): Promise<bigint>;
  /** Gas that allowing Permit2 so much of a token would use; refused where the token would not do it. */
  estimateApproval(
    approval: { readonly asset: TokenAt; readonly from: Hex; readonly amountAtomic: AtomicAmount },
    signal?: AbortSignal,
  ): Promise<bigint>;
  /** Hands a signed transaction in; gives its hash. Refused says nothing of whether another operator took it. */
  send(bytes: Hex, signal?: AbortSignal): Promise<Hex>;
  /** What a contract answers to a call in the state after this very block. */
  callAt(call: { readonly to: Hex; readonly data: Hex }, blockHash: Hex, signal?: AbortSignal): Promise<Hex>;
  /** Events of a contract, as they came; one that does not answer the filter spoils the whole answer. */
  events(filter: EventFilter, signal?: AbortSignal): Promise<EventLog[]>;
  /** Sorted as on chain; a log that does not answer the filter spoils the whole answer. */
  logs(filter: LogFilter, signal?: AbortSignal): Promise<TokenLog[]>;
}

/** A call that a transaction made: of whom, with what, in which block. */
export interface MinedCall {
  /** Null where it made a contract. In lower case. */
  readonly to: Hex | null;
  readonly input: Hex;
  readonly blockHash: Hex;
}

/** What paying for gas takes. */
export interface GasTerms {
  readonly accountNonce: number;
  readonly balanceWei: bigint;
  readonly gasPriceWei: bigint;
  readonly tipWei: bigint;
}

const AUTHORIZATION_STATE = toFunctionSelector('authorizationState(address,bytes32)');
/** Permit2 keeps 256 nonces in a word: which word and which bit a nonce says itself. */
const NONCE_BITMAP = toFunctionSelector('nonceBitmap(address,uint256)');
const BITS_A_WORD = 8n;
const ALLOWANCE = toFunctionSelector('allowance(address,address)');
const NONCES = toFunctionSelector('nonces(address)');
const BALANCE_OF = toFunctionSelector('balanceOf(address)');
const APPROVE = toFunctionSelector('approve(address,uint256)');
const TRANSFER = toFunctionSelector('transfer(address,uint256)');
/** Where an operator names no tip: this part of the price of gas. */
const TIP_PART = 10n;

const TOPICS: Record<TokenEvent, Hex> = {
  AuthorizationUsed: toEventSelector('AuthorizationUsed(address,bytes32)'),
  AuthorizationCanceled: toEventSelector('AuthorizationCanceled(address,bytes32)'),
  Transfer: toEventSelector('Transfer(address,address,uint256)'),
  TransferWithMemo: toEventSelector('TransferWithMemo(address,address,uint256,bytes32)'),
};

/** Opens an endpoint of `network`; that it really serves that chain is asked once, before the first question. */
export function openOperator(
  url: string,
  {
    network,
    finality,
    timeoutMs,
    fetchFn,
    onTime,
  }: {
    network: EvmNetwork | TempoNetwork;
    finality: Finality;
    timeoutMs: number;
    fetchFn?: RpcFetch | undefined;
    onTime?: OnTime | undefined;
  },
): Operator {
  const rpc = openRpc(url, timeoutMs, fetchFn, onTime);
  let chainChecked = false;

  async function ask<T>(
    method: string,
    params: readonly unknown[],
    read: (answer: unknown) => T,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    if (!chainChecked) {
      const chainId = await rpc.ask('eth_chainId', [], readQuantity, signal);
      if (chainId !== BigInt(network.chainId)) {
        throw new RpcFault('wrong_chain', rpc.origin, `serves chain ${chainId}, not ${network.chainId}`);
      }
      chainChecked = true;
    }
    return rpc.ask(method, params, read, signal);
  }

  const block = (which: Hex | 'latest' | Finality, signal?: AbortSignal): Promise<Block> =>
    ask('eth_getBlockByNumber', [which, false], readBlock, signal);

  async function latest(signal?: AbortSignal): Promise<Block> {
    const begunMs = performance.now();
    const newest = await block('latest', signal);
    const tookMs = performance.now() - begunMs;
    onTime?.({ operator: rpc.origin, kind: 'block', ms: newest.timeSec * 1000, tookMs });
    return newest;
  }

  return {
    origin: rpc.origin,

    latest,
    settled: (signal) => block(finality, signal),

    async heads(signal) {
      return { latest: await latest(signal), settled: await block(finality, signal) };
    },

    async blockAt(number, signal) {
      const found = await block(numberToHex(number), signal);
      if (found.number === number) return found;
      throw new RpcFault('malformed', rpc.origin, `answered block ${found.number} for ${number}`);
    },

    isUsed({ asset, from, nonce }, blockHash, signal) {
      const data = concat([AUTHORIZATION_STATE, pad(from), nonce]);
      return ask('eth_call', [{ to: asset.address, data }, { blockHash }], readBool, signal);
    },

    async isTaken({ from, nonce }, blockHash, signal) {
      const number = BigInt(nonce);
      const word = numberToHex(number >> BITS_A_WORD, { size: 32 });
      const data = concat([NONCE_BITMAP, pad(from), word]);
      const bits = await ask('eth_call', [{ to: PERMIT2, data }, { blockHash }], readUint, signal);
      return ((bits >> (number & ((1n << BITS_A_WORD) - 1n))) & 1n) === 1n;
    },

    allowance(asset, address, signal) {
      const data = concat([ALLOWANCE, pad(address), pad(PERMIT2)]);
      return ask('eth_call', [{ to: asset.address, data }, 'latest'], readUint, signal);
    },

    permitNumber(asset, address, signal) {
      const data = concat([NONCES, pad(address)]);
      return ask('eth_call', [{ to: asset.address, data }, 'latest'], readUint, signal);
    },

    transaction(hash, signal) {
      return ask('eth_getTransactionByHash', [hash], (answer) => readCall(answer, hash), signal);
    },

    balanceOf(asset, address, signal, block) {
      const data = concat([BALANCE_OF, pad(address)]);
      const at = block === undefined ? 'latest' : numberToHex(block);
      return ask('eth_call', [{ to: asset.address, data }, at], readUint, signal);
    },

    async gasTerms(address, signal) {
      const accountNonce = await ask(
        'eth_getTransactionCount',
        [address, 'pending'],
        readSmallQuantity,
        signal,
      );
      const balanceWei = await ask('eth_getBalance', [address, 'latest'], readCoins, signal);
      const gasPriceWei = await ask('eth_gasPrice', [], readQuantity, signal);
      const tipWei = await ask('eth_maxPriorityFeePerGas', [], readQuantity, signal).catch(
        (fault: unknown) => {
          if (fault instanceof RpcFault && fault.kind === 'refused') return gasPriceWei / TIP_PART;
          throw fault;
        },
      );
      return { accountNonce, balanceWei, gasPriceWei, tipWei };
    },

    estimateTransfer({ asset, from, to, amountAtomic }, signal) {
      const data = concat([TRANSFER, pad(to), numberToHex(amountAtomic, { size: 32 })]);
      return ask('eth_estimateGas', [{ from, to: asset.address, data }], readQuantity, signal);
    },

    estimateApproval({ asset, from, amountAtomic }, signal) {
      const data = concat([APPROVE, pad(PERMIT2), numberToHex(amountAtomic, { size: 32 })]);
      return ask('eth_estimateGas', [{ from, to: asset.address, data }], readQuantity, signal);
    },

    send: (bytes, signal) => ask('eth_sendRawTransaction', [bytes], readWord, signal),

    callAt: (call, blockHash, signal) => ask('eth_call', [call, { blockHash }], readBytes, signal),

    events(filter, signal) {
      const { address, topics, blocks } = filter;
      const range = { fromBlock: numberToHex(blocks.from), toBlock: numberToHex(blocks.to) };
      const read = (answer: unknown): EventLog[] => readEvents(answer, filter);
      return ask('eth_getLogs', [{ address, topics, ...range }], read, signal);
    },

    logs(filter, signal) {
      const { asset, payer, payee, events, nonce, memo, blocks } = filter;
      const range =
        'hash' in blocks
          ? { blockHash: blocks.hash }
          : { fromBlock: numberToHex(blocks.from), toBlock: numberToHex(blocks.to) };
      const topics = [
        events.map((event) => TOPICS[event]),
        payer === undefined ? null : pad(payer),
        ...(payee === undefined ? [] : [pad(payee)]),
        ...(nonce === undefined ? [] : [nonce]),
        ...(memo === undefined ? [] : [null, memo]),
      ];
      const query = { address: asset.address, topics, ...range };
      return ask('eth_getLogs', [query], (answer) => readLogs(answer, filter), signal);
    },
  };
}

function readCall(answer: unknown, asked: Hex): MinedCall {
  const { hash, to, input, blockHash } = readObject(answer);
  if (!same(hash, asked)) throw new Error('another transaction');
  return {
    to: to === null ? null : readAddress20(to),
    input: readBytes(input),
    blockHash: readWord(blockHash),
  };
}

function readEvents(answer: unknown, filter: EventFilter): EventLog[] {
  if (!Array.isArray(answer)) throw new Error('not a list');
  return answer.map((log) => readEvent(readObject(log), filter));
}

/** T28: see {@link readLog}. */
function readEvent(log: Record<string, unknown>, { address, topics: asked, blocks }: EventFilter): EventLog {
  const place = readPlace(log);
  if (!Array.isArray(log['topics'])) throw new Error('no topics');
  const topics = log['topics'].map(readWord);
  const isAsked =
    same(log['address'], address) &&
    blocks.from <= place.blockNumber &&
    place.blockNumber <= blocks.to &&
    asked.every((one, i) => {
      const topic = topics[i];
      return topic !== undefined && (typeof one === 'string' ? [one] : one).some((each) => same(topic, each));
    });
  if (!isAsked) throw new Error('a log that was not asked for');
  return { ...place, topics, data: readBytes(log['data']) };
}

function readPlace(log: Record<string, unknown>): LogPlace {
  return {
    tx: readWord(log['transactionHash']),
    blockNumber: readQuantity(log['blockNumber']),
    blockHash: readWord(log['blockHash']),
    logIndex: readSmallQuantity(log['logIndex']),
  };
}

function readLogs(answer: unknown, filter: LogFilter): TokenLog[] {
  if (!Array.isArray(answer)) throw new Error('not a list');
  return sortLogs(answer.map((log) => readLog(readObject(log), filter)));
}

/** T28: a log of another token, payer, nonce or block than was asked for must not pass for an answer. */
function readLog(log: Record<string, unknown>, filter: LogFilter): TokenLog {
  const place = readPlace(log);
  const { topics } = log;
  if (!Array.isArray(topics)) throw new Error('no topics');
  const event = filter.events.find((name) => TOPICS[name] === topics[0]);
  if (event === undefined) throw new Error('another event');
  if (topics.length !== (event === 'TransferWithMemo' ? 4 : 3))
    throw new Error('not the topics of its event');
  const party = readAddressWord(topics[1]);
  const asked =
    same(log['address'], filter.asset.address) &&
    (filter.payer === undefined || same(party, filter.payer)) &&
    (filter.payee === undefined || same(readAddressWord(topics[2]), filter.payee)) &&
    (filter.nonce === undefined || same(topics[2], filter.nonce)) &&
    (filter.memo === undefined || same(topics[3], filter.memo)) &&
    ('hash' in filter.blocks
      ? place.blockHash === filter.blocks.hash
      : filter.blocks.from <= place.blockNumber && place.blockNumber <= filter.blocks.to);
  if (!asked) throw new Error('a log that was not asked for');
  if (event === 'AuthorizationUsed' || event === 'AuthorizationCanceled')
    return { ...place, event, authorizer: party, nonce: readWord(topics[2]) };
  const moved = { from: party, to: readAddressWord(topics[2]), amountAtomic: readUint(log['data']) };
  return event === 'Transfer'
    ? { ...place, event, ...moved }
    : { ...place, event, ...moved, memo: readWord(topics[3]) };
}

function same(answered: unknown, asked: string): boolean {
  return typeof answered === 'string' && answered.toLowerCase() === asked.toLowerCase();
}
