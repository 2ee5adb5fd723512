import { setImmediate } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { Wallet } from './wallet.js';

vi.mock('../keys/signer/ownSignature.js', () => {
  throw new Error('This part of the program is gone.');
});

it('ends once, where a wallet cannot be opened and a part of the program cannot be loaded', async () => {
  const unheard: unknown[] = [];
  const hear = (reason: unknown): void => void unheard.push(reason);
  process.on('unhandledRejection', hear);
  try {
    const wallet = new Wallet({
      ...{ home: '/nowhere', version: '0.0.0', env: {}, platform: 'linux', now: () => 1 },
      passphrase: async () => null,
      ownerCommand: () => '',
    });
    await expect(wallet.warm()).rejects.toThrow();
    await vi.dynamicImportSettled();
    await setImmediate();
    expect(unheard).toEqual([]);
  } finally {
    process.off('unhandledRejection', hear);
  }
});
