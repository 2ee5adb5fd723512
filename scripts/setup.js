// Installs what the lockfile names, once for each lockfile. Plain JavaScript for any Node: this runs before the
// project's own Node is there.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const stampFile = join(root, 'node_modules', '.purser-setup');
const lock = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex');

function isSetUp() {
  return existsSync(stampFile) && readFileSync(stampFile, 'utf8') === lock;
}

function npm(...args) {
  const npmCli = process.env.npm_execpath;
  const [command, first] = npmCli === undefined ? ['npm', []] : [process.execPath, [npmCli]];
  const { status } = spawnSync(command, [...first, ...args], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: npmCli === undefined && process.platform === 'win32',
  });
  if (status !== 0) {
    console.error(`Set-up failed at: npm ${args.join(' ')}`);
    process.exit(1);
  }
}

if (!isSetUp()) {
  console.error('Setting up: installing the packages of the lockfile (about a minute, once).');
  // Scripts stay off: better-sqlite3 ships its binary and must not be compiled; only the project's own Node needs one.
  npm('ci', '--ignore-scripts', '--no-audit', '--no-fund');
  npm('rebuild', 'node');
  writeFileSync(stampFile, lock);
}
