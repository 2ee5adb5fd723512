import { WalletError } from '../errors/walletError.js';
import { DEPOSIT_KINDS, type Entitlement, type EntitlementFilter } from '../ledger/books/entitlement.js';
import type { Ledger } from '../ledger/ledger.js';
import { openLedger } from '../wallet/engine.js';
import { unlockAsAnyone, type OwnerOptions } from './auth/ownerAuth.js';

/** More are not shown at once. */
const LISTED_MAX = 1_000;

/** What the agents bought ahead, the ones changed last in front. Throws the codes of the keystore and of the ledger. */
export function listEntitlements(options: OwnerOptions, filter: EntitlementFilter): Promise<Entitlement[]> {
  return withLedger(options, ({ entitlements }) => entitlements.list(filter, LISTED_MAX));
}

/** One of them by its id, or null. */
export function findEntitlement(options: OwnerOptions, id: string): Promise<Entitlement | null> {
  return withLedger(options, ({ entitlements }) => entitlements.find(id));
}

/**
 * Ends one, whose secret is then forgotten: it only takes from an agent. False where it had ended, or is none. Throws
 * `bad_input` for a deposit: only a proof ends that, or the wallet would forget whose money it is.
 */
export function revokeEntitlement(options: OwnerOptions, id: string): Promise<boolean> {
  return withLedger(options, (ledger) => revokeIn(ledger, id, options.now()));
}

/** The same over an open ledger. */
export async function revokeIn(
  { entitlements }: Pick<Ledger, 'entitlements'>,
  id: string,
  nowMs: number,
): Promise<boolean> {
  const found = await entitlements.find(id);
  if (found?.state === 'live' && DEPOSIT_KINDS.includes(found.kind))
    throw new WalletError('bad_input', 'This is a deposit with a seller: it is closed, and not revoked.', {
      owner: { say: 'Close it, which brings back what is left.', action: { kind: 'closeChannel', id } },
    });
  return entitlements.end(id, 'revoked', nowMs);
}

async function withLedger<T>(options: OwnerOptions, work: (ledger: Ledger) => Promise<T>): Promise<T> {
  const ledger = await openLedger(options, await unlockAsAnyone(options));
  try {
    return await work(ledger);
  } finally {
    await ledger.close();
  }
}
