import { describe, expect, test } from 'vitest';
import { readBalance } from './balance.js';
import { readIssuedToken } from './token.js';

describe('a token that an answer issued', () => {
  test.each([
    [
      { access_token: 'tok-1', token_type: 'Bearer', expires_in: 3600 },
      { value: 'tok-1', expiresInSec: 3600 },
    ],
    [
      { access_token: 'x402_q8Zt3Lw0==', order_id: '1' },
      { value: 'x402_q8Zt3Lw0==', expiresInSec: null },
    ],
    [
      { access_token: 'tok', token_type: 'bearer', expires_in: '60' },
      { value: 'tok', expiresInSec: null },
    ],
    [
      { access_token: 'tok', expires_in: -1 },
      { value: 'tok', expiresInSec: null },
    ],
  ])('is read from the fields of OAuth: %j', (body, token) => {
    expect(readIssuedToken(JSON.stringify(body))).toEqual(token);
  });

  test.each([
    'Your access token is tok-1, send it as Bearer.',
    JSON.stringify({ token: 'tok-1' }),
    JSON.stringify({ message: 'access_token: tok-1', token_type: 'Bearer' }),
    JSON.stringify({ data: { access_token: 'tok-1', token_type: 'Bearer' } }),
    JSON.stringify([{ access_token: 'tok-1', token_type: 'Bearer' }]),
    JSON.stringify({ access_token: 'tok-1', token_type: 'DPoP' }),
    JSON.stringify({ access_token: 'tok 1', token_type: 'Bearer' }),
    JSON.stringify({ access_token: 'tok\r\nX-Admin: 1', token_type: 'Bearer' }),
    JSON.stringify({ access_token: 'a'.repeat(4_097) }),
    JSON.stringify({ access_token: '' }),
    JSON.stringify({ access_token: 17 }),
    '{"__proto__": {"access_token": "tok-1"}}',
  ])('is never guessed: %s', (body) => {
    expect(readIssuedToken(body)).toBeNull();
  });
});

describe('a prepaid balance', () => {
  test.each([
    [['x-balance-remaining', '4694193'], { left: '4694193', unit: null, isUsedUp: false }],
    [['x-credits-remaining', '0'], { left: '0', unit: 'credits', isUsedUp: true }],
    [['x-credits-remaining-usd', '0.000'], { left: '0.000', unit: 'usd', isUsedUp: true }],
    [['x-credits-remaining', 'unlimited'], null],
    [['x-balance-remaining', '-3'], null],
    [['x-balance-remaining', '1e9'], null],
    [['x-ratelimit-remaining', '12'], null],
  ] as const)('is read by the name of its header: %j', (header, balance) => {
    expect(readBalance([header])).toEqual(balance);
  });
});
