// Measures discovery: the first sync of 20,000 listings, a second one, and searches among them.
// Use: node --import ./scripts/typescript.js bench/discovery.ts
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const LISTINGS = 20_000;
const CACHE = fileURLToPath(new URL('../node_modules/.cache/', import.meta.url));

/** Runs the catalogue in a process of its own, so that its memory is not counted. */
async function serveCatalogue(): Promise<{ url: string; stop: () => Promise<void> }> {
  const program = fileURLToPath(new URL('../sandbox/catalogue/serve.ts', import.meta.url));
  const child = spawn(process.execPath, [program, String(LISTINGS)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [url] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return {
    url,
    stop: async () => {
      const ended = once(child, 'close');
      child.stdin.end();
      await ended;
    },
  };
}

/** Bundles the measuring half beside the native packages it needs; answers its path. */
async function bundleRun(folder: string): Promise<string> {
  const outfile = join(folder, 'discoveryRun.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('./discoveryRun.ts', import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['better-sqlite3'],
    banner: {
      js: "import{createRequire as benchRequire}from'node:module';const require=benchRequire(import.meta.url);",
    },
    logLevel: 'error',
  });
  return outfile;
}

mkdirSync(CACHE, { recursive: true });
const folder = mkdtempSync(join(CACHE, 'bench-'));
const catalogue = await serveCatalogue();
try {
  const run = spawn(process.execPath, [await bundleRun(folder), catalogue.url], { stdio: 'inherit' });
  const [code] = (await once(run, 'close')) as [number | null];
  process.exitCode = code ?? 1;
} finally {
  await catalogue.stop();
  rmSync(folder, { recursive: true, force: true });
}
