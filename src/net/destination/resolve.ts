import { lookup as lookupName } from 'node:dns/promises';
import { isIP } from 'node:net';
import { judgeAddress, mayConnect } from './address.js';
import type { Call } from '../call.js';
import { allowPrivateStep, type CallUrl } from './url.js';
import { NetFailure } from '../failure.js';

/** Gives every address of a name, as text; throws where it has none. */
export type Lookup = (host: string) => Promise<readonly string[]>;

/**
 * The machine's own resolver, so that its hosts file and VPN count; addresses come in its order of
 * preference.
 */
export const systemLookup: Lookup = async (host) =>
  (await lookupName(host, { all: true, order: 'verbatim' })).map(({ address }) => address);

/** An address that was judged, in the form `net.connect` takes from a resolver. */
export interface CheckedAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

function refuseAddress(call: Call, target: CallUrl, ip: string): NetFailure {
  const kind = judgeAddress(ip);
  const owner = mayConnect(kind, true) ? { owner: allowPrivateStep(target.hostPort) } : {};
  return new NetFailure(
    'address_refused',
    `The host resolves to a ${kind.replace('_', '-')} address, which the wallet does not connect to.`,
    { leg: call.leg, bytesLeft: call.bytesLeft, ...owner },
  );
}

/**
 * Judges one address of a target, also the peer of a connection already made. @throws NetFailure
 * `address_refused`
 */
export function judgeReached(call: Call, target: CallUrl, ip: string): void {
  if (!mayConnect(judgeAddress(ip), target.ownerAllowed)) throw refuseAddress(call, target, ip);
}

/**
 * Every address of the target's host, each of them judged: one that may not be reached spoils the name, for
 * which of them a connection would take is chance (T10). What is returned is what must be connected to; to
 * resolve again would let the name point elsewhere.
 *
 * @throws NetFailure `address_refused`, `unreachable`, or whatever ended the call
 */
export async function resolveChecked(
  call: Call,
  target: CallUrl,
  lookup: Lookup,
): Promise<readonly CheckedAddress[]> {
  const ips = isIP(target.host) === 0 ? await resolveName(call, target.host, lookup) : [target.host];
  for (const ip of ips) judgeReached(call, target, ip);
  return ips.map((address) => ({ address, family: isIP(address) === 4 ? 4 : 6 }));
}

async function resolveName(call: Call, host: string, lookup: Lookup): Promise<readonly string[]> {
  let ips: readonly string[];
  try {
    ips = await call.orFailure(lookup(host));
  } catch (cause) {
    call.throwIfFailed();
    throw call.failureOf('unreachable', 'The name of the host does not resolve.', { cause });
  }
  if (ips.length === 0) throw call.failureOf('unreachable', 'The name of the host has no address.');
  return ips;
}
