import { LOOK_MS_MAX, type Witness } from '../../attempts/observation.js';
import { describe, expect, test } from 'vitest';
import { captured, captureFacts, editBehind, held, newLedger, sent, T0 } from '../fixtures.js';
import type { Ledger } from '../../ledger.js';

async function unknownPayment(ledger: Ledger, nowMs = T0): Promise<string> {
  const { id } = await sent(ledger, { nowMs });
  await ledger.markUnknown(id, 'timed_out', nowMs);
  return id;
}

const dueIds = async (ledger: Ledger, nowMs: number, limit = 10) =>
  (await ledger.dueAttempts(nowMs, limit)).map(({ attempt: payment }) => payment.id);

describe('when an open payment is looked at next', () => {
  test('is now unless it was said, at the time that was said, and never beyond the longest wait', async () => {
    using world = newLedger();
    const id = await unknownPayment(world.ledger);
    expect(await dueIds(world.ledger, T0)).toEqual([id]);
    await world.ledger.saveLook({ paymentId: id, dueMs: T0 + 30_000, failures: 2, reason: 'rpc_down' });
    expect(await dueIds(world.ledger, T0 + 29_999)).toEqual([]);
    // Another process, later.
    const other = world.open();
    expect(await other.dueAttempts(T0 + 30_000, 10)).toMatchObject([{ attempt: { id }, failures: 2 }]);
    expect(await other.findLook(id)).toEqual({
      paymentId: id,
      dueMs: T0 + 30_000,
      failures: 2,
      reason: 'rpc_down',
    });
    // The clock was days ahead when it was written.
    const fastMs = T0 + 2 * 86_400_000;
    await other.saveLook({ paymentId: id, dueMs: fastMs, failures: 0, reason: null });
    expect(await dueIds(other, T0)).toEqual([id]);
    await other.saveLook({ paymentId: id, dueMs: T0 + LOOK_MS_MAX, failures: 0, reason: null });
    expect(await dueIds(other, T0)).toEqual([]);
  });

  test('comes before that of any that is stuck, and the longest overdue first', async () => {
    using world = newLedger();
    const stuck: string[] = [];
    for (let i = 0; i < 12; i++) stuck.push(await unknownPayment(world.ledger, T0 + i));
    for (const [i, paymentId] of stuck.entries())
      await world.ledger.saveLook({ paymentId, dueMs: T0 + 100 - i, failures: 1, reason: 'rpc_down' });
    const fresh = await unknownPayment(world.ledger, T0 + 1_000);
    expect(await dueIds(world.ledger, T0 + 2_000, 3)).toEqual([fresh, stuck[11], stuck[10]]);
  });

  test('is now again once it is sent anew, and never once its end is known', async () => {
    using world = newLedger();
    const { ledger } = world;
    const look = { dueMs: T0 + 60_000, failures: 3, reason: 'rpc_down' };
    const witness: Witness = { operator: 'https://rpc.example.com', mark: '{"height":1}', search: null };
    const paymentId = await unknownPayment(ledger);
    await ledger.saveLook({ paymentId, ...look });
    await ledger.saveWitnesses(paymentId, [witness]);
    await ledger.markSent(paymentId, { configVersion: 1, capLines: [], nowMs: T0 });
    expect(await ledger.findLook(paymentId)).toBeNull();
    expect(await ledger.findWitnesses(paymentId)).toEqual([witness]);
    await ledger.markUnknown(paymentId, 'timed_out', T0);
    await ledger.saveLook({ paymentId, ...look });
    await ledger.release(paymentId, 'expired_unused', T0);
    const claimed = await captured(ledger);
    await ledger.saveLook({ paymentId: claimed.id, ...look });
    await ledger.saveWitnesses(claimed.id, [witness]);
    await ledger.capture(claimed.id, { ...captureFacts(claimed), confirmed: true }, T0);
    // One that was signed and released is watched for a while.
    expect(await ledger.findLook(paymentId)).toMatchObject({ dueMs: T0 + 600_000, failures: 0 });
    expect(await ledger.findWitnesses(paymentId)).toEqual([witness]);
    expect(await ledger.watchedAttempts(T0 + 599_999, 10)).toEqual([]);
    expect((await ledger.watchedAttempts(T0 + 600_000, 10)).map(({ id }) => id)).toEqual([paymentId]);
    expect(await dueIds(ledger, T0 + 600_000)).not.toContain(paymentId);
    await ledger.endWatch(paymentId);
    for (const id of [paymentId, claimed.id]) {
      expect(await ledger.findLook(id)).toBeNull();
      expect(await ledger.findWitnesses(id)).toEqual([]);
      // A look that ends after it leaves nothing behind.
      await ledger.saveLook({ paymentId: id, ...look });
      await ledger.saveWitnesses(id, [witness]);
      expect(await ledger.findLook(id)).toBeNull();
      expect(await ledger.findWitnesses(id)).toEqual([]);
    }
  });

  test('is never, where a payment was released that nothing was signed for', async () => {
    using world = newLedger();
    const { id } = await held(world.ledger);
    await world.ledger.release(id, 'never_signed', T0);
    expect(await world.ledger.watchedAttempts(T0 + LOOK_MS_MAX, 10)).toEqual([]);
  });

  test('and what its witnesses showed are refused where somebody else wrote them', async () => {
    using world = newLedger();
    const { ledger } = world;
    const paymentId = await unknownPayment(ledger);
    await ledger.saveLook({ paymentId, dueMs: T0 + 30_000, failures: 0, reason: null });
    await ledger.saveWitnesses(paymentId, [{ operator: 'https://a.example', mark: null, search: '{"a":1}' }]);
    editBehind(world.path, `UPDATE witnesses SET search = '{"a":2}'`);
    await expect(ledger.findWitnesses(paymentId)).rejects.toThrow(
      expect.objectContaining({ code: 'ledger_damaged' }),
    );
    editBehind(world.path, `UPDATE looks SET failures = 9`);
    await expect(ledger.dueAttempts(T0 + 30_000, 10)).rejects.toThrow(
      expect.objectContaining({ code: 'ledger_damaged' }),
    );
    expect((await ledger.audit()).findings.map(({ where }) => where)).toEqual(['looks', 'witnesses']);
  });
});

test('of the operators of one payment sixteen are remembered, those that saw its signing first', async () => {
  using world = newLedger();
  const paymentId = await unknownPayment(world.ledger);
  const named = (i: number, mark: string | null): Witness => ({
    operator: `https://rpc${String(i).padStart(2, '0')}.example`,
    mark,
    search: '{}',
  });
  for (let i = 0; i < 30; i++) await world.ledger.saveWitnesses(paymentId, [named(i, i > 25 ? '{}' : null)]);
  const kept = await world.ledger.findWitnesses(paymentId);
  expect(kept).toHaveLength(16);
  expect(kept.filter(({ mark }) => mark !== null)).toHaveLength(4);
});
