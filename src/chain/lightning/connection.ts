import { X509Certificate } from 'node:crypto';
import { isJsonObject, parseJson, statedField, statedText } from '../../text/json.js';

const KEY = /^[0-9a-f]{64}$/;
/** A macaroon of LND has some hundred bytes; one with many permissions a few thousand. */
const MACAROON_HEX = /^(?:[0-9a-f]{2}){16,8192}$/;
/** A connection string has some hundred characters, with a certificate a few thousand. */
const TEXT_CHARS_MAX = 32_768;
const RELAYS_MAX = 8;
const NODE_ID = /^0[23][0-9a-f]{64}$/;

/** A wallet that is reached over Nostr relays (NIP-47, "Nostr Wallet Connect"). */
export interface NwcConnection {
  readonly kind: 'nwc';
  /** The wallet's key, by which it signs its answers. */
  readonly walletKey: string;
  readonly relays: readonly string[];
  /** The key that this connection asks by: whoever has it spends the wallet's money. */
  readonly secret: string;
}

/** A node of LND by its REST interface. */
export interface LndConnection {
  readonly kind: 'lnd';
  /** https, host and port. */
  readonly origin: string;
  /** In hex: whoever has it can do with the node what it permits. */
  readonly macaroon: string;
  /** The one certificate that is believed, PEM; null where a public authority vouches for the host. */
  readonly certificate: string | null;
  /** The node's own key, as it told it when it was connected; null before. */
  readonly nodeId: string | null;
}

/** How the owner's Lightning money is reached. It holds a secret: it is shown nowhere and kept sealed. */
export type LightningConnection = NwcConnection | LndConnection;

/**
 * Reads what the owner pastes: a `nostr+walletconnect:` string of NIP-47, or an `lndconnect:` string. Else what is wrong
 * with it, as a clause that quotes nothing of it (T21).
 */
export function readConnectionString(given: string): LightningConnection | string {
  const text = given.trim();
  if (text.length > TEXT_CHARS_MAX) return 'is too long';
  if (!URL.canParse(text)) return 'is no connection string';
  const url = new URL(text);
  if (url.protocol === 'nostr+walletconnect:' || url.protocol === 'nostrwalletconnect:') return readNwc(url);
  if (url.protocol === 'lndconnect:') return readLnd(url);
  return 'is neither a nostr+walletconnect: nor an lndconnect: string';
}

function readNwc(url: URL): NwcConnection | string {
  const walletKey = (url.host === '' ? url.pathname.replace(/^\/+/, '') : url.host).toLowerCase();
  const secret = (url.searchParams.get('secret') ?? '').toLowerCase();
  const relays = [...new Set(url.searchParams.getAll('relay'))];
  if (!KEY.test(walletKey)) return 'names no wallet';
  if (!KEY.test(secret)) return 'has no secret';
  if (relays.length === 0 || relays.length > RELAYS_MAX) return `names no relay, or more than ${RELAYS_MAX}`;
  if (!relays.every(isRelay)) return 'names a relay that is no wss: address (or ws: on this machine)';
  return { kind: 'nwc', walletKey, relays, secret };
}

function isRelay(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || url.username !== '' || url.password !== '') return false;
  return url.protocol === 'wss:' || (url.protocol === 'ws:' && isOwnMachine(url.hostname));
}

function isOwnMachine(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}

function readLnd(url: URL): LndConnection | string {
  const macaroon = bytesOf(url.searchParams.get('macaroon') ?? '').toString('hex');
  if (url.host === '') return 'names no host';
  if (!MACAROON_HEX.test(macaroon)) return 'has no macaroon';
  const stated = url.searchParams.get('cert');
  const certificate = stated === null || stated === '' ? null : readCertificate(bytesOf(stated));
  if (certificate === undefined) return 'has a certificate that cannot be read';
  // The port of an address that names none is a browser's, and no node's.
  const origin = `https://${url.host}`;
  return URL.canParse(origin)
    ? { kind: 'lnd', origin, macaroon, certificate, nodeId: null }
    : 'names no host';
}

function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'base64url');
}

function readCertificate(der: Buffer): string | undefined {
  try {
    return new X509Certificate(der).toString();
  } catch {
    return undefined;
  }
}

/** A connection as text, to be sealed and kept. */
export function writeConnection(connection: LightningConnection): string {
  return JSON.stringify({ version: 1, ...connection });
}

/** Reads {@link writeConnection}'s text; null for anything else. */
export function readConnection(text: string): LightningConnection | null {
  const stored = parseJson(text);
  if (!isJsonObject(stored) || statedField(stored, 'version') !== 1) return null;
  const at = (name: string): string => statedText(stored, name) ?? '';
  if (at('kind') === 'nwc') {
    const relays = statedField(stored, 'relays');
    if (!Array.isArray(relays) || !relays.every((one) => typeof one === 'string')) return null;
    return { kind: 'nwc', walletKey: at('walletKey'), relays, secret: at('secret') };
  }
  if (at('kind') !== 'lnd') return null;
  const nodeId = at('nodeId');
  return {
    ...{ kind: 'lnd', origin: at('origin'), macaroon: at('macaroon') },
    certificate: statedText(stored, 'certificate') ?? null,
    nodeId: NODE_ID.test(nodeId) ? nodeId : null,
  };
}

/** What a wallet is known by in the ledger: a payment that was asked of one is no other's to tell of. */
export function walletIdOf(connection: LightningConnection): string {
  return connection.kind === 'nwc' ? `nwc:${connection.walletKey}` : `lnd:${connection.nodeId ?? ''}`;
}
