import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../text/json.js';
import { readSignIn } from './challenge.js';

const URL_ASKED = 'https://api.example.com:8443/report?id=7';

const INFO: JsonObject = {
  domain: 'api.example.com:8443',
  uri: 'https://api.example.com:8443/report?id=7',
  version: '1',
  nonce: '0a1b2c3d4e5f60718293a4b5c6d7e8f9',
  issuedAt: '2026-11-29T20:00:00.000Z',
};

const CHAINS: JsonObject[] = [
  { chainId: 'eip155:8453', type: 'eip191' },
  { chainId: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp', type: 'ed25519', signatureScheme: 'siws' },
];

const demand = (info: JsonObject = {}, supportedChains: JsonObject[] = CHAINS): JsonObject => ({
  'sign-in-with-x': { info: { ...INFO, ...info }, supportedChains },
});

describe('a demand to sign in', () => {
  it('is read with its networks', () => {
    expect(readSignIn(demand({ statement: 'Hello.' }), URL_ASKED)).toMatchObject({
      domain: 'api.example.com:8443',
      statement: 'Hello.',
      expirationTime: undefined,
      resources: [],
      networks: ['eip155:8453', 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp'],
    });
  });

  // T38: a signature for another site would let whoever asked for it in there.
  it.each<[string, JsonObject]>([
    ['the domain of another site', { domain: 'bank.example.com' }],
    ['the domain without its port', { domain: 'api.example.com' }],
    ['the URI of another site', { uri: 'https://bank.example.com/' }],
    ['the URI of another port', { uri: 'https://api.example.com/report' }],
    ['the URI of another scheme', { uri: 'http://api.example.com:8443/report' }],
    ['a URI that is none', { uri: 'report' }],
    ['a second line', { statement: 'Hello.\n\nURI: https://bank.example.com' }],
    ['another version', { version: '2' }],
    ['no nonce', { nonce: null }],
    ['no time', { issuedAt: null }],
    ['resources that are no list of text', { resources: [7] }],
  ])('is not read with %s', (_what, info) => {
    expect(readSignIn(demand(info), URL_ASKED)).toBeUndefined();
  });

  it('is not read without a network that signs as it says', () => {
    expect(readSignIn(demand({}, [{ chainId: 'eip155:8453', type: 'ed25519' }]), URL_ASKED)).toBeUndefined();
    expect(readSignIn(demand({}, []), URL_ASKED)).toBeUndefined();
    expect(readSignIn({ 'sign-in-with-x': { info: INFO } }, URL_ASKED)).toBeUndefined();
    expect(readSignIn({}, URL_ASKED)).toBeUndefined();
    expect(readSignIn(undefined, URL_ASKED)).toBeUndefined();
  });
});
