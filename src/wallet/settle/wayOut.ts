import { UNDER_WAY_SEC_MAX, type Settlement, type UnknowableReason } from '../../chain/chain.js';
import type { OwnerStep } from '../../errors/ownerAction.js';
import type { Attempt } from '../../ledger/attempts/attempt.js';
import { findNetwork, type Caip2 } from '../../money/network.js';
import { heldUntilMs } from '../answer/outcome.js';

/** Why a payment is still open, as a stable word: what the chain could not say, or `overdue`, which it says too late. */
export type OpenReason = UnknowableReason | 'overdue';

/** How long after its estimated end a payment is one to tell the owner of. */
const OVERDUE_MS = 3_600_000;

/** Why a payment that the chain was asked about is open, beside that its time is not over; null where it is just that. */
export function openReason(
  attempt: Attempt,
  settlement: Extract<Settlement, { kind: 'open' | 'unknowable' | 'captured' }>,
  nowMs: number,
): OpenReason | null {
  if (settlement.kind === 'unknowable') return settlement.reason;
  if (settlement.kind === 'open' && (settlement.isDeposited === true || settlement.promise !== undefined))
    return null;
  return nowMs > heldUntilMs(attempt) + OVERDUE_MS ? 'overdue' : null;
}

/** Until when a payment by Lightning can be under way, ms since 1970: an invoice is taken up before its end, or never. */
export function underWayUntilMs({ validBeforeSec }: Pick<Attempt, 'validBeforeSec'>): number {
  return (validBeforeSec + UNDER_WAY_SEC_MAX) * 1000;
}

/** What the owner can do about a payment that stays open for this reason. No reason is without a way out. */
export function wayOut(reason: OpenReason, attempt: Attempt, nowMs: number): OwnerStep {
  const { network, validBeforeSec } = attempt;
  const row = findNetwork(network as Caip2);
  const label = row?.label ?? network;
  const anotherRpc = (say: string): OwnerStep => ({
    say,
    action: { kind: 'chooseSetting', key: `networks.${network}.rpc_url`, example: 'URL' },
  });
  switch (reason) {
    case 'rpc_down':
      if (row?.family === 'lightning')
        return {
          say: 'Purser cannot reach the Lightning wallet; if this lasts, connect it again.',
          action: { kind: 'connectLightning' },
        };
      return anotherRpc(
        `Purser cannot read ${label} in full; if this lasts, name another RPC, for an old payment one that keeps the whole history.`,
      );
    case 'rpc_disagree':
      return anotherRpc(`The RPC operators of ${label} contradict each other; name an RPC that you trust.`);
    case 'rpc_missing':
      return anotherRpc(`Purser knows too few RPC operators of ${label}; name an RPC that you trust.`);
    case 'overdue':
      return anotherRpc(`The RPC of ${label} is far behind, or says too little; name another RPC.`);
    case 'searching':
      return anotherRpc(
        `Purser goes on by itself where the search ended; if it does not end, name another RPC of ${label}.`,
      );
    case 'in_flight':
      return {
        say: `The Lightning wallet is asked again and again; the amount stays held until it says that the payment was made or failed.`,
        action: { kind: 'reconcile' },
      };
    case 'other_wallet':
      return nowMs <= underWayUntilMs(attempt)
        ? {
            say: 'Connect the Lightning wallet again that this was paid from: no other one knows what became of it.',
            action: { kind: 'connectLightning' },
          }
        : {
            say: 'Connect the Lightning wallet again that this was paid from, or, if it is gone, count this as paid.',
            action: { kind: 'countLightning', id: attempt.id },
          };
    case 'no_proof':
      return {
        say: 'The Lightning wallet says that it paid and shows no proof. Look into it; if the money is gone from there, count this as paid.',
        action: { kind: 'countLightning', id: attempt.id },
      };
    case 'used_without_transfer':
    case 'history_unavailable': {
      const until = new Date(heldUntilMs({ network, validBeforeSec })).toISOString();
      return {
        say: `It counts as paid once a settled block is past its expiry, at about ${until}; ask the chain again then.`,
        action: { kind: 'reconcile' },
      };
    }
    case 'interrupted':
      return { say: 'The chain was not asked to the end; ask again.', action: { kind: 'reconcile' } };
    case 'network_unknown':
      return {
        say: `This Purser cannot read ${label}, which another version of it paid on; take the newest one.`,
        action: { kind: 'takeNewest' },
      };
  }
}
