import { WalletError } from '../../errors/walletError.js';

/** Where a ledger in PostgreSQL stands. Holds no secret: the password is read from a file when a session opens. */
export interface PostgresPlace {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  /** The schema of the database that is this wallet's own. */
  readonly schema: string;
  /** A file that holds the password alone, or null where the server asks for none. */
  readonly passwordFile: string | null;
  /** A file with the authorities that the server's certificate is proved by, or null for those of the system. */
  readonly caFile: string | null;
}

const DEFAULT_PORT = 5432;
/** PostgreSQL cuts a longer name off, and `purser_` stands before it in the name of the channel. */
const SCHEMA_NAME = /^[a-z][a-z0-9_]{0,47}$/;
const DEFAULT_SCHEMA = 'purser';

/**
 * Reads `postgres://user@host:port/database?schema=purser&sslrootcert=FILE`. A password stands in no address: it would be
 * seen in the list of processes and in the shell's history. Throws `bad_input`.
 */
export function readPostgresUrl(text: string, passwordFile: string | null = null): PostgresPlace {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol))
    throw badPlace('The address of the ledger must be postgres://user@host/database.');
  if (url.password !== '')
    throw badPlace('The address of the ledger must not hold a password. Put the password into a file.');
  const database = decodeURIComponent(url.pathname.slice(1));
  const host = decodeURIComponent(url.hostname).replace(/^\[|\]$/g, '');
  if (url.username === '' || host === '' || database === '' || database.includes('/'))
    throw badPlace('The address of the ledger must name a user, a host and a database.');
  const { schema = DEFAULT_SCHEMA, sslrootcert = null, sslmode = 'verify-full', ...others } = paramsOf(url);
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw badPlace(`The address of the ledger has an unknown part: ${unknown}.`);
  if (sslmode !== 'verify-full') throw badPlace('The ledger is reached with sslmode=verify-full alone.');
  if (!SCHEMA_NAME.test(schema))
    throw badPlace('The name of a schema has up to 48 lower-case letters, digits and underscores.');
  const port = url.port === '' ? DEFAULT_PORT : Number(url.port);
  const user = decodeURIComponent(url.username);
  return { host, port, user, database, schema, passwordFile, caFile: sslrootcert };
}

/** How a place is named to people: everything but its files. */
export function placeName({ host, port, user, database, schema }: PostgresPlace): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return `postgres://${encodeURIComponent(user)}@${name}:${port}/${encodeURIComponent(database)}?schema=${schema}`;
}

/** The address that {@link readPostgresUrl} reads as this place, but for the file of its password. */
export function placeUrl(place: PostgresPlace): string {
  const { caFile } = place;
  return placeName(place) + (caFile === null ? '' : `&sslrootcert=${encodeURIComponent(caFile)}`);
}

/** Whether a host is this machine, so that nobody reads along. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

function paramsOf(url: URL): Partial<Record<string, string>> {
  return Object.fromEntries(url.searchParams);
}

function badPlace(message: string): WalletError {
  return new WalletError('bad_input', message);
}
