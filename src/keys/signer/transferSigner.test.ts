import { describe, expect, it } from 'vitest';
import { privateKeyToAccount } from 'viem/accounts';
import { verifyTypedData } from 'viem/utils';
import { ASSETS, findAsset, isSigned, type Asset } from '../../money/asset.js';
import type { TransferIntent } from '../../payment/intent.js';
import { findNetwork } from '../../money/network.js';
import { signTransferIntent, type DigestAccount } from './transferSigner.js';

const OWN = privateKeyToAccount(`0x${'11'.repeat(32)}`);
const OTHER = privateKeyToAccount(`0x${'22'.repeat(32)}`);
const NOW_SEC = 1_800_000_000;
const NOW_MS = NOW_SEC * 1000 + 999;
const BASE_USDC = tableRow('eip155:8453', '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913');

function tableRow(network: Asset['network'], address: string): Asset {
  const asset = findAsset(network, address);
  if (asset === undefined) throw new Error(`no row ${network} ${address}`);
  return asset;
}

function intentWith(changes: Partial<Record<keyof TransferIntent, unknown>> = {}): TransferIntent {
  return {
    kind: 'eip3009',
    asset: BASE_USDC,
    chainId: 8453,
    from: OWN.address,
    to: OTHER.address,
    amountAtomic: 2000n,
    validAfterSec: 0,
    validBeforeSec: NOW_SEC + 600,
    nonce: `0x${'ab'.repeat(32)}`,
    ...changes,
  } as TransferIntent;
}

/** An account that counts: a refusal by our own checks must come before any signature. */
function countingAccount(): { account: DigestAccount; signed: () => number } {
  let signatures = 0;
  const sign: DigestAccount['sign'] = async (digest) => {
    signatures += 1;
    return await OWN.sign(digest);
  };
  return {
    account: { address: OWN.address, publicKey: OWN.publicKey, sign },
    signed: () => signatures,
  };
}

const EVM_ASSETS = ASSETS.filter((asset) => asset.family === 'evm').filter(isSigned);

describe('a transfer the signer signs', () => {
  it.each(EVM_ASSETS.map((asset) => [asset.symbol, asset.network, asset] as const))(
    'verifies under the domain of our table: %s on %s',
    async (_symbol, network, asset) => {
      const row = findNetwork(network);
      const chainId = row?.family === 'evm' ? row.chainId : 0;
      const intent = intentWith({ asset, chainId });
      const signature = await signTransferIntent(intent, OWN, NOW_MS);
      expect(signature).toMatch(/^0x[0-9a-f]{130}$/);
      const isValid = await verifyTypedData({
        address: OWN.address,
        domain: { ...asset.eip712, chainId, verifyingContract: asset.address },
        types: {
          TransferWithAuthorization: [
            { name: 'from', type: 'address' },
            { name: 'to', type: 'address' },
            { name: 'value', type: 'uint256' },
            { name: 'validAfter', type: 'uint256' },
            { name: 'validBefore', type: 'uint256' },
            { name: 'nonce', type: 'bytes32' },
          ],
        },
        primaryType: 'TransferWithAuthorization',
        message: {
          from: OWN.address,
          to: OTHER.address,
          value: 2000n,
          validAfter: 0n,
          validBefore: BigInt(NOW_SEC + 600),
          nonce: intent.nonce,
        },
        signature,
      });
      expect(isValid).toBe(true);
    },
  );

  it('may have its addresses in lower case and the largest uint256 as its amount', async () => {
    const intent = intentWith({
      from: OWN.address.toLowerCase(),
      to: OTHER.address.toLowerCase(),
      amountAtomic: 2n ** 256n - 1n,
    });
    await expect(signTransferIntent(intent, OWN, NOW_MS)).resolves.toMatch(/^0x/);
  });

  it('has its symbol and letter case of the token ignored: the row is found by network and address', async () => {
    const asset = { ...BASE_USDC, symbol: 'SCAM', address: BASE_USDC.address.toLowerCase() };
    const signature = await signTransferIntent(intentWith({ asset }), OWN, NOW_MS);
    expect(signature).toBe(await signTransferIntent(intentWith(), OWN, NOW_MS));
  });
});

const REFUSED: [string, Partial<Record<keyof TransferIntent, unknown>>][] = [
  ['another kind', { kind: 'permit2' }],
  ['a token that is not listed', { asset: { ...BASE_USDC, address: OTHER.address } }],
  [
    'a listed token on a network where it is not',
    { asset: { ...BASE_USDC, network: 'eip155:84532' }, chainId: 84532 },
  ],
  ['no token', { asset: undefined }],
  ['a token whose address is a number', { asset: { ...BASE_USDC, address: 7 } }],
  ['false decimals', { asset: { ...BASE_USDC, decimals: 18 } }],
  ['a domain name of another', { asset: { ...BASE_USDC, eip712: { name: 'USDC', version: '2' } } }],
  ['a domain version of another', { asset: { ...BASE_USDC, eip712: { name: 'USD Coin', version: '1' } } }],
  ['no domain', { asset: { ...BASE_USDC, eip712: undefined } }],
  ['the chain of another network', { chainId: 84532 }],
  ['a chain id in text', { chainId: '8453' }],
  ['a payer that is another', { from: OTHER.address }],
  ['a payer that is no address', { from: '0x' }],
  ['itself as payee', { to: OWN.address }],
  ['itself as payee in another letter case', { to: OWN.address.toLowerCase() }],
  ['the zero address as payee', { to: `0x${'00'.repeat(20)}` }],
  ['the token contract as payee', { to: BASE_USDC.address }],
  ['a payee with a false checksum', { to: flipCase(OTHER.address) }],
  ['a payee that is too long', { to: `${OTHER.address}00` }],
  ['a payee that is a list', { to: [OTHER.address] }],
  ['nothing as amount', { amountAtomic: 0n }],
  ['a negative amount', { amountAtomic: -1n }],
  ['an amount beyond uint256', { amountAtomic: 2n ** 256n }],
  ['an amount that is a number', { amountAtomic: 2000 }],
  ['an amount in text', { amountAtomic: '2000' }],
  ['a short nonce', { nonce: '0xab' }],
  ['no nonce', { nonce: undefined }],
  ['a window of a day', { validBeforeSec: NOW_SEC + 86_400 }],
  ['a window just past the longest', { validBeforeSec: NOW_SEC + 606 }],
  ['a window that is over', { validBeforeSec: NOW_SEC }],
  ['a window that is not open yet', { validAfterSec: NOW_SEC + 60 }],
  ['a window in text', { validBeforeSec: `${NOW_SEC + 60}` }],
  ['a window in parts of seconds', { validBeforeSec: NOW_SEC + 60.5 }],
  ['a window that is no number', { validBeforeSec: Number.NaN }],
  ['a window without end', { validBeforeSec: Number.POSITIVE_INFINITY }],
  ['a window from before time', { validAfterSec: -60 }],
];

function flipCase(address: string): string {
  return address.replace(/[a-f]/i, (letter) =>
    letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
  );
}

describe('the signer refuses, before it signs,', () => {
  it.each(REFUSED)('%s', async (_name, changes) => {
    const { account, signed } = countingAccount();
    await expect(signTransferIntent(intentWith(changes), account, NOW_MS)).rejects.toMatchObject({
      name: 'WalletError',
      code: 'signer_refused',
      money: 'none',
    });
    expect(signed()).toBe(0);
  });

  it.each([Number.NaN, 0, -1, Number.POSITIVE_INFINITY])('a time of %s', async (nowMs) => {
    const { account, signed } = countingAccount();
    await expect(signTransferIntent(intentWith(), account, nowMs)).rejects.toMatchObject({
      code: 'signer_refused',
    });
    expect(signed()).toBe(0);
  });

  it('and signs the same intent unchanged', async () => {
    const { account, signed } = countingAccount();
    await signTransferIntent(intentWith(), account, NOW_MS);
    expect(signed()).toBe(1);
  });
});

describe('the signer', () => {
  it('throws a signature away that does not recover to our address', async () => {
    const faulty: DigestAccount = {
      address: OWN.address,
      publicKey: OWN.publicKey,
      sign: async (digest) => await OTHER.sign(digest),
    };
    await expect(signTransferIntent(intentWith(), faulty, NOW_MS)).rejects.toMatchObject({
      code: 'signer_refused',
    });
  });

  it('signs what it checked, though the intent answers differently the second time', async () => {
    let reads = 0;
    const shifty = Object.defineProperty({ ...intentWith() }, 'to', {
      enumerable: true,
      get: () => (reads++ === 0 ? OTHER.address : `0x${'66'.repeat(20)}`),
    });
    expect(await signTransferIntent(shifty, OWN, NOW_MS)).toBe(
      await signTransferIntent(intentWith(), OWN, NOW_MS),
    );
  });
});
