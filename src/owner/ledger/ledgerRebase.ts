import { WalletError } from '../../errors/walletError.js';
import type { UnlockedWallet } from '../../keys/keystore.js';
import type { Rebased } from '../../ledger/books/rebuild.js';
import { CLOCK_OFF_MS_MAX } from '../../policy/clock.js';
import { networksOf } from '../../wallet/agentAddress.js';
import { rememberLedger } from '../../wallet/checkpoint.js';
import { readClock, refuseWrong } from '../../wallet/clock/clockCheck.js';
import { ClockWatch } from '../../wallet/clock/clockWatch.js';
import { provedConfig } from '../ownerConfig.js';
import { asOwner, type OwnerOptions, type OwnerOperation } from '../auth/ownerAuth.js';

const WHAT = 'Setting the ledger’s time back';

/**
 * Sets the time of a ledger that a fast clock left ahead back to the true one: the owner's alone, since a window that is
 * counted anew also ends anew. Null where the ledger is ahead by no more than a clock may be.
 *
 * Throws `clock_wrong`, `clock_unchecked` where nobody tells the true time, and as `asOwner` does.
 */
export async function rebaseLedger(options: OwnerOptions): Promise<Rebased | null> {
  const operation: OwnerOperation = {
    what: WHAT,
    action: { kind: 'rebaseLedger' },
    act: async ({ keys }) => {
      await assertTrueTime(options, keys);
      return {
        what: WHAT,
        details: ['Everything captured in the last 30 days counts in every limit from now on.'],
      };
    },
  };
  return asOwner(options, operation, async ({ keys, ledger }) => {
    if (ledger === null) return null;
    // The owner may have taken their time, and the clock been set meanwhile.
    await assertTrueTime(options, keys);
    const nowMs = options.now();
    if ((await ledger.head()).timeMs - nowMs <= CLOCK_OFF_MS_MAX) return null;
    const rebased = await ledger.rebase(nowMs);
    await rememberLedger(keys, ledger);
    return rebased;
  });
}

/** Throws `clock_wrong` or `clock_unchecked` unless the wall clock is right by those that tell the time. */
async function assertTrueTime(
  { home, now }: Pick<OwnerOptions, 'home' | 'now'>,
  keys: UnlockedWallet,
): Promise<void> {
  const config = provedConfig(home, keys);
  const verdict = await readClock(new ClockWatch(now), config, networksOf(config, keys));
  refuseWrong(verdict);
  if (verdict.kind === 'right') return;
  throw new WalletError(
    'clock_unchecked',
    'The true time could not be had: no RPC that you named and no two others agree on it. Nothing was changed.',
    { owner: { say: 'Try again when your RPCs answer.', action: { kind: 'rebaseLedger' } } },
  );
}
