// Packs the bundle that desktop clients install by a double-click: purser-VERSION.mcpb, in the folder that is named.
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packExtension } from '@anthropic-ai/mcpb';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
const output = resolve(process.argv[2] ?? '.', `purser-${version}.mcpb`);
const folder = mkdtempSync(join(tmpdir(), 'purser-mcpb-'));
try {
  // No compiled binary goes in: macOS refuses those inside a bundle, so the bundle starts npx, which fetches the package.
  for (const name of ['manifest.json', 'bin', 'README.md', 'LICENSE'])
    cpSync(join(root, name), join(folder, name), { recursive: true });
  if (!(await packExtension({ extensionPath: folder, outputPath: output, silent: true })))
    throw new Error('The bundle is not valid: mcpb validate manifest.json says why.');
  console.log(output);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
