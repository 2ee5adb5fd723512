import { expect, it } from 'vitest';
import { readPaymentChallenges, type PaymentChallenge } from '../mpp/challenge.js';
import { writeCredential } from '../mpp/credential.js';
import { readMcpDemand, unpayableIn } from './demand.js';
import { paymentMeta } from './payment.js';

const CHALLENGE = { x402Version: 2, accepts: [{ scheme: 'exact' }] };
const error = { jsonrpc: '2.0', id: 1, error: { code: 402, message: 'Payment required', data: CHALLENGE } };
const inText = { content: [{ type: 'text', text: JSON.stringify(CHALLENGE) }], isError: true };

it.each<[string, string, 'tool result' | 'JSON-RPC error']>([
  ['an error 402', JSON.stringify(error), 'JSON-RPC error'],
  ['a result with structure', JSON.stringify({ result: { structuredContent: CHALLENGE } }), 'tool result'],
  ['a result with text', JSON.stringify({ result: inText }), 'tool result'],
  ['an event of a stream', `event: message\ndata: ${JSON.stringify({ result: inText })}\n\n`, 'tool result'],
])('finds the demand in %s', (_what, body, form) => {
  expect(readMcpDemand(body)).toEqual({ form, bodyText: JSON.stringify(CHALLENGE), headers: [] });
});

const REQUEST = { amount: '10000', recipient: '0x"a"', nested: { chainId: 1 } };
const CHARGE = {
  id: 'a"\\1',
  realm: 'shop',
  method: 'evm',
  intent: 'charge',
  request: REQUEST,
  opaque: 'e30',
};
const readable = { id: 'a"\\1', realm: 'shop', method: 'evm', intent: 'charge', request: REQUEST };

it.each<[string, object, string]>([
  [
    'an error of MPP, with what it says of a failure',
    { error: { code: -32_043, data: { challenges: [CHARGE], problem: { detail: 'No.' } } } },
    '{"detail":"No."}',
  ],
  [
    'a result of MPP',
    { result: { isError: true, _meta: { 'org.paymentauth/payment-required': { challenges: [CHARGE] } } } },
    '{}',
  ],
  [
    'one of both protocols',
    { error: { code: 402, data: { ...CHALLENGE, challenges: [CHARGE] } } },
    JSON.stringify({ ...CHALLENGE, challenges: [CHARGE] }),
  ],
])('finds the challenge in %s, as the reader of HTTP’s reads it', (_what, message, bodyText) => {
  const found = readMcpDemand(JSON.stringify(message))!;
  expect(found.bodyText).toBe(bodyText);
  const answer = { status: 402, headers: found.headers, bodyText, requestUrl: 'https://shop.example/' };
  const [challenge] = readPaymentChallenges(answer);
  expect(challenge).toMatchObject(readable);
  // What pays it gives it back as it came.
  const credential = writeCredential(challenge as PaymentChallenge, { type: 'authorization' }, 'did:x');
  expect(paymentMeta(credential)).toEqual({
    'org.paymentauth/credential': { challenge: CHARGE, payload: { type: 'authorization' }, source: 'did:x' },
  });
});

it.each<[string, object]>([
  ['a session, which needs requests of its own', { ...CHARGE, intent: 'session' }],
  ['one whose request is text', { ...CHARGE, request: 'eyJ9' }],
  ['one that would end its header', { ...CHARGE, realm: 'shop\r\nx-other: 1' }],
])('reads no challenge of MPP in %s', (_what, challenge) => {
  const message = { error: { code: -32_042, data: { challenges: [challenge] } } };
  expect(readMcpDemand(JSON.stringify(message))).toBeNull();
});

it.each<[string, string]>([
  ['no JSON', 'Payment required'],
  ['a list', '[1]'],
  ['another error', JSON.stringify({ ...error, error: { code: -32_600, data: CHALLENGE } })],
  ['an error 402 without offers', JSON.stringify({ error: { code: 402, message: 'Pay' } })],
  ['offers that name no version', JSON.stringify({ result: { structuredContent: { accepts: [] } } })],
  [
    'a result with other content',
    JSON.stringify({ result: { content: ['x', { text: 'hello' }, { text: 1 }] } }),
  ],
])('finds none in %s', (_what, body) => {
  expect(readMcpDemand(body)).toBeNull();
});

it.each<[string, unknown, string | null]>([
  [
    'of ATXP, whose offers of x402 stand deeper',
    {
      code: -30_402,
      data: { paymentRequestId: 'r', paymentRequestUrl: 'https://a.example/r', x402: CHALLENGE },
    },
    'ATXP, whose own service has to know its callers',
  ],
  [
    'of MPP, by no charge',
    { code: -32_042, data: { challenges: [{ method: 'tempo' }] } },
    'MPP, by challenges that are none of a single charge',
  ],
  ['of a charge by MPP, which is paid', { code: -32_042, data: { challenges: [CHARGE] } }, null],
  ['of nothing', { code: 402, message: 'Pay' }, 'no protocol that it names'],
  ['of x402, which is paid', { code: -32_042, data: CHALLENGE }, null],
  ['that is another', { code: -32_600 }, null],
])('names what an error %s asks for', (_what, said, named) => {
  expect(unpayableIn({ jsonrpc: '2.0', id: 1, error: said } as never)).toBe(named);
});
