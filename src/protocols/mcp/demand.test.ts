import { expect, it } from 'vitest';
import { readMcpDemand, unpayableIn } from './demand.js';

const CHALLENGE = { x402Version: 2, accepts: [{ scheme: 'exact' }] };
const error = { jsonrpc: '2.0', id: 1, error: { code: 402, message: 'Payment required', data: CHALLENGE } };
const inText = { content: [{ type: 'text', text: JSON.stringify(CHALLENGE) }], isError: true };

it.each<[string, string, 'tool result' | 'JSON-RPC error']>([
  ['an error 402', JSON.stringify(error), 'JSON-RPC error'],
  ['a result with structure', JSON.stringify({ result: { structuredContent: CHALLENGE } }), 'tool result'],
  ['a result with text', JSON.stringify({ result: inText }), 'tool result'],
  ['an event of a stream', `event: message\ndata: ${JSON.stringify({ result: inText })}\n\n`, 'tool result'],
])('finds the demand in %s', (_what, body, form) => {
  expect(readMcpDemand(body)).toEqual({ form, challenge: JSON.stringify(CHALLENGE) });
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
    'ATXP, which takes it from callers with an account there',
  ],
  ['of MPP', { code: -32_042, data: { challenges: [{ method: 'tempo' }] } }, 'MPP within an MCP call'],
  ['of nothing', { code: 402, message: 'Pay' }, 'no protocol that it names'],
  ['of x402, which is paid', { code: -32_042, data: CHALLENGE }, null],
  ['that is another', { code: -32_600 }, null],
])('names what an error %s asks for', (_what, said, named) => {
  expect(unpayableIn({ jsonrpc: '2.0', id: 1, error: said } as never)).toBe(named);
});
