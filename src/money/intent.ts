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
