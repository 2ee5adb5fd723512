import { encodePacked, keccak256 } from 'viem';
import { expect, test } from 'vitest';
import type { PaymentChallenge } from './challenge.js';
import { challengeNonce, transactionInCredential, writeCredential } from './credential.js';

const CHALLENGE: PaymentChallenge = {
  ...{ id: 'kM9x', realm: 'api.example.com', method: 'solana', intent: 'charge', request: { amount: '1' } },
  ...{ expiresMs: undefined, credentialHeader: 'authorization', description: undefined },
  echo: { id: 'kM9x', realm: 'api.example.com', method: 'solana', intent: 'charge', request: 'eyJ' },
};

test('the nonce is what the draft says, of id and realm packed', () => {
  expect(challengeNonce(CHALLENGE)).toBe(
    keccak256(encodePacked(['string', 'string'], ['kM9x', 'api.example.com'])),
  );
});

test('a credential gives the challenge back as it came, and its transaction is found again', () => {
  const header = writeCredential(CHALLENGE, { type: 'transaction', transaction: 'AQ==' }, 'did:pkh:x');
  expect(header).toMatch(/^Payment [A-Za-z0-9_-]+$/);
  const written = JSON.parse(Buffer.from(header.slice(8), 'base64url').toString()) as Record<string, unknown>;
  expect(written).toEqual({
    challenge: CHALLENGE.echo,
    payload: { type: 'transaction', transaction: 'AQ==' },
    source: 'did:pkh:x',
  });
  expect(transactionInCredential(header)).toBe('AQ==');
  expect(transactionInCredential('Bearer abc')).toBeUndefined();
});
