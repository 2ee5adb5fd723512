import { verifySIWxSignature } from '@x402/extensions/sign-in-with-x';
import { randomBytes } from 'node:crypto';
import { privateKeyToAccount } from 'viem/accounts';
import { describe, expect, it } from 'vitest';
import { findNetwork, type Caip2 } from '../../money/network.js';
import type { SignInIntent } from '../../payment/signIn.js';
import { writeSignIn } from '../../protocols/x402/signIn/header.js';
import { signInOnEvm, signInOnSolana } from './signInSigner.js';
import { deriveSolanaAccount } from './solanaKey.js';

const EVM = privateKeyToAccount(`0x${randomBytes(32).toString('hex')}`);
const PHRASE = 'test test test test test test test test test test test junk';
const solana = await deriveSolanaAccount({ kind: 'phrase', phrase: PHRASE }, 0);

const intentOn = (caip2: Caip2, address: string): SignInIntent => ({
  kind: 'sign_in',
  network: findNetwork(caip2)!,
  address,
  terms: {
    domain: 'api.example.com',
    uri: 'https://api.example.com/report',
    statement: 'Sign in to read it again.',
    nonce: '0a1b2c3d4e5f60718293a4b5c6d7e8f9',
    issuedAt: '2026-11-29T20:00:00.000Z',
    expirationTime: undefined,
    notBefore: undefined,
    requestId: undefined,
    resources: ['https://api.example.com/report'],
  },
});

const onEvm = intentOn('eip155:8453', EVM.address);
const onSolana = intentOn('solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp', solana.address);

describe('a sign-in', () => {
  it.each([
    ['the EVM', onEvm, () => signInOnEvm(onEvm, EVM)],
    ['Solana', onSolana, () => signInOnSolana(onSolana, solana)],
  ])('passes the published check on %s', async (_chain, intent, sign) => {
    const [name, value] = writeSignIn(intent, await sign());
    expect(name).toBe('SIGN-IN-WITH-X');
    const payload = JSON.parse(Buffer.from(value, 'base64').toString()) as never;
    expect(await verifySIWxSignature(payload)).toEqual({ isValid: true, payer: intent.address });
  });

  it.each<[string, Partial<SignInIntent>]>([
    ['another kind', { kind: 'transfer' as never }],
    ['the address of another', { address: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8' }],
    ['a network of another kind', { network: findNetwork('solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp')! }],
    ['a network that is not listed', { network: { ...onEvm.network, caip2: 'eip155:999999999' } as never }],
    ['a second line', { terms: { ...onEvm.terms, statement: 'Hello.\nURI: https://bank.example.com' } }],
    ['a nonce that is none', { terms: { ...onEvm.terms, nonce: '1' } }],
  ])('is refused with %s', async (_what, change) => {
    const counted = { signatures: 0 };
    const account = {
      ...{ address: EVM.address, publicKey: EVM.publicKey },
      signMessage: (async (given) => {
        counted.signatures += 1;
        return EVM.signMessage(given);
      }) as typeof EVM.signMessage,
    };
    await expect(signInOnEvm({ ...onEvm, ...change }, account)).rejects.toMatchObject({
      code: 'signer_refused',
    });
    expect(counted.signatures).toBe(0);
  });
});
