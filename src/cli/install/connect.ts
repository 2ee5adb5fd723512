import { resolve } from 'node:path';
import { pinnedSpec } from '../../clients/launch/launch.js';
import type { KeystoreKind } from '../../keys/keystore.js';
import { commandLine } from '../line/commandLine.js';
import { showLine } from '../line/line.js';
import type { CliIo } from '../terminal/io.js';
import { jsonText } from '../terminal/output/json.js';

/**
 * What to tell an MCP client, so that it starts this wallet's server. `unlocksBy` is the file with the unlock passphrase: one that
 * was named, or the one that is kept beside the wallet, which needs no name; undefined where there is none yet.
 */
export function connectLines(
  io: CliIo,
  keystore: KeystoreKind,
  unlocksBy: string | { readonly kept: true } | undefined,
): string[] {
  const program = ['-y', pinnedSpec(io.version)];
  const home = io.env['PURSER_HOME'];
  const needsName = keystore === 'file' && typeof unlocksBy !== 'object';
  // A client starts the server in a folder of its own choice.
  const unlock = needsName && unlocksBy ? resolve(unlocksBy) : undefined;
  const install = commandLine('install', [], { '--passphrase-file': unlock });
  const env = {
    ...(home ? { PURSER_HOME: home } : {}),
    ...(needsName ? { PURSER_PASSPHRASE_FILE: unlock ?? '/path/to/the/passphrase/file' } : {}),
  };
  const server = { command: 'npx', args: program, ...(Object.keys(env).length === 0 ? {} : { env }) };
  return [
    `Connect your MCP clients: ${showLine(install, io)}`,
    'Any other client takes this in its configuration:',
    ...jsonText({ mcpServers: { purser: server } })
      .split('\n')
      .map((line) => `  ${line}`),
  ];
}
