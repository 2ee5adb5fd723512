import { isIP } from 'node:net';
import { WalletError } from '../../../errors/walletError.js';

/** How a server is to be reached. */
export interface BindingOptions {
  /** An address or name to listen at; 127.0.0.1 unless given. */
  readonly host?: string | undefined;
  /** More names that clients reach it by, such as a proxy's. */
  readonly allowHosts?: readonly string[];
  readonly tls: boolean;
  /** The owner's word that a proxy in front brings TLS. */
  readonly behindProxy: boolean;
}

/** Where a server listens, and the only host names it answers to. */
export interface Binding {
  readonly host: string;
  readonly hostnames: readonly string[];
  readonly behindProxy: boolean;
}

const LOOPBACK: readonly string[] = ['127.0.0.1', 'localhost', '[::1]'];
const EVERYWHERE: readonly string[] = ['0.0.0.0', '::', '[::]'];
/** A name as a `Host` header has it, without its port. */
const NAME = /^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]+\])$/;

/**
 * Settles where to listen. Throws `bad_input` for an address that others can reach without TLS, since a token that
 * crosses a network in the clear is anybody's, and for one that says no name to be reached by.
 */
export function settleBinding({
  host = '127.0.0.1',
  allowHosts = [],
  tls,
  behindProxy,
}: BindingOptions): Binding {
  const named = asHostname(host);
  const isLocal = LOOPBACK.includes(named);
  if (!isLocal && !tls && !behindProxy) {
    throw new WalletError(
      'bad_input',
      `Others can reach ${host}, so it needs TLS: give --tls-cert and --tls-key, or --behind-proxy if a proxy in front provides TLS.`,
    );
  }
  const extra = allowHosts.map(asHostname);
  if (EVERYWHERE.includes(host) && extra.length === 0) {
    throw new WalletError(
      'bad_input',
      `At ${host} the server has no name of its own: say with --allow-host which one clients use.`,
    );
  }
  const own = isLocal || EVERYWHERE.includes(host) ? [] : [named];
  return {
    host: host.replace(/^\[|\]$/g, ''),
    hostnames: [...new Set([...LOOPBACK, ...own, ...extra])],
    behindProxy,
  };
}

/** Addresses that only this machine can reach. */
const LOOPBACK_ADDRESS = /^(?:(?:::ffff:)?127\.|::1$)/;

/** Throws `bad_input` where what listens without TLS turned out to be at an address that others can reach. */
export function checkPlainAddress(address: string, { behindProxy }: Binding): void {
  if (LOOPBACK_ADDRESS.test(address) || behindProxy) return;
  throw new WalletError(
    'bad_input',
    `Others can reach ${address}, so it needs TLS: listen at 127.0.0.1 or at a Unix socket, or give --behind-proxy if a proxy in front provides TLS.`,
  );
}

function asHostname(host: string): string {
  const name = (isIP(host) === 6 ? `[${host}]` : host).toLowerCase();
  if (!NAME.test(name)) {
    throw new WalletError('bad_input', `${JSON.stringify(host)} is no host name; leave scheme and port out.`);
  }
  return name;
}

/** Whether a `Host` header, or the authority of an `Origin`, names this server. Ports are not compared. */
export function namesUs(authority: string | undefined, hostnames: readonly string[]): boolean {
  const name = /^([^:[\]@/?#\s]+|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?$/.exec(authority ?? '')?.[1];
  return name !== undefined && hostnames.includes(name.toLowerCase());
}

/** Whether a browser's `Origin` is a page of this server's own names. `null`, and other schemes, are not. */
export function isOwnOrigin(origin: string, hostnames: readonly string[]): boolean {
  const authority = /^https?:\/\/([^/]+)$/i.exec(origin)?.[1];
  return namesUs(authority, hostnames);
}
