import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { compareWithChain } from '../../src/owner/ledger/chainAudit.js';
import { rebuildLedger, restoreLedger, backupLedger } from '../../src/owner/ledger/ledgerCare.js';
import { join } from 'node:path';
import { ownerOf } from '../support/quickWallet.js';
import { anyCall, TEST_PASSPHRASE, type TestWallet } from '../support/testWallet.js';
import { callOf, startTestWorld, type TestWorld } from '../support/world.js';

/** Past the longest life of what was signed, and the margin of a rebuilding. */
const WAIT_SEC = 700;

let world: TestWorld;
let mine: TestWallet;
beforeAll(async () => {
  world = await startTestWorld('solana');
  mine = await world.wallet();
  const wallet = mine.open();
  expect(await wallet.pay(callOf(world.url('/v2/json')), anyCall())).toMatchObject({ code: 'paid' });
  await wallet.close();
});
afterEach(() => world.sandbox.solanaRpc.setFault(null));
afterAll(() => world.stop());

const owner = () => ({ ...ownerOf(mine.home, TEST_PASSPHRASE), now: world.now });

async function audit() {
  const wallet = mine.open();
  const engine = await wallet.engine();
  const compared = await compareWithChain(await engine.config(), engine.keys, engine.ledger, world.now());
  await wallet.close();
  return compared;
}

test('dust that nobody can decode stops neither audit nor rebuild', async () => {
  await world.sandbox.solana.dust(mine.solanaAddress, 3);
  expect(await audit()).toMatchObject({ compared: 1, unknown: 0, findings: [], notes: [] });
  expect(await rebuildLedger(owner())).toMatchObject({ state: 'sound', notes: [] });
});

test.each([
  ['says so', false],
  ['is silent about it', true],
])(
  'where an operator that pruned the time that is compared %s, no rebuilding rests on it (T31)',
  async (_how, silent) => {
    const copy = join(mine.home, `copy ${String(silent)}.db`);
    await backupLedger(owner(), copy);
    expect(await restoreLedger(owner(), copy)).toMatchObject({ state: 'waiting' });
    await world.advance(WAIT_SEC);
    const before = world.sandbox.solana.blocks.slot() - 10;
    await world.sandbox.solanaRpc.setFault({ kind: 'pruned', before, silent });
    const { compared, findings } = await audit();
    expect(compared).toBe(0);
    expect(findings).toMatchObject([{ says: expect.stringContaining('keeps no history from') as string }]);
    await expect(rebuildLedger(owner())).rejects.toMatchObject({
      code: 'rpc_unavailable',
      message: expect.stringContaining('keeps no history from') as string,
    });
    await world.sandbox.solanaRpc.setFault(null);
    expect(await rebuildLedger(owner())).toMatchObject({ state: 'done', imported: 0 });
    expect(await audit()).toMatchObject({ compared: 1, findings: [] });
  },
);
