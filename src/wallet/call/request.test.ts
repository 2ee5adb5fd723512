import { describe, expect, test } from 'vitest';
import { callerOf } from './request.fixture.js';
import { isCredential, parseRequest, type CallInput } from './request.js';

const URL_ = 'https://api.example.com/v1/report?b=2&a=1';
const parse = (input: Partial<CallInput> = {}, agent = 'default') =>
  parseRequest({ url: URL_, ...input }, callerOf(agent), []);
const hashOf = (input: Partial<CallInput> = {}, agent?: string): string => parse(input, agent).hash;

describe('the identity of a request', () => {
  test.each<[string, Partial<CallInput>]>([
    ['the method in another case', { method: 'get' }],
    ['a fragment', { url: `${URL_}#part` }],
    ['the host in another case', { url: URL_.replace('api', 'API') }],
    ['the default port', { url: URL_.replace('.com/', '.com:443/') }],
    ['no headers at all', { headers: {} }],
  ])('is not changed by %s', (_name, input) => {
    expect(hashOf(input)).toBe(hashOf());
  });

  test('is not changed by the order or the case of header names', () => {
    expect(hashOf({ headers: { 'X-One': '1', 'X-Two': '2' } })).toBe(
      hashOf({ headers: { 'x-two': '2', 'x-one': '1' } }),
    );
  });

  test.each<[string, Partial<CallInput>, string?]>([
    ['another agent', {}, 'other'],
    ['another method', { method: 'DELETE' }],
    ['another path', { url: URL_.replace('report', 'Report') }],
    ['another query', { url: URL_.replace('a=1', 'a=2') }],
    ['a header of its own', { headers: { 'x-page': '2' } }],
    ['a body', { method: 'POST', body: 'text' }],
    ['a credential', { headers: { Authorization: 'Bearer a' } }],
    ['a cookie', { headers: { cookie: 'c=d' } }],
  ])('is changed by %s', (_name, input, agent) => {
    expect(hashOf(input, agent)).not.toBe(hashOf());
  });

  test('tells callers apart by their credentials, and one caller from itself never', () => {
    const as = (authorization: string): string => hashOf({ headers: { authorization } });
    expect(as('Bearer a')).not.toBe(as('Bearer b'));
    expect(as('Bearer a')).toBe(as('Bearer a'));
  });

  test('is hashed by a key: another ledger has another hash, so a weak token cannot be tried against it', () => {
    const [one, other] = ['one', 'other'].map((key) =>
      parseRequest({ url: URL_, headers: { 'x-api-key': '1234' } }, callerOf('default', key), []),
    );
    expect(one?.hash).not.toBe(other?.hash);
    // What ledgers before schema 3 kept is no keyed hash, and has no credential in it.
    expect(one?.hashBeforeSchema3).toBe(parse().hashBeforeSchema3);
  });

  test('tells bodies apart, and keeps JSON as a value and as its text together', () => {
    const post = (body: unknown): string => hashOf({ method: 'POST', body });
    expect(post({ a: 1 })).toBe(post('{"a":1}'));
    expect(
      new Set([post({ a: 1 }), post({ a: 2 }), post('a'), post(''), post([1]), post(undefined)]).size,
    ).toBe(6);
  });

  test('cannot be made by moving text from one part into another', () => {
    expect(hashOf({ headers: { 'x-a': '1', 'x-b': '2' } })).not.toBe(
      hashOf({ headers: { 'x-a': '1,x-b:2' } }),
    );
  });
});

describe('the body', () => {
  test.each<[unknown, string | undefined, string]>([
    [{ a: [1] }, 'application/json', '{"a":[1]}'],
    ['{"a":1}', 'application/json', '{"a":1}'],
    ['[not json', 'text/plain;charset=utf-8', '[not json'],
    ['plain é', 'text/plain;charset=utf-8', 'plain é'],
    [0, 'application/json', '0'],
    [false, 'application/json', 'false'],
  ])('%j is sent as %s', (body, contentType, text) => {
    const request = parse({ method: 'POST', body });
    expect(request.headers).toContainEqual(['content-type', contentType]);
    expect(new TextDecoder().decode(request.body?.bytes ?? undefined)).toBe(text);
  });

  test.each([undefined, null])('%j is none', (body) => {
    expect(parse({ method: 'POST', body })).toMatchObject({ body: undefined, headers: [] });
  });

  test('keeps the caller’s own content type', () => {
    const { headers } = parse({ method: 'POST', body: 'a,b', headers: { 'Content-Type': 'text/csv' } });
    expect(headers).toEqual([['content-type', 'text/csv']]);
  });

  test.each(['GET', 'HEAD'])('is refused on a %s', (method) => {
    expect(() => parse({ method, body: 'x' })).toThrow(/carries no body/);
  });
});

test.each(['authorization', 'X-API-Key', 'api-key', 'cookie', 'x-session-id', 'X-Auth-Token', 'x-signature'])(
  '%s carries a credential',
  (name) => expect(isCredential(name)).toBe(true),
);

test.each(['accept', 'content-type', 'x-page', 'if-none-match'])('%s carries none', (name) =>
  expect(isCredential(name)).toBe(false),
);
