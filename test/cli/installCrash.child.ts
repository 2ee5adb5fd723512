import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

/** Installs into a client's file, and is killed in the step that the third argument counts: a rename each. */
const [file = '', at = ''] = process.argv.slice(2);
const { rename } = fs;
let renames = 0;
fs.rename = (from, to) => {
  renames += 1;
  if (renames === Number(at)) process.kill(process.pid, 'SIGKILL');
  return rename(from, to);
};
syncBuiltinESMExports();
const { findClient } = await import('../../src/clients/client.js');
const { installInto } = await import('../../src/clients/install.js');
const client = findClient('zed');
if (client === undefined) throw new Error('no client');
const machine = { platform: 'linux', env: {}, execPath: process.execPath, version: '1.2.3' } as const;
const launch = { command: '/usr/bin/env', args: ['npx', '-y', 'purser-mcp@1.2.3'], env: { PATH: '/bin' } };
await installInto(client, file, launch, { machine, dryRun: false });
