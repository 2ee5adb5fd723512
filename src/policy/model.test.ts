import { expect, test } from 'vitest';
import { modelCap } from './model.js';

const CAPS = new Map([
  ['claude-opus-*', 200_000n],
  ['*', 500_000n],
  ['openai/gpt-*-mini', 10_000n],
  ['exact', 1n],
]);

test.each([
  ['claude-opus-4.5', 'claude-opus-*', 200_000n],
  ['CLAUDE-OPUS-5', 'claude-opus-*', 200_000n],
  ['anthropic/claude-opus-5', '*', 500_000n],
  ['openai/gpt-5-mini', 'openai/gpt-*-mini', 10_000n],
  ['openai/gpt-mini', '*', 500_000n],
  ['exact', 'exact', 1n],
  ['exactly', '*', 500_000n],
])('%s is bound by %s', (model, pattern, usdMicrosMax) => {
  expect(modelCap(CAPS, model)).toEqual({ name: `limits.models.${pattern}.per_call_usd`, usdMicrosMax });
});

test('a model that no pattern fits is bound by none', () => {
  expect(modelCap(new Map([['gpt-*', 1n]]), 'claude')).toBeUndefined();
  // Parts that overlap in the name are not both in it.
  expect(modelCap(new Map([['ab*ba', 1n]]), 'aba')).toBeUndefined();
});
