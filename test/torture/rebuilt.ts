import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DATABASE_FILE } from '../../src/ledger/sqlite/sqliteStore.js';
import { rebuildLedger } from '../../src/owner/ledger/ledgerCare.js';
import { attemptsIn } from '../support/books.js';
import { ownerOf } from '../support/quickWallet.js';
import { TEST_PASSPHRASE, type TestWallet } from '../support/testWallet.js';
import type { TestWorld } from '../support/world.js';
import type { Purse } from './purse.js';
import { settleForGood } from './settle.js';
import type { SharedLedger } from './shared.js';

/** Past the longest life of what the lost ledger may have signed, and the margin of a rebuilding. */
const WAIT_SEC = 700;

/**
 * Loses the ledger for good, with an older copy in its place where there is one, and has its owner rebuild it: all that
 * left each purse is in it again, to the atomic unit. Returns sentences on what is not.
 */
export async function checkRebuilt(parts: {
  readonly world: TestWorld;
  readonly mine: TestWallet;
  readonly purses: readonly Purse[];
  readonly old: string | null;
  readonly shared: SharedLedger | null;
}): Promise<string[]> {
  const { world, mine, purses, old, shared } = parts;
  for (const suffix of ['', '-wal', '-shm'])
    rmSync(join(mine.home, `${DATABASE_FILE}${suffix}`), { force: true });
  await shared?.lose();
  if (old !== null) copyFileSync(old, join(mine.home, DATABASE_FILE));
  const owner = { ...ownerOf(mine.home, TEST_PASSPHRASE), now: world.now };
  const broken: string[] = [];
  const begun = await rebuildLedger(owner);
  if (begun.state !== 'waiting') broken.push(`a lost ledger was ${begun.state} at once`);
  await world.advance(WAIT_SEC);
  const { state, notes } = await rebuildLedger(owner);
  if (state !== 'done') broken.push(`a rebuilding came to ${state}: ${notes.join(' ')}`);
  const wallet = mine.open();
  const engine = await wallet.engine();
  // What was open in the older copy has ended since.
  broken.push(...(await settleForGood(engine)));
  const rows = (await attemptsIn(engine)).filter((row) => row.state === 'captured');
  for (const { ground, address, fundedAtomic, agent } of purses) {
    const left = fundedAtomic - (await ground.balanceOf(address));
    const counted = rows
      .filter(
        ({ network, payFrom }) => network === ground.caip2 && payFrom.toLowerCase() === address.toLowerCase(),
      )
      .reduce((sum, { capturedAtomic }) => sum + (capturedAtomic ?? 0n), 0n);
    if (counted !== left)
      broken.push(
        `rebuilt, the ledger knows of ${counted} on ${ground.label} of ${agent}, and ${left} left it`,
      );
  }
  await wallet.close();
  return broken;
}
