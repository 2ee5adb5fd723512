import { readFileSync } from 'node:fs';
import { Session } from 'mppx/tempo';
import {
  createPublicClient,
  custom,
  encodeFunctionData,
  maxUint256,
  numberToHex,
  parseAbi,
  type Address,
  type Hex,
} from 'viem';
import { Transaction } from 'viem/tempo';
import { tempoModerato } from 'viem/tempo/chains';
import { overLocalHttp } from '../evmTransport.ts';
import { createQueue } from '../queue.ts';
import { PATH_USD, type TempoChain } from './chain.ts';
import { receiptOf } from '../receipt.ts';

const { Channel, Constants, escrowAbi } = Session.Precompile;

/** Where the chain keeps the deposits of channels (TIP-1034). */
export const CHANNEL_RESERVE = Constants.tip20ChannelEscrow as Address;

/** ChannelReserve.sol through solc 0.8.30: optimizer of 200 runs, via IR, for Cancun, without metadata. */
const CODE = readFileSync(new URL('channelReserve.hex', import.meta.url), 'utf8').trim();
/** Where it looks for the hash of the transaction that is being carried out. */
const OPEN_CONTEXT: Hex = `0x${'0'.repeat(64)}`;
const TOKEN = parseAbi([
  'function approve(address spender, uint256 amount) returns (bool)',
  'function transfer(address to, uint256 amount) returns (bool)',
]);
/** Enough for one allowance and its fee. */
const ALLOWANCE_ATOMIC = 100_000n;
const POLL_MS = 10;

/** What the chain shows of a channel. */
export interface ChannelState {
  settled: bigint;
  deposit: bigint;
  closeRequestedAt: number;
}

/** How a payee takes what a voucher says, or less and then ends the channel. */
export type PayeeCall = { descriptor: ChannelDescriptor; cumulativeAtomic: bigint; signature: Hex } & (
  { functionName: 'settle' } | { functionName: 'close'; captureAtomic: bigint }
);

/** What a channel's id is made of. */
export interface ChannelDescriptor {
  payer: Address;
  payee: Address;
  operator: Address;
  token: Address;
  salt: Hex;
  authorizedSigner: Address;
  expiringNonceHash: Hex;
}

/** Channels on a local chain of Tempo, by a contract that stands for the part of the real chain. */
export interface TempoChannels {
  /** A client whose transactions may open channels: sellers need it. */
  readonly client: TempoChain['client'];
  /** Gives an address exactly `atomic` of pathUSD, and lets the reserve take deposits of it. */
  fund(address: Address, atomic: bigint): Promise<void>;
  state(channelId: Hex): Promise<ChannelState>;
  /** Has a payee, or whoever settles for it, call the reserve; whether the chain took it. */
  asPayee(from: Address, call: PayeeCall): Promise<boolean>;
  /** What was settled to payees and came back to payers, by channel, oldest first. */
  closings(): Promise<{ channelId: Hex; settledAtomic: bigint; refundedAtomic: bigint }[]>;
}

/** Puts the reserve on a chain. */
export async function addChannels(chain: TempoChain): Promise<TempoChannels> {
  await chain.rpc('anvil_setCode', [CHANNEL_RESERVE, CODE]);
  // The chain asks much for the first token that an address ever has: on a real one, many deposits came before.
  await chain.fund(CHANNEL_RESERVE, 1n);
  const inTurn = createQueue();
  const client = createPublicClient({
    chain: tempoModerato,
    pollingInterval: POLL_MS,
    cacheTime: 0,
    transport: custom({
      request: ({ method, params }: { method: string; params: unknown[] }) =>
        method.startsWith('eth_sendRawTransaction')
          ? inTurn(async () => {
              const context = contextOf(params[0] as Hex);
              await chain.rpc('anvil_setStorageAt', [CHANNEL_RESERVE, OPEN_CONTEXT, context]);
              return chain.rpc(method, params);
            })
          : chain.rpc(method, params),
    }),
  }) as unknown as TempoChain['client'];
  // What is asked of the chain alone, such as by a test.
  const reader = createPublicClient({ chain: tempoModerato, transport: overLocalHttp(chain.url) });
  return {
    client,
    async fund(address, atomic) {
      await chain.fund(address, ALLOWANCE_ATOMIC);
      const approval = { abi: TOKEN, functionName: 'approve', args: [CHANNEL_RESERVE, maxUint256] } as const;
      if (!(await send(chain, address, PATH_USD, encodeFunctionData(approval))))
        throw new Error('an allowance failed');
      const has = await chain.balanceOf(address);
      if (has > atomic) throw new Error(`an address cannot be given as little as ${atomic}`);
      await chain.fund(address, atomic - has);
    },
    async state(channelId) {
      const { settled, deposit, closeRequestedAt } = await reader.readContract({
        ...{ address: CHANNEL_RESERVE, abi: escrowAbi, functionName: 'getChannelState', args: [channelId] },
      });
      return { settled, deposit, closeRequestedAt };
    },
    async asPayee(from, call) {
      const { descriptor, cumulativeAtomic, signature, functionName } = call;
      const data =
        call.functionName === 'settle'
          ? encodeFunctionData({
              abi: escrowAbi,
              functionName,
              args: [descriptor, cumulativeAtomic, signature],
            } as never)
          : encodeFunctionData({
              ...{ abi: escrowAbi, functionName },
              args: [descriptor, cumulativeAtomic, call.captureAtomic, signature],
            } as never);
      return inTurn(() => send(chain, from, CHANNEL_RESERVE, data));
    },
    async closings() {
      const range = { address: CHANNEL_RESERVE, abi: escrowAbi, fromBlock: 0n } as const;
      const logs = await reader.getContractEvents({ ...range, eventName: 'ChannelClosed' });
      return logs.map(({ args }) => ({
        channelId: args.channelId!,
        settledAtomic: args.settledToPayee!,
        refundedAtomic: args.refundedToPayer!,
      }));
    },
  };
}

/** What the chain itself knows of a transaction: a hash of what its sender signed, and of the sender. */
function contextOf(serialized: Hex): Hex {
  const transaction = Transaction.deserialize(serialized as never) as unknown as {
    readonly from: Address;
    readonly feePayerSignature?: unknown;
  };
  const feePayer = (transaction.feePayerSignature ?? null) !== null;
  const signed = Channel.transactionForExpiringNonceHash({ feePayer, transaction } as never);
  return Channel.computeExpiringNonceHash(signed, { sender: transaction.from });
}

/** Whether the chain took it. */
async function send(chain: TempoChain, from: Address, to: Address, data: Hex): Promise<boolean> {
  await chain.rpc('anvil_impersonateAccount', [from]);
  const hash = (await chain.rpc('eth_sendTransaction', [
    { from, to, data, gas: numberToHex(800_000), type: '0x76', feeToken: PATH_USD },
  ])) as Hex;
  const { status } = await receiptOf(chain.client, hash);
  await chain.rpc('anvil_stopImpersonatingAccount', [from]);
  return status === 'success';
}
