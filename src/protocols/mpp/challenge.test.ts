import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readAuthChallenges } from './authParams.js';
import { CHALLENGES_MAX, readPaymentChallenges } from './challenge.js';

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const REQUEST = encode({ amount: '1000', currency: '0x1', recipient: '0x2' });
const GOOD = `Payment id="a1", realm="shop", method="evm", intent="charge", request="${REQUEST}"`;

const read = (...values: string[]) =>
  readPaymentChallenges({
    status: 402,
    headers: values.map((value) => ['www-authenticate', value] as const),
    bodyText: '',
    requestUrl: 'https://shop.test/',
  });

test('one is read with all that a credential gives back, unchanged', () => {
  const [challenge] = read(
    `${GOOD}, expires="2026-11-29T12:00:00Z", opaque="e30", description="a \\"b\\" \\u4f60"`,
  );
  expect(challenge).toMatchObject({
    ...{ id: 'a1', realm: 'shop', method: 'evm', intent: 'charge', credentialHeader: 'authorization' },
    expiresMs: Date.parse('2026-11-29T12:00:00Z'),
    request: { amount: '1000' },
    description: 'a "b" \u4f60',
    echo: { id: 'a1', request: REQUEST, opaque: 'e30', expires: '2026-11-29T12:00:00Z' },
  });
});

test('several are read from one value, and from several, beside other schemes', () => {
  const mixed = `Basic realm="x", ${GOOD}, L402 macaroon="m", invoice="i", ${GOOD.replace('a1', 'a2')}, Bearer`;
  const found = read(mixed, 'Negotiate abc==', GOOD.replace('a1', 'a3'));
  expect(found.map((one) => ('fault' in one ? one.fault : one.id))).toEqual(['a1', 'a2', 'a3']);
});

test('a quoted string hides no challenge', () => {
  const value = `Payment id="x, Payment id=y", realm="r", method="evm", intent="charge", request="${REQUEST}"`;
  expect(read(value)).toMatchObject([{ id: 'x, Payment id=y' }]);
});

describe('a bad one is said, and shields no other', () => {
  test.each([
    ['no id', GOOD.replace('id="a1", ', '')],
    ['an empty id', GOOD.replace('"a1"', '""')],
    ['no realm', GOOD.replace('realm="shop", ', '')],
    ['a parameter twice', `${GOOD}, id="b"`],
    ['a method in capitals', GOOD.replace('"evm"', '"EVM"')],
    ['no request', GOOD.replace(/, request=.*/, '')],
    ['a request that is no JSON object', GOOD.replace(REQUEST, encode(['1']))],
    ['a request with padding', GOOD.replace(REQUEST, `${REQUEST}=`)],
    ['a request too long', GOOD.replace(REQUEST, encode({ a: 'x'.repeat(20_000) }))],
    ['an expiry that is no time', `${GOOD}, expires="soon"`],
    ['a header that this wallet does not write', `${GOOD}, header="Cookie"`],
    ['a string that does not end', GOOD.slice(0, -1)],
  ])('%s', (_, value) => {
    const [good, bad] = read(GOOD, value);
    expect(good).toMatchObject({ id: 'a1' });
    expect(bad).toHaveProperty('fault');
  });
});

test.each([
  ['header="Payment-Authorization"', 'payment-authorization'],
  ['header="authorization"', 'authorization'],
  ['requiresAuth="true"', 'payment-authorization'],
  ['requiresAuth=false', 'authorization'],
])('%s has the credential come in %s', (param, credentialHeader) => {
  expect(read(`${GOOD}, ${param}`)).toMatchObject([{ credentialHeader }]);
});

test('a status other than 402 asks for nothing', () => {
  expect(
    readPaymentChallenges({
      status: 401,
      headers: [['www-authenticate', GOOD]],
      bodyText: '',
      requestUrl: 'https://shop.test/',
    }),
  ).toEqual([]);
});

test('a flood is cut, and a flood of bytes not read', () => {
  expect(read(...Array.from({ length: 100 }, () => GOOD))).toHaveLength(CHALLENGES_MAX);
  expect(read(GOOD, `Payment x="${'y'.repeat(200_000)}"`)).toEqual([]);
});

test('no text throws or takes long', () => {
  const piece = fc.constantFrom('Payment ', 'id=', '"', '\\', ',', ' ', '=', 'a', GOOD, '\u0000', 'é');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      readAuthChallenges(pieces.join(''));
      read(pieces.join(''));
    }),
    { numRuns: 500 },
  );
});
