import { SERVER_NAME } from '../../clients/client.js';
import type { Launch } from '../../clients/launch/launch.js';
import { WalletError } from '../../errors/walletError.js';
import type { CommandCall } from '../command.js';

/** What every client takes as a server's name; longer, its tools' names would pass the 64 characters that clients allow. */
const NAME_FORM = /^[a-z][a-z0-9_-]{0,31}$/i;
const NAME_LENGTH_MAX = 32;

/** A paid MCP server that clients are to reach by way of Purser. */
export interface PaidServer {
  readonly url: string;
  readonly name: string;
  readonly maxUsd: string | undefined;
}

/** The URL of an MCP server, as a person gave it. Throws `bad_input`. */
export function serverUrl(text: string, command: string): URL {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
    throw new WalletError(
      'bad_input',
      `${command} needs the absolute URL of an MCP server, without a user in it.`,
    );
  return url;
}

/** The paid server that `--mcp` names; null without it. Throws `bad_input`. */
export function paidServerOf(flags: CommandCall['flags']): PaidServer | null {
  const text = flags.text('mcp');
  if (text === undefined) {
    const alone = ['name', 'maxUsd'].find((flag) => flags.text(flag) !== undefined);
    if (alone === undefined) return null;
    throw new WalletError('bad_input', `--${alone === 'name' ? 'name' : 'max-usd'} goes with --mcp URL.`);
  }
  const url = serverUrl(text, '--mcp');
  const name = flags.text('name') ?? nameOfHost(url.hostname);
  if (!NAME_FORM.test(name) || name.toLowerCase() === SERVER_NAME)
    throw new WalletError(
      'bad_input',
      `--name takes a letter and up to ${NAME_LENGTH_MAX - 1} letters, digits, - and _, and not "${SERVER_NAME}".`,
    );
  return { url: url.href, name, maxUsd: flags.text('maxUsd') };
}

/** A name for a server at a host: `mcp.example.com` is `example-com`. */
function nameOfHost(host: string): string {
  const words = host.replace(/^(?:mcp|www)\./, '').replace(/[^a-z0-9]+/gi, '-');
  const name = /^[a-z]/i.test(words) ? words : `mcp-${words}`;
  return name.slice(0, NAME_LENGTH_MAX).replace(/-+$/, '');
}

/** The launch that stands for a paid server, from the one that starts the wallet. */
export function standInLaunch(own: Launch, { url, name, maxUsd }: PaidServer): Launch {
  const bound = maxUsd === undefined ? [] : ['--max-usd', maxUsd];
  return { ...own, args: [...own.args, 'mcp', url, ...bound], name };
}
