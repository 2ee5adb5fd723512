import { EVM_NETWORK_CHAIN_ID_MAP } from '@x402/evm/v1';
import { SOLANA_DEVNET_CAIP2, SOLANA_MAINNET_CAIP2, V1_TO_V2_NETWORK_MAP } from '@x402/svm';
import type { Chain } from 'viem';
import * as chains from 'viem/chains';
import { describe, expect, it } from 'vitest';
import { assetsOf } from './asset.js';
import { findNetwork, findNetworkByName, findNetworkOnWire, networkNotEnabled, NETWORKS } from './network.js';

const EVM_NETWORKS = NETWORKS.filter((network) => network.family === 'evm');

const publishedChains = new Map<number, Chain>(Object.values(chains).map((chain) => [chain.id, chain]));

describe('the network table', () => {
  it('names each chain once and agrees with itself', () => {
    expect(new Set(NETWORKS.map((network) => network.caip2)).size).toBe(NETWORKS.length);
    for (const network of EVM_NETWORKS) {
      expect(network.caip2).toBe(`eip155:${network.chainId}`);
    }
  });

  it('gives each network the v1 name the published table gives it (T5)', () => {
    const v1Names = new Map<number, string>(
      Object.entries(EVM_NETWORK_CHAIN_ID_MAP).map(([name, chainId]) => [chainId, name]),
    );
    // Of two more the name is that of the facilitator which settles there (PayAI, "Supported Networks").
    const more = new Map([
      [196, 'xlayer'],
      [1187947933, 'skale-base'],
    ]);
    for (const network of EVM_NETWORKS) {
      const name = v1Names.get(network.chainId) ?? more.get(network.chainId);
      expect([network.caip2, network.v1Name]).toEqual([network.caip2, name]);
    }
  });

  it('says of each network whether its money is real, as the published chain list does', () => {
    for (const network of EVM_NETWORKS) {
      const chain = publishedChains.get(network.chainId);
      // That list has SKALE Base as a test network, though its USDC is bridged from Base and real.
      if (network.label === 'SKALE Base') continue;
      expect([network.caip2, chain?.testnet ?? false]).toEqual([network.caip2, network.testnet]);
      expect(chain).toBeDefined();
    }
  });

  it('names the clusters of Solana as the published client does (T5)', () => {
    const clusters = NETWORKS.filter((network) => network.family === 'svm');
    expect(clusters.map(({ caip2 }) => caip2)).toEqual([SOLANA_MAINNET_CAIP2, SOLANA_DEVNET_CAIP2]);
    for (const { caip2, v1Name } of clusters) expect(V1_TO_V2_NETWORK_MAP[v1Name ?? '']).toBe(caip2);
  });

  it('has something to pay with on each network', () => {
    for (const network of NETWORKS) expect(assetsOf(network.caip2)).not.toHaveLength(0);
  });

  it('reaches RPCs and explorers over https, and RPCs of one network at different operators (T28)', () => {
    for (const network of NETWORKS) {
      const operators = network.rpcUrls.map((url) => new URL(url).hostname.split('.').slice(-2).join('.'));
      expect(new Set(operators).size).toBe(operators.length);
      for (const url of [...network.rpcUrls, network.explorerTx ?? 'https://none.invalid/']) {
        expect(url).toMatch(/^https:\/\//);
      }
    }
  });
});

describe('findNetworkOnWire', () => {
  it('reads a CAIP-2 name and a v1 name as the same row', () => {
    expect(findNetworkOnWire('base')).toBe(findNetwork('eip155:8453'));
    expect(findNetworkOnWire('eip155:8453')).toBe(findNetwork('eip155:8453'));
    expect(findNetworkOnWire('base')?.label).toBe('Base');
  });

  it.each(
    [
      ['Base', 'BASE', 'base-mainnet', ' base', 'base ', 'base_sepolia', 'eip155:08453', 'eip155:8453 '],
      [
        'EIP155:8453',
        'eip155:',
        'eip155:0x2105',
        '8453',
        '',
        'solana-testnet',
        'Solana',
        'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d',
        '__proto__',
        'constructor',
        'toString',
      ],
    ]
      .flat()
      .map((name) => [name]),
  )('knows nothing by the name %j (T5)', (name) => {
    expect(findNetworkOnWire(name)).toBeUndefined();
  });
});

it.each([
  ['base', 'eip155:8453'],
  ['Base Sepolia', 'eip155:84532'],
  ['SOLANA', 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp'],
  ['arbitrum-one', 'eip155:42161'],
  ['eip155:8453', 'eip155:8453'],
  ['solana:5EYKT4UsFv8P8NJdTREpY1vzqKqZKvdp', 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp'],
  ['basis', undefined],
])('a person who names %s means %s', (name, caip2) => {
  expect(findNetworkByName(name)?.caip2).toBe(caip2);
});

it('a network that is not enabled is refused by its name, with the one that was meant', () => {
  const enabled = ['eip155:84532', 'eip155:42431'];
  expect(networkNotEnabled('base-sepola', enabled)).toMatchObject({
    code: 'network_disabled',
    shortMessage:
      '"base-sepola" is not an enabled network; enabled: Base Sepolia (eip155:84532), Tempo testnet (eip155:42431). Did you mean base-sepolia?',
  });
  expect(networkNotEnabled('eip155:8453', enabled).shortMessage).toMatch(/^Base is not .*42431\)\.$/);
});
