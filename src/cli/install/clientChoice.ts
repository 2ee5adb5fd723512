import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { clients, findClient, type Client } from '../../clients/client.js';
import { entryIn } from '../../clients/install.js';
import {
  findNode,
  isInstalled,
  launchInstalled,
  launchOn,
  pinnedSpec,
  type Launch,
  type NodePlace,
} from '../../clients/launch/launch.js';
import type { Machine } from '../../clients/machine.js';
import { findPlaces, managedFileOf } from '../../clients/place.js';
import {
  otherEntriesIn,
  projectEntriesIn,
  standInsIn,
  type OtherEntry,
  type StandIn,
} from '../../clients/otherEntries.js';
import { pinOf } from '../../clients/launch/writtenLaunch.js';
import { resolveHome } from '../../config/home.js';
import { isWalletError, WalletError } from '../../errors/walletError.js';
import type { KeystoreKind } from '../../keys/keystore.js';
import type { CommandCall } from '../command.js';
import { isInteractive, type CliIo } from '../terminal/io.js';
import { askLine } from '../terminal/input/prompt.js';
import { printLines } from '../terminal/output/show.js';

/** One file of a client on this machine. */
export interface Target {
  readonly client: Client;
  readonly file: string;
  /** Whether the client was ever here. */
  readonly there: boolean;
  /** Our entry, as it says; undefined without one. */
  readonly entry: unknown;
  /** An administrator's file, which the client reads in place of the user's; null where there is none. */
  readonly managedBy: string | null;
  /** Why the file cannot be read, and so may have an entry; null where it can. */
  readonly fault: string | null;
  /** Entries that start Purser under another name, or for one project alone. */
  readonly others: readonly OtherEntry[];
  /** Entries that stand for paid MCP servers. */
  readonly standIns: readonly StandIn[];
}

/** The machine that a command runs on. */
export function machineOf(io: CliIo): Machine {
  return { platform: io.platform, env: io.env, execPath: process.execPath, version: io.version };
}

/** Every place of the clients named, or of all. Throws `bad_input` for a name that is none. */
export async function findTargets(io: CliIo, names: readonly string[]): Promise<readonly Target[]> {
  const machine = machineOf(io);
  const chosen = names.length === 0 ? clients : names.map(requireClient);
  const places = [...new Set(chosen)].flatMap((client) =>
    findPlaces(client, machine).map((place) => ({
      client,
      managedBy: managedFileOf(client, machine),
      ...place,
    })),
  );
  return Promise.all(
    places.map(async (place) => {
      try {
        const entry = await entryIn(place.client, place.file);
        const others = [
          ...(await otherEntriesIn(place.client, place.file)),
          ...(await projectEntriesIn(place.client, process.cwd(), place.file)),
        ];
        const standIns = await standInsIn(place.client, place.file);
        return { ...place, entry, fault: null, others, standIns };
      } catch (error) {
        // T44: one client's trouble never ends another's.
        const fault = isWalletError(error) ? error.shortMessage : 'it cannot be read';
        return { ...place, entry: undefined, fault, others: [], standIns: [] };
      }
    }),
  );
}

function requireClient(name: string): Client {
  const client = findClient(name);
  if (client !== undefined) return client;
  const known = clients.map(({ id }) => id).join(', ');
  throw new WalletError('bad_input', `${JSON.stringify(name)} is no client known here: ${known}.`);
}

/** Asks which of several a person means: Enter for all, or numbers. Throws `cancelled`. */
export async function chooseTargets(
  io: CliIo,
  targets: readonly Target[],
  question: string,
): Promise<readonly Target[]> {
  if (!isInteractive(io)) {
    throw new WalletError('bad_input', 'Without a terminal, name the clients or give --yes for all.');
  }
  const width = Math.max(...targets.map(({ client }) => client.label.length));
  const lines = targets.map(({ client, entry }, i) => {
    const pin = entry === undefined ? '' : `  has purser ${pinOf(entry) ?? ''}`.trimEnd();
    return `  ${String(i + 1).padStart(2)}  ${client.label.padEnd(width)}${pin}`.trimEnd();
  });
  printLines(io.stderr, ['MCP clients on this computer:', ...lines]);
  for (;;) {
    const answer = await askLine(io, question);
    if (answer === null) throw new WalletError('cancelled', 'Cancelled; nothing was changed.');
    const words = answer.split(/[\s,]+/).filter((word) => word !== '');
    const chosen = words.map((word) => targets[Number(word) - 1]);
    if (chosen.every((target) => target !== undefined))
      return words.length === 0 ? targets : [...new Set(chosen)];
    io.stderr.write(`Numbers from 1 to ${targets.length}, please.\n`);
  }
}

/** How clients are to start the server, and what kind of Node they will find. */
export interface ChosenLaunch {
  readonly launch: Launch;
  readonly node: NodePlace;
}

/** The launch that goes into clients' files: paths and names of the wallet where it needs them, never a secret. */
export function launchFor(
  { io, home, flags }: CommandCall,
  keystore: KeystoreKind | null,
  passphraseFile: string | undefined,
  unattended = false,
): ChosenLaunch {
  const { env, platform } = io;
  const machine = machineOf(io);
  const node = findNode(machine);
  // A program from a dock knows no variable that a shell set.
  const usual = resolveHome({ HOME: env['HOME'], USERPROFILE: env['USERPROFILE'] }, platform);
  const agent = env['PURSER_AGENT'];
  const wallet = {
    ...(usual === home ? {} : { PURSER_HOME: home }),
    ...(agent ? { PURSER_AGENT: agent } : {}),
    ...(keystore === 'file' && passphraseFile ? { PURSER_PASSPHRASE_FILE: resolve(passphraseFile) } : {}),
  };
  const named = flags.text('package');
  // npx would run a bare path as a program, and a relative one means another file elsewhere.
  const isPath = named !== undefined && /^(?:\.{0,2}|[A-Za-z]:)[\\/]/.test(named);
  const spec = named === undefined ? pinnedSpec(io.version) : isPath ? `file:${resolve(named)}` : named;
  const program = unattended && named === undefined ? installedProgram() : null;
  const launch =
    program === null
      ? launchOn(machine, node, { env: wallet, spec })
      : launchInstalled(machine, node, { env: wallet, program });
  return { launch: unattended ? { ...launch, unattended } : launch, node };
}

/** The path of this program where npm installed it, not where npx keeps it for a while; null for anything else. */
function installedProgram(): string | null {
  const path = realPathOf(process.argv[1] ?? '');
  return isInstalled(path) && !/[\\/]_npx[\\/]/.test(path) ? path : null;
}

/** npm puts a link to an installed program on the PATH, and Node tells the link. */
function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
