import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Socket } from 'node:net';
import { WalletError } from '../../errors/walletError.js';
import type { Call } from '../call.js';
import type { CallUrl } from '../destination/url.js';

/**
 * The owner's `net.proxy`: no proxy, what `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say, or an http(s) URL.
 */
export type ProxySetting = 'none' | 'env' | (string & {});

/** Says through which proxy a target is called; undefined is a connection of our own. */
export type Route = (target: CallUrl) => URL | undefined;

type Environment = Readonly<Record<string, string | undefined>>;

/** Header bytes read from a proxy's answer to CONNECT, which needs none. */
const PROXY_HEADER_BYTES_MAX = 16 * 1024;

function parseProxy(text: string): URL {
  const spelling = text.includes('://') ? text : `http://${text}`;
  const url = URL.canParse(spelling) ? new URL(spelling) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol) || url.hostname === '') {
    // The text may hold a password, so the message does not.
    throw new WalletError('config_invalid', 'net.proxy is not "none", "env" or an http(s) URL.', {
      owner: {
        say: 'The proxy setting is not usable.',
        action: { kind: 'setSetting', key: 'net.proxy', value: 'none' },
      },
    });
  }
  return url;
}

/**
 * One entry of NO_PROXY: a host and everything below it, at one port where it names one; `*` is every host.
 */
function isExempt(entry: string, target: CallUrl): boolean {
  if (entry === '*') return true;
  const [, suffix = '', port] = /^\*?\.?([^:]*|\[.*\])(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
  const host = suffix.replace(/^\[|\]$/g, '');
  if (host === '' || (port !== undefined && Number(port) !== target.port)) return false;
  return target.host === host || target.host.endsWith(`.${host}`);
}

/**
 * Reads `net.proxy`. What the owner allowed by exact host and port is always called directly: it lies in a
 * network this machine sees and a proxy may not.
 *
 * @throws WalletError `config_invalid`
 */
export function readProxySetting(setting: ProxySetting, environment: Environment): Route {
  if (setting === 'none') return () => undefined;
  if (setting !== 'env') {
    const proxy = parseProxy(setting);
    return (target) => (target.ownerAllowed ? undefined : proxy);
  }
  const named = ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'].map((name) => environment[name]);
  const text = named.find((value) => value !== undefined && value !== '');
  if (text === undefined) return () => undefined;
  const proxy = parseProxy(text);
  const exempt = (environment['no_proxy'] ?? environment['NO_PROXY'] ?? '').split(/[\s,]+/);
  return (target) =>
    target.ownerAllowed || exempt.some((entry) => isExempt(entry, target)) ? undefined : proxy;
}

/**
 * Asks a proxy for a connection to the target's host, by name: it resolves, so the checks of addresses are
 * its own (T10). Nothing of the request is in it but host and port.
 *
 * @throws NetFailure `unreachable`, or whatever ended the call
 */
export async function openTunnel(call: Call, proxy: URL, target: CallUrl): Promise<Socket> {
  const headers: Record<string, string> = { host: target.hostPort };
  if (proxy.username !== '' || proxy.password !== '') {
    const credentials = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
    headers['proxy-authorization'] = `Basic ${Buffer.from(credentials).toString('base64')}`;
  }
  const open = proxy.protocol === 'https:' ? requestHttps : requestHttp;
  const connecting = open({
    host: proxy.hostname.replace(/^\[|\]$/g, ''),
    port: proxy.port === '' ? (proxy.protocol === 'https:' ? 443 : 80) : Number(proxy.port),
    method: 'CONNECT',
    path: target.hostPort,
    headers,
    agent: false,
    maxHeaderSize: PROXY_HEADER_BYTES_MAX,
    signal: call.signal,
  });
  const tunnel = new Promise<Socket>((resolve, reject) => {
    const refuse = (status: number | undefined): void => {
      reject(call.failureOf('unreachable', `The proxy refused the connection (status ${status}).`));
    };
    connecting.once('connect', (answer, socket, head) => {
      // Nothing may speak before our own handshake; bytes here would be read as the seller's.
      if (answer.statusCode === 200 && head.length === 0) return resolve(socket);
      socket.destroy();
      refuse(answer.statusCode);
    });
    connecting.once('response', (answer) => {
      answer.destroy();
      refuse(answer.statusCode);
    });
    connecting.on('error', (cause) =>
      reject(call.failure ?? call.failureOf('unreachable', 'The proxy could not be reached.', { cause })),
    );
  });
  connecting.end();
  return tunnel;
}
