import { randomBytes, timingSafeEqual } from 'node:crypto';
import { readConfigUnauthenticated } from '../config/configFile.js';
import { SETTINGS, type Config } from '../config/settings.js';
import { ADMIN_ROLES, adminClient, type AdminRole } from '../config/value/adminClient.js';
import { WalletError } from '../errors/walletError.js';
import { hashToken } from '../money/agent.js';
import type { OwnerOptions } from './auth/ownerAuth.js';
import type { DeliverToken } from './newAgent.js';
import { changeConfigKeys } from './ownerConfig.js';

/** 256 random bits: nobody guesses a token, so none needs a slow hash. */
const TOKEN_BYTES = 32;
const DAY_MS = 24 * 3_600_000;
/** A token that lives longer is forgotten somewhere. */
const DAYS_MAX = 366;
/** Each is compared at every request. */
const CLIENTS_MAX = 100;

/** A client of the admin API as its owner sees it. */
export interface AdminClient {
  readonly name: string;
  readonly role: AdminRole;
  /** The last day that its token is good for, in UTC. */
  readonly until: string;
}

/**
 * Makes a client of the admin API with a token of its own: the owner's alone. The settings keep the token's hash. Throws
 * `bad_input`, and as a change of the config does.
 */
export async function addAdminClient(
  options: OwnerOptions,
  { name, role, days }: { readonly name: string; readonly role: string; readonly days: number },
  deliver: DeliverToken,
): Promise<AdminClient> {
  const known = ADMIN_ROLES.find((one) => one === role);
  if (known === undefined) throw new WalletError('bad_input', `A role is one of ${ADMIN_ROLES.join(', ')}.`);
  if (days < 1 || days > DAYS_MAX)
    throw new WalletError('bad_input', `A client is good for 1 to ${DAYS_MAX} days.`);
  const { clients } = readConfigUnauthenticated(options.home).admin;
  if (clients.has(name))
    throw new WalletError('bad_input', `There is a client ${name} already: remove it first.`);
  if (clients.size >= CLIENTS_MAX)
    throw new WalletError('bad_input', `A wallet has at most ${CLIENTS_MAX} clients: remove one first.`);
  const key = keyOf(name);
  const token = `adm_${randomBytes(TOKEN_BYTES).toString('base64url')}`;
  const until = new Date(options.now() + days * DAY_MS).toISOString().slice(0, 'YYYY-MM-DD'.length);
  const terms = { role: known, until, tokenHash: hashToken(token) };
  await changeConfigKeys(
    options,
    {
      what: `Adding the admin client ${name}`,
      action: { kind: 'addAdminClient', name, role: known, days },
      // Its token is made now, and its days are counted from now; whoever says so second is shown theirs.
      agreed: ['admin client', name, known, String(days)],
    },
    [{ key, text: JSON.stringify(adminClient.print(terms)) }],
    () => deliver(token),
  );
  return { name, role: known, until };
}

/** Takes a client away: its token opens nothing from then on. Throws `bad_input`, and as a change of the config does. */
export async function removeAdminClient(options: OwnerOptions, name: string): Promise<void> {
  if (!readConfigUnauthenticated(options.home).admin.clients.has(name))
    throw new WalletError('bad_input', `There is no admin client ${name}.`);
  await changeConfigKeys(
    options,
    { what: `Removing the admin client ${name}`, action: { kind: 'removeAdminClient', name } },
    [{ key: keyOf(name), text: 'none' }],
  );
}

/** The clients that a config has, by name. */
export function adminClientsIn({ admin }: Pick<Config, 'admin'>): AdminClient[] {
  return [...admin.clients].sort().map(([name, { role, until }]) => ({ name, role, until }));
}

/**
 * The client whose token this is, while its time runs; null for anybody else's. Takes the same time whichever it is.
 */
export function findAdminClient(
  { admin }: Pick<Config, 'admin'>,
  token: string,
  nowMs: number,
): AdminClient | null {
  const given = Buffer.from(hashToken(token), 'hex');
  let found: AdminClient | null = null;
  for (const [name, { role, until, tokenHash }] of admin.clients) {
    const isIt = timingSafeEqual(given, Buffer.from(tokenHash, 'hex'));
    if (isIt && nowMs < Date.parse(until) + DAY_MS) found = { name, role, until };
  }
  return found;
}

/** Whether a client with a role may do what takes another one. */
export function mayAs(role: AdminRole, needed: AdminRole): boolean {
  return ADMIN_ROLES.indexOf(role) >= ADMIN_ROLES.indexOf(needed);
}

function keyOf(name: string): string {
  return SETTINGS.admin.clients.pathOf(name).join('.');
}
