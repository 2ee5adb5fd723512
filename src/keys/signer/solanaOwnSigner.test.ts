import { getBase58Codec } from '@solana/kit';
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ASSETS, type SvmAsset } from '../../money/asset.js';
import {
  OWN_COMPUTE_UNIT_PRICE_MAX_MICROLAMPORTS,
  type SolanaOwnTransferIntent,
  type SolanaTransferIntent,
} from '../../payment/intent.js';
import {
  messageHash,
  readOwnMessage,
  readTransaction,
  readTransferMessage,
  writeTransferMessage,
} from '../../protocols/solana/solanaMessage.js';
import { holdSecret } from '../secret/secret.js';
import { deriveSolanaAccount, type SolanaAccount } from './solanaKey.js';
import { signSolanaOwnTransfer } from './solanaOwnSigner.js';
import { signSolanaTransfer } from './solanaSigner.js';

const account = await deriveSolanaAccount(
  holdSecret({ kind: 'phrase', phrase: `${'abandon '.repeat(11)}about` }),
  0,
);
const key = (): string => getBase58Codec().decode(randomBytes(32));
const [usdc] = ASSETS.filter((asset): asset is SvmAsset => asset.family === 'svm');

async function intentWith(fields: Partial<SolanaOwnTransferIntent> = {}): Promise<SolanaOwnTransferIntent> {
  const parts = {
    asset: usdc!,
    from: account.address,
    to: key(),
    amountAtomic: 10_000n,
    blockhash: key(),
    memo: randomBytes(16).toString('hex'),
    computeUnitLimit: 100_000,
    computeUnitPriceMicroLamports: OWN_COMPUTE_UNIT_PRICE_MAX_MICROLAMPORTS,
    createsAccount: false,
    ...fields,
  };
  const message = writeTransferMessage({ ...parts, feePayer: account.address });
  const nonce = await message.then(messageHash, () => `0x${'00'.repeat(32)}` as const);
  const times = { validBeforeBlock: 150, validAfterSec: 0, validBeforeSec: 1 } as const;
  return { kind: 'svm_own_transfer', ...times, nonce, ...parts, ...fields };
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

describe('a transfer on Solana that pays its own fee', () => {
  it.each([false, true])('is whole with our one signature (an account made: %s)', async (createsAccount) => {
    const intent = await intentWith({ createsAccount });
    const transaction = readTransaction(await signSolanaOwnTransfer(intent, account));
    expect(Object.keys(transaction!.signatures)).toEqual([account.address]);
    expect(transaction!.signatures[account.address]).toHaveLength(64);
    expect(readOwnMessage(transaction!.message)).toMatchObject({
      feePayer: account.address,
      authority: account.address,
      amountAtomic: 10_000n,
      accountMadeFor: createsAccount ? intent.to : null,
    });
    // Whoever reads payments takes it for none.
    expect(readTransferMessage(transaction!.message)).toBeUndefined();
  });

  it('is never signed twice', async () => {
    const intent = await intentWith();
    const { account: own, signed } = watched();
    await signSolanaOwnTransfer(intent, own);
    await expect(signSolanaOwnTransfer({ ...intent }, own)).rejects.toMatchObject({ code: 'signer_refused' });
    expect(signed()).toBe(1);
  });

  it.each<[string, () => Partial<SolanaOwnTransferIntent>]>([
    ['a payment', () => ({ kind: 'svm_transfer' }) as never],
    ['an account made or not, who knows', () => ({ createsAccount: 1 }) as never],
    ['another payer', () => ({ from: key() })],
    ['ourselves as payee', () => ({ to: account.address })],
    ['the token as payee', () => ({ to: usdc!.address })],
    ['nothing', () => ({ amountAtomic: 0n })],
    ['more than a token account holds', () => ({ amountAtomic: 2n ** 64n })],
    ['a token of somebody’s own', () => ({ asset: { ...usdc!, address: key() } })],
    ['other decimals', () => ({ asset: { ...usdc!, decimals: 9 } })],
    ['a dear price', () => ({ computeUnitPriceMicroLamports: OWN_COMPUTE_UNIT_PRICE_MAX_MICROLAMPORTS + 1 })],
    ['endless computing', () => ({ computeUnitLimit: 1_400_000 })],
    ['another message than was held', () => ({ nonce: `0x${'ab'.repeat(32)}` })],
  ])('with %s is refused before anything is signed', async (_what, fields) => {
    const { account: own, signed } = watched();
    const refused = signSolanaOwnTransfer(await intentWith(fields()), own);
    await expect(refused).rejects.toMatchObject({ code: 'signer_refused' });
    expect(signed()).toBe(0);
  });

  it('does not come by the way of a payment, whatever that is made to say', async () => {
    const { account: own, signed } = watched();
    const intent = await intentWith({ computeUnitPriceMicroLamports: 1, createsAccount: true });
    for (const feePayer of [account.address, key()]) {
      const disguised = { ...intent, kind: 'svm_transfer', feePayer } as unknown as SolanaTransferIntent;
      await expect(signSolanaTransfer(disguised, own)).rejects.toMatchObject({ code: 'signer_refused' });
    }
    expect(signed()).toBe(0);
  });
});
