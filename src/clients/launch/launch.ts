import { realpathSync, statSync } from 'node:fs';
import { expand, pathsOf, userFolder, type Machine } from '../machine.js';

/** How a client starts our server. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Whether nobody answers the client's prompts: clients that ask before a call are then told not to. */
  readonly unattended?: boolean;
  /** What the entry is called, where it stands for a paid MCP server; without it the entry is the wallet's own. */
  readonly name?: string;
}

/** What the launch tells the server about the wallet: only paths and names, never a secret. */
export interface LaunchWallet {
  /** `PURSER_HOME`, `PURSER_AGENT`, `PURSER_PASSPHRASE_FILE`: those that are needed. */
  readonly env: Readonly<Record<string, string>>;
  /** What npx is to start: a package with its exact version, or a path to a tarball. */
  readonly spec: string;
}

/** The package with its version: what is pinned. */
export function pinnedSpec(version: string): string {
  return `purser-mcp@${version}`;
}

/** The launch for links and documents, which know no machine: it leaves finding npx to the client. */
export function portableLaunch(spec: string): Launch {
  return { command: 'npx', args: ['-y', spec], env: {} };
}

/** Where Node was found, for a launch that has to work tomorrow too. */
export interface NodePlace {
  /** Folders to look for node and npx in, best first. */
  readonly folders: readonly string[];
  /** True where all that is known of this Node is the folder of its one version, which goes with it. */
  readonly passing: boolean;
}

/** Links that stay when the Node behind them is replaced: a package manager's, a version manager's default. */
const STABLE_FOLDERS: readonly string[] = [
  '/opt/homebrew/bin',
  '/usr/local/bin',
  '/usr/bin',
  '/home/linuxbrew/.linuxbrew/bin',
  '/run/current-system/sw/bin',
  '/snap/bin',
  '{home}/.volta/bin',
  '{home}/.nvm/current/bin',
  '{home}/.local/share/fnm/aliases/default/bin',
  '{home}/Library/Application Support/fnm/aliases/default/bin',
  '{home}/.local/share/mise/installs/node/latest/bin',
];
/** What every system has, and a program started from a dock needs: sh, env, openers of pages. */
const SYSTEM_FOLDERS = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin'];
/** A folder named after one version, as version managers and Homebrew's cellar have them. */
const VERSION_FOLDER = /[\\/](?:node-)?v?\d+\.\d+\.\d+[^\\/]*[\\/]/;

/**
 * Finds folders for this Node that outlive it where there are some: `/opt/homebrew/bin` for a Node of Homebrew, a
 * version manager's default where that is this Node.
 */
export function findNode(machine: Machine): NodePlace {
  const paths = pathsOf(machine);
  const own = paths.dirname(machine.execPath);
  if (machine.platform === 'win32') return { folders: [own], passing: VERSION_FOLDER.test(machine.execPath) };
  const real = realOf(machine.execPath);
  const isVolta = machine.execPath.startsWith(`${userFolder(machine)}/.volta/`);
  const stable = STABLE_FOLDERS.map((folder) => expand(folder, machine)).filter(
    (folder) =>
      realOf(`${folder}/node`) === real ||
      (isVolta && folder.endsWith('/.volta/bin') && isFile(`${folder}/node`)),
  );
  const passing = stable.length === 0 && VERSION_FOLDER.test(machine.execPath);
  const others = STABLE_FOLDERS.map((folder) => expand(folder, machine)).filter((folder) =>
    isFile(`${folder}/node`),
  );
  // This Node's folder stays on the PATH, since npx may exist only beside it. Others take over once it is gone.
  return { folders: [...new Set([...stable, own, ...others])], passing };
}

/**
 * How a client on this machine starts the server. Programs started from a dock have no shell's PATH, and npx is a
 * script that looks for node on it: so the launch brings a PATH along, with further places behind this Node's, and
 * starts with what is at the same path everywhere.
 */
export function launchOn(machine: Machine, node: NodePlace, wallet: LaunchWallet): Launch {
  const paths = pathsOf(machine);
  const args = ['-y', wallet.spec];
  if (machine.platform === 'win32') {
    const [folder = ''] = node.folders;
    const system = machine.env['SystemRoot'] || 'C:\\Windows';
    // npx.cmd needs a shell; this is what it starts.
    const npx = paths.join(folder, 'node_modules', 'npm', 'bin', 'npx-cli.js');
    const PATH = [folder, paths.join(system, 'System32'), system].join(';');
    return { command: machine.execPath, args: [npx, ...args], env: { PATH, ...wallet.env } };
  }
  const PATH = [...new Set([...node.folders, ...SYSTEM_FOLDERS])].join(':');
  return { command: '/usr/bin/env', args: ['npx', ...args], env: { PATH, ...wallet.env } };
}

/** The path of our program where npm installed the package. */
export function isInstalled(path: string): boolean {
  return /[\\/]node_modules[\\/]purser-mcp[\\/]bin[\\/]purser\.js$/.test(path);
}

/**
 * The launch of an installed package by the path of its program: nothing is looked up or fetched before the server answers,
 * as a client needs that goes to work at once.
 */
export function launchInstalled(
  machine: Machine,
  node: NodePlace,
  { env, program }: { readonly env: LaunchWallet['env']; readonly program: string },
): Launch {
  const { env: usual } = launchOn(machine, node, { env, spec: '' });
  const paths = pathsOf(machine);
  const [folder = paths.dirname(machine.execPath)] = node.folders;
  const command =
    machine.platform === 'win32' ? machine.execPath : paths.join(folder, paths.basename(machine.execPath));
  return { command, args: [program], env: usual };
}

/** Files of programs that Flatpak shuts in: there, neither npx nor Node is at the path it has outside. */
const FLATPAK_FILE = /[\\/]\.var[\\/]app[\\/][^\\/]+[\\/]/;

/** The launch for a client whose file this is: one shut in by Flatpak has it started outside, by Flatpak's own way out. */
export function launchFrom(file: string, launch: Launch): Launch {
  if (!FLATPAK_FILE.test(file)) return launch;
  const env = Object.entries(launch.env).map(([name, value]) => `--env=${name}=${value}`);
  return {
    ...launch,
    command: 'flatpak-spawn',
    args: ['--host', ...env, launch.command, ...launch.args],
    env: {},
  };
}

function realOf(file: string): string | null {
  try {
    return realpathSync(file);
  } catch {
    return null;
  }
}

function isFile(file: string): boolean {
  try {
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
