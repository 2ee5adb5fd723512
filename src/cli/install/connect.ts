import { resolve } from 'node:path';
import { pinnedSpec } from '../../clients/launch/launch.js';
import type { KeystoreKind } from '../../keys/keystore.js';
import { commandLine } from '../line/commandLine.js';
import { showLine } from '../line/line.js';
import type { CliIo } from '../terminal/io.js';
import { jsonText } from '../terminal/output/json.js';

/** What to tell an MCP client, so that it starts this wallet's server; `passphraseFile` is the one that was named. */
export function connectLines(io: CliIo, keystore: KeystoreKind, passphraseFile?: string): string[] {
  const program = ['-y', pinnedSpec(io.version)];
  const home = io.env['PURSER_HOME'];
  const named = passphraseFile ?? io.env['PURSER_PASSPHRASE_FILE'];
  // A client starts the server in a folder of its own choice.
  const unlock = keystore === 'file' && named ? resolve(named) : undefined;
  const install = commandLine('install', [], { '--passphrase-file': unlock });
  const env = {
    ...(home ? { PURSER_HOME: home } : {}),
    ...(keystore === 'file' ? { PURSER_PASSPHRASE_FILE: unlock ?? '/path/to/the/passphrase/file' } : {}),
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
