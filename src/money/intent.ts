import type { Asset } from './asset.js';

/**
 * The one thing the signer signs: a transfer of a listed asset to one payee, once, within a short window
 * (EIP-3009 `TransferWithAuthorization`). Built by the wallet; no field is bytes of a server's.
 */
export interface TransferIntent {
  readonly kind: 'eip3009';
  readonly asset: Asset;
  readonly chainId: number;
  readonly from: `0x${string}`;
  readonly to: `0x${string}`;
  readonly amountAtomic: bigint;
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
