import { WalletError } from '../../errors/walletError.js';
import type { CommandCall } from '../command.js';
import { readSecretFile } from '../setUp/passphrase.js';

const LOOPBACK: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/** Bridges this process's stdin and stdout to a wallet that is served over HTTP. */
export async function run({ io, flags }: CommandCall): Promise<number> {
  const url = readUrl(flags.text('url'));
  const tokenFile = flags.text('tokenFile');
  if (tokenFile === undefined) throw new WalletError('bad_input', 'connect needs --token-file.');
  const token = await readSecretFile(io, '--token-file', tokenFile);
  const { bridgeStdio } = await import('../../server/bridge.js');
  return bridgeStdio({ url, token, version: io.version });
}

function readUrl(text: string | undefined): URL {
  if (text === undefined) throw new WalletError('bad_input', 'connect needs --url.');
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
    throw new WalletError('bad_input', '--url must be an absolute http or https URL without a user in it.');
  if (url.protocol === 'http:' && !LOOPBACK.includes(url.hostname)) {
    throw new WalletError(
      'bad_input',
      `A token must not cross a network in the clear: reach ${url.hostname} by https, or through a tunnel to this machine.`,
    );
  }
  if (url.pathname === '/') url.pathname = '/mcp';
  return url;
}
