import type { EvmAsset, LightningAsset, SvmAsset, TempoAsset } from '../money/asset.js';
import type { AtomicAmount } from '../money/unit.js';
import type { EvmVoucherIntent, TempoVoucherIntent } from './channelIntent.js';

/**
 * What the signer signs on the EVM: a transfer of a listed asset to one payee, once, within a short window
 * (EIP-3009 `TransferWithAuthorization`). Built by the wallet; no field is bytes of a server's.
 */
export interface TransferIntent {
  readonly kind: 'eip3009';
  readonly asset: EvmAsset;
  readonly chainId: number;
  readonly from: `0x${string}`;
  readonly to: `0x${string}`;
  readonly amountAtomic: AtomicAmount;
  readonly validAfterSec: number;
  readonly validBeforeSec: number;
  /** 32 random bytes, fresh for each intent (T23). */
  readonly nonce: `0x${string}`;
}

/**
 * The longest window the wallet signs for. While an authorization lives its amount stays held, so a longer one
 * only hurts the owner; sellers settle within seconds.
 */
export const AUTHORIZATION_WINDOW_MAX_SEC = 600;

/**
 * The owner's own way to have a signed transfer settled where no facilitator does: a transaction that calls
 * `transferWithAuthorization` on the token's contract with it, and does nothing else. Gas is in the network's own coin.
 */
export interface RelayIntent {
  readonly kind: 'eip3009_relay';
  readonly transfer: TransferIntent;
  /** The signature over `transfer`, 65 bytes, the sender's own. */
  readonly signature: `0x${string}`;
  /** The sender's next transaction number. */
  readonly accountNonce: number;
  readonly gas: bigint;
  readonly maxFeePerGasWei: bigint;
  readonly maxPriorityFeePerGasWei: bigint;
}

/** One token call needs far less on any network; it bounds what a lying RPC can make the owner burn. */
export const RELAY_GAS_MAX = 300_000n;

/** 2,000 gwei: dearer than any network of the table has been. */
export const FEE_PER_GAS_WEI_MAX = 2_000_000_000_000n;

/**
 * What the signer signs for Permit2: that a listed asset may be moved to one payee, once, within a short window, by the
 * contract of x402 that our table names for it. Under `upto` the amount is a ceiling, and one facilitator says what is taken.
 */
export interface Permit2Intent {
  readonly kind: 'permit2';
  readonly asset: EvmAsset;
  readonly chainId: number;
  readonly from: `0x${string}`;
  readonly to: `0x${string}`;
  readonly amountAtomic: AtomicAmount;
  readonly validAfterSec: 0;
  /** The first second in which it is void. Permit2 takes its deadline for valid still: what is signed is the second before. */
  readonly validBeforeSec: number;
  /** 32 random bytes, fresh for each intent (T23): a bit of Permit2's own map, and no number in a row. */
  readonly nonce: `0x${string}`;
  /** Who alone may settle it, for as much as they say up to the amount; null where the amount is fixed. */
  readonly facilitator: `0x${string}` | null;
  /**
   * The number of the token's next permit (EIP-2612), where a second signature is to allow Permit2 exactly the amount; null
   * where the owner's allowance is enough.
   */
  readonly permitNumber: bigint | null;
}

/** The signatures of a {@link Permit2Intent}, 65 bytes each. */
export interface Permit2Signatures {
  readonly transfer: `0x${string}`;
  readonly permit: `0x${string}` | null;
}

/**
 * The owner's own transaction that allows Permit2 to move so much of a token, or nothing any more, and does nothing else.
 * No payment makes one.
 */
export interface AllowanceIntent {
  readonly kind: 'permit2_allowance';
  readonly asset: EvmAsset;
  readonly chainId: number;
  readonly from: `0x${string}`;
  readonly amountAtomic: AtomicAmount;
  readonly accountNonce: number;
  readonly gas: bigint;
  readonly maxFeePerGasWei: bigint;
  readonly maxPriorityFeePerGasWei: bigint;
}

/**
 * What takes the owner's money out of a token that knows no EIP-3009: one transfer by Permit2 that this address alone may
 * have made, once, within a short window. It is of use in a {@link Permit2RelayIntent} and nowhere else.
 */
export interface Permit2WithdrawalIntent extends Omit<TransferIntent, 'kind'> {
  readonly kind: 'permit2_withdrawal';
}

/** The owner's own transaction that has Permit2 make such a transfer, and does nothing else. Gas is in the network's own coin. */
export interface Permit2RelayIntent extends Omit<RelayIntent, 'kind' | 'transfer'> {
  readonly kind: 'permit2_relay';
  readonly transfer: Permit2WithdrawalIntent;
}

/** What Permit2 is ever allowed to move of one token of one address, in dollars: never all there may be one day (T36). */
export const ALLOWANCE_USD_MICROS_MAX = 1_000_000_000n;

/**
 * What the signer signs on Solana: a transaction that moves a listed asset to one payee's own token account, and that
 * somebody else pays the fees of. Scheme `exact` on Solana prescribes its four instructions.
 */
export interface SolanaTransferIntent {
  readonly kind: 'svm_transfer';
  readonly asset: SvmAsset;
  /** Owners, in base58; the token accounts are derived from them. */
  readonly from: string;
  readonly to: string;
  readonly amountAtomic: AtomicAmount;
  /** Who pays the fees and signs last; never ourselves. */
  readonly feePayer: string;
  /** By our own RPC, never by a seller's word alone. */
  readonly blockhash: string;
  /** The last block height at which it can land. */
  readonly validBeforeBlock: number;
  /** The seller's, or 16 random bytes in hex; null where the protocol lets a transfer carry none. */
  readonly memo: string | null;
  readonly computeUnitLimit: number;
  readonly computeUnitPriceMicroLamports: number;
  readonly validAfterSec: 0;
  /** When the last block is expected; an estimate, for people and for when to look. */
  readonly validBeforeSec: number;
  /** SHA-256 of the message that is signed: no two payments have the same one (T23). */
  readonly nonce: `0x${string}`;
}

/**
 * The owner's own way to move money on Solana where no facilitator does: the same transfer, whose fee the sending
 * address pays itself. Where the payee has no token account, it is made in the same transaction. For money that is taken
 * out alone: no payment is ever made so.
 */
export interface SolanaOwnTransferIntent extends Omit<SolanaTransferIntent, 'kind' | 'feePayer'> {
  readonly kind: 'svm_own_transfer';
  readonly createsAccount: boolean;
}

/**
 * What the signer signs on Tempo: a transaction that moves a listed token to one payee with a memo (TIP-20
 * `transferWithMemo`), once, within a short window (TIP-1009), and does nothing else.
 */
export interface TempoTransferIntent {
  readonly kind: 'tempo_transfer';
  readonly asset: TempoAsset;
  readonly chainId: number;
  readonly from: `0x${string}`;
  readonly to: `0x${string}`;
  readonly amountAtomic: AtomicAmount;
  /** `self` pays it in the same token, {@link TEMPO_FEE_ATOMIC_MAX} at most; else the payee, who signs for that after us. */
  readonly feePaidBy: 'payee' | 'self';
  readonly validAfterSec: 0;
  readonly validBeforeSec: number;
  /** The memo, 32 bytes: by it the payee knows what is paid, and the chain shows that it was. No two intents share it (T23). */
  readonly nonce: `0x${string}`;
}

/** The kinds of keys that Tempo knows, by their numbers. */
export const TEMPO_KEY_TYPES = ['secp256k1', 'p256', 'webAuthn'] as const;
export type TempoKeyType = (typeof TEMPO_KEY_TYPES)[number];

/** A subscription that lasts for longer is not signed: one year, and a leap day. */
export const SUBSCRIPTION_SEC_MAX = 366 * 86_400;
/** Nothing that is sold by the period has a shorter one; what development sells by the second has. */
export const SUBSCRIPTION_PERIOD_SEC_MIN = 86_400;

/**
 * What the signer signs to subscribe on Tempo: that one key of the seller's may move a listed token to one payee, so much in
 * each period, until the end. The chain holds that key to it, fees included; nobody else's key, token, payee or call is
 * let in.
 */
export interface TempoSubscriptionIntent {
  readonly kind: 'tempo_subscription';
  readonly asset: TempoAsset;
  readonly chainId: number;
  readonly from: `0x${string}`;
  readonly to: `0x${string}`;
  /** The most in one period. */
  readonly amountAtomic: AtomicAmount;
  readonly periodSec: number;
  readonly accessKey: `0x${string}`;
  readonly keyType: TempoKeyType;
  /** 32 bytes of the challenge: no other challenge is answered by it. */
  readonly witness: `0x${string}`;
  readonly validAfterSec: 0;
  /** The end. */
  readonly validBeforeSec: number;
  /** What its first charge is known by; no two share it (T23). */
  readonly nonce: string;
}

/**
 * What the signer signs to end a subscription: a transaction that takes the seller's key back, or, where that never reached
 * the chain, makes the promise void before it does. It moves its own fee alone.
 */
export interface TempoKeyIntent {
  readonly kind: 'tempo_key';
  readonly call: 'revoke' | 'burn';
  readonly asset: TempoAsset;
  readonly chainId: number;
  readonly from: `0x${string}`;
  readonly accessKey: `0x${string}`;
  readonly witness: `0x${string}`;
  readonly validAfterSec: 0;
  readonly validBeforeSec: number;
}

/**
 * Gas that one transfer on Tempo may take. It takes 62,000 on the local chain, and 315,000 where the payee had none of the
 * token; but a node that simulates it for the seller wants over 700,000 to be there. What is not used is not paid.
 */
export const TEMPO_GAS = 800_000n;
/** In 10^-18 dollars a unit of gas. Tempo's base fee is fixed at 20 · 10^9; the tip is the node's own default. */
export const TEMPO_FEE_PER_GAS = 22_000_000_000n;
export const TEMPO_TIP_PER_GAS = 1_000_000_000n;
/** Fees are counted in 10^-18 dollars, and taken from a token of 6 decimals. */
const FEE_UNITS_PER_ATOMIC = 1_000_000_000_000n;
/** The most that the fee of one transfer takes, in atomic units of any token of Tempo, rounded up. */
export const TEMPO_FEE_ATOMIC_MAX =
  (TEMPO_GAS * TEMPO_FEE_PER_GAS + FEE_UNITS_PER_ATOMIC - 1n) / FEE_UNITS_PER_ATOMIC;
/** The chain takes no transaction of this kind that lives for longer (TIP-1009, before its fork T11). */
export const TEMPO_WINDOW_MAX_SEC = 30;

/**
 * One invoice for the connected Lightning wallet to pay. No key of this wallet signs it: the request to that wallet takes the
 * place of a signature, and is made once for a payment hash.
 */
export interface LightningIntent {
  readonly kind: 'lightning_invoice';
  readonly asset: LightningAsset;
  /** The connected wallet. */
  readonly from: string;
  /** The node that signed the invoice. */
  readonly to: string;
  /** The invoice, and the most that routing it may cost. */
  readonly amountAtomic: AtomicAmount;
  readonly validAfterSec: 0;
  /** When the invoice ends. What is under way then still is: the wallet's own books tell its end. */
  readonly validBeforeSec: number;
  /** The payment hash: no two payments have the same one (T23, T40). */
  readonly nonce: `0x${string}`;
}

/** The payment intents there are: all that the signer knows (T7), and the one that it has no part in. */
export type PaymentIntent =
  | TransferIntent
  | Permit2Intent
  | SolanaTransferIntent
  | TempoTransferIntent
  | TempoVoucherIntent
  | EvmVoucherIntent
  | TempoSubscriptionIntent
  | LightningIntent;

/** What a transfer on Solana may ask for in computing: the fee payer pays for it, within what facilitators accept. */
export const COMPUTE_UNIT_LIMIT_MAX = 200_000;
export const COMPUTE_UNIT_PRICE_MAX_MICROLAMPORTS = 5_000;
/** Paid by ourselves: 0.00002 SOL at the very most, and enough to be taken while others hurry. */
export const OWN_COMPUTE_UNIT_PRICE_MAX_MICROLAMPORTS = 100_000;
/** What the memo program is given, bytes; facilitators bound it so. */
export const MEMO_BYTES_MAX = 256;
