import { expect, test } from 'vitest';
import type { JsonObject } from '../../text/json.js';
import type { PaymentChallenge } from './challenge.js';
import { judgeSession } from './session.js';

const TO = '0x5e11e75E11e75e11E75E11E75E11e75E11E75E11';
const DETAILS: JsonObject = {
  ...{ chainId: 42431, escrowContract: '0x4d50500000000000000000000000000000000000' },
  ...{ feePayer: true, sessionProtocol: 'v2' },
};
const REQUEST: JsonObject = {
  ...{ amount: '10000', currency: '0x20c0000000000000000000000000000000000000', recipient: TO },
  ...{ suggestedDeposit: '500000', unitType: 'request', methodDetails: DETAILS },
};

function judge(request: JsonObject, method = 'tempo') {
  const challenge: PaymentChallenge = {
    ...{ id: 'a', realm: 'r', method, intent: 'session', request, expiresMs: undefined, echo: {} },
    ...{ credentialHeader: 'authorization', description: undefined },
  };
  return judgeSession(challenge, 2);
}
const withDetails = (more: JsonObject): JsonObject => ({
  ...REQUEST,
  methodDetails: { ...DETAILS, ...more },
});

test('one is read by our own tables', () => {
  expect(judge(REQUEST)).toMatchObject({
    ...{ index: 2, payTo: TO, amountAtomic: 10_000n, usdMicros: 10_000n, suggestedAtomic: 500_000n },
    ...{ feePaidBy: 'payee', operator: '0x0000000000000000000000000000000000000000' },
  });
});

test.each<[string, JsonObject, string]>([
  ['another contract for the deposit', withDetails({ escrowContract: TO }), 'unsupported_scheme'],
  ['a contract of the seller’s choice', withDetails({ sessionProtocol: 'v1' }), 'unsupported_scheme'],
  ['more with each call than it costs', withDetails({ minVoucherDelta: '10001' }), 'unsupported_scheme'],
  ['another chain', withDetails({ chainId: 1 }), 'unsupported_network'],
  ['no chain', withDetails({ chainId: '42431' }), 'malformed_offer'],
  ['an operator that is none', withDetails({ operator: 'me' }), 'malformed_offer'],
  ['another token', { ...REQUEST, currency: TO }, 'unsupported_asset'],
  ['an amount in dollars (T39)', { ...REQUEST, amount: '0.01' }, 'malformed_offer'],
  ['nothing', { ...REQUEST, amount: '0' }, 'malformed_offer'],
  ['more than a channel holds', { ...REQUEST, amount: (2n ** 96n).toString() }, 'malformed_offer'],
  ['a deposit that is no amount', { ...REQUEST, suggestedDeposit: '1e6' }, 'malformed_offer'],
  ['no payee', { ...REQUEST, recipient: '0x0' }, 'malformed_offer'],
])('one that wants %s is refused', (_, request, code) => expect(judge(request)).toMatchObject({ code }));

test('sessions of other methods are refused by name', () => {
  expect(judge(REQUEST, 'solana')).toMatchObject({ code: 'unsupported_scheme' });
});
