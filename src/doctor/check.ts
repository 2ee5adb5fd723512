import type { OwnerStep } from '../errors/ownerAction.js';
import { toWalletError } from '../ledger/fault.js';

/** One thing that was looked at. */
export interface Check {
  readonly name: string;
  readonly state: 'ok' | 'warn' | 'fail';
  /** One sentence of ours; nothing secret. */
  readonly says: string;
  /** What mends it; absent where nothing needs mending. */
  readonly mend?: OwnerStep;
}

/** Something that went well. */
export function ok(name: string, says: string): Check {
  return { name, state: 'ok', says };
}

/** An error as the check that met it; what is no error of ours is told by no more than that it happened (T21). */
export function failed(name: string, error: unknown, state: 'warn' | 'fail' = 'fail'): Check {
  const known = toWalletError(error);
  return {
    name,
    state,
    says: known.shortMessage,
    ...(known.owner === undefined ? {} : { mend: known.owner }),
  };
}
