import type { Quote } from '../../books/quote.js';
import { expect, test } from 'vitest';
import { CENT, newLedger, T0 } from '../fixtures.js';

const HOUR_MS = 3_600_000;

function quote(over: Partial<Quote> = {}): Omit<Quote, 'id'> {
  return {
    agent: 'default',
    sessionId: 'ses_1',
    requestHash: 'hash',
    request: '{"url":"https://api.example.com"}',
    challenge: '{"x402Version":2}',
    offerIndex: 1,
    usdMicros: CENT,
    createdMs: T0,
    expiresMs: T0 + 60_000,
    ...over,
  };
}

test('a quote is found by its own agent alone', async () => {
  using world = newLedger();
  const saved = await world.ledger.saveQuote(quote());
  expect(await world.open().findQuote('default', saved.id)).toEqual(saved);
  expect(await world.ledger.findQuote('other', saved.id)).toBeNull();
  expect(await world.ledger.findQuote('default', 'quo_none')).toBeNull();
  expect((await world.ledger.audit()).findings).toEqual([]);
});

test('an expired one is still told apart from an unknown one, for an hour', async () => {
  using world = newLedger();
  const old = await world.ledger.saveQuote(quote({ expiresMs: T0 }));
  await world.ledger.saveQuote(quote({ createdMs: T0 + HOUR_MS }));
  expect(await world.ledger.findQuote('default', old.id)).toEqual(old);
  await world.ledger.saveQuote(quote({ createdMs: T0 + HOUR_MS + 1 }));
  expect(await world.ledger.findQuote('default', old.id)).toBeNull();
});
