import type { TempoSettlementQuery } from '../../chain/chain.js';
import { marksOf, openedWallMs, type Attempt } from '../../ledger/attempts/attempt.js';
import type { SignedPayload } from '../../ledger/attempts/transition.js';
import { findAsset } from '../../money/asset.js';
import type { Caip2 } from '../../money/network.js';
import { sessionInCredential } from '../../protocols/mpp/credential.js';
import { ownTransaction } from '../../protocols/tempo/transaction.js';

/** What to ask Tempo about a channel: whether it was opened, and what was settled of it when it was closed. */
export function channelQuery(attempt: Attempt): TempoSettlementQuery | null {
  const asset = findAsset(attempt.network as Caip2, attempt.asset);
  const signed = attempt.payload === null ? null : (JSON.parse(attempt.payload) as SignedPayload);
  const payload = signed === null ? undefined : sessionInCredential(signed.value);
  if (asset?.family !== 'tempo' || payload?.transaction === undefined) return null;
  return {
    asset,
    from: attempt.payFrom as `0x${string}`,
    to: attempt.payTo as `0x${string}`,
    amountAtomic: attempt.heldAtomic,
    transferAtomic: 0n,
    nonce: payload.channelId,
    ownTx: ownTransaction(payload.transaction),
    validBeforeSec: attempt.validBeforeSec,
    openedSec: Math.floor(openedWallMs(attempt) / 1000),
    marks: marksOf(attempt),
    channel: payload.channelId,
  };
}
