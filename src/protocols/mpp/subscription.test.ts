import { Buffer } from 'node:buffer';
import { expect, test } from 'vitest';
import type { JsonObject } from '../../text/json.js';
import type { PaymentChallenge } from './challenge.js';
import { isTooLong, judgeSubscription } from './subscription.js';

const ID = Buffer.alloc(32, 7).toString('base64url');
const TO = '0x5e11e75E11e75e11E75E11E75E11e75E11E75E11';
const KEY = '0x00000000000000000000000000000000000a11ce';
const ENDS = '2027-03-01T00:00:00.000Z';
const REQUEST: JsonObject = {
  ...{ amount: '2500000', currency: '0x20c0000000000000000000000000000000000000', recipient: TO },
  ...{ periodCount: '30', periodUnit: 'day', subscriptionExpires: ENDS },
  methodDetails: { chainId: 42431, accessKey: { accessKeyAddress: KEY, keyType: 'p256' } },
};

function judge(request: JsonObject, more: Partial<PaymentChallenge> = {}) {
  const challenge: PaymentChallenge = {
    ...{ id: ID, realm: 'r', method: 'tempo', intent: 'subscription', request, echo: {} },
    ...{ expiresMs: undefined, credentialHeader: 'authorization', description: undefined },
    ...more,
  };
  return judgeSubscription(challenge, 2);
}

test('one is read by our own tables', () => {
  expect(judge(REQUEST)).toMatchObject({
    ...{ index: 2, amountAtomic: 2_500_000n, usdMicros: 2_500_000n, payTo: TO },
    ...{ periodSec: 30 * 86_400, endsSec: Date.parse(ENDS) / 1000, accessKey: KEY, keyType: 'p256' },
    witness: `0x${'07'.repeat(32)}`,
  });
  expect(judge({ ...REQUEST, periodCount: '2', periodUnit: 'week' })).toMatchObject({ periodSec: 1_209_600 });
});

const details = (more: JsonObject): JsonObject => ({
  ...REQUEST,
  methodDetails: { ...(REQUEST['methodDetails'] as JsonObject), ...more },
});

test.each<[string, JsonObject, string]>([
  ['another token', { ...REQUEST, currency: TO }, 'unsupported_asset'],
  ['a chain of another kind', details({ chainId: 84532 }), 'unsupported_network'],
  ['no chain', details({ chainId: '42431' }), 'malformed_offer'],
  ['no key', details({ accessKey: undefined as never }), 'malformed_offer'],
  ['a key of no kind', details({ accessKey: { accessKeyAddress: KEY, keyType: 'rsa' } }), 'malformed_offer'],
  ['an amount in dollars (T39)', { ...REQUEST, amount: '2.5' }, 'malformed_offer'],
  ['seconds of development', { ...REQUEST, periodUnit: 'dev_second' }, 'unsupported_scheme'],
  ['no period', { ...REQUEST, periodCount: '0' }, 'malformed_offer'],
  ['a period beyond counting', { ...REQUEST, periodCount: '9'.repeat(20) }, 'malformed_offer'],
  [
    'an end within a second',
    { ...REQUEST, subscriptionExpires: '2027-03-01T00:00:00.500Z' },
    'malformed_offer',
  ],
  ['no end', { ...REQUEST, subscriptionExpires: 'never' }, 'malformed_offer'],
  ['nobody as payee', { ...REQUEST, recipient: `0x${'0'.repeat(40)}` }, 'malformed_offer'],
])('%s is not subscribed to', (_, request, code) => {
  expect(judge(request)).toMatchObject({ index: 2, code });
});

test('nor is one by another method, of a challenge that outlives it, or that it cannot be bound to', () => {
  expect(judge(REQUEST, { method: 'stripe' })).toMatchObject({ code: 'unsupported_scheme' });
  expect(judge(REQUEST, { expiresMs: Date.parse(ENDS) })).toMatchObject({ code: 'malformed_offer' });
  expect(judge(REQUEST, { id: 'short' })).toMatchObject({ code: 'malformed_offer' });
});

test('more than a year is too long', () => {
  const endsSec = 1_900_000_000;
  expect(isTooLong({ endsSec }, (endsSec - 366 * 86_400) * 1000)).toBe(false);
  expect(isTooLong({ endsSec }, (endsSec - 366 * 86_400 - 1) * 1000)).toBe(true);
});
