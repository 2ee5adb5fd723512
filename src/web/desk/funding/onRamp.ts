import type { Caip2 } from '../../../money/network.js';
import type { OwnPlace } from '../../../treasury/ownFunds.js';

/** Where dollars are bought, or given, that can be sent to an address. */
interface OnRamp {
  readonly name: string;
  readonly href: string;
  /** The networks that it sends to. */
  readonly networks: readonly Caip2[];
  readonly isTest: boolean;
}

/**
 * Shops that sell dollars to anybody. None of them takes an address from a plain link: Coinbase Onramp wants a session token
 * that is made with an account of the page's maker (docs.cdp.coinbase.com, "Generating an Onramp URL"), MoonPay a signature
 * of theirs (dev.moonpay.com, "On-ramp widget parameters"). So the address is copied, and no third party stands between.
 */
const ON_RAMPS: readonly OnRamp[] = [
  {
    name: 'Coinbase',
    href: 'https://www.coinbase.com/how-to-buy/usdc',
    networks: [
      ...(['eip155:8453', 'eip155:1', 'eip155:137', 'eip155:42161', 'eip155:10', 'eip155:43114'] as const),
      'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp',
    ],
    isTest: false,
  },
  {
    name: 'MoonPay',
    href: 'https://www.moonpay.com/buy/usdc',
    networks: ['eip155:8453', 'eip155:1', 'eip155:137', 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp'],
    isTest: false,
  },
  {
    name: 'Circle’s faucet of test money',
    href: 'https://faucet.circle.com/',
    networks: ['eip155:84532', 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1'],
    isTest: true,
  },
];

/** What a person follows to send money to a place. */
export interface FundingLink {
  readonly name: string;
  readonly href: string;
  /** Whether the address is in it: for a wallet app on this device. */
  readonly isFilled: boolean;
}

/** The ways to a place: a wallet app of the owner's with all filled in, and the shops that send there. */
export function fundingLinks({ network, asset, address }: OwnPlace): FundingLink[] {
  const shops = ON_RAMPS.filter(
    ({ networks, isTest }) => isTest === network.testnet && networks.includes(network.caip2),
  ).map(({ name, href }): FundingLink => ({ name, href, isFilled: false }));
  const own = walletLink({ network, asset, address });
  return own === null ? shops : [{ name: 'Your wallet app', href: own, isFilled: true }, ...shops];
}

/** A transfer as wallet apps read it: ERC-681 for the EVM, Solana Pay for Solana; null where there is no such form. */
function walletLink({ network, asset, address }: Omit<OwnPlace, 'agent'>): string | null {
  switch (network.family) {
    case 'evm':
      return `ethereum:${asset.address}@${network.chainId}/transfer?address=${address}`;
    case 'svm':
      return `solana:${address}?spl-token=${asset.address}`;
    case 'tempo':
    case 'lightning':
      return null;
  }
}
