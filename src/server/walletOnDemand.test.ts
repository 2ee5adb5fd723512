import { expect, it } from 'vitest';
import { WalletOnDemand } from './walletOnDemand.js';

it.each([['wallet'], ['$HOME/wallet'], ['/nowhere']])(
  'never rejects what it makes ready ahead, with PURSER_HOME as %s: a server lives on, and the call says why',
  async (home) => {
    const wallet = new WalletOnDemand({
      ...{ version: '0.0.0', env: { PURSER_HOME: home }, platform: 'linux' },
      warn: () => undefined,
    });
    await expect(wallet.warm()).resolves.toBeUndefined();
  },
);
