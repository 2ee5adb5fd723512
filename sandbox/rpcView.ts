import { getBase58Decoder } from '@solana/kit';
import {
  encodeAbiParameters,
  hexToBigInt,
  numberToHex,
  toEventSelector,
  toFunctionSelector,
  type Hex,
} from 'viem';
import { BLOCKHASH_LIFE } from './solana/blocks.ts';
import { BLOCKHASH_BEFORE, HEIGHT_OF } from './solana/rpc.ts';
import { USDC, type Rpc } from './usdc.ts';

/**
 * The chain as an operator shows it that answers and is not what it should be. `other_chain` is a node of another chain;
 * `lagging` shows the chain as it was `blocks` ago, `stuck` as it was when the fault was set; `pruned` has deleted its
 * history before a block or slot, and, where it is `silent`, says so to nobody; `lying` says what it likes of every
 * authorization (`used: false` also hides logs, receipts, signatures and transactions; `hides` alone the events, or only
 * the transfers) and of the time (`aheadSec` on every block; on Solana as many blocks of height; `dateAheadSec` on its `Date`), of every balance of
 * USDC (`balanceAtomic`), and on Solana of the last block of a blockhash (`lastBlock`), that each is dead (`dead`), and
 * that it landed what it was sent and kept back (`landed`). `other_chain` knows both chains' methods.
 */
export type RpcView =
  | { kind: 'stuck' }
  | { kind: 'other_chain'; chainId: number }
  | { kind: 'lagging'; blocks: number }
  | Pruned
  | Lie;

type Pruned = { kind: 'pruned'; before: number; silent?: boolean };

type Lie = {
  kind: 'lying';
  used?: boolean;
  aheadSec?: number;
  dateAheadSec?: number;
  balanceAtomic?: bigint;
  landed?: boolean;
  lastBlock?: number;
  dead?: boolean;
  hides?: 'events' | 'transfers';
};

/** Whose methods an endpoint answers. */
export type RpcChain = 'base' | 'solana';

type Block = { number: Hex; timestamp: Hex } | null;
type SolanaHead = { absoluteSlot: number; blockHeight: number };

const AUTHORIZATION_STATE = toFunctionSelector('authorizationState(address,bytes32)');
const BALANCE_OF = toFunctionSelector('balanceOf(address)');
const TRANSFER = toEventSelector('Transfer(address,address,uint256)');
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

/** The chain as a node with this fault shows it; as it is, where the fault is none of what it shows. */
export function viewOf(ask: Rpc, fault: { kind: string } | RpcView, stuckAt: bigint, of: RpcChain): Rpc {
  const view = fault as RpcView;
  switch (view.kind) {
    case 'other_chain':
      return (method, params) =>
        method === 'eth_chainId'
          ? Promise.resolve(numberToHex(view.chainId))
          : method === 'getGenesisHash'
            ? Promise.resolve(MAINNET_GENESIS_HASH)
            : ask(method, params);
    case 'lagging':
      return of === 'base'
        ? viewOfThePast(ask, (head) => (head > BigInt(view.blocks) ? head - BigInt(view.blocks) : 0n))
        : viewOfThePastOnSolana(ask, (slot) => slot - view.blocks);
    case 'stuck':
      return of === 'base'
        ? viewOfThePast(ask, (head) => (head < stuckAt ? head : stuckAt))
        : viewOfThePastOnSolana(ask, () => Number(stuckAt));
    case 'pruned':
      return of === 'base' ? pruned(ask, view) : prunedOnSolana(ask, view);
    case 'lying':
      return lie(ask, view);
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

/** Solana as a node shows it that has come to the slot that `past` makes of the true one; the newest hashes are none yet. */
function viewOfThePastOnSolana(ask: Rpc, past: (slot: number) => number): Rpc {
  return async (method, params) => {
    const slot = past((await ask('getSlot', [{ commitment: 'confirmed' }])) as number);
    const result = await ask(method, params);
    if (method === 'getEpochInfo') {
      const head = result as SolanaHead;
      const ahead = Math.max(0, head.absoluteSlot - slot);
      return { absoluteSlot: head.absoluteSlot - ahead, blockHeight: head.blockHeight - ahead };
    }
    if (method === 'getLatestBlockhash') {
      const { context, value } = result as { context: unknown; value: { lastValidBlockHeight: number } };
      const behind = value.lastValidBlockHeight - ((await heightAt(ask, slot)) + BLOCKHASH_LIFE);
      return behind <= 0 ? result : { context, value: await ask(BLOCKHASH_BEFORE, [behind]) };
    }
    if (method === 'isBlockhashValid') {
      const height = (await ask(HEIGHT_OF, [params[0]])) as number | null;
      return height === null || height > (await heightAt(ask, slot)) ? { value: false } : result;
    }
    if (method === 'getSignaturesForAddress')
      return (result as { slot: number }[]).filter((one) => one.slot <= slot);
    if (method === 'getTransaction')
      return result !== null && (result as { slot: number }).slot <= slot ? result : null;
    return result;
  };
}

/** Block height in a slot: the sandbox leaves none out. */
async function heightAt(ask: Rpc, slot: number): Promise<number> {
  const head = (await ask('getEpochInfo', [{ commitment: 'confirmed' }])) as SolanaHead;
  return head.blockHeight - (head.absoluteSlot - slot);
}

/** A node that deleted what was before a block: the state it still has, no history. */
function pruned(ask: Rpc, { before, silent = false }: Pruned): Rpc {
  const isGone = (block: unknown): boolean =>
    typeof block === 'string' && block.startsWith('0x') && hexToBigInt(block as Hex) < BigInt(before);
  return async (method, params) => {
    if (method === 'eth_getBlockByNumber' && isGone(params[0])) return null;
    if (method === 'eth_getLogs') {
      const filter = params[0] as { fromBlock?: string };
      if (!silent && isGone(filter.fromBlock)) throw new Error('pruned history unavailable');
      return ((await ask(method, params)) as { blockNumber: Hex }[]).filter(
        (log) => !isGone(log.blockNumber),
      );
    }
    const result = await ask(method, params);
    const isOfBlock = method === 'eth_getTransactionReceipt' || method === 'eth_getTransactionByHash';
    return isOfBlock && isGone((result as { blockNumber?: string } | null)?.blockNumber) ? null : result;
  };
}

/** The same of Solana: what is gone is simply not listed. */
function prunedOnSolana(ask: Rpc, { before, silent = false }: Pruned): Rpc {
  return async (method, params) => {
    if (!silent && (method === 'getFirstAvailableBlock' || method === 'minimumLedgerSlot')) return before;
    if (!silent && method === 'getBlockTime' && Number(params[0]) < before)
      throw new Error('Block was cleaned up');
    const result = await ask(method, params);
    if (method === 'getSignaturesForAddress')
      return (result as { slot: number }[]).filter(({ slot }) => slot >= before);
    if (method === 'getTransaction')
      return result !== null && (result as { slot: number }).slot >= before ? result : null;
    return result;
  };
}

function lie(
  ask: Rpc,
  { used, aheadSec = 0, balanceAtomic, landed = false, lastBlock, dead, hides }: Lie,
): Rpc {
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
    if (method === 'eth_getLogs' && (used === false || hides === 'events')) return [];
    if (method === 'eth_getLogs' && hides === 'transfers')
      return ((await ask(method, params)) as { topics: Hex[] }[]).filter(
        ({ topics }) => topics[0] !== TRANSFER,
      );
    if (method === 'getLatestBlockhash' && lastBlock !== undefined) {
      const { context, value } = (await ask(method, params)) as { context: unknown; value: object };
      return { context, value: { ...value, lastValidBlockHeight: lastBlock } };
    }
    if (used === false && method === 'eth_getTransactionReceipt') return null;
    if (used === false && method === 'getTransaction') return onlyMaking(await ask(method, params));
    if (used === false && method === 'getSignaturesForAddress') return onlyOldest(ask, params);
    if (used === false && method === 'getSignatureStatuses') return { value: [null] };
    if (method === 'getEpochInfo') {
      const head = (await ask(method, params)) as SolanaHead;
      return { ...head, blockHeight: head.blockHeight + aheadSec };
    }
    if (method === 'isBlockhashValid' && (dead ?? aheadSec > 0)) return { value: false };
    const result = await ask(method, params);
    if (aheadSec === 0 || !method.startsWith('eth_getBlockBy') || result === null) return result;
    const block = result as NonNullable<Block>;
    return { ...block, timestamp: numberToHex(hexToBigInt(block.timestamp) + BigInt(aheadSec)) };
  };
}

interface ShownTransaction {
  meta: { preTokenBalances: unknown[] };
}

/** A transaction that made a token account; null for one that moved money between those that were there. */
function onlyMaking(shown: unknown): unknown {
  const transaction = shown as ShownTransaction | null;
  return transaction?.meta.preTokenBalances.length === 0 ? transaction : null;
}

/** The entry that made an account, alone: a list that hides payments and still begins where it should. */
async function onlyOldest(ask: Rpc, params: unknown[]): Promise<unknown[]> {
  const oldest = ((await ask('getSignaturesForAddress', params)) as { signature: string }[]).at(-1);
  if (oldest === undefined) return [];
  const encoding = { encoding: 'base64', maxSupportedTransactionVersion: 0 };
  return onlyMaking(await ask('getTransaction', [oldest.signature, encoding])) === null ? [] : [oldest];
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
