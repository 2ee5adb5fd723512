import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readConfigUnauthenticated } from '../config/configFile.js';
import { checkHome, checkOwned } from '../config/home.js';
import type { Config } from '../config/settings.js';
import { isWalletError, type WalletError } from '../errors/walletError.js';
import type { AskPassphrase, UnlockedWallet } from '../keys/keystore.js';
import { readAddress } from '../money/address.js';
import { DEFAULT_AGENT } from '../money/agent.js';
import { isBase58 } from '../money/base58.js';
import { findNetwork } from '../money/network.js';
import { replaceFile } from '../platform/durableFile.js';
import type { AgentPlace } from '../wallet/agentAddress.js';
import { unlockAsAnyone } from './auth/ownerAuth.js';

/** Where the wallet's addresses are noted, for whoever looks without keys. */
const ADDRESSES_FILE = 'addresses.json';
const FILE_BYTES_MAX = 256 * 1024;
/** More agents than any wallet has. */
const AGENTS_MAX = 1_000;

/** What is said of a keystore that is there and was not opened; whatever else is wrong with it is thrown. */
const LOCKED = ['keystore_locked', 'keychain_locked', 'keystore_unavailable', 'wrong_passphrase'] as const;

/** The addresses of one agent; `solana` is null in a wallet of an imported EVM key. */
interface NotedAddress {
  readonly agent: string;
  readonly evm: string;
  readonly solana: string | null;
}

/**
 * The wallet's addresses, and how far they can be trusted.
 *
 * Who can write the wallet's folder can write any address there, and no key is at hand to tell. So one that is only noted
 * is shown, and looked up on chain; it is never given as a place to send money (docs/design.md, "Two secrets").
 */
export interface KnownAddresses {
  /** Whether the keys gave these addresses just now. */
  readonly isProved: boolean;
  /** The agents', the first agent's first; empty where nothing is noted. */
  readonly agents: readonly NotedAddress[];
  /** Whether the note beside the wallet says something else than the keys: then it was changed by somebody else. */
  readonly isNoteForged: boolean;
  /** The keys, where they opened. */
  readonly keys: UnlockedWallet | null;
  /** Why they did not; null where they did. */
  readonly locked: WalletError | null;
}

const noted = z
  .array(
    z.strictObject({
      agent: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/),
      evm: z.string().refine((text) => readAddress(text) === text),
      solana: z
        .string()
        .refine((text) => isBase58(text, 'address'))
        .nullable(),
    }),
  )
  .max(AGENTS_MAX);

/**
 * The addresses by the keys where they open, else as they are noted. `passphrase` asks nobody unless the caller wants that.
 * Throws `not_set_up`, `home_*`, and what a damaged keystore throws.
 */
export async function knownAddresses(place: {
  readonly home: string;
  readonly passphrase: AskPassphrase;
}): Promise<KnownAddresses> {
  const { home } = place;
  try {
    const keys = await unlockAsAnyone(place);
    const note = readNote(home);
    const agents = await addressesOf(keys, readConfigUnauthenticated(home));
    return { isProved: true, agents, isNoteForged: !agrees(note, agents), keys, locked: null };
  } catch (error) {
    if (!isWalletError(error) || !LOCKED.some((code) => code === error.code)) throw error;
    checkHome(home);
    return { isProved: false, agents: readNote(home) ?? [], isNoteForged: false, keys: null, locked: error };
  }
}

/** Notes the addresses of open keys beside the wallet. Never fails: without the note the keys tell. */
export async function noteAddresses(
  home: string,
  keys: AddressKeys,
  config: Pick<Config, 'agents'>,
): Promise<void> {
  try {
    const agents = await addressesOf(keys, config);
    const text = `${JSON.stringify({ purser: 'addresses', agents }, null, 2)}\n`;
    await replaceFile(join(home, ADDRESSES_FILE), text, { mode: 0o600 });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  }
}

/** Where an agent's noted addresses are, on the enabled networks; none for an agent that is not among them. */
export function notedPlaces(
  { networks }: Pick<Config, 'networks'>,
  agents: readonly NotedAddress[],
  name: string = DEFAULT_AGENT,
): AgentPlace[] {
  const found = agents.find(({ agent }) => agent === name);
  if (found === undefined) return [];
  return networks.enabled.flatMap((caip2) => {
    const network = findNetwork(caip2);
    const address = network?.family === 'svm' ? found.solana : found.evm;
    return network === undefined || address === null ? [] : [{ network, address }];
  });
}

/** Keys as far as addresses are made of them. */
export type AddressKeys = Pick<UnlockedWallet, 'secretKind' | 'evmAddress' | 'solanaAddress'>;

async function addressesOf(keys: AddressKeys, { agents }: Pick<Config, 'agents'>): Promise<NotedAddress[]> {
  const indexes = new Map([[DEFAULT_AGENT, 0] as const, ...agents.index]);
  return Promise.all(
    [...indexes].map(async ([agent, index]) => ({
      agent,
      evm: await keys.evmAddress(index),
      solana: keys.secretKind === 'phrase' ? await keys.solanaAddress(index) : null,
    })),
  );
}

/** Whether a note holds nothing but addresses of these; an older one lacks some. */
function agrees(note: readonly NotedAddress[] | null, agents: readonly NotedAddress[]): boolean {
  return (note ?? []).every((one) =>
    agents.some(({ agent, evm, solana }) => agent === one.agent && evm === one.evm && solana === one.solana),
  );
}

/** The note; null where there is none that can be read. */
function readNote(home: string): readonly NotedAddress[] | null {
  let descriptor: number | undefined;
  try {
    const path = join(home, ADDRESSES_FILE);
    descriptor = openSync(path, 'r');
    const stats = fstatSync(descriptor);
    checkOwned(path, stats, '600');
    if (!stats.isFile() || stats.size > FILE_BYTES_MAX) return null;
    const { agents } = JSON.parse(readFileSync(descriptor, 'utf8')) as { agents?: unknown };
    return noted.parse(agents);
  } catch {
    return null;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
