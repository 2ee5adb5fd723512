import { encodeFunctionData, keccak256, toHex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { Abis, Transaction } from 'viem/tempo';
import { tempoModerato } from 'viem/tempo/chains';
import { describe, expect, test } from 'vitest';
import { assetsOf, type TempoAsset } from '../../money/asset.js';
import {
  TEMPO_FEE_ATOMIC_MAX,
  TEMPO_FEE_PER_GAS,
  TEMPO_GAS,
  TEMPO_TIP_PER_GAS,
  type TempoTransferIntent,
} from '../../payment/intent.js';
import { readOwnTransfer, signingHash, writeTransaction } from './transaction.js';

const account = privateKeyToAccount(`0x${'17'.repeat(32)}`);
const [pathUsd] = assetsOf('eip155:42431') as TempoAsset[];

function intentOf(feePaidBy: 'payee' | 'self'): TempoTransferIntent {
  return {
    kind: 'tempo_transfer',
    asset: pathUsd!,
    chainId: 42431,
    from: account.address,
    to: '0x00000000000000000000000000000000000A11cE',
    amountAtomic: 10_000n,
    feePaidBy,
    validAfterSec: 0,
    validBeforeSec: 1_800_000_000,
    nonce: keccak256(toHex('a memo')),
  };
}

async function written(intent: TempoTransferIntent): Promise<`0x${string}`> {
  return writeTransaction(intent, await account.sign({ hash: signingHash(intent) }));
}

/** The same transfer by the reference library. */
async function byReference({ nonce, to, amountAtomic, feePaidBy, validBeforeSec }: TempoTransferIntent) {
  const data = encodeFunctionData({
    abi: Abis.tip20,
    functionName: 'transferWithMemo',
    args: [to, amountAtomic, nonce],
  });
  const transaction = {
    chainId: 42431,
    type: 'tempo',
    calls: [{ to: pathUsd!.address, data }],
    gas: TEMPO_GAS,
    maxFeePerGas: TEMPO_FEE_PER_GAS,
    maxPriorityFeePerGas: TEMPO_TIP_PER_GAS,
    nonce: 0,
    nonceKey: 2n ** 256n - 1n,
    validBefore: validBeforeSec,
    ...(feePaidBy === 'self' ? { feeToken: pathUsd!.address } : { feePayer: true }),
  };
  return account.signTransaction(transaction as never, {
    serializer: tempoModerato.serializers.transaction as never,
  });
}

describe.each(['payee', 'self'] as const)('a transfer whose fee is paid by %s', (feePaidBy) => {
  const intent = intentOf(feePaidBy);

  test('is byte for byte what viem signs', async () => {
    expect(await written(intent)).toBe(await byReference(intent));
  });

  test('is read by viem as what it is', async () => {
    const read = Transaction.deserialize((await written(intent)) as never) as unknown as Record<
      string,
      unknown
    >;
    expect(String(read['from']).toLowerCase()).toBe(account.address.toLowerCase());
    expect(read).toMatchObject({ chainId: 42431, validBefore: 1_800_000_000, gas: TEMPO_GAS });
  });

  test('is found again in our own record', async () => {
    const bytes = await written(intent);
    const tx = feePaidBy === 'self' ? keccak256(bytes) : null;
    expect(readOwnTransfer(bytes)).toEqual({ amountAtomic: 10_000n, tx });
  });

  test.each(['', '0x', '0x76', '0x76c0', 'text'])('what is none is not read (%j)', (text) => {
    expect(readOwnTransfer(text)).toBeUndefined();
  });
});

test('who pays the fee is part of what is signed: nobody can have us pay it instead', () => {
  expect(signingHash(intentOf('self'))).not.toBe(signingHash(intentOf('payee')));
});

test('the bound on a fee is under two cents', () => {
  expect(TEMPO_FEE_ATOMIC_MAX).toBe(17_600n);
});
