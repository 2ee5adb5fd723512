import { concat, encodeFunctionData, parseAbi, parseSignature, toHex, type LocalAccount } from 'viem';
import { randomBytes } from 'node:crypto';
import { devAccount, startChain, type Chain } from '../../../sandbox/chain.js';
import { startRpcProxy, type RpcProxy } from '../../../sandbox/rpcProxy.js';
import { USDC_ABI } from '../../../sandbox/usdc.js';
import { findAsset } from '../../money/asset.js';
import { findNetwork } from '../../money/network.js';
import type { Mark } from '../../payment/mark.js';
import type { Hex } from './answer.js';
import { createEvmChain, type EvmChain, type EvmChainOptions, type SettlementQuery } from './evmChain.js';

const network = findNetwork('eip155:84532');
const asset = findAsset('eip155:84532', '0x036CbD53842c5426634e7929541eC2318f3dCF7e');
if (network?.family !== 'evm' || asset?.family !== 'evm') throw new Error('Base Sepolia is in the tables');

export const NETWORK = network;
export const USDC = asset;
export const WINDOW_SEC = 300;
export const PAYEE: Hex = '0x00000000000000000000000000000000000a11ce';
export const SOMEBODY: Hex = '0x0000000000000000000000000000000000000b0b';

const MULTICALL3: Hex = '0xcA11bde05977b3631167028862bE2a173976CA11';
const MULTICALL_ABI = parseAbi([
  'struct Call { address target; bool allowFailure; bytes callData; }',
  'struct Result { bool success; bytes returnData; }',
  'function aggregate3(Call[] calls) payable returns (Result[])',
]);
const BALANCE_ATOMIC = 10_000_000n;

/** An authorization as the wallet would remember it, and the call that settles it. */
export interface Signed {
  query: SettlementQuery;
  call: Hex;
}

/** A chain of its own with two operators in front of it, and a payer. */
export class ChainWorld {
  readonly payer: LocalAccount = devAccount(3);
  readonly chain: Chain;
  readonly one: RpcProxy;
  readonly two: RpcProxy;

  private constructor(chain: Chain, one: RpcProxy, two: RpcProxy) {
    this.chain = chain;
    this.one = one;
    this.two = two;
  }

  static async start(): Promise<ChainWorld> {
    const chain = await startChain();
    const world = new ChainWorld(chain, await startRpcProxy(chain.url), await startRpcProxy(chain.url));
    await chain.fund(world.payer.address, BALANCE_ATOMIC);
    return world;
  }

  async stop(): Promise<void> {
    await this.one.stop();
    await this.two.stop();
    await this.chain.stop();
  }

  async heal(): Promise<void> {
    await this.one.setFault(null);
    await this.two.setFault(null);
  }

  /** The wallet's reader with both operators, as on a network whose RPC the owner left alone. */
  reader(options: Partial<EvmChainOptions> = {}): EvmChain {
    return createEvmChain({
      network: NETWORK,
      rpc: { urls: [this.one.url, this.two.url], ownerSet: false },
      ...options,
    });
  }

  /** The reader of an owner who named one RPC. */
  ownersReader(url: string = this.one.url): EvmChain {
    return this.reader({ rpc: { urls: [url], ownerSet: true } });
  }

  /** Signs a payment that is valid from now on for {@link WINDOW_SEC} of the chain's time. */
  async sign(
    terms: { to?: Hex; amountAtomic?: bigint; nonce?: Hex; marks?: readonly Mark[] } = {},
  ): Promise<Signed> {
    const openedSec = await this.chain.nowSec();
    const query: SettlementQuery = {
      asset: USDC,
      from: this.payer.address,
      to: terms.to ?? PAYEE,
      amountAtomic: terms.amountAtomic ?? 2_000n,
      nonce: terms.nonce ?? toHex(randomBytes(32)),
      validBeforeSec: openedSec + WINDOW_SEC,
      openedSec,
      marks: terms.marks ?? [],
    };
    const signature = await this.payer.signTypedData({
      domain: { ...USDC.eip712, chainId: NETWORK.chainId, verifyingContract: USDC.address },
      types: {
        TransferWithAuthorization: [
          { name: 'from', type: 'address' },
          { name: 'to', type: 'address' },
          { name: 'value', type: 'uint256' },
          { name: 'validAfter', type: 'uint256' },
          { name: 'validBefore', type: 'uint256' },
          { name: 'nonce', type: 'bytes32' },
        ],
      },
      primaryType: 'TransferWithAuthorization',
      message: {
        from: query.from,
        to: query.to,
        value: query.amountAtomic,
        validAfter: 0n,
        validBefore: BigInt(query.validBeforeSec),
        nonce: query.nonce,
      },
    });
    const { r, s, yParity } = parseSignature(signature);
    const call = encodeFunctionData({
      abi: USDC_ABI,
      functionName: 'transferWithAuthorization',
      args: [
        query.from,
        query.to,
        query.amountAtomic,
        0n,
        BigInt(query.validBeforeSec),
        query.nonce,
        concat([r, s, toHex(27 + yParity, { size: 1 })]),
      ],
    });
    return { query, call };
  }

  /** Settles as a facilitator would; several in one transaction, in this order. */
  async settle(...signed: Signed[]): Promise<Hex> {
    const calls = signed.map(({ call }) => ({ target: USDC.address, allowFailure: false, callData: call }));
    return this.send(
      MULTICALL3,
      encodeFunctionData({ abi: MULTICALL_ABI, functionName: 'aggregate3', args: [calls] }),
    );
  }

  /** Sends a call from an account that anvil has unlocked, and waits until it is mined. */
  async send(to: Hex, data: Hex, from: Hex = devAccount(2).address): Promise<Hex> {
    const hash = (await this.chain.rpc('eth_sendTransaction', [{ from, to, data, gas: '0x4c4b40' }])) as Hex;
    const { status } = await this.chain.client.waitForTransactionReceipt({ hash });
    if (status !== 'success') throw new Error(`Transaction ${hash} failed`);
    return hash;
  }

  /** Mines a block with exactly this time. */
  async mineAt(timeSec: number): Promise<void> {
    await this.chain.rpc('evm_setNextBlockTimestamp', [timeSec]);
    await this.chain.mine();
  }

  /** Moves the chain past the expiry of everything signed so far, for `safe` and `finalized` blocks, too. */
  async expire(): Promise<void> {
    await this.chain.increaseTime(WINDOW_SEC + 1);
  }
}
