import { readFileSync } from 'node:fs';
import { pathsOf, userFolder, type Machine } from '../machine.js';
import type { Launch } from './launch.js';

const REGISTRY = 'https://registry.npmjs.org/';

/** Where npx keeps what it fetched: one folder for each package and version. */
const NPX_FOLDER = /(?:[A-Za-z]:)?[^\s'"`()]*[\\/]_npx[\\/][0-9a-f]{8,64}/;

/** What npx or Node say of files that are missing or half there. */
const BROKEN_SIGNS =
  /MODULE_NOT_FOUND|Cannot find (?:module|package)|ENOTEMPTY|ENOENT|Could not determine executable|not found/i;

/**
 * What may keep a server from starting, read from what it said on stderr; null for nothing that is known. `isLate` is whether
 * it ended nowhere within its time.
 */
export function startHint(launch: Launch, said: string, isLate: boolean, machine: Machine): string | null {
  const folder = NPX_FOLDER.exec(said)?.[0];
  if (folder !== undefined && BROKEN_SIGNS.test(said))
    return `npx keeps a broken copy of the package: remove the folder ${folder}, then try again`;
  if (
    isByNpx(launch) &&
    (isLate || /ETIMEDOUT|ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|network/.test(said))
  )
    return `npx fetches the package from ${registryOf(launch, machine)}, which may not answer: see whether this machine reaches it`;
  return null;
}

function isByNpx({ command, args }: Launch): boolean {
  return [command, ...args].some((word) => /(?:^|[\\/])npx(?:-cli\.js|\.cmd)?$/.test(word));
}

/** From where npx fetches the package before this launch starts it; null where it starts at once. */
export function fetchedFrom(launch: Launch, machine: Machine): string | null {
  return isByNpx(launch) && !launch.args.some((word) => word.startsWith('file:'))
    ? registryOf(launch, machine)
    : null;
}

/** The registry that a client's npx asks, with the proxy it goes through: what a shell set is not known to a client. */
function registryOf({ env }: Launch, machine: Machine): string {
  const settings = readSettings(machine);
  const named = (key: string): string | undefined =>
    env[`npm_config_${key.replaceAll('-', '_')}`] ?? settings.get(key);
  const proxy = named('https-proxy') ?? named('proxy') ?? env['HTTPS_PROXY'];
  const registry = hostOf(named('registry') ?? REGISTRY);
  return proxy === undefined ? registry : `${registry} through the proxy ${hostOf(proxy)}`;
}

/** The user's own npm settings; a token in them is read past. */
function readSettings(machine: Machine): ReadonlyMap<string, string> {
  try {
    const text = readFileSync(pathsOf(machine).join(userFolder(machine), '.npmrc'), 'utf8');
    const pairs = text.split('\n').flatMap((line) => {
      const [, key, value] = /^\s*([\w-]+)\s*=\s*(\S+)\s*$/.exec(line) ?? [];
      return key === undefined || value === undefined ? [] : [[key, value] as const];
    });
    return new Map(pairs);
  } catch {
    return new Map();
  }
}

/** The host of an address: the rest of it may hold a password. */
function hostOf(address: string): string {
  return URL.canParse(address) ? new URL(address).host : 'an address that is none';
}
