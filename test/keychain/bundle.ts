import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, stop } from 'esbuild';

const CACHE = fileURLToPath(new URL('../../node_modules/.cache/', import.meta.url));

/** A program made of our TypeScript that a bare Node can run. */
export interface Bundle {
  readonly path: string;
  readonly remove: () => Promise<void>;
}

/**
 * Bundles a program of this folder into a folder of its own under node_modules, so that native packages resolve
 * from the repository.
 */
export async function bundleProgram(name: string): Promise<Bundle> {
  await mkdir(CACHE, { recursive: true });
  const folder = await mkdtemp(join(CACHE, 'keys-test-'));
  const path = join(folder, `${name}.mjs`);
  await build({
    entryPoints: [fileURLToPath(new URL(`./${name}.ts`, import.meta.url))],
    outfile: path,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    external: ['@napi-rs/keyring'],
    logLevel: 'error',
  });
  await stop();
  return { path, remove: async () => await rm(folder, { recursive: true, force: true }) };
}
