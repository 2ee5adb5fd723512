import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { openKeystore } from '../keystore.js';

// What Node throws where npm left the platform's own package out.
vi.mock('@napi-rs/keyring', () => {
  throw new Error('Cannot find native binding.');
});

it('a keychain whose native part is missing is told by that, and nothing says to do without a keychain', async () => {
  const home = await mkdtemp(join(tmpdir(), 'purser-native-'));
  try {
    const error: unknown = await openKeystore({ kind: 'keychain', home })
      .presence()
      .catch((fault: unknown) => fault);
    expect(error).toMatchObject({
      code: 'internal',
      shortMessage: expect.stringContaining(`${process.platform}-${process.arch}`) as string,
      owner: { say: expect.stringContaining('Install Purser again') as string },
    });
    expect(error).not.toHaveProperty('owner.action');
  } finally {
    await rm(home, { recursive: true });
  }
});
