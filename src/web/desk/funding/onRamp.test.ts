import { expect, test } from 'vitest';
import { assetsOf } from '../../../money/asset.js';
import { NETWORKS } from '../../../money/network.js';
import { fundingLinks } from './onRamp.js';

const ADDRESS = '0x1111111111111111111111111111111111111111';

test.each(NETWORKS.flatMap((network) => assetsOf(network.caip2).map((asset) => ({ network, asset }))))(
  'sends to $network.label in $asset.symbol by links of our own table alone',
  ({ network, asset }) => {
    const links = fundingLinks({ agent: 'default', network, asset, address: ADDRESS });
    for (const { href, isFilled } of links) {
      expect(href).toMatch(
        /^(?:https:\/\/(?:www\.coinbase|www\.moonpay|faucet\.circle)\.com\/|ethereum:0x|solana:)/,
      );
      // A shop is told nothing of the wallet; the owner's own app is told the token, the chain and the address.
      expect(href.includes(ADDRESS)).toBe(isFilled);
      if (isFilled) expect(href).toContain(asset.address);
    }
    const isTestShop = links.some(({ name }) => name.includes('test money'));
    if (!network.testnet) expect(isTestShop).toBe(false);
    else expect(links.filter(({ isFilled }) => !isFilled).every(() => isTestShop)).toBe(true);
  },
);
