import type { TempoSettlementQuery } from '../chain/chain.js';
import { marksOf, openedWallMs } from '../ledger/attempts/attempt.js';
import type { Attempt } from '../ledger/attempts/attempt.js';
import type { SignedPayload } from '../ledger/attempts/transition.js';
import { findAsset } from '../money/asset.js';
import type { Caip2 } from '../money/network.js';
import { readOwnTransfer } from '../protocols/tempo/transaction.js';

/** What to ask Tempo about a payment; `transactionIn` finds the signed transaction, in hex, in what was sent. */
export function tempoQuery(
  payment: Attempt,
  transactionIn: (sent: string) => string | undefined,
): TempoSettlementQuery | null {
  const asset = findAsset(payment.network as Caip2, payment.asset);
  const signed = payment.payload === null ? null : (JSON.parse(payment.payload) as SignedPayload);
  if (asset?.family !== 'tempo' || signed === null) return null;
  const transfer = readOwnTransfer(transactionIn(signed.value) ?? '');
  if (transfer === undefined) return null;
  return {
    asset,
    from: payment.payFrom as `0x${string}`,
    to: payment.payTo as `0x${string}`,
    amountAtomic: payment.heldAtomic,
    transferAtomic: transfer.amountAtomic,
    nonce: payment.nonce as `0x${string}`,
    ownTx: transfer.tx,
    validBeforeSec: payment.validBeforeSec,
    openedSec: Math.floor(openedWallMs(payment) / 1000),
    marks: marksOf(payment),
  };
}
