import { DEFAULT_ASSETS } from '@x402/evm';
import { DEFAULT_ASSETS as SOLANA_ASSETS } from '@x402/svm';
import { domainSeparator } from 'viem';
import { getAddress } from 'viem/utils';
import { describe, expect, it } from 'vitest';
import { type Asset, ASSETS, assetsOf, findAsset, isSigned, toUsdMicros } from './asset.js';
import { findNetwork } from './network.js';

const USDC_ON_BASE = '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913';

/**
 * What `DOMAIN_SEPARATOR()` of each contract answers on its chain, for tokens that the published list lacks: one hash of
 * name, version, chain and address, so that none of the four can be wrong (T3, T6).
 */
const SEPARATORS: Readonly<Record<string, string>> = {
  'eip155:10/0x0b2C639c533813f4Aa9D7837CAf62653d097Ff85':
    '0x26d9c34bb1a1c312f69c53b2d93b8be20faafba63af2438c6811713c9b1f933f',
  'eip155:480/0x79A02482A880bCE3F13e09Da970dC34db4CD24d1':
    '0x936533d5f85622a8261854e20bb87f4e849dde486f429bc1fb66202b7cde09ec',
  'eip155:196/0x74b7F16337b8972027F6196A17a631aC6dE26d22':
    '0xb1671065a2ea487729c4ff0e2f8beb2105e3ce63315ad07483374a3476b83972',
  'eip155:1187947933/0x85889c8c714505E0c94b30fcfcF64fE3Ac8FCb20':
    '0xe182bdd83730d37cc41c779b38c22661c4c347f647925627d97926ee54dd4044',
  'eip155:42161/0xFd086bC7CD5C481DCC9C85ebE478A1C0b69FCbb9':
    '0x566af68fb471b22d6421762f84aa7bd761c670a2e4d5c8a47d4085d5957b127c',
  'eip155:80002/0x41E94Eb019C0762f9Bfcf9Fb1E58725BfB0e7582':
    '0x5cddc98319864e897e4469bd1d13c2288c677047b54b8cca12bd342adb6be9eb',
};

const EVM_ASSETS = ASSETS.filter((asset) => asset.family === 'evm');
const SIGNED_ASSETS = EVM_ASSETS.filter(isSigned);

const published = Object.entries(DEFAULT_ASSETS).flatMap(([network, rows]) =>
  rows.map((row) => ({ network, ...row })),
);

function sortedKeys(rows: readonly { network: string; address: string }[]): string[] {
  return rows.map((row) => `${row.network}/${row.address}`).sort();
}

describe('the asset table beside the published one', () => {
  it('has every dollar that settles by EIP-3009, field for field, and beside them those it knows from their chains', () => {
    const expected = published
      .filter((row) => row.assetTransferMethod === undefined)
      .map((row) => ({
        family: 'evm',
        network: row.network,
        address: row.asset,
        symbol: row.symbol,
        decimals: row.decimals,
        eip712: { name: row.name, version: row.version },
      }));
    expect(expected.length).toBeGreaterThan(0);
    expect(sortedKeys(SIGNED_ASSETS)).toEqual([...sortedKeys(expected), ...Object.keys(SEPARATORS)].sort());
    for (const row of expected) {
      expect(findAsset(row.network as Asset['network'], row.address)).toEqual(row);
    }
  });

  it('signs for the others under the domain that each contract answers to (T6)', () => {
    for (const [key, separator] of Object.entries(SEPARATORS)) {
      const asset = SIGNED_ASSETS.find(({ network, address }) => `${network}/${address}` === key);
      const chainId = BigInt(key.split(/[:/]/)[1] ?? '');
      const domain = { ...asset?.eip712, chainId, verifyingContract: asset?.address };
      expect([key, domainSeparator({ domain })]).toEqual([key, separator]);
    }
  });

  it('has USDC on Solana, as the published client does, by the token program it names (T3)', () => {
    const rows = Object.entries(SOLANA_ASSETS).flatMap(([network, assets]) =>
      assets.map((asset) => ({ network, ...asset })),
    );
    const own = ASSETS.filter((asset) => asset.family === 'svm');
    expect(own).toHaveLength(2);
    for (const { network, address, symbol, decimals, tokenProgram } of own) {
      const row = rows.find((one) => one.network === network && one.asset === address);
      expect(row).toMatchObject({ symbol, decimals });
      expect(tokenProgram).toBe('TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA');
    }
  });

  it('has USDT where its contract takes no signature, to be paid through Permit2 alone (T6)', () => {
    const others = EVM_ASSETS.filter((asset) => !isSigned(asset));
    expect(
      others.map(({ network, address, symbol, decimals }) => [network, address, symbol, decimals]),
    ).toEqual([
      ['eip155:1', '0xdAC17F958D2ee523a2206206994597C13D831ec7', 'USDT', 6],
      ['eip155:137', '0xc2132D05D31c914a87C6611C10748AEb04B58e8F', 'USDT0', 6],
    ]);
    // Nowhere is it the one that a network is funded with.
    for (const { network, address } of others) expect(assetsOf(network)[0]?.address).not.toBe(address);
  });

  it('has none of the published dollars that settle by Permit2 alone: they are on networks that it does not know', () => {
    const permit2Only = published.filter((row) => row.assetTransferMethod === 'permit2');
    expect(permit2Only.length).toBeGreaterThan(0);
    for (const row of permit2Only) {
      expect(findAsset(row.network as Asset['network'], row.asset)).toBeUndefined();
    }
  });

  it('funds the same asset first on each network', () => {
    for (const [network, rows] of Object.entries(DEFAULT_ASSETS)) {
      const [first] = rows.filter((row) => row.assetTransferMethod === undefined);
      expect(assetsOf(network as Asset['network'])[0]?.address).toBe(first?.asset);
    }
  });
});

describe('the asset table', () => {
  it('writes each address with its checksum and each network from the network table', () => {
    for (const asset of EVM_ASSETS) {
      expect(asset.address).toBe(getAddress(asset.address));
      expect(findNetwork(asset.network)?.caip2).toBe(asset.network);
    }
  });

  it('names no contract twice', () => {
    expect(new Set(sortedKeys(ASSETS)).size).toBe(ASSETS.length);
  });
});

describe('findAsset', () => {
  it('finds an address in any letter case', () => {
    expect(findAsset('eip155:8453', USDC_ON_BASE.toLowerCase())?.address).toBe(USDC_ON_BASE);
  });

  it.each([['USDC'], [''], [`${USDC_ON_BASE} `], [USDC_ON_BASE.slice(2)], ['__proto__'], ['0x456']])(
    'finds nothing for %j (T3)',
    (address) => {
      expect(findAsset('eip155:8453', address)).toBeUndefined();
    },
  );

  it('finds a mint of Solana in its own letter case alone', () => {
    const [mint] = ASSETS.filter((asset) => asset.family === 'svm');
    expect(findAsset(mint!.network, mint!.address)).toBe(mint);
    expect(findAsset(mint!.network, mint!.address.toLowerCase())).toBeUndefined();
  });

  it('does not carry an address over to another network (T5)', () => {
    expect(findAsset('eip155:1', USDC_ON_BASE)).toBeUndefined();
  });
});

describe('toUsdMicros', () => {
  function dollarWith(decimals: number): Asset {
    const [asset] = EVM_ASSETS;
    if (asset === undefined) throw new Error('the table is empty');
    return { ...asset, decimals };
  }

  it.each([
    [6, 10_000n, 10_000n],
    [2, 5n, 50_000n],
    [18, 10n ** 18n, 1_000_000n],
    [18, 1n, 1n],
    [18, 10n ** 12n, 1n],
    [18, 10n ** 12n + 1n, 2n],
    [18, 0n, 0n],
  ])('with %d decimals, %d atomic is %d micro-dollars, rounded up', (decimals, amountAtomic, usdMicros) => {
    expect(toUsdMicros(dollarWith(decimals), amountAtomic)).toBe(usdMicros);
  });
});
