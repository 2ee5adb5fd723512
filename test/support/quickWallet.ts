import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { SOLANA_DEVNET } from '../../sandbox/solana/chain.ts';
import { TEMPO_TESTNET } from '../../sandbox/tempo/chain.ts';
import { StoreKeystore } from '../../src/keys/keystore.js';
import { generatePhrase } from '../../src/keys/secret/phrase.js';
import type { OwnerOptions } from '../../src/owner/auth/ownerAuth.js';
import { setUpWallet } from '../../src/owner/setUp/setUp.js';
import { QuickStore } from './quickStore.js';

/** Whoever has the unlock passphrase of a home, in this process. */
export function ownerOf(home: string, unlocking: string): OwnerOptions {
  const passphrase = (): Promise<string> => Promise.resolve(unlocking);
  return { home, now: Date.now, passphrase, auth: { passphrase, atTerminal: false } };
}

/** Makes a wallet for test networks as `init` does, with a keystore that opens quickly. */
export async function makeQuickWallet(home: string, unlocking: string): Promise<void> {
  await new StoreKeystore(home, new QuickStore(home, unlocking)).create(await generatePhrase());
  await setUpWallet({
    ...ownerOf(home, unlocking),
    keystore: 'file',
    testnet: true,
    secret: { kind: 'new' },
    // Nobody's, until a test names one: no test asks a public RPC.
    rpcUrls: { [SOLANA_DEVNET]: 'http://127.0.0.1:9', [TEMPO_TESTNET]: 'http://127.0.0.1:9' },
  });
}

/** Has the keystore of a wallet that the program made open quickly from here on: the same secret, sealed anew. */
export async function quicken(home: string, unlocking: string): Promise<void> {
  const store = new QuickStore(home, unlocking);
  const stored = await store.readSecret();
  if (stored?.walletId === undefined) throw new Error('There is no keystore to quicken.');
  const write = await store.prepareSecretWrite();
  rmSync(join(home, 'keystore.json'));
  await write(stored.text, stored.walletId);
}
