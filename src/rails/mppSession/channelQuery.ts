import type { TempoSettlementQuery } from '../../chain/chain.js';
import { marksOf, openedWallMs, type Attempt } from '../../ledger/attempts/attempt.js';
import type { FoundDeposit } from '../../ledger/books/rebuild.js';
import type { SignedPayload } from '../../ledger/attempts/transition.js';
import { findAsset, type TempoAsset } from '../../money/asset.js';
import type { Caip2 } from '../../money/network.js';
import { sessionInCredential } from '../../protocols/mpp/credential.js';
import { ownTransaction } from '../../protocols/tempo/transaction.js';

/** What to ask Tempo about a channel: whether it was opened, and what was settled of it when it was closed. */
export function channelQuery(attempt: Attempt): TempoSettlementQuery | null {
  const asset = findAsset(attempt.network as Caip2, attempt.asset);
  if (attempt.payload === null && asset?.family === 'tempo') return foundQuery(attempt, asset);
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

/** The same of one that was found on the chain, where the ledger had lost it: its row has no transaction, and says what that took. */
function foundQuery(attempt: Attempt, asset: TempoAsset): TempoSettlementQuery | null {
  const { opening_fee_atomic } = JSON.parse(attempt.receipt ?? '{}') as FoundDeposit;
  if (opening_fee_atomic === undefined) return null;
  const id = attempt.nonce as `0x${string}`;
  return {
    ...{ asset, from: attempt.payFrom as `0x${string}`, to: attempt.payTo as `0x${string}` },
    ...{ amountAtomic: attempt.heldAtomic, transferAtomic: 0n, nonce: id, channel: id, ownTx: null },
    ...{ validBeforeSec: attempt.validBeforeSec, marks: [] },
    openedSec: Math.floor(openedWallMs(attempt) / 1000),
    knownFeeAtomic: BigInt(opening_fee_atomic),
  };
}
