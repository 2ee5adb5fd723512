import {
  createPublicClient,
  encodeFunctionData,
  numberToHex,
  type Address,
  type Hex,
  type LocalAccount,
} from 'viem';
import { mnemonicToAccount } from 'viem/accounts';
import { baseSepolia } from 'viem/chains';
import { startAnvil, type DeathWatch } from './anvil.ts';
import { SandboxClock } from './clock.ts';
import { overLocalHttp } from './evmTransport.ts';
import { deployPermit2, PERMIT2 } from './permit2/contracts.ts';
import { permit2Payments, type TransferSeen } from './permit2/payments.ts';
import { postJson } from './postJson.ts';
import { createQueue } from './queue.ts';
import { deployUsdc, sendUnlocked, USDC, USDC_ABI, USDC_DOMAIN, type Rpc } from './usdc.ts';

/** Anvil's well-known phrase; its accounts hold 10,000 ETH here and nothing anywhere else. */
const DEV_PHRASE = 'test test test test test test test test test test test junk';

/**
 * `safe` and `finalized` lag one and two blocks here, instead of 32 and 64. State older than 128 blocks is forgotten:
 * anvil would otherwise write all of it under HOME, gigabytes in a long run, and leave it there when killed.
 */
const ANVIL_ARGUMENTS = ['--chain-id', '84532', '--slots-in-an-epoch', '1', '--prune-history', '128'];

const FINALIZED_LAG = 2;

/** Every real chain has it, and the facilitator finds out by it why a payment would fail. */
const MULTICALL3: Address = '0xcA11bde05977b3631167028862bE2a173976CA11';

/** How often viem asks for a receipt that is not there yet: anvil mines at once. */
const POLL_MS = 10;

/**
 * One USDC payment as the chain shows it: by EIP-3009 an `AuthorizationUsed` and its `Transfer` in one transaction, through
 * Permit2 a transfer in a call of one of x402's contracts.
 */
export interface ChainPayment {
  nonce: Hex;
  to: Address;
  amountAtomic: bigint;
  transaction: Hex;
  blockNumber: bigint;
}

/** Anvil as Base Sepolia, with Circle's USDC on it. */
export type Chain = Awaited<ReturnType<typeof startChain>>;

/** Made once each: a phrase is stretched 2,048 times before it gives a key. */
const devAccounts = new Map<number, LocalAccount>();

/** One of anvil's ten unlocked accounts; 0 mints, 1 is the facilitator's. */
export function devAccount(index: number): LocalAccount {
  const account = devAccounts.get(index) ?? mnemonicToAccount(DEV_PHRASE, { addressIndex: index });
  devAccounts.set(index, account);
  return account;
}

/** A JSON-RPC caller for `url` that throws what the node answers as an error. */
export function createRpc(url: string): Rpc {
  let id = 0;
  return async (method, params) => {
    const { body } = await postJson(url, JSON.stringify({ jsonrpc: '2.0', id: ++id, method, params }));
    const answer = JSON.parse(body) as { result?: unknown; error?: { message: string } };
    if (answer.error !== undefined) throw new Error(`${method}: ${answer.error.message}`);
    return answer.result;
  };
}

/** Code of contracts that every real chain has, hex. */
interface CommonCode {
  readonly multicall3: unknown;
  readonly permit2: unknown;
}

let commonCode: Promise<CommonCode> | undefined;

/** Takes the code of contracts that every real chain has out of the genesis of another network that anvil knows, once. */
export function readCommonCode(deathWatch: DeathWatch | undefined): Promise<CommonCode> {
  commonCode ??= askForCommonCode(deathWatch);
  // Whoever waits for it hears why it failed; the next one tries anew.
  commonCode.catch(() => (commonCode = undefined));
  return commonCode;
}

async function askForCommonCode(deathWatch: DeathWatch | undefined): Promise<CommonCode> {
  const donor = await startAnvil(['--network', 'tempo', '--accounts', '1'], deathWatch);
  try {
    const rpc = createRpc(donor.url);
    const [multicall3, permit2] = await Promise.all(
      [MULTICALL3, PERMIT2].map((address) => rpc('eth_getCode', [address, 'latest'])),
    );
    return { multicall3, permit2 };
  } finally {
    await donor.stop();
  }
}

function createClient(url: string) {
  return createPublicClient({
    chain: baseSepolia,
    transport: overLocalHttp(url),
    pollingInterval: POLL_MS,
    cacheTime: 0,
  });
}

/** What the chain shows. */
function createReads(client: ReturnType<typeof createClient>) {
  return {
    /** USDC balance, atomic. */
    balanceOf: (address: Address): Promise<bigint> =>
      client.readContract({ address: USDC, abi: USDC_ABI, functionName: 'balanceOf', args: [address] }),

    /** Whether an EIP-3009 nonce was used *or cancelled*. */
    usedNonce: (from: Address, nonce: Hex): Promise<boolean> =>
      client.readContract({
        address: USDC,
        abi: USDC_ABI,
        functionName: 'authorizationState',
        args: [from, nonce],
      }),

    /** What Permit2 may move of an address's USDC, atomic. */
    permit2Allowance: (owner: Address): Promise<bigint> =>
      client.readContract({
        address: USDC,
        abi: USDC_ABI,
        functionName: 'allowance',
        args: [owner, PERMIT2],
      }),

    /** Time of the latest block, seconds. */
    nowSec: async (): Promise<number> => Number((await client.getBlock()).timestamp),

    /** Every payment that `from` made, oldest first. */
    async payments(from: Address): Promise<ChainPayment[]> {
      const range = { address: USDC, fromBlock: 0n } as const;
      const [used, transfers] = await Promise.all([
        client.getContractEvents({
          ...range,
          abi: USDC_ABI,
          eventName: 'AuthorizationUsed',
          args: { authorizer: from },
        }),
        client.getContractEvents({ ...range, abi: USDC_ABI, eventName: 'Transfer', args: { from } }),
      ]);
      const byPermit2 = await permit2Payments(client, transfers as TransferSeen[]);
      const own = used.map((log) => {
        const transfer = transfers.find((other) => other.transactionHash === log.transactionHash);
        if (transfer === undefined)
          throw new Error(`No Transfer beside AuthorizationUsed in ${log.transactionHash}`);
        return {
          nonce: log.args.nonce!,
          to: transfer.args.to!,
          amountAtomic: transfer.args.value!,
          transaction: log.transactionHash,
          blockNumber: log.blockNumber,
        };
      });
      return [...own, ...byPermit2].sort((a, b) => Number(a.blockNumber - b.blockNumber));
    },
  };
}

/** What a test may do to the chain. */
function createWrites(rpc: Rpc, minter: Address) {
  // Anvil gives two sends at once from one account the same nonce.
  const inTurn = createQueue();
  const settling = createQueue();
  return {
    /** Mints USDC, atomic, to `address`. */
    fund: (address: Address, atomic: bigint): Promise<void> =>
      inTurn(() =>
        sendUnlocked(
          rpc,
          minter,
          encodeFunctionData({ abi: USDC_ABI, functionName: 'mint', args: [address, atomic] }),
        ),
      ),

    /** Gives `address` ether for gas, in place of what it has. */
    giveGas: async (address: Address, wei: bigint): Promise<void> =>
      void (await rpc('anvil_setBalance', [address, numberToHex(wei)])),

    /** Mines empty blocks. `safe` is one block behind `latest` here, `finalized` two. */
    mine: async (blocks = 1): Promise<void> => void (await rpc('anvil_mine', [numberToHex(blocks)])),

    /** Mines the blocks that follow on a real chain by themselves, where the newest one holds a transaction: then it is settled. */
    settle: (): Promise<void> =>
      settling(async () => {
        const block = (await rpc('eth_getBlockByNumber', ['latest', false])) as { transactions: unknown[] };
        if (block.transactions.length > 0) await rpc('anvil_mine', [numberToHex(FINALIZED_LAG)]);
      }),

    /**
     * Moves the chain's clock ahead and mines until a `finalized` block has the new time. The wall clock stays: what is
     * signed afterwards for a short window has expired on this chain, so use `checkpoint` to come back.
     */
    async increaseTime(seconds: number): Promise<void> {
      await rpc('evm_increaseTime', [numberToHex(seconds)]);
      await rpc('anvil_mine', [numberToHex(FINALIZED_LAG + 1)]);
    },

    /** Remembers this instant; `revert()` brings chain and clock back to it, and forgets all that was mined since. */
    async checkpoint(): Promise<{ revert(): Promise<void> }> {
      const id = await rpc('evm_snapshot', []);
      return { revert: async () => void (await rpc('evm_revert', [id])) };
    },

    /** Has `owner` cancel an authorization on chain: its nonce then reads as used although no money moved. */
    async cancelAuthorization(owner: LocalAccount, nonce: Hex): Promise<void> {
      const signature = await owner.signTypedData({
        domain: USDC_DOMAIN,
        types: {
          CancelAuthorization: [
            { name: 'authorizer', type: 'address' },
            { name: 'nonce', type: 'bytes32' },
          ],
        },
        primaryType: 'CancelAuthorization',
        message: { authorizer: owner.address, nonce },
      });
      const data = encodeFunctionData({
        abi: USDC_ABI,
        functionName: 'cancelAuthorization',
        args: [owner.address, nonce, signature],
      });
      await inTurn(() => sendUnlocked(rpc, minter, data));
    },
  };
}

/** Keeps the sandbox's clock where what is asked of anvil puts the chain. */
function timed(rpc: Rpc, clock: SandboxClock): Rpc {
  const snapshots = new Map<unknown, number>();
  const move = (seconds: number): void =>
    clock.moveTo('base', clock.aheadMs('base') + Math.max(0, seconds) * 1000);
  return async (method, params) => {
    const result = await rpc(method, params);
    const [first = 0, second = 0] = params as (string | number | undefined)[];
    if (method === 'evm_increaseTime') move(Number(first));
    // Blocks so many seconds apart; without a pace they share the moment.
    if (method === 'anvil_mine') move(Number(first) * Number(second));
    if (method === 'evm_snapshot') snapshots.set(result, clock.aheadMs('base'));
    if (method === 'evm_revert') clock.moveTo('base', snapshots.get(first) ?? 0);
    return result;
  };
}

/** Starts a local Base Sepolia with USDC at its real address. Anvil mines each transaction at once. */
export async function startChain(options: { deathWatch?: DeathWatch; clock?: SandboxClock } = {}) {
  const common = readCommonCode(options.deathWatch);
  const anvil = await startAnvil(ANVIL_ARGUMENTS, options.deathWatch);
  try {
    const rpc = timed(createRpc(anvil.url), options.clock ?? new SandboxClock());
    const { multicall3, permit2 } = await common;
    await rpc('anvil_setCode', [MULTICALL3, multicall3]);
    const client = createClient(anvil.url);
    const minter = devAccount(0).address;
    await deployUsdc(rpc, minter);
    await deployPermit2(rpc, minter, permit2);
    const parts = { url: anvil.url, pid: anvil.pid, client, rpc, stop: anvil.stop };
    return { ...parts, ...createReads(client), ...createWrites(rpc, minter) };
  } catch (cause) {
    await anvil.stop();
    throw cause;
  }
}
