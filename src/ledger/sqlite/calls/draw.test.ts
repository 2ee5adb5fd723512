import { expect, test } from 'vitest';
import type { HoldRequest } from '../../attempts/hold.js';
import type { Entitlement } from '../../books/entitlement.js';
import type { Ledger } from '../../ledger.js';
import { writeDrawNonce } from '../../attempts/drawNonce.js';
import { capLine, CENT, holdRequest, newLedger, T0 } from '../fixtures.js';

const CHANNEL = '0xc1';
const DEPOSIT = 5n * CENT;
const DAY = capLine({ usdMicrosMax: DEPOSIT });

/** A deposit of five cents that fills the day's cap. */
async function deposited(ledger: Ledger): Promise<Entitlement> {
  const hold = await ledger.openHold(
    holdRequest({
      ...{ protocol: 'mpp', scheme: 'channel', requestHash: 'deposit', nonce: CHANNEL },
      ...{ heldAtomic: DEPOSIT, heldUsdMicros: DEPOSIT, capLines: [DAY] },
    }),
  );
  if (hold.kind !== 'held') throw new Error(hold.kind);
  return ledger.entitlements.save(
    {
      ...{ agent: hold.payment.agent, kind: 'channel', origin: 'https://api.example.com', path: '/' },
      ...{ subject: CHANNEL, valueLeft: DEPOSIT.toString(), unit: 'usd', expiresMs: null, secret: null },
      ...{ paymentId: hold.payment.id, facts: JSON.stringify({ deposit_atomic: DEPOSIT.toString() }) },
    },
    T0,
  );
}

let calls = 0;
const draw = (deposit: Entitlement, drawnAtomic: bigint, atomic = CENT, more: Partial<HoldRequest> = {}) => {
  const nonce = writeDrawNonce({ subject: CHANNEL, cumulativeAtomic: drawnAtomic + atomic }, `${++calls}`);
  return holdRequest({
    ...{ protocol: 'mpp', scheme: 'session', requestHash: `call ${calls}`, nonce },
    ...{ heldAtomic: atomic, heldUsdMicros: atomic, capLines: [DAY] },
    draw: { entitlementId: deposit.id, drawnAtomic },
    ...more,
  });
};

test('what is drawn counts once, as part of its deposit, and never passes that', async () => {
  using world = newLedger();
  const { ledger } = world;
  const deposit = await deposited(ledger);
  for (const drawn of [0n, 1n, 2n, 3n, 4n])
    expect(await ledger.openHold(draw(deposit, drawn * CENT))).toMatchObject({ kind: 'held' });
  expect(await ledger.openHold(draw(deposit, DEPOSIT))).toEqual({ kind: 'drawn' });
  expect(await ledger.usage([DAY], T0)).toEqual([DEPOSIT]);
  expect((await ledger.entitlements.find(deposit.id))?.valueLeft).toBe('0');
  expect((await ledger.audit()).findings).toEqual([]);
});

test('one amount is drawn once, whoever sees it', async () => {
  using world = newLedger();
  const deposit = await deposited(world.ledger);
  const other = world.open();
  const both = await Promise.all([world.ledger, other].map((one) => one.openHold(draw(deposit, 0n))));
  expect(both.map(({ kind }) => kind).sort()).toEqual(['drawn', 'held']);
  expect(await other.openHold(draw(deposit, 0n))).toEqual({ kind: 'drawn' });
  expect(await other.openHold(draw(deposit, CENT))).toMatchObject({ kind: 'held' });
});

test('what was drawn last and never signed is given back; what others drew on top of stays drawn', async () => {
  using world = newLedger();
  const { ledger } = world;
  const deposit = await deposited(ledger);
  const held = async (drawn: bigint): Promise<string> => {
    const hold = await ledger.openHold(draw(deposit, drawn));
    return hold.kind === 'held' ? hold.payment.id : hold.kind;
  };
  const [first, second] = [await held(0n), await held(CENT)];
  await ledger.release(first, 'never_signed', T0);
  expect((await ledger.entitlements.find(deposit.id))?.valueLeft).toBe((3n * CENT).toString());
  await ledger.release(second, 'never_signed', T0);
  expect((await ledger.entitlements.find(deposit.id))?.valueLeft).toBe((4n * CENT).toString());
});

test('a deposit that has ended, or is none, is not drawn on', async () => {
  using world = newLedger();
  const { ledger } = world;
  const deposit = await deposited(ledger);
  await ledger.entitlements.end(deposit.id, 'spent', T0);
  expect(await ledger.openHold(draw(deposit, 0n))).toEqual({ kind: 'drawn' });
  const token = await ledger.entitlements.save({ ...deposit, kind: 'bearer' }, T0);
  expect(await ledger.openHold(draw(token, 0n))).toEqual({ kind: 'drawn' });
  // What names no deposit cannot go by its scheme's exemption.
  await expect(ledger.openHold(draw(deposit, 0n, CENT, { draw: null }))).rejects.toThrow();
});

test('a deposit that was signed outlives that nobody sends it', async () => {
  using world = newLedger();
  const { ledger } = world;
  const made = await deposited(ledger);
  await ledger.recordSigned(made.paymentId!, { name: 'AUTHORIZATION', value: 'c2lnbmVk' }, T0);
  expect(await ledger.release(made.paymentId!, 'never_signed', T0)).toMatchObject({ kind: 'conflict' });
  expect((await ledger.entitlements.find(made.id))?.state).toBe('live');
});

test('a deposit that was never signed ends with its hold, whoever lets that go', async () => {
  using world = newLedger();
  const { ledger } = world;
  const unmade = await deposited(ledger);
  await ledger.release(unmade.paymentId!, 'never_signed', T0);
  expect((await ledger.entitlements.find(unmade.id))?.state).toBe('expired');
});

/** A deposit of five cents that is open for certain. */
async function opened(ledger: Ledger): Promise<Entitlement> {
  const deposit = await deposited(ledger);
  const id = deposit.paymentId ?? '';
  await ledger.recordSigned(id, { name: 'authorization', value: 'x' } as never, T0);
  await ledger.markSent(id, { configVersion: 1, capLines: [], nowMs: T0 });
  await ledger.markUnknown(id, 'deposit_open', T0);
  return deposit;
}

const raise = (deposit: Entitlement, more: object = {}) => ({
  ...{ deposit, addedAtomic: CENT, addedUsdMicros: CENT, facts: '{"deposit_atomic":"50000","more":1}' },
  ...{
    configVersion: 1,
    capLines: [capLine({ usdMicrosMax: DEPOSIT + 2n * CENT })],
    budgetId: null,
    funds: null,
  },
  ...{ nowMs: T0, ...more },
});

test('a deposit is raised within every line, in one step with what is kept of it, as it was seen, once', async () => {
  using world = newLedger();
  const { ledger } = world;
  const deposit = await opened(ledger);
  const tight = [capLine({ usdMicrosMax: DEPOSIT + CENT - 1n })];
  expect(await ledger.raiseDeposit(raise(deposit, { capLines: tight }))).toMatchObject({ kind: 'exceeded' });
  expect((await ledger.entitlements.find(deposit.id))?.revision).toBe(deposit.revision);
  const both = await Promise.all([ledger, world.open()].map((one) => one.raiseDeposit(raise(deposit))));
  expect(both.map(({ kind }) => kind).sort()).toEqual(['changed', 'raised']);
  expect(await ledger.usage([DAY], T0)).toEqual([DEPOSIT + CENT]);
  const after = await ledger.entitlements.find(deposit.id);
  expect(after).toMatchObject({ facts: raise(deposit).facts, valueLeft: DEPOSIT.toString() });
  // What is closed comes to what was taken, of all of it.
  const facts = { tx: '0x1', receipt: null, chainMs: T0, confirmed: true };
  const taken = { capturedAtomic: DEPOSIT + CENT, capturedUsdMicros: DEPOSIT + CENT, ...facts };
  expect(await ledger.capture(deposit.paymentId ?? '', taken, T0)).toMatchObject({ kind: 'done' });
  expect((await ledger.audit()).findings).toEqual([]);
});

test('a deposit is not raised under a freeze, by an older config, nor before it is open', async () => {
  using world = newLedger();
  const { ledger } = world;
  const held = await deposited(ledger);
  expect(await ledger.raiseDeposit(raise(held))).toEqual({ kind: 'changed' });
  await ledger.noteConfigVersion(2, T0);
  expect(await ledger.raiseDeposit(raise(held))).toMatchObject({ kind: 'config_changed' });
  await ledger.freeze(T0);
  expect(await ledger.raiseDeposit(raise(held))).toEqual({ kind: 'frozen' });
});

test('a deposit that is closed counts in the session that lasts, where it was drawn on, and not in the one that is over', async () => {
  using world = newLedger();
  const { ledger } = world;
  const first = await ledger.touchSession('default', T0);
  const hold = await ledger.openHold(
    holdRequest({
      ...{ protocol: 'mpp', scheme: 'channel', requestHash: 'deposit', nonce: CHANNEL, sessionId: first.id },
      ...{ heldAtomic: DEPOSIT, heldUsdMicros: DEPOSIT },
    }),
  );
  if (hold.kind !== 'held') throw new Error(hold.kind);
  const { id } = hold.payment;
  await ledger.recordSigned(id, { name: 'authorization', value: 'x' } as never, T0);
  await ledger.markSent(id, { configVersion: 1, capLines: [], nowMs: T0 });
  await ledger.markUnknown(id, 'deposit_open', T0);
  const laterMs = T0 + 3 * 3_600_000;
  const later = await ledger.touchSession('default', laterMs);
  expect(later.id).not.toBe(first.id);
  const spentIn = async (sessionId: string) => {
    const scope = { kind: 'session', agent: 'default', sessionId } as const;
    return (await ledger.usage([capLine({ scope, windowSec: null })], laterMs))[0];
  };
  expect(await spentIn(later.id)).toBe(DEPOSIT);
  const facts = { capturedAtomic: CENT, capturedUsdMicros: CENT, tx: '0x1', receipt: null, chainMs: laterMs };
  await ledger.capture(id, { ...facts, confirmed: true }, laterMs);
  expect(await spentIn(later.id)).toBe(CENT);
  expect(await spentIn(first.id)).toBe(0n);
  expect((await ledger.audit()).findings).toEqual([]);
});
