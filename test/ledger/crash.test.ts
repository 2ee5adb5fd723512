import { COMMIT_POINTS, type CommitPoint } from '../../src/ledger/commitPoint.js';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { capLine, CENT, newLedger, scratchFolder, T0, testMac } from '../../src/ledger/sqlite/fixtures.js';
import type { Ledger } from '../../src/ledger/ledger.js';
import { SqliteLedger } from '../../src/ledger/sqlite/sqliteLedger.js';
import { bundleChild, startChild } from './children.js';
import { LEASE_MS } from '../../src/ledger/attempts/lease.js';
import { LIFE_REQUEST } from './crash.js';
import type { CrashOrder } from './crash.child.js';

/** What stands in the ledger once a point is behind, and every one before it. */
interface Stands {
  readonly state: string | null;
  readonly confirmed?: true;
  readonly answered?: true;
  readonly dropped?: 'held' | 'released';
}

const AFTER: Record<keyof typeof COMMIT_POINTS, Stands> = {
  session: { state: null },
  quote: { state: null },
  held: { state: 'held' },
  signed: { state: 'signed' },
  sent: { state: 'sent' },
  unknown: { state: 'unknown' },
  captured: { state: 'captured' },
  answered: { state: 'captured', answered: true },
  confirmed: { state: 'captured', answered: true, confirmed: true },
  released: { state: 'captured', answered: true, confirmed: true, dropped: 'released' },
  frozen: { state: 'captured', answered: true, confirmed: true, dropped: 'released' },
  config: { state: 'captured', answered: true, confirmed: true, dropped: 'released' },
};
/** In the order in which the child comes by them. */
const POINTS: readonly (keyof typeof COMMIT_POINTS)[] = [
  'session',
  'quote',
  'held',
  'signed',
  'sent',
  'unknown',
  'captured',
  'answered',
  'confirmed',
  'released',
  'config',
  'frozen',
];

/** What stands when the child died on one side of a point. */
function expectedAt(point: (typeof POINTS)[number], side: CrashOrder['side']): Stands {
  if (side === 'afterCommit') return AFTER[point];
  const before = POINTS[POINTS.indexOf(point) - 1];
  const stands = before === undefined ? { state: null } : AFTER[before];
  return point === 'released' ? { ...stands, dropped: 'held' } : stands;
}

let program: string;
beforeAll(async () => {
  program = await bundleChild('crash');
});

test('the child comes by every numbered point', () => {
  expect([...POINTS].sort()).toEqual(Object.keys(COMMIT_POINTS).sort());
  expect(new Set(Object.values(COMMIT_POINTS)).size).toBe(POINTS.length);
});

describe.each(POINTS)('a process killed at %s', (point) => {
  test.each(['beforeCommit', 'afterCommit'] as const)(
    '%s leaves what was true, and no more',
    async (side) => {
      using world = newLedger();
      const child = startChild(program, { place: world.path, point, side } satisfies CrashOrder);
      expect((await child.ended).signal).toBe('SIGKILL');
      const { ledger } = world;
      expect((await ledger.audit()).findings).toEqual([]);
      const expected = expectedAt(point, side);
      const payments = (await ledger.listPayments({}, 10, null)).payments;
      const payment = payments.find(({ requestHash }) => requestHash === LIFE_REQUEST) ?? null;
      const dropped = payments.find(({ requestHash }) => requestHash !== LIFE_REQUEST) ?? null;
      expect({ state: payment?.state ?? null, dropped: dropped?.state }).toEqual({
        state: expected.state,
        dropped: expected.dropped,
      });
      expect(payment?.confirmed ?? false).toBe(expected.confirmed ?? false);
      const answer = payment === null ? null : await ledger.findAnswer('default', { paymentId: payment.id });
      expect(answer !== null).toBe(expected.answered ?? false);
      const passed = (other: CommitPoint) =>
        POINTS.indexOf(point) - (side === 'beforeCommit' ? 1 : 0) >=
        POINTS.indexOf(other as (typeof POINTS)[number]);
      expect((await ledger.currentSession('default', T0)) !== null).toBe(passed('session'));
      expect(await ledger.head()).toMatchObject({
        configVersion: passed('config') ? 2 : 1,
        frozen: passed('frozen'),
      });
      const held = dropped?.state === 'held' ? CENT : 0n;
      expect(await ledger.usage([capLine()], T0)).toEqual([held + (payment === null ? 0n : CENT)]);
      const state = payment?.state ?? null;
      const isLeft = ['held', 'signed', 'sent'].includes(state ?? '');
      await takeOver(ledger, state, payment?.id ?? '', isLeft);
      expect((await ledger.audit()).findings).toEqual([]);
    },
  );
});

/** docs/design.md, "The life of a payment", what a crash means: done by another process, and only so. */
async function takeOver(ledger: Ledger, state: string | null, id: string, isLeft: boolean): Promise<void> {
  if (state === null) return;
  const lease = await ledger.findLease(id);
  // Once it is `unknown`, and after that, a payment is nobody's.
  expect(lease !== null).toBe(isLeft);
  if (lease !== null) {
    expect(ledger.isHeldHere(lease)).toBe(false);
    expect(lease.untilMs).toBe(T0 + LEASE_MS);
    const send = { configVersion: 1, capLines: [], nowMs: T0 };
    expect((await ledger.signAndSend(id, { name: 'n', value: 'v' }, send)).sent.kind).toBe('conflict');
    expect((await ledger.markUnknown(id, 'crash', T0)).kind).toBe('conflict');
    expect(await ledger.takeLease(id, { ...lease, untilMs: lease.untilMs - 1 }, T0)).toBe(false);
    expect(await ledger.takeLease(id, lease, T0)).toBe(true);
  }
  const neverSigned = await ledger.release(id, 'never_signed', T0);
  expect(neverSigned.kind).toBe(state === 'held' ? 'done' : 'conflict');
  const unknown = await ledger.markUnknown(id, 'crash', T0);
  expect(unknown.kind).toBe(state === 'sent' || state === 'unknown' ? 'done' : 'conflict');
  const counts = state === 'held' ? 0n : CENT;
  expect(await ledger.groupPayments('by_session', { paymentId: id }, 1)).toMatchObject([
    state === 'captured' ? { capturedUsdMicros: counts } : { heldUsdMicros: counts },
  ]);
}

test.each([20, 45, 80])(
  'whatever was promised is there after a kill at any moment (%i ms)',
  async (afterMs) => {
    const hammer = await bundleChild('hammer');
    using folder = scratchFolder({ onDisk: true });
    const path = join(folder.path, 'purser.db');
    SqliteLedger.create(path, { mac: testMac(), nowMs: T0, configVersion: 1 });
    const child = startChild(hammer, path);
    const promised = [await child.next<string>()];
    setTimeout(() => child.process.kill('SIGKILL'), afterMs);
    try {
      for (;;) promised.push(await child.next<string>());
    } catch {
      expect((await child.ended).signal).toBe('SIGKILL');
    }
    const ledger = SqliteLedger.open(path, { mac: testMac() });
    const { payments, findings, liveUsdMicros } = await ledger.audit();
    expect(findings).toEqual([]);
    expect(payments).toBeGreaterThanOrEqual(promised.length);
    // A batch of four may have been committed, and not told.
    expect(payments).toBeLessThanOrEqual(promised.length + 4);
    expect(liveUsdMicros).toBe(BigInt(payments) * CENT);
    for (const id of promised) expect((await ledger.findPayment(id))?.state).toBe('held');
    await ledger.close();
  },
);
