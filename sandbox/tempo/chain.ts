import { createPublicClient, encodeFunctionData, numberToHex, parseAbi, type Address, type Hex } from 'viem';
import { tempoModerato } from 'viem/tempo/chains';
import { startAnvil, type DeathWatch } from '../anvil.ts';
import { createRpc, devAccount } from '../chain.ts';
import { SandboxClock } from '../clock.ts';
import { overLocalHttp } from '../evmTransport.ts';
import { createQueue } from '../queue.ts';
import { receiptOf } from '../receipt.ts';

/** Tempo's testnet, by CAIP-2. */
export const TEMPO_TESTNET = 'eip155:42431';

/** The token that fees and payments of the testnet are made in. */
export const PATH_USD: Address = '0x20C0000000000000000000000000000000000000';

/** Where the chain keeps the fees that it takes. */
const FEE_MANAGER = '0xfeec000000000000000000000000000000000000';

/** Before the fork T4 a payer's second transaction of this kind vanishes here. `finalized` lags two blocks, as on Base. */
const ANVIL_ARGUMENTS = [
  ...['--network', 'tempo', '--hardfork', 'T4', '--chain-id', '42431'],
  ...['--slots-in-an-epoch', '1', '--prune-history', '128'],
];
const FINALIZED_LAG = 2;
const POLL_MS = 10;

const TIP20 = parseAbi([
  'function transfer(address to, uint256 amount) returns (bool)',
  'function balanceOf(address account) view returns (uint256)',
  'event Transfer(address indexed from, address indexed to, uint256 amount)',
  'event TransferWithMemo(address indexed from, address indexed to, uint256 amount, bytes32 indexed memo)',
]);

/** One payment as the chain shows it: what the payee got, and what left the payer in the same transaction, fee included. */
export interface TempoPayment {
  nonce: Hex;
  to: Address;
  amountAtomic: bigint;
  takenAtomic: bigint;
  transaction: Hex;
}

/** Anvil as Tempo's testnet. */
export type TempoChain = Awaited<ReturnType<typeof startTempo>>;

/** Starts a local testnet of Tempo. Anvil mines each transaction at once. */
export async function startTempo(options: { deathWatch?: DeathWatch; clock?: SandboxClock } = {}) {
  const { clock = new SandboxClock() } = options;
  // A chain begins at the machine's time, also where an earlier one was moved.
  clock.moveTo('tempo', 0);
  const anvil = await startAnvil(ANVIL_ARGUMENTS, options.deathWatch);
  try {
    const rpc = createRpc(anvil.url);
    const client = createPublicClient({
      chain: tempoModerato,
      transport: overLocalHttp(anvil.url),
      pollingInterval: POLL_MS,
      cacheTime: 0,
    });
    // Anvil gives two sends at once from one account the same nonce.
    const inTurn = createQueue();
    const settling = createQueue();
    const token = { address: PATH_USD, abi: TIP20 } as const;
    return {
      url: anvil.url,
      pid: anvil.pid,
      client,
      rpc,
      stop: anvil.stop,
      /** pathUSD, atomic, to `address`. */
      fund: (address: Address, atomic: bigint): Promise<void> =>
        inTurn(async () => {
          const data = encodeFunctionData({ abi: TIP20, functionName: 'transfer', args: [address, atomic] });
          const transaction = { from: devAccount(0).address, to: PATH_USD, data };
          const hash = (await rpc('eth_sendTransaction', [transaction])) as Hex;
          const { status } = await receiptOf(client, hash);
          if (status !== 'success') throw new Error(`Transaction ${hash} failed`);
        }),
      /** pathUSD balance, atomic. */
      balanceOf: (address: Address): Promise<bigint> =>
        client.readContract({ ...token, functionName: 'balanceOf', args: [address] }),
      /** Time of the latest block, seconds. */
      nowSec: async (): Promise<number> => Number((await client.getBlock()).timestamp),
      /** Every payment with a memo that `from` made, oldest first. */
      async payments(from: Address): Promise<TempoPayment[]> {
        const range = { ...token, args: { from }, fromBlock: 0n } as const;
        const memos = await client.getContractEvents({ ...range, eventName: 'TransferWithMemo' });
        const moved = await client.getContractEvents({ ...range, eventName: 'Transfer' });
        return memos.map(({ args, transactionHash }) => ({
          nonce: args.memo!,
          to: args.to!,
          amountAtomic: args.amount!,
          takenAtomic: moved
            .filter((log) => log.transactionHash === transactionHash)
            .reduce((sum, log) => sum + log.args.amount!, 0n),
          transaction: transactionHash,
        }));
      },
      /** All fees that `from` paid, atomic. */
      async fees(from: Address): Promise<bigint> {
        const range = { ...token, fromBlock: 0n, args: { from, to: FEE_MANAGER } } as const;
        const logs = await client.getContractEvents({ ...range, eventName: 'Transfer' });
        return logs.reduce((sum, { args }) => sum + args.amount!, 0n);
      },
      mine: async (blocks = 1): Promise<void> => void (await rpc('anvil_mine', [numberToHex(blocks)])),
      /** Mines the blocks that follow on a real chain by themselves, where the newest one holds a transaction. */
      settle: (): Promise<void> =>
        settling(async () => {
          const block = (await rpc('eth_getBlockByNumber', ['latest', false])) as { transactions: unknown[] };
          if (block.transactions.length > 0) await rpc('anvil_mine', [numberToHex(FINALIZED_LAG)]);
        }),
      /** Moves the chain's clock ahead and mines until a `finalized` block has the new time. */
      async increaseTime(seconds: number): Promise<void> {
        await rpc('evm_increaseTime', [numberToHex(seconds)]);
        await rpc('anvil_mine', [numberToHex(FINALIZED_LAG + 1)]);
        clock.moveTo('tempo', clock.aheadMs('tempo') + seconds * 1000);
      },
    };
  } catch (cause) {
    await anvil.stop();
    throw cause;
  }
}
