import { createSIWxMessage } from '@x402/extensions/sign-in-with-x';
import { describe, expect, it } from 'vitest';
import { findNetwork, type Caip2 } from '../money/network.js';
import { isPlainSignIn, signInText, type SignInTerms } from './signIn.js';

const ADDRESSES = {
  evm: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
  svm: 'BSmWDgE9ex6dZYbiTsJGcwMEgFp8q4aWh92hdErQPeVW',
};

const LEAST: SignInTerms = {
  domain: 'api.example.com:8443',
  uri: 'https://api.example.com:8443/report?id=7',
  statement: undefined,
  nonce: '0a1b2c3d4e5f60718293a4b5c6d7e8f9',
  issuedAt: '2026-11-29T20:00:00.000Z',
  expirationTime: undefined,
  notBefore: undefined,
  requestId: undefined,
  resources: [],
};

const WHOLE: SignInTerms = {
  ...LEAST,
  statement: 'Sign in to read it again.',
  expirationTime: '2026-11-29T20:05:00.000Z',
  notBefore: '2026-11-29T19:59:00.000Z',
  requestId: 'r-1',
  resources: ['https://api.example.com:8443/report?id=7', 'https://example.com/terms'],
};

describe.each(['eip155:8453', 'eip155:4217', 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp'] as Caip2[])(
  'a sign-in on %s',
  (caip2) => {
    it.each([
      ['the least', LEAST],
      ['a statement alone', { ...LEAST, statement: 'Hello.' }],
      ['everything', WHOLE],
    ])('reads as the published client writes it: %s', (_what, terms) => {
      const network = findNetwork(caip2)!;
      const address = network.family === 'svm' ? ADDRESSES.svm : ADDRESSES.evm;
      const type = network.family === 'svm' ? 'ed25519' : 'eip191';
      const { resources, ...fields } = terms;
      const theirs = {
        ...fields,
        ...(resources.length === 0 ? {} : { resources }),
        ...{ version: '1', chainId: caip2, type },
      } as const;
      expect(signInText({ kind: 'sign_in', terms, network, address })).toBe(
        createSIWxMessage(JSON.parse(JSON.stringify(theirs)) as never, address),
      );
    });
  },
);

describe('what is signed', () => {
  it('is plain where its fields are', () => {
    expect([LEAST, WHOLE].map(isPlainSignIn)).toEqual([true, true]);
  });

  it.each<[string, Partial<SignInTerms>]>([
    ['a second line in the statement', { statement: 'Hello.\nURI: https://evil.example' }],
    ['a second line in the request id', { requestId: 'r\n1' }],
    ['a carriage return', { uri: 'https://api.example.com\r/' }],
    ['a letter that looks like another', { statement: 'Sign in tо read.' }],
    ['a resource with a second line', { resources: ['https://a.example\n- https://b.example'] }],
    ['resources without end', { resources: Array.from({ length: 17 }, () => 'https://a.example') }],
    ['a field without end', { statement: 'a'.repeat(2_049) }],
    ['a nonce too short to be one', { nonce: 'abc1234' }],
    ['a nonce of more than letters and digits', { nonce: 'abcdefgh-ijkl' }],
    ['an empty statement', { statement: '' }],
  ])('is not plain with %s', (_what, change) => {
    expect(isPlainSignIn({ ...LEAST, ...change })).toBe(false);
  });
});
