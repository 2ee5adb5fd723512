import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { holdRequest } from '../../src/ledger/sqlite/fixtures.js';
import { assetsOf } from '../../src/money/asset.js';
import type { Engine } from '../../src/wallet/engine.js';
import { reconcileDue } from '../../src/wallet/settle/reconcile.js';
import { paymentsIn } from '../support/books.js';
import { anyCall } from '../support/testWallet.js';
import { callOf, startTestWorld, type TestWorld } from '../support/world.js';

/** As many as one pass of the background takes up. */
const STUCK = 200;
/** A network whose RPC says nothing. */
const SILENT = 'eip155:421614';
/** A look in the background takes some milliseconds; the machine may be busy. */
const ENDED_MS_MAX = 120_000;

let world: TestWorld;
beforeAll(async () => {
  world = await startTestWorld();
});
afterAll(() => world.stop());

/** A payment of a network that is silent, looked at before and due again. */
async function stick(engine: Engine): Promise<void> {
  const nowMs = world.now();
  const { ledger } = engine;
  const { version: configVersion } = await engine.config();
  const expiry = Math.floor(nowMs / 1000) + 60;
  const held = await ledger.openHold(
    holdRequest({
      network: SILENT,
      asset: assetsOf(SILENT)[0]!.address,
      configVersion,
      nowMs,
      validAfterSec: expiry - 120,
      validBeforeSec: expiry,
    }),
  );
  if (held.kind !== 'held') throw new Error(`The hold ended as ${held.kind}`);
  const { id } = held.payment;
  await ledger.recordSigned(id, { name: 'X-PAYMENT', value: 'bytes' }, nowMs);
  await ledger.markSent(id, { configVersion, capLines: [], nowMs });
  await ledger.markUnknown(id, 'timed_out', nowMs);
  await ledger.saveLook({ paymentId: id, dueMs: nowMs - 1_000, failures: 1, reason: 'rpc_down' });
}

test('two hundred payments whose RPC says nothing keep a fresh one waiting for no pass', async () => {
  const silent = await world.sandbox.addRpc();
  await silent.setFault({ kind: 'hang' });
  const mine = await world.wallet({ settings: { [`networks.${SILENT}.rpc_url`]: silent.url } });
  const wallet = mine.open();
  const engine = await wallet.engine();
  const fault = { leg: 'paid', settle: 'later', answer: 'error', receipt: 'none' } as const;
  world.sandbox.shop.setFault('/v2/json', fault, { times: 1 });
  expect(await wallet.pay(callOf(world.url('/v2/json')), anyCall())).toMatchObject({ money: 'unknown' });
  const [fresh] = await paymentsIn(engine);
  const { id: paymentId } = fresh!;
  for (let i = 0; i < STUCK; i++) await stick(engine);
  await world.sandbox.shop.releasePending();
  // Due after all of them.
  await engine.ledger.saveLook({ paymentId, dueMs: world.now() - 1, failures: 0, reason: null });

  const pass = new AbortController();
  const passing = reconcileDue(engine, pass.signal);
  await vi.waitFor(
    async () =>
      expect(await engine.ledger.findPayment(paymentId)).toMatchObject({
        state: 'captured',
        confirmed: true,
      }),
    { timeout: ENDED_MS_MAX, interval: 20 },
  );
  // In the middle of the pass: those that are stuck are being asked about, and are no further.
  await vi.waitFor(() => expect(silent.calls.entries.length).toBeGreaterThan(0), { timeout: ENDED_MS_MAX });
  pass.abort();
  await passing;
  const open = (await paymentsIn(engine)).filter(({ state }) => state === 'unknown');
  expect(open).toHaveLength(STUCK);
});
