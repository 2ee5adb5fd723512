import type { EvmAsset, TempoAsset } from '../money/asset.js';
import type { AtomicAmount } from '../money/unit.js';
import type { TransferIntent } from './intent.js';

/**
 * What the signer signs to pay out of a channel: all that its payee may have taken of it by then. Moves nothing by itself.
 * `nonce` is made of what the channel is known by, the cumulative amount and this call, so that no two share it.
 */
interface VoucherIntent {
  readonly chainId: number;
  readonly from: `0x${string}`;
  readonly to: `0x${string}`;
  /** What this call adds to what was signed before. */
  readonly amountAtomic: AtomicAmount;
  /** All that is signed by then, this call included; 0 only where all of a channel on the EVM is to be given back. */
  readonly cumulativeAtomic: AtomicAmount;
  /** What the channel holds: no voucher says more. */
  readonly depositAtomic: AtomicAmount;
  readonly validAfterSec: 0;
  /** When the wallet uses the channel no more. */
  readonly validBeforeSec: number;
  readonly nonce: string;
}

/** What a channel of Tempo's reserve is (TIP-1034): all of it together makes its id. */
export interface ChannelDescriptor {
  readonly payer: `0x${string}`;
  readonly payee: `0x${string}`;
  /** Who may settle for the payee; the zero address for nobody. */
  readonly operator: `0x${string}`;
  readonly token: `0x${string}`;
  readonly salt: `0x${string}`;
  /** Whose vouchers count: always the payer here. */
  readonly authorizedSigner: `0x${string}`;
  /** A hash of the transaction that opened it, and of its sender: no two channels share it. */
  readonly expiringNonceHash: `0x${string}`;
}

/**
 * What the signer signs to keep a channel on Tempo: a transaction that calls the chain's reserve (TIP-1034) once, within a
 * short window (TIP-1009), and does nothing else. `open` and `top_up` deposit `amountAtomic` for one payee, who takes of it
 * what vouchers say; `request_close` and `withdraw` bring the rest back, and move nothing to anybody else.
 */
export interface TempoChannelIntent {
  readonly kind: 'tempo_channel';
  readonly call: 'open' | 'top_up' | 'request_close' | 'withdraw';
  readonly asset: TempoAsset;
  readonly chainId: number;
  readonly from: `0x${string}`;
  /** The payee. */
  readonly to: `0x${string}`;
  /** What is deposited; 0 where nothing is. */
  readonly amountAtomic: AtomicAmount;
  readonly feePaidBy: 'payee' | 'self';
  readonly validAfterSec: 0;
  readonly validBeforeSec: number;
  /** The id of the channel. */
  readonly nonce: `0x${string}`;
  /** For `open`, its `expiringNonceHash` is what follows from this very transaction. */
  readonly descriptor: ChannelDescriptor;
}

/** A voucher for a channel of Tempo's reserve. */
export interface TempoVoucherIntent extends VoucherIntent {
  readonly kind: 'tempo_voucher';
  readonly asset: TempoAsset;
  readonly descriptor: ChannelDescriptor;
  /** The deposit to be made with this very call; absent where the channel is open. */
  readonly opening?: TempoChannelIntent;
}

/** What a channel on the EVM is (x402, `batch-settlement`): all of it together makes its id. */
export interface EvmChannel {
  readonly payer: `0x${string}`;
  /** Whose vouchers count: always the payer here. */
  readonly payerAuthorizer: `0x${string}`;
  readonly receiver: `0x${string}`;
  /** Who may take and give back for the receiver. */
  readonly receiverAuthorizer: `0x${string}`;
  readonly token: `0x${string}`;
  /** How long the receiver has to take what vouchers say, once the payer wants the rest back. */
  readonly withdrawDelaySec: number;
  /** 32 random bytes: no two channels share them. */
  readonly salt: `0x${string}`;
}

/**
 * What the signer signs to open a channel on the EVM: that the contract which brings deposits may take so much of a listed
 * token, once, within a short window, for this channel alone (EIP-3009 `ReceiveWithAuthorization`).
 */
export interface EvmDepositIntent extends Omit<TransferIntent, 'kind' | 'validAfterSec'> {
  readonly kind: 'evm_deposit';
  readonly validAfterSec: 0;
  readonly channel: EvmChannel;
}

/** A voucher for a channel on the EVM. */
export interface EvmVoucherIntent extends VoucherIntent {
  readonly kind: 'evm_voucher';
  readonly asset: EvmAsset;
  readonly channel: EvmChannel;
  /** The deposit to be made with this very call; absent where the channel is open. */
  readonly opening?: EvmDepositIntent;
}

/**
 * The owner's own transaction that brings back what a channel's receiver has not taken: it asks for that, or ends the wait. It
 * moves nothing to anybody but the payer, beside its gas.
 */
export interface EvmChannelEndIntent {
  readonly kind: 'evm_channel_end';
  readonly call: 'request_close' | 'withdraw';
  readonly asset: EvmAsset;
  readonly chainId: number;
  readonly from: `0x${string}`;
  readonly channel: EvmChannel;
  /** What is asked back. */
  readonly amountAtomic: AtomicAmount;
  readonly accountNonce: number;
  readonly gas: bigint;
  readonly maxFeePerGasWei: bigint;
  readonly maxPriorityFeePerGasWei: bigint;
}
