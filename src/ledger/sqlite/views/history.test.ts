import type { HoldRequest } from '../../attempts/hold.js';
import { setImmediate } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import type { Delivery } from '../../attempts/payment.js';
import { captured, captureFacts, CENT, newLedger, sent, T0 } from '../fixtures.js';

const ORIGIN = 'https://api.example.com';
const ENDPOINT = { method: 'GET', url: `${ORIGIN}/report?id=2` };
const DAY_MS = 86_400_000;

function at(minutes: number, over: Partial<HoldRequest> = {}): Partial<HoldRequest> {
  return { nowMs: T0 + minutes * 60_000, ...over };
}

test('an origin that was never paid has none', async () => {
  using world = newLedger();
  expect(await world.ledger.originHistory(ORIGIN, 'eip155')).toEqual({
    payees: [],
    endpointPayees: [],
    failures: 0,
    lastFailureMs: 0,
  });
  expect(await world.ledger.endpointPrices(ENDPOINT, T0)).toEqual({ prices: [], approvedUsdMicros: 0n });
});

test('payees and prices are of captured payments, newest first', async () => {
  using world = newLedger();
  const { ledger } = world;
  await captured(ledger, at(0, { payTo: '0xold', heldUsdMicros: CENT }));
  await captured(ledger, at(1, { payTo: '0xnew', heldUsdMicros: 2n * CENT }));
  await captured(ledger, at(2, { url: `${ORIGIN}/other`, payTo: '0xnew' }));
  await captured(ledger, at(3, { method: 'POST', payTo: '0xpost' }));
  await captured(ledger, at(4, { url: `${ORIGIN}/report`, heldUsdMicros: 3n * CENT }), {
    capturedUsdMicros: CENT / 2n,
  });
  await sent(ledger, at(5, { payTo: '0xopen' }));
  await captured(ledger, at(6, { host: 'other.example.com', payTo: '0xelse' }));
  expect((await ledger.originHistory(ORIGIN, 'eip155')).payees.slice(1)).toEqual(['0xpost', '0xnew']);
  expect((await ledger.endpointPrices(ENDPOINT, T0)).prices).toEqual([3n * CENT, 2n * CENT, CENT]);
});

test('what was read once is read anew after a write, also another process’s, and after a change behind its back', async () => {
  using world = newLedger();
  const { ledger } = world;
  const payees = async (): Promise<readonly string[]> =>
    (await ledger.originHistory(ORIGIN, 'eip155', ENDPOINT)).payees;
  await captured(ledger, at(0, { payTo: '0xold' }));
  expect([await payees(), await payees()]).toEqual([['0xold'], ['0xold']]);
  await captured(ledger, at(1, { payTo: '0xnew' }));
  expect(await payees()).toEqual(['0xnew', '0xold']);
  await captured(world.open(), at(2, { payTo: '0xother' }));
  await setImmediate();
  expect(await payees()).toEqual(['0xother', '0xnew', '0xold']);
  const stranger = new Database(world.path);
  stranger.prepare(`UPDATE payments SET pay_to = '0xforged' WHERE pay_to = '0xother'`).run();
  stranger.close();
  await setImmediate();
  await expect(payees()).rejects.toMatchObject({ code: 'ledger_damaged' });
});

test('what was read of one origin, chain or endpoint is never another’s', async () => {
  using world = newLedger();
  const { ledger } = world;
  await captured(ledger, at(0, { payTo: '0xmine' }));
  await captured(ledger, at(1, { payTo: '0xhere', url: `${ORIGIN}/other` }));
  const here = await ledger.originHistory(ORIGIN, 'eip155', ENDPOINT);
  expect(here).toMatchObject({ payees: ['0xhere', '0xmine'], endpointPayees: ['0xmine'] });
  const other = { method: 'GET', url: `${ORIGIN}/other?id=1` };
  expect((await ledger.originHistory(ORIGIN, 'eip155', other)).endpointPayees).toEqual(['0xhere']);
  const posted = { ...other, method: 'POST' };
  expect((await ledger.originHistory(ORIGIN, 'eip155', posted)).endpointPayees).toEqual([]);
  expect((await ledger.originHistory(ORIGIN, 'solana', ENDPOINT)).payees).toEqual([]);
  expect((await ledger.originHistory('https://else.example.com', 'eip155', ENDPOINT)).payees).toEqual([]);
});

test('a price is forgotten after 30 days, a payee is not', async () => {
  using world = newLedger();
  await captured(world.ledger);
  expect((await world.ledger.endpointPrices(ENDPOINT, T0 + 30 * DAY_MS - 1)).prices).toEqual([CENT]);
  expect((await world.ledger.endpointPrices(ENDPOINT, T0 + 30 * DAY_MS)).prices).toEqual([]);
  expect((await world.ledger.originHistory(ORIGIN, 'eip155')).payees).toHaveLength(1);
});

test('failures are those since the last one delivered', async () => {
  using world = newLedger();
  const { ledger } = world;
  const failure = async (minute: number) => {
    const payment = await sent(ledger, at(minute));
    await ledger.markUnknown(payment.id, 'second_402', payment.openedMs + 1);
    await ledger.capture(payment.id, captureFacts(payment), payment.openedMs + 1);
  };
  await failure(0);
  await captured(ledger, at(1));
  await failure(2);
  const { id, openedMs } = await captured(ledger, at(3));
  await ledger.release(id, 'receipt_false', openedMs + 2);
  expect(await ledger.originHistory(ORIGIN, 'eip155')).toMatchObject({
    failures: 2,
    lastFailureMs: openedMs + 2,
  });
  await captured(ledger, at(4));
  expect(await ledger.originHistory(ORIGIN, 'eip155')).toMatchObject({ failures: 0, lastFailureMs: 0 });
});

test.each(['second_402', 'settle_failed', 'rejected'])(
  '%s is a failure once the payment is captured, and no younger for being confirmed',
  async (note) => {
    using world = newLedger();
    const { ledger } = world;
    const payment = await sent(ledger);
    await ledger.markUnknown(payment.id, note, T0 + 1);
    expect((await ledger.originHistory(ORIGIN, 'eip155')).failures).toBe(0);
    await ledger.capture(payment.id, captureFacts(payment), T0 + 2);
    const breaker = { failures: 1, lastFailureMs: T0 + 2 };
    expect(await ledger.originHistory(ORIGIN, 'eip155')).toMatchObject(breaker);
    await ledger.capture(payment.id, captureFacts(payment, { confirmed: true, chainMs: T0 }), T0 + 9_000);
    expect(await ledger.originHistory(ORIGIN, 'eip155')).toMatchObject(breaker);
  },
);

test.each(['receipt_failed', 'refused_again', 'timed_out'])(
  '%s is none: it was delivered, or may have been to a call that had ended',
  async (note) => {
    using world = newLedger();
    const payment = await sent(world.ledger);
    await world.ledger.markUnknown(payment.id, note, T0 + 1);
    await world.ledger.capture(payment.id, captureFacts(payment), T0 + 2);
    expect((await world.ledger.originHistory(ORIGIN, 'eip155')).failures).toBe(0);
  },
);

test('a further 402 whose payment never settles is no failure', async () => {
  using world = newLedger();
  const { id } = await sent(world.ledger);
  await world.ledger.markUnknown(id, 'second_402', T0 + 1);
  await world.ledger.release(id, 'expired_unused', T0 + 2);
  expect((await world.ledger.originHistory(ORIGIN, 'eip155')).failures).toBe(0);
});

test('failures that the owner forgave are forgotten, later ones of that origin are not', async () => {
  using world = newLedger();
  const { ledger } = world;
  const failure = async (minute: number, over: Partial<HoldRequest> = {}) => {
    const { id, openedMs } = await captured(ledger, at(minute, over));
    await ledger.release(id, 'receipt_false', openedMs + 2);
    return openedMs + 2;
  };
  const early = await captured(ledger, at(0));
  await failure(1);
  await failure(2, { host: 'other.example.com' });
  expect((await ledger.trippedBreakers()).map(({ origin }) => origin)).toEqual([
    ORIGIN,
    'https://other.example.com',
  ]);
  await ledger.resetCircuitBreaker(ORIGIN, T0 + 3 * 60_000);
  expect(await ledger.originHistory(ORIGIN, 'eip155')).toMatchObject({ failures: 0, lastFailureMs: 0 });
  expect((await ledger.trippedBreakers()).map(({ origin }) => origin)).toEqual(['https://other.example.com']);
  // Opened before the owner's word, found out after it.
  await ledger.release(early.id, 'receipt_false', T0 + 4 * 60_000);
  const last = await failure(5);
  expect(await ledger.originHistory(ORIGIN, 'eip155')).toMatchObject({ failures: 2, lastFailureMs: last });
  expect((await ledger.audit()).findings).toEqual([]);
});

test('payees are those of one chain family', async () => {
  using world = newLedger();
  await captured(world.ledger, at(0, { payTo: '0xmine' }));
  await captured(world.ledger, at(1, { payTo: 'Theirs', network: 'solana:devnet' }));
  expect((await world.ledger.originHistory(ORIGIN, 'eip155')).payees).toEqual(['0xmine']);
  expect((await world.ledger.originHistory(ORIGIN, 'solana')).payees).toEqual(['Theirs']);
});

test('a third payment in a row that brings nothing pauses, whatever the first two were for', async () => {
  using world = newLedger();
  const { ledger } = world;
  const failures = async (): Promise<number> => (await ledger.originHistory(ORIGIN, 'eip155')).failures;
  const buy = (minute: number, delivery: Delivery) => captured(ledger, at(minute), { delivery });
  await buy(0, 'error');
  await buy(1, 'empty');
  expect(await failures()).toBe(0);
  await buy(2, 'schema_mismatch');
  await buy(3, 'error');
  await buy(4, 'lost');
  expect(await failures()).toBe(0);
  const { openedMs } = await buy(5, 'error');
  expect(await ledger.originHistory(ORIGIN, 'eip155')).toMatchObject({
    failures: 1,
    lastFailureMs: openedMs,
  });
  expect((await ledger.trippedBreakers()).map(({ origin }) => origin)).toEqual([ORIGIN]);
  await buy(6, 'delivered');
  expect(await failures()).toBe(0);
});

test('what the caller gave up is no failure of the seller', async () => {
  using world = newLedger();
  const { ledger } = world;
  for (const minute of [0, 1, 2, 3]) {
    const payment = await sent(ledger, at(minute));
    await ledger.markUnknown(payment.id, 'cancelled', payment.openedMs);
    await ledger.endLease(payment.id);
    const shown = captureFacts(payment, { confirmed: true, receipt: null });
    const { attempt: after } = await ledger.capture(payment.id, shown, payment.openedMs + 60_000);
    expect(after.delivery).toBe('lost');
  }
  expect((await ledger.originHistory(ORIGIN, 'eip155')).failures).toBe(0);
});

test('payees of an endpoint are its own, whatever the origin was paid since, and each endpoint has a latest one', async () => {
  using world = newLedger();
  const { ledger } = world;
  const report = { method: 'GET', url: `${ORIGIN}/report?id=9` };
  for (const minute of [0, 1])
    await captured(ledger, at(minute, { url: `${ORIGIN}/report?n=1`, payTo: '0xa' }));
  await captured(ledger, at(2, { url: `${ORIGIN}/report`, payTo: '0xb' }));
  const payees = async () => (await ledger.originHistory(ORIGIN, 'eip155', report)).endpointPayees;
  expect(await payees()).toEqual(['0xb', '0xa', '0xa']);
  for (const minute of [3, 4, 5])
    await captured(ledger, at(minute, { url: `${ORIGIN}/other`, payTo: '0xc' }));
  expect(await payees()).toEqual(['0xb', '0xa', '0xa']);
  await captured(ledger, at(6, { method: 'POST', url: report.url, payTo: '0xd' }));
  expect(await payees()).toEqual(['0xb', '0xa', '0xa']);
  expect(await ledger.payeesByEndpoint(ORIGIN, 'eip155')).toEqual(['0xd', '0xc', '0xb']);
  expect(await ledger.payeesByEndpoint(ORIGIN, 'solana')).toEqual([]);
});
