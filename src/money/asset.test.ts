import { DEFAULT_ASSETS } from '@x402/evm';
import { DEFAULT_ASSETS as SOLANA_ASSETS } from '@x402/svm';
import { getAddress } from 'viem/utils';
import { describe, expect, it } from 'vitest';
import { type Asset, ASSETS, assetsOf, findAsset, toUsdMicros } from './asset.js';
import { findNetwork } from './network.js';

const USDC_ON_BASE = '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913';

const EVM_ASSETS = ASSETS.filter((asset) => asset.family === 'evm');

const published = Object.entries(DEFAULT_ASSETS).flatMap(([network, rows]) =>
  rows.map((row) => ({ network, ...row })),
);

function sortedKeys(rows: readonly { network: string; address: string }[]): string[] {
  return rows.map((row) => `${row.network}/${row.address}`).sort();
}

describe('the asset table beside the published one', () => {
  it('has every dollar that settles by EIP-3009, field for field, and no other', () => {
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
    expect(sortedKeys(EVM_ASSETS)).toEqual(sortedKeys(expected));
    for (const row of expected) {
      expect(findAsset(row.network as Asset['network'], row.address)).toEqual(row);
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

  it('has no dollar that settles by Permit2 alone', () => {
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
