import { describe, expect, it } from 'vitest';
import { privateKeyToAccount } from 'viem/accounts';
import { findAsset } from '../../money/asset.js';
import type { TempoTransferIntent } from '../../payment/intent.js';
import { readOwnTransfer, signingHash } from '../../protocols/tempo/transaction.js';
import { signTempoTransfer, type TempoAccount } from './tempoSigner.js';

const OWN = privateKeyToAccount(`0x${'11'.repeat(32)}`);
const OTHER = privateKeyToAccount(`0x${'22'.repeat(32)}`);
const NOW_SEC = 1_800_000_000;
const NOW_MS = NOW_SEC * 1000 + 999;
const PATH_USD = findAsset('eip155:42431', '0x20c0000000000000000000000000000000000000');
const BASE_USDC = findAsset('eip155:8453', '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913');

function intentWith(changes: Partial<Record<keyof TempoTransferIntent, unknown>> = {}): TempoTransferIntent {
  return {
    kind: 'tempo_transfer',
    asset: PATH_USD,
    chainId: 42431,
    from: OWN.address,
    to: OTHER.address,
    amountAtomic: 2000n,
    feePaidBy: 'payee',
    validAfterSec: 0,
    validBeforeSec: NOW_SEC + 25,
    nonce: `0x${'ab'.repeat(32)}`,
    ...changes,
  } as TempoTransferIntent;
}

/** An account that counts: a refusal by our own checks must come before any signature. */
function countingAccount(sign: TempoAccount['sign'] = OWN.sign): {
  account: TempoAccount;
  signed: () => number;
} {
  let signatures = 0;
  const counting: TempoAccount['sign'] = async (given) => {
    signatures += 1;
    return await sign(given);
  };
  const { address, publicKey } = OWN;
  return { account: { address, publicKey, sign: counting }, signed: () => signatures };
}

describe('a transfer on Tempo', () => {
  it.each(['payee', 'self'] as const)(
    'is signed over its own hash, the fee paid by %s',
    async (feePaidBy) => {
      const intent = intentWith({ feePaidBy });
      const bytes = await signTempoTransfer(intent, OWN, NOW_MS);
      expect(bytes.startsWith(feePaidBy === 'self' ? '0x76' : '0x78')).toBe(true);
      expect(bytes.endsWith((await OWN.sign({ hash: signingHash(intent) })).slice(2))).toBe(true);
      expect(readOwnTransfer(bytes)?.amountAtomic).toBe(2000n);
    },
  );

  it.each<[string, Partial<Record<keyof TempoTransferIntent, unknown>>]>([
    ['of another kind', { kind: 'eip3009' }],
    ['of a token of another kind of chain', { asset: BASE_USDC, chainId: 8453 }],
    ['of no token of the table', { asset: { ...PATH_USD, address: OTHER.address } }],
    ['of other decimals', { asset: { ...PATH_USD, decimals: 18 } }],
    ['on another chain', { chainId: 4217 }],
    ['from another address', { from: OTHER.address }],
    ['to nobody', { to: '0x0000000000000000000000000000000000000000' }],
    ['to itself', { to: OWN.address }],
    ['to the token', { to: PATH_USD?.address }],
    [
      'to an address with a wrong checksum',
      { to: OTHER.address.replace(/[a-f]/, (digit) => digit.toUpperCase()) },
    ],
    ['of nothing', { amountAtomic: 0n }],
    ['of less than nothing', { amountAtomic: -1n }],
    ['of a number', { amountAtomic: 2000 }],
    ['of more than a token holds', { amountAtomic: 2n ** 128n }],
    ['with a short memo', { nonce: '0xab' }],
    ['with a fee that nobody pays', { feePaidBy: 'nobody' }],
    ['that begins later', { validAfterSec: NOW_SEC }],
    ['that is over', { validBeforeSec: NOW_SEC }],
    ['that lives too long', { validBeforeSec: NOW_SEC + 36 }],
    ['that lives for ever', { validBeforeSec: 2 ** 53 }],
    ['whose end is text', { validBeforeSec: `${NOW_SEC + 25}` }],
  ])('%s is refused, and nothing signed', async (_name, changes) => {
    const { account, signed } = countingAccount();
    await expect(signTempoTransfer(intentWith(changes), account, NOW_MS)).rejects.toMatchObject({
      code: 'signer_refused',
    });
    expect(signed()).toBe(0);
  });

  it('T6: a signature by another key never leaves', async () => {
    const { account } = countingAccount(OTHER.sign);
    await expect(signTempoTransfer(intentWith(), account, NOW_MS)).rejects.toMatchObject({
      code: 'signer_refused',
    });
  });
});
