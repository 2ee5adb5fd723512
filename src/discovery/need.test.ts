import { expect, test } from 'vitest';
import { wordsEnough, wordsOfNeed } from './need.js';

test('the words of any wish are left out, and numbers', () => {
  const words = wordsOfNeed('I need an API to get me the weather in Oslo for at most 2 cents').map(
    ([word]) => word,
  );
  expect(words).toEqual(['weather', 'oslo']);
});

test('when something is wanted does not say what: many sellers sell something of the day', () => {
  expect(wordsOfNeed('the joke of the day').map(([word]) => word)).toEqual(['joke']);
  expect(wordsOfNeed('today').map(([word]) => word)).toEqual(['today']);
});

test('words that mean the same come along', () => {
  expect(wordsOfNeed('companies')[0]).toEqual(
    expect.arrayContaining(['companies', 'business', 'firmographic']),
  );
});

test('a need of nothing but common words is looked for by them', () => {
  expect(wordsOfNeed('find me an API').map(([word]) => word)).toEqual(['find', 'me', 'an', 'api']);
});

test.each(['', '"', '*', 'a" OR "b', 'NEAR(x', '^title:x', '🦜🦜', '\u0000'])(
  '%j is text, never syntax',
  (need) => {
    for (const group of wordsOfNeed(need)) for (const word of group) expect(word).toMatch(/^[\p{L}\p{N}]+$/u);
  },
);

test('a long need ends', () => {
  expect(wordsOfNeed('pottery '.repeat(10_000))).toHaveLength(1);
  expect(
    wordsOfNeed(Array.from({ length: 500 }, (_, index) => `w${index}`).join(' ')).length,
  ).toBeLessThanOrEqual(16);
});

test.each([
  ['company profile for a domain', 3, 2],
  ['weather in Reykjavik on 12 March', 3, 1],
  ['is flight LH1172 delayed', 3, 1],
  ['OFAC', 1, 1],
  ['extract line items and totals from a scanned receipt', 6, 3],
])('a listing for %j has half of the words that say what is wanted', (need, words, enough) => {
  expect(wordsOfNeed(need)).toHaveLength(words);
  expect(wordsEnough(need)).toBe(enough);
});
