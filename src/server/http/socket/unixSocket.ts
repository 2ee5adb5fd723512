import { lstatSync, realpathSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, resolve } from 'node:path';
import { WalletError } from '../../../errors/walletError.js';

/** The server's user and its group may connect; Node's own default would let everybody. */
export const SOCKET_UMASK = 0o117;
/** Who may write a folder besides its owner could put a socket of their own in the place of ours (T33). */
const OTHERS_WRITE = 0o022;
/** A path that is longer fits no address of a socket: 108 bytes on Linux, 104 on macOS, with their end. */
const PATH_BYTES_MAX = 103;

/** On a folder, it leaves each entry to its own owner. */
const STICKY = 0o1000;

/** The first of a folder and those above it in which another user could put something else in the place of what is there. */
function openFolder(folder: string, ownUid: number): string | null {
  for (let at = folder; ; at = dirname(at)) {
    const { uid, mode } = statSync(at);
    const keepsEntries = at !== folder && (mode & STICKY) !== 0;
    if (uid !== 0 && uid !== ownUid) return at;
    if ((mode & OTHERS_WRITE) !== 0 && !keepsEntries) return at;
    if (at === dirname(at)) return null;
  }
}

/**
 * Makes way for a socket at a path: a folder that is ours or root's alone, and nothing there but what a server before
 * left. Throws `bad_input` for a place that does not do, `unreachable` where something listens there.
 */
export async function makeWay(path: string): Promise<void> {
  if (process.geteuid === undefined)
    throw refused('--socket takes a Unix socket, which this system has none of.');
  if (Buffer.byteLength(path) > PATH_BYTES_MAX)
    throw refused(`The path of a socket has at most ${PATH_BYTES_MAX} bytes: ${path} is longer.`);
  const folder = dirname(resolve(path));
  const stats = statSync(folder, { throwIfNoEntry: false });
  if (stats?.isDirectory() !== true) throw refused(`There is no folder ${folder} for the socket.`);
  const open = openFolder(realpathSync(folder), process.geteuid());
  if (open !== null)
    throw refused(
      `Others can write to ${open} and could replace this socket with their own. Use a folder that only root or you can write to, such as one below /run.`,
    );
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there === undefined) return;
  if (!there.isSocket()) throw refused(`${path} exists and is not a socket.`);
  if (await answers(path))
    throw new WalletError('unreachable', `Cannot listen at ${path}: it is taken by another program.`);
  rmSync(path, { force: true });
}

/** Whether something listens at a socket. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', ({ code }: NodeJS.ErrnoException) => {
      socket.destroy();
      resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT');
    });
  });
}

function refused(why: string): WalletError {
  return new WalletError('bad_input', why);
}
