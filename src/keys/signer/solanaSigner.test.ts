import {
  address,
  appendTransactionMessageInstruction,
  compileTransactionMessage,
  decompileTransactionMessage,
  getBase58Codec,
  getCompiledTransactionMessageDecoder,
  getCompiledTransactionMessageEncoder,
} from '@solana/kit';
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ASSETS, type SvmAsset } from '../../money/asset.js';
import type { SolanaTransferIntent } from '../../payment/intent.js';
import {
  messageHash,
  readTransaction,
  readTransferMessage,
  writeTransferMessage,
} from '../../protocols/solana/solanaMessage.js';
import { holdSecret } from '../secret/secret.js';
import { deriveSolanaAccount, type SolanaAccount } from './solanaKey.js';
import { signSolanaTransfer } from './solanaSigner.js';

const account = await deriveSolanaAccount(
  holdSecret({ kind: 'phrase', phrase: `${'abandon '.repeat(11)}about` }),
  0,
);
const key = (): string => getBase58Codec().decode(randomBytes(32));
const [usdc] = ASSETS.filter((asset): asset is SvmAsset => asset.family === 'svm');

/** An intent as the wallet makes it, with fields replaced before its message is hashed. */
async function intentWith(fields: Partial<SolanaTransferIntent> = {}): Promise<SolanaTransferIntent> {
  const parts = {
    asset: usdc!,
    from: account.address,
    to: key(),
    amountAtomic: 10_000n,
    feePayer: key(),
    blockhash: key(),
    memo: randomBytes(16).toString('hex'),
    computeUnitLimit: 20_000,
    computeUnitPriceMicroLamports: 1,
    ...fields,
  };
  const nonce = await writeTransferMessage(parts).then(messageHash, () => `0x${'00'.repeat(32)}` as const);
  return {
    kind: 'svm_transfer',
    validBeforeBlock: 150,
    validAfterSec: 0,
    validBeforeSec: 1,
    nonce,
    ...parts,
    ...fields,
  };
}

/** The account, and how often it signed. */
function watched(): { account: SolanaAccount; signed: () => number } {
  let signatures = 0;
  const sign = (message: Uint8Array): Uint8Array => {
    signatures += 1;
    return account.sign(message);
  };
  return { account: { address: account.address, sign }, signed: () => signatures };
}

describe('a transfer on Solana', () => {
  it('is signed by us alone, and says what was meant', async () => {
    const intent = await intentWith({ memo: 'order 17' });
    const transaction = readTransaction(await signSolanaTransfer(intent, account));
    expect(Object.keys(transaction!.signatures)).toEqual([intent.feePayer, account.address]);
    expect(transaction!.signatures[intent.feePayer]).toBeNull();
    expect(transaction!.signatures[account.address]).toHaveLength(64);
    expect(messageHash(transaction!.message)).toBe(intent.nonce);
    expect(readTransferMessage(transaction!.message)).toMatchObject({
      feePayer: intent.feePayer,
      blockhash: intent.blockhash,
      mint: usdc!.address,
      authority: account.address,
      amountAtomic: 10_000n,
      decimals: 6,
      memo: 'order 17',
    });
  });

  it('is never signed twice', async () => {
    const intent = await intentWith();
    const { account: own, signed } = watched();
    await signSolanaTransfer(intent, own);
    await expect(signSolanaTransfer({ ...intent }, own)).rejects.toMatchObject({ code: 'signer_refused' });
    expect(signed()).toBe(1);
  });

  const wrong: readonly [string, Partial<SolanaTransferIntent>][] = [
    ['our own key as fee payer', { feePayer: account.address }],
    ['a fee payer that is no address', { feePayer: 'nobody' }],
    ['another payer', { from: key() }],
    ['ourselves as payee', { to: account.address }],
    ['the mint as payee', { to: usdc!.address }],
    ['a payee that is no address', { to: '0x5CbDd86a2FA8Dc4bDdd8a8f69dBa48572EeC07FB' }],
    ['a foreign mint (T3)', { asset: { ...usdc!, address: key() } }],
    ['other decimals (T3)', { asset: { ...usdc!, decimals: 9 } }],
    [
      'another token program (T3)',
      { asset: { ...usdc!, tokenProgram: 'TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb' } },
    ],
    ['nothing', { amountAtomic: 0n }],
    ['more than a uint64', { amountAtomic: 2n ** 64n }],
    ['an amount that is no bigint', { amountAtomic: 10_000 as unknown as bigint }],
    ['a blockhash that is none', { blockhash: 'latest' }],
    ['an unknown last block', { validBeforeBlock: Number.NaN }],
    ['no memo', { memo: '' }],
    ['a long memo', { memo: 'x'.repeat(257) }],
    ['a compute limit out of bounds', { computeUnitLimit: 200_001 }],
    ['no compute limit', { computeUnitLimit: 0 }],
    ['a compute price out of bounds', { computeUnitPriceMicroLamports: 5_001 }],
    ['another message than was held', { nonce: `0x${'ab'.repeat(32)}` }],
    ['a transfer of the EVM', { kind: 'eip3009' as unknown as 'svm_transfer' }],
  ];

  it.each(wrong)('is refused for %s, and nothing is signed (T7)', async (_what, fields) => {
    const { account: own, signed } = watched();
    await expect(signSolanaTransfer(await intentWith(fields), own)).rejects.toMatchObject({
      code: 'signer_refused',
    });
    expect(signed()).toBe(0);
  });
});

describe('readTransferMessage', () => {
  it('reads nothing but the scheme’s own four instructions', async () => {
    const message = await writeTransferMessage(await intentWith());
    const compiled = getCompiledTransactionMessageDecoder().decode(message);
    const more = appendTransactionMessageInstruction(
      {
        programAddress: address('11111111111111111111111111111111'),
        accounts: [{ address: address(account.address), role: 3 }],
        data: Buffer.alloc(12),
      },
      decompileTransactionMessage(compiled) as never,
    );
    const extended = Buffer.from(
      getCompiledTransactionMessageEncoder().encode(compileTransactionMessage(more as never)) as Uint8Array,
    );
    expect(readTransferMessage(extended)).toBeUndefined();
    expect(readTransferMessage(message)).toBeDefined();
    expect(readTransferMessage(Buffer.concat([message, Buffer.alloc(1)]))).toBeUndefined();
    expect(readTransferMessage(message.subarray(0, -1))).toBeUndefined();
    expect(readTransferMessage(new Uint8Array())).toBeUndefined();
  });
});
