import { expect, test } from 'vitest';
import type { AnswerHead, AnswerListener } from '../wallet/answer/answerListener.js';
import { asksForModels, ModelList } from './modelList.js';

const PRICES = [{ model: 'small', usdMicros: 10_000n, atMs: Date.UTC(2026, 0, 2) }];
const SEEN = { last_price_usd: '0.01', last_paid_at: '2026-01-02T00:00:00.000Z' };
const JSON_TYPE = [['content-type', 'application/json; charset=utf-8'] as const];

/** What a program gets of an answer that comes in pieces. */
async function handedOn(
  pieces: readonly string[],
  { failure = null, ...head }: Partial<AnswerHead> & { readonly failure?: 'cut' | null } = {},
) {
  const got: string[] = [];
  const heads: AnswerHead[] = [];
  const to: AnswerListener = {
    head: async (one) => Promise.resolve(heads.push(one) > 0),
    piece: async (bytes) => Promise.resolve(void got.push(Buffer.from(bytes).toString())),
    end: () => undefined,
  };
  const list = new ModelList(to, PRICES);
  const headers = [...JSON_TYPE, ['content-length', '9'] as const, ['etag', '"a"'] as const];
  await list.head({
    ...{ status: 200, headers, contentEncoding: undefined, payment: null, isReplayed: false },
    ...head,
  });
  for (const piece of pieces) await list.piece(Buffer.from(piece));
  await list.end(failure);
  return { text: got.join(''), pieces: got.length, headers: heads[0]?.headers };
}

test.each([
  [
    { object: 'list', data: [{ id: 'small' }, { id: 'other' }] },
    { object: 'list', data: [{ id: 'small', purser: SEEN }, { id: 'other' }] },
  ],
  [[{ id: 'small', type: 'model' }], [{ id: 'small', type: 'model', purser: SEEN }]],
])('a model without a price has the one that was paid last', async (list, expected) => {
  const { text, headers } = await handedOn([JSON.stringify(list)]);
  expect(JSON.parse(text)).toEqual(expected);
  // They were of the seller's own bytes.
  expect(headers).toEqual(JSON_TYPE);
});

test.each([
  ['its gateway names a price', '{"data": [{"id":"small","pricing":{"prompt":"1"}}]}'],
  ['none of its models was paid for', '{"data": [{"id":"other"}]}'],
  ['it is no list', '{"data": {"id":"small"}}'],
  ['it is no JSON', 'data'],
])('a list is byte for byte the seller’s where %s', async (_why, text) => {
  expect((await handedOn([text.slice(0, 5), text.slice(5)])).text).toBe(text);
});

test('an answer that is no list of models, broke off, or is too long is handed on as it came', async () => {
  const list = '{"data": [{"id":"small"}]}';
  expect((await handedOn([list, list], { status: 404 })).pieces).toBe(2);
  expect((await handedOn([list], { headers: [['content-type', 'text/html']] })).text).toBe(list);
  expect((await handedOn([list], { failure: 'cut' })).text).toBe(list);
  const long = ' '.repeat(3 * 2 ** 20);
  const { text, pieces } = await handedOn([long, long, list]);
  expect(text).toHaveLength(2 * long.length + list.length);
  expect(pieces).toBe(2);
});

test.each([
  ['GET', 'https://a.example/v1/models', 'openai', true],
  ['GET', 'https://a.example/v1/models?limit=2', 'anthropic', true],
  ['POST', 'https://a.example/v1/models', 'openai', false],
  ['GET', 'https://a.example/v1/models/small', 'openai', false],
  ['GET', 'https://a.example/models', 'plain', false],
] as const)('%s %s of %s asks for models: %s', (method, url, dialect, is) => {
  expect(asksForModels(method, url, dialect)).toBe(is);
});
