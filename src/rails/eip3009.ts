import type { SettlementQuery } from '../chain/chain.js';
import { marksOf, openedWallMs } from '../ledger/attempts/attempt.js';
import type { Attempt } from '../ledger/attempts/attempt.js';
import { findAsset } from '../money/asset.js';
import type { Caip2 } from '../money/network.js';

/** What to ask a chain of the EVM about a payment by EIP-3009, whatever protocol carried it; null for any other asset. */
export function eip3009Query(payment: Attempt): SettlementQuery | null {
  const asset = findAsset(payment.network as Caip2, payment.asset);
  if (asset?.family !== 'evm') return null;
  return {
    asset,
    from: payment.payFrom as `0x${string}`,
    to: payment.payTo as `0x${string}`,
    amountAtomic: payment.heldAtomic,
    nonce: payment.nonce as `0x${string}`,
    validBeforeSec: payment.validBeforeSec,
    openedSec: Math.floor(openedWallMs(payment) / 1000),
    marks: marksOf(payment),
  };
}
