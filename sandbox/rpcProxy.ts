import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { getBase58Decoder } from '@solana/kit';
import { encodeAbiParameters, hexToBigInt, numberToHex, toFunctionSelector, type Hex } from 'viem';
import { createRpc } from './chain.ts';
import { dateAnswer } from './clock.ts';
import { readBody, sendJson } from './jsonHttp.ts';
import { listenLocal } from './localServer.ts';
import { Recording } from './recording.ts';
import { USDC, type Rpc } from './usdc.ts';

/**
 * How an RPC operator can fail a wallet. `down` destroys each connection; `hang` never answers; `slow` answers after `ms`;
 * `refusing` answers an HTTP error; `garbled` answers no JSON; `other_chain` is a node of another chain; `lagging` shows
 * the chain as it was `blocks` ago, `stuck` as it was when the fault was set; `lying` says what it likes of every
 * authorization (`used: false` also hides logs, receipts, signatures and transactions) and of the time (`aheadSec` on
 * every block; on Solana as many blocks of height; `dateAheadSec` on its `Date`), of every balance of USDC (`balanceAtomic`), and on Solana that it
 * landed what it was sent and kept back (`landed`). `lagging`, `stuck` and `other_chain` know EVM's methods, and
 * `other_chain` Solana's too.
 */
export type RpcFault =
  | { kind: 'down' | 'hang' | 'garbled' | 'stuck' }
  | { kind: 'slow'; ms: number }
  | { kind: 'refusing'; status: number }
  | { kind: 'other_chain'; chainId: number }
  | { kind: 'lagging'; blocks: number }
  | Lie;

type Lie = {
  kind: 'lying';
  used?: boolean;
  aheadSec?: number;
  dateAheadSec?: number;
  balanceAtomic?: bigint;
  landed?: boolean;
};

/** A JSON-RPC endpoint in front of the chain that can be made to fail. */
export interface RpcProxy {
  url: string;
  /** Every call that reached it, whatever it was answered. */
  calls: Recording<RpcCall>;
  /** Makes it fail from the next request on; `null` makes it honest again. */
  setFault(fault: RpcFault | null): Promise<void>;
  stop(): Promise<void>;
}

/** One JSON-RPC call. */
export interface RpcCall {
  id: unknown;
  method: string;
  params: unknown[];
}

type Block = { number: Hex; timestamp: Hex } | null;

const AUTHORIZATION_STATE = toFunctionSelector('authorizationState(address,bytes32)');
const BALANCE_OF = toFunctionSelector('balanceOf(address)');
/** Solana's mainnet, to whoever asks for devnet. */
const MAINNET_GENESIS_HASH = '5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d';

const BLOCK_TAGS = ['latest', 'safe', 'finalized', 'pending'];

/** Where each method takes its block. */
const BLOCK_PARAMETER: Record<string, number> = {
  eth_getBlockByNumber: 0,
  eth_call: 1,
  eth_getBalance: 1,
  eth_getCode: 1,
  eth_getTransactionCount: 1,
  eth_getStorageAt: 2,
};

/** Starts an endpoint in front of `targetUrl`; several, one lying beside one honest, may stand before one chain. */
export async function startRpcProxy(
  targetUrl: string,
  of: 'base' | 'solana' = 'base',
  now: () => number = Date.now,
): Promise<RpcProxy> {
  const ask = createRpc(targetUrl);
  const calls = new Recording<RpcCall>();
  let fault: RpcFault | null = null;
  let stuckAt = 0n;

  const server = await listenLocal(async (request, response) => {
    const current = fault;
    if (current?.kind === 'lying') dateAnswer(response, now() + (current.dateAheadSec ?? 0) * 1000);
    try {
      const asked = JSON.parse(String(await readBody(request))) as RpcCall | RpcCall[];
      const list = Array.isArray(asked) ? asked : [asked];
      for (const call of list) calls.add(call);
      if (current !== null && (await failWholly(current, response))) return;
      const answers = await Promise.all(list.map((call) => answer(view(ask, current, stuckAt, of), call)));
      sendJson(response, 200, Array.isArray(asked) ? answers : answers[0]);
    } catch (error) {
      sendJson(response, 502, { error: String(error) });
    }
  }, now);

  return {
    url: server.url,
    calls,
    async setFault(next) {
      if (next?.kind === 'stuck')
        stuckAt = BigInt((await ask(of === 'base' ? 'eth_blockNumber' : 'getSlot', [])) as Hex | number);
      fault = next;
    },
    stop: server.close,
  };
}

/** The faults below JSON-RPC; true where the request has thereby met its end. */
async function failWholly(fault: RpcFault, response: ServerResponse): Promise<boolean> {
  switch (fault.kind) {
    case 'down':
      response.destroy();
      return true;
    case 'hang':
      return true;
    case 'refusing':
      sendJson(response, fault.status, { error: 'refused' });
      return true;
    case 'garbled':
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"jsonrpc":"2.0","resu');
      return true;
    case 'slow':
      await delay(fault.ms);
      return false;
    default:
      return false;
  }
}

async function answer(ask: Rpc, { id, method, params }: RpcCall): Promise<unknown> {
  try {
    return { jsonrpc: '2.0', id, result: await ask(method, params ?? []) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { jsonrpc: '2.0', id, error: { code: -32000, message } };
  }
}

/** The chain as a node with this fault shows it. */
function view(ask: Rpc, fault: RpcFault | null, stuckAt: bigint, of: 'base' | 'solana'): Rpc {
  switch (fault?.kind) {
    case 'other_chain':
      return (method, params) =>
        method === 'eth_chainId'
          ? Promise.resolve(numberToHex(fault.chainId))
          : method === 'getGenesisHash'
            ? Promise.resolve(MAINNET_GENESIS_HASH)
            : ask(method, params);
    case 'lagging':
      return viewOfThePast(ask, (head) => (head > BigInt(fault.blocks) ? head - BigInt(fault.blocks) : 0n));
    case 'stuck':
      return of === 'base'
        ? viewOfThePast(ask, (head) => (head < stuckAt ? head : stuckAt))
        : viewOfThePastOnSolana(ask, Number(stuckAt));
    case 'lying':
      return lie(ask, fault);
    default:
      return ask;
  }
}

/** Shows nothing above the block that `past` makes of each tag's true one. */
function viewOfThePast(ask: Rpc, past: (block: bigint) => bigint): Rpc {
  const resolve = async (tag: string): Promise<bigint> => {
    const block = (await ask('eth_getBlockByNumber', [tag, false])) as Block;
    return past(hexToBigInt(block?.number ?? '0x0'));
  };
  const bound = async (block: unknown): Promise<unknown> => {
    if (typeof block !== 'string') return block;
    if (BLOCK_TAGS.includes(block)) return numberToHex(await resolve(block));
    if (block.startsWith('0x') && hexToBigInt(block as Hex) > (await resolve('latest'))) {
      throw new Error('header not found');
    }
    return block;
  };
  return async (method, params) => {
    if (method === 'eth_blockNumber') return numberToHex(await resolve('latest'));
    if (method === 'eth_getLogs') {
      const filter = params[0] as Record<string, unknown>;
      const head = await resolve('latest');
      const from = filter['fromBlock'];
      if (typeof from === 'string' && from.startsWith('0x') && hexToBigInt(from as Hex) > head) return [];
      return ask(method, [{ ...filter, toBlock: numberToHex(head) }]);
    }
    if (method === 'eth_getTransactionReceipt' || method === 'eth_getTransactionByHash') {
      const found = (await ask(method, params)) as { blockNumber: Hex | null } | null;
      const seen = found?.blockNumber && hexToBigInt(found.blockNumber) <= (await resolve('latest'));
      return seen ? found : null;
    }
    const index = BLOCK_PARAMETER[method];
    if (index === undefined) return ask(method, params);
    const moved = [...params];
    moved[index] = await bound(moved[index] ?? 'latest');
    return ask(method, moved);
  };
}

/** Solana as a node shows it that has stopped at a slot. */
function viewOfThePastOnSolana(ask: Rpc, stuckSlot: number): Rpc {
  return async (method, params) => {
    const result = await ask(method, params);
    if (method === 'getEpochInfo') {
      const head = result as { absoluteSlot: number; blockHeight: number };
      const ahead = Math.max(0, head.absoluteSlot - stuckSlot);
      return { absoluteSlot: head.absoluteSlot - ahead, blockHeight: head.blockHeight - ahead };
    }
    if (method === 'getSignaturesForAddress')
      return (result as { slot: number }[]).filter(({ slot }) => slot <= stuckSlot);
    if (method === 'getTransaction')
      return result !== null && (result as { slot: number }).slot <= stuckSlot ? result : null;
    return result;
  };
}

function lie(ask: Rpc, { used, aheadSec = 0, balanceAtomic, landed = false }: Lie): Rpc {
  return async (method, params) => {
    if (balanceAtomic !== undefined && method === 'getTokenAccountBalance')
      return { value: { amount: String(balanceAtomic), decimals: 6 } };
    if (balanceAtomic !== undefined && method === 'eth_call') {
      const { data = '0x' } = params[0] as { data?: string };
      if (data.startsWith(BALANCE_OF)) return encodeAbiParameters([{ type: 'uint256' }], [balanceAtomic]);
    }
    if (landed) {
      const claim = claimLanded(method, params);
      if (claim !== undefined) return claim;
    }
    if (method === 'eth_call' && used !== undefined) {
      const { to, data = '0x' } = params[0] as { to?: string; data?: string };
      if (to?.toLowerCase() === USDC.toLowerCase() && data.startsWith(AUTHORIZATION_STATE)) {
        return encodeAbiParameters([{ type: 'bool' }], [used]);
      }
      // A truth that slipped through inside a batch would make the test that wants the lie pass for nothing.
      if (data.includes(AUTHORIZATION_STATE.slice(2)))
        throw new Error('This proxy cannot lie inside a multicall');
    }
    if (used === false && method === 'eth_getLogs') return [];
    if (used === false && (method === 'eth_getTransactionReceipt' || method === 'getTransaction'))
      return null;
    if (used === false && method === 'getSignaturesForAddress') return [];
    if (used === false && method === 'getSignatureStatuses') return { value: [null] };
    if (method === 'getEpochInfo') {
      const head = (await ask(method, params)) as { absoluteSlot: number; blockHeight: number };
      return { ...head, blockHeight: head.blockHeight + aheadSec };
    }
    if (method === 'isBlockhashValid' && aheadSec > 0) return { value: false };
    const result = await ask(method, params);
    if (aheadSec === 0 || !method.startsWith('eth_getBlockBy') || result === null) return result;
    const block = result as NonNullable<Block>;
    return { ...block, timestamp: numberToHex(hexToBigInt(block.timestamp) + BigInt(aheadSec)) };
  };
}

/** What was kept back, by its id, in any proxy: ids are nobody else's. */
const keptBack = new Map<string, string>();
/** An early slot: every head is past it. */
const CLAIMED_SLOT = 1;

/** Takes a transaction and sends it nowhere, and shows it as landed from then on; undefined for other questions. */
function claimLanded(method: string, [first]: readonly unknown[]): unknown {
  const blockTime = Math.floor(Date.now() / 1000);
  if (method === 'sendTransaction') {
    // One signature: its length, and the 64 bytes of the id.
    const id = getBase58Decoder().decode(Buffer.from(String(first), 'base64').subarray(1, 65));
    keptBack.set(id, String(first));
    return id;
  }
  if (method === 'getSignaturesForAddress')
    return [...keptBack.keys()].map((signature) => ({ signature, slot: CLAIMED_SLOT, blockTime, err: null }));
  const base64 = method === 'getTransaction' ? keptBack.get(String(first)) : undefined;
  if (base64 === undefined) return undefined;
  return { slot: CLAIMED_SLOT, blockTime, transaction: [base64, 'base64'], meta: { err: null } };
}
