import { expect, it } from 'vitest';
import { nearest } from './nearest.js';

const KEYS = ['limits.per_call_usd', 'limits.per_day_usd', 'hosts.allow', 'hosts.deny'];

it.each([
  ['limits.per_dya_usd', 'limits.per_day_usd'],
  ['limit.per_call_usd', 'limits.per_call_usd'],
  ['HOSTS.DENY', 'hosts.deny'],
  ['hosts.alow', 'hosts.allow'],
  ['limit.per_day', 'limits.per_day_usd'],
  ['limits.per_day', 'limits.per_day_usd'],
])('%s most likely means %s', (word, meant) => {
  expect(nearest(word, KEYS)).toBe(meant);
});

it.each(['', 'x', 'frobnicate', 'limits', 'x'.repeat(100_000)])(
  'nothing is suggested for another word',
  (word) => {
    expect(nearest(word, KEYS)).toBeUndefined();
  },
);
