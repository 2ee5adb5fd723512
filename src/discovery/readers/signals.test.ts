import { describe, expect, test } from 'vitest';
import { signalsOf, type SignalFacts } from './signals.js';
import { foldLabel, labelOf, siteOf } from '../site.js';

const NOW = Date.parse('2026-11-20T12:00:00Z');
const DAY_MS = 86_400_000;

function names(facts: Partial<SignalFacts> & Pick<SignalFacts, 'host'>): string[] {
  const hostFacts = { firstSeenMs: null, payers: 0, namesakes: [] };
  return signalsOf({ title: null, hostFacts, payeeSites: [], nowMs: NOW, ...facts }).map(({ name }) => name);
}

describe('names of others', () => {
  test.each([
    ['api.openai.com', 'OpenAI chat', []],
    ['openai-api.cheap.xyz', null, ['brand_in_host']],
    ['openai.com.evil.dev', null, ['brand_in_host']],
    ['myopenaiproxy.dev', null, ['brand_in_host']],
    ['models.example.dev', 'OpenAI chat completions', ['brand_in_title']],
    ['models.example.dev', 'Head hunter for jobs', []],
    ['exams.example.dev', null, []],
    ['xn--pypal-4ve.com', null, ['unusual_letters']],
  ] as const)('%s with title %j: %j', (host, title, expected) => {
    expect(names({ host, title })).toEqual(expected);
  });

  test('a name like a far more used one', () => {
    const namesake = { host: 'api.firecrawl.dev', payers: 500 };
    const own = { firstSeenMs: null, payers: 3, namesakes: [namesake] };
    expect(names({ host: 'datacrawl.xyz', hostFacts: own })).toEqual(['looks_like']);
    expect(names({ host: 'datacrawl.xyz', hostFacts: { ...own, payers: 400 } })).toEqual([]);
  });
});

test('a payee seen under other hosts', () => {
  const [signal] = signalsOf({
    host: 'a.example',
    title: null,
    hostFacts: { firstSeenMs: null, payers: 0, namesakes: [] },
    payeeSites: ['b.example', 'c.example'],
    nowMs: NOW,
  });
  expect(signal).toEqual({ name: 'shared_payee', message: 'pays the same address as b.example and 1 more' });
});

test('a host that is brand-new, where its age is known', () => {
  const facts = (firstSeenMs: number | null) => ({
    host: 'a.example',
    hostFacts: { firstSeenMs, payers: 0, namesakes: [] },
  });
  expect(names(facts(NOW - DAY_MS))).toEqual(['new']);
  expect(names(facts(NOW - 30 * DAY_MS))).toEqual([]);
  expect(names(facts(null))).toEqual([]);
});

test.each([
  ['api.example.com', 'example.com', 'example'],
  ['api.example.co.uk', 'example.co.uk', 'example'],
  ['shop.vercel.app', 'shop.vercel.app', 'shop'],
  ['a.b.workers.dev', 'b.workers.dev', 'b'],
  ['127.0.0.1:4021', '127.0.0.1:4021', ''],
  ['[::1]:80', '[::1]:80', ''],
  ['localhost', 'localhost', 'localhost'],
])('%s is of the site %s', (host, site, label) => {
  expect(siteOf(host)).toBe(site);
  expect(labelOf(host)).toBe(label);
});

test.each([
  ['paypal', 'paypa1'],
  ['modern', 'modem'],
  ['google', 'g00gle'],
  ['fire-crawl', 'firecrawl'],
])('%s and %s are one to a reader', (a, b) => {
  expect(foldLabel(a)).toBe(foldLabel(b));
});
