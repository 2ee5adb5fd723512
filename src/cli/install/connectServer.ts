import { resolve } from 'node:path';
import { WalletError } from '../../errors/walletError.js';
import { hashToken, nameInToken } from '../../money/agent.js';
import type { ServedAt } from '../../server/tunnel.js';
import type { CommandCall } from '../command.js';
import { readSecretFile } from '../setUp/passphrase.js';

const LOOPBACK: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];
/** What a request through a socket asks for: the server goes by that name everywhere. */
const SOCKET_URL = 'http://localhost/mcp';
const HTTP_PORT = 80;

/** Bridges this process's stdin and stdout to a wallet that is served over HTTP. */
export async function run({ io, flags }: CommandCall): Promise<number> {
  const [url, socket] = [flags.text('url'), flags.text('socket')];
  if ((url === undefined) === (socket === undefined))
    throw new WalletError('bad_input', 'connect needs either --url or --socket.');
  const tokenFile = flags.text('tokenFile');
  if (tokenFile === undefined) throw new WalletError('bad_input', 'connect needs --token-file.');
  const token = await readSecretFile(io, '--token-file', tokenFile);
  const { bridgeStdio } = await import('../../server/bridge.js');
  const target = url === undefined ? new URL(SOCKET_URL) : readUrl(url);
  const bridge = { url: target, token, version: io.version };
  // The certificate proves the server; what ends TLS before it may know nothing of tunnels.
  if (target.protocol === 'https:') return bridgeStdio({ ...bridge, fetch });
  const agent = nameInToken(token);
  if (agent === null)
    throw new WalletError('bad_input', '--token-file holds no token of an agent; agents add makes one.');
  const at = socket === undefined ? addressOf(target) : { path: resolve(socket) };
  const [{ tunnelFetch }, { tunnelKeyOf }] = await Promise.all([
    import('../../server/tunnelFetch.js'),
    import('../../server/tunnel.js'),
  ]);
  const key = tunnelKeyOf(hashToken(token));
  return bridgeStdio({ ...bridge, fetch: tunnelFetch({ at, host: target.host, agent, key }) });
}

function addressOf({ hostname, port }: URL): ServedAt {
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? HTTP_PORT : Number(port) };
}

function readUrl(text: string): URL {
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
