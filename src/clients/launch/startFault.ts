import { execFile } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Launch } from './launch.js';
import { pathsOf, type Machine } from '../machine.js';
import { findProgram } from '../place.js';
import { specIn } from './writtenLaunch.js';

/** Node says its version at once; whatever takes longer is no Node. */
const VERSION_MS_MAX = 5_000;
/** The oldest Node whose binary interface the ledger's database has. */
export const NAPI_MIN = 10;

/**
 * What a client will miss when it starts the server this way, as the end of a sentence; null where all of it is
 * there. Looks for the program, for what it starts, and at the Node that both find. Starts nothing of ours.
 */
export async function findStartFault(launch: Launch, machine: Machine): Promise<string | null> {
  const { command, args, env } = launch;
  const path = env['PATH'] ?? env['Path'];
  const there = path === undefined ? machine : { ...machine, env: { ...machine.env, PATH: path } };
  const where = path === undefined ? 'PATH' : 'the PATH that the entry brings along';
  const paths = pathsOf(machine);
  const nameOf = (word: string): string => paths.basename(word).replace(/\.(?:exe|cmd)$/i, '');
  // `env npx …` looks for npx on that PATH.
  const [next = ''] = args;
  const words = nameOf(command) === 'env' && next !== '' ? [command, next] : [command];
  for (const word of words) {
    if (paths.isAbsolute(word)) {
      if (!existsSync(word)) return `${word} is not there`;
    } else if (machine.platform !== 'win32' && findProgram(word, there) === null) {
      return `${word} is in none of the folders of ${where}`;
    }
  }
  const program = words.at(-1) ?? command;
  // A script is named behind the Node that runs it, also on Windows, where npx itself needs a shell.
  if (nameOf(program) === 'node' && paths.isAbsolute(next) && !existsSync(next))
    return `${next} is not there`;
  const tarball = /^file:(.+)$/.exec(specIn(launch) ?? '')?.[1];
  if (tarball !== undefined && !existsSync(tarball)) return `${tarball} is not there`;
  if (machine.platform === 'win32' || !['npx', 'node'].includes(nameOf(program))) return null;
  const node = paths.isAbsolute(program) && nameOf(program) === 'node' ? program : findProgram('node', there);
  if (node === null) return `node is in none of the folders of ${where}`;
  return nodeFault(node, machine);
}

async function nodeFault(node: string, { execPath }: Machine): Promise<string | null> {
  // The Node that runs this has answered for itself.
  if (existsSync(execPath) && realpathSync(node) === realpathSync(execPath)) return null;
  try {
    const asked = ['-p', 'process.versions.napi + " " + process.version'];
    const { stdout } = await promisify(execFile)(node, asked, { timeout: VERSION_MS_MAX, env: {} });
    const [napi, version] = stdout.trim().split(' ');
    if (Number(napi) >= NAPI_MIN) return null;
    return `${node} is Node ${version}, which is too old`;
  } catch {
    return `${node} does not run`;
  }
}
