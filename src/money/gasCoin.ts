import type { Caip2 } from './network.js';

/** Coins that pay for gas, where it is not ether. */
const OTHERS: Readonly<Record<string, string>> = {
  'eip155:43114': 'AVAX',
  'eip155:143': 'MON',
  'eip155:988': 'gUSDT',
  'eip155:2201': 'gUSDT',
  'eip155:137': 'POL',
  'eip155:80002': 'POL',
  'eip155:196': 'OKB',
  'eip155:1187947933': 'CREDIT',
  'eip155:36900': 'ADI',
  'eip155:50': 'XDC',
  'eip155:51': 'XDC',
  'eip155:14': 'FLR',
  'eip155:42220': 'CELO',
  'eip155:11142220': 'CELO',
  'eip155:1329': 'SEI',
  'eip155:1328': 'SEI',
};

/** Every EVM network counts its coin so. */
export const GAS_COIN_DECIMALS = 18;

/** Solana's coin. */
export const SOL_DECIMALS = 9;

/** What the coin is called that pays for gas on a network. */
export function gasCoinOf(caip2: Caip2): string {
  return OTHERS[caip2] ?? 'ETH';
}
