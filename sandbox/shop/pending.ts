import { createWalletClient, encodeFunctionData, keccak256, type Address, type Hex } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { baseSepolia } from 'viem/chains';
import type { Chain } from '../chain.ts';
import { Recording } from '../recording.ts';
import type { SolanaChain } from '../solana/chain.ts';
import { overLocalHttp } from '../evmTransport.ts';
import { USDC, USDC_ABI } from '../usdc.ts';
import type { PaymentSeen } from './order.ts';
import { receiptOf } from '../receipt.ts';

/** More than a transfer by authorization ever takes, so that nothing has to be asked before it is signed. */
const GAS = 300_000n;
const FEE_WEI = 10n ** 11n;
const ONE_ETH_HEX = '0xde0b6b3a7640000';

/** A settlement that has been promised and not yet sent. */
export interface PendingSettlement {
  /** The hash that its transaction will have. */
  transaction: string;
  nonce: string;
}

/** Settlements whose transaction is signed, and its hash known, but which have not been sent. */
export class PendingSettlements {
  readonly #chain: Chain;
  readonly #solana: SolanaChain;
  /** Every settlement that was ever made to wait. */
  readonly log = new Recording<PendingSettlement>();
  #waiting: { hash: string; nonce: string; send(): Promise<void> }[] = [];

  constructor(chain: Chain, solana: SolanaChain) {
    this.#chain = chain;
    this.#solana = solana;
  }

  /** Prepares the settlement of a payment and returns the hash that its transaction will have. */
  async add(payment: PaymentSeen): Promise<string> {
    const { transaction } = (payment.payload as { payload: { transaction?: string } }).payload;
    const waiting =
      transaction === undefined ? await this.#onEvm(payment) : await this.#onSolana(transaction);
    const nonce = payment.nonce!;
    this.#waiting.push({ ...waiting, nonce });
    this.log.add({ transaction: waiting.hash, nonce });
    return waiting.hash;
  }

  async #onSolana(transaction: string) {
    const { signature, send } = await this.#solana.cosign(transaction);
    return { hash: signature, send };
  }

  async #onEvm(payment: PaymentSeen) {
    const { authorization, signature } = (
      payment.payload as { payload: { authorization: Record<string, string>; signature: Hex } }
    ).payload;
    // An account of its own: no other send can take its nonce, so the hash stays true however long this waits.
    const account = privateKeyToAccount(generatePrivateKey());
    await this.#chain.rpc('anvil_setBalance', [account.address, ONE_ETH_HEX]);
    const wallet = createWalletClient({
      account,
      chain: baseSepolia,
      transport: overLocalHttp(this.#chain.url),
    });
    const data = encodeFunctionData({
      abi: USDC_ABI,
      functionName: 'transferWithAuthorization',
      args: [
        authorization['from'] as Address,
        authorization['to'] as Address,
        BigInt(authorization['value']!),
        BigInt(authorization['validAfter']!),
        BigInt(authorization['validBefore']!),
        authorization['nonce'] as Hex,
        signature,
      ],
    });
    const signed = await wallet.signTransaction({
      to: USDC,
      data,
      nonce: 0,
      gas: GAS,
      maxFeePerGas: FEE_WEI,
      maxPriorityFeePerGas: 0n,
      type: 'eip1559',
    });
    const hash = keccak256(signed);
    return {
      hash,
      send: async (): Promise<void> => {
        await this.#chain.rpc('eth_sendRawTransaction', [signed]);
        await receiptOf(this.#chain.client, hash);
      },
    };
  }

  /** Sends all that waits, or what waits of one payment; the hashes, each mined. Whether each succeeded is the chain's to say. */
  async release(nonce?: string): Promise<string[]> {
    const released = this.#waiting.filter((one) => nonce === undefined || one.nonce === nonce);
    this.#waiting = this.#waiting.filter((one) => !released.includes(one));
    for (const { send } of released) await send();
    return released.map(({ hash }) => hash);
  }

  /** Forgets all that waits: these never settle. */
  drop(): void {
    this.#waiting = [];
  }
}
