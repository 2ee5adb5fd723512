import { expect, test } from 'vitest';
import { initialSettings } from '../config/settings.js';
import { destinationOf, readTarget } from './destination.js';
import { formatCents } from './proxy.js';
import { newProxyToken } from './token.js';
import { BoundaryFreeHash } from './upload.js';

const TOKEN = newProxyToken();

function urlOf(base: string, rest: string, dialect: 'openai' | 'anthropic' | 'plain' = 'openai') {
  const proxy = {
    ...initialSettings(true).proxy,
    upstreamUrls: new Map([['up', base]]),
    upstreamDialects: new Map([['up', dialect]]),
  };
  return destinationOf(rest, { proxy })?.url ?? null;
}

test.each([
  [`/${TOKEN}/up/v1/models?x=1`, TOKEN, 'up/v1/models?x=1'],
  [`/${TOKEN}/https://host/path`, TOKEN, 'https://host/path'],
  ['/up/v1/models', null, 'up/v1/models'],
  [`/purser_researcher_${'a'.repeat(43)}/up`, `purser_researcher_${'a'.repeat(43)}`, 'up'],
])('the target %s has its token and the rest', (target, token, rest) => {
  expect(readTarget(target)).toEqual({ token, rest });
});

test.each([
  ['https://a.example', 'up/v1/chat/completions', 'https://a.example/v1/chat/completions'],
  ['https://a.example/api/v1/', 'up/v1/models?x=1', 'https://a.example/api/v1/models?x=1'],
  ['https://a.example/api', 'up/chat/completions', 'https://a.example/api/v1/chat/completions'],
  ['https://a.example/v1beta/openai', 'up/v1/models', 'https://a.example/v1beta/openai/models'],
  ['https://a.example', 'other/v1/models', null],
  ['https://a.example', 'https:/b.example/x', 'https://b.example/x'],
])('with the base %s, %s is %s', (base, rest, url) => {
  expect(urlOf(base, rest)).toBe(url);
});

test('a plain upstream’s paths are as they are asked for', () => {
  expect(urlOf('https://a.example/x', 'up/y?z=1', 'plain')).toBe('https://a.example/x/y?z=1');
});

test('a form has one hash, whatever line parts it and however it is cut', () => {
  const form = (boundary: string): Buffer =>
    Buffer.from(`--${boundary}\r\n\r\na\r\n--${boundary}\r\n\r\nb\r\n--${boundary}--\r\n`);
  const hashOf = (boundary: string, size: number, body = form(boundary)): string => {
    const hash = new BoundaryFreeHash(boundary);
    for (let at = 0; at < body.length; at += size) hash.update(body.subarray(at, at + size));
    return hash.digest();
  };
  const expected = hashOf('one', 1_000);
  for (const size of [1, 2, 3, 7]) expect(hashOf('another-line', size)).toBe(expected);
  expect(hashOf('one', 5, Buffer.from(form('one').toString().replace('b', 'c')))).not.toBe(expected);
});

test.each([
  [10_000n, '1'],
  [2_500n, '0.25'],
  [1_234_567n, '123.4567'],
  [0n, '0'],
])('%s micro-dollars are %s cents', (micros, cents) => {
  expect(formatCents(micros)).toBe(cents);
});
