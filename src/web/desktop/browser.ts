import { existsSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { launch } from './launch.js';
import type { TicketAddress } from '../page.js';

/** Openers hand over to a browser and end at once, or become the browser. */
const OPENER_WAIT_MS = 2_000;
/** Where snapd puts programs. Its browsers see no hidden folder and a /tmp of their own. */
const SNAP_FOLDER = '/snap/bin';

type Environment = Readonly<Record<string, string | undefined>>;

/** Where a program runs that opens a browser. */
export interface BrowserPlace {
  readonly env: Environment;
  readonly platform: NodeJS.Platform;
  /** Whether snapd is here; looked for where it is left out. */
  readonly hasSnap?: boolean;
}

/**
 * Opens an address that lets in, in the owner's browser: by the program that `BROWSER` names (`none` for no program;
 * `%s` in it stands for what is opened), else by the platform's own way. False over SSH, and where there is no display.
 *
 * T33: every user of the machine sees every argument list. So the browser is given a file that its owner alone can read,
 * which leads on to the address and is gone once it did; on macOS the address goes through a script's stdin.
 */
export async function openInBrowser(address: TicketAddress, place: BrowserPlace): Promise<boolean> {
  const { env, platform } = place;
  const opener = openerOf(place);
  if (opener === null) return false;
  if (opener === 'applescript') {
    const input = `open location ${JSON.stringify(address.url)}\n`;
    return isWell(await launch('osascript', ['-'], { env, waitMs: OPENER_WAIT_MS, input }));
  }
  const file = await writeLeader(address, place);
  const url = pathToFileURL(file).href;
  const [program, ...args] = opener.map((word) => word.replaceAll('%s', url));
  const rest = opener.some((word) => word.includes('%s')) ? [] : [platform === 'win32' ? file : url];
  return isWell(await launch(program ?? '', [...args, ...rest], { env, waitMs: OPENER_WAIT_MS }));
}

function isWell(how: Awaited<ReturnType<typeof launch>>): boolean {
  return how === 'ended_well' || how === 'still_running';
}

function openerOf({ env, platform }: BrowserPlace): readonly string[] | 'applescript' | null {
  const named = (env['BROWSER'] ?? '').trim().split(/\s+/);
  if (named[0] === 'none') return null;
  if (named[0] !== '') return named;
  if (isOverSsh(env)) return null;
  if (platform === 'darwin') return 'applescript';
  // `start` is a word of a shell; this is what it comes to.
  if (platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler'];
  return isSet(env['DISPLAY']) || isSet(env['WAYLAND_DISPLAY']) ? ['xdg-open'] : null;
}

/** Writes the file that leads a browser to an address, and takes it away once the address lets in no more. */
async function writeLeader(address: TicketAddress, place: BrowserPlace): Promise<string> {
  const folder = await mkdtemp(join(folderFor(place), 'purser-open-'));
  const file = join(folder, 'purser.html');
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  void address.ended.then(remove, remove).catch(() => undefined);
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.writeFile(leaderOf(address.url));
  } finally {
    await handle.close();
  }
  return file;
}

/** A folder that the owner's browser sees; what is made in it is the owner's alone. */
function folderFor({ env, platform, hasSnap = existsSync(SNAP_FOLDER) }: BrowserPlace): string {
  if (platform === 'win32') return tmpdir();
  if (hasSnap) return env['HOME'] ?? homedir();
  const runtime = env['XDG_RUNTIME_DIR'];
  return isSet(runtime) && existsSync(runtime) ? runtime : tmpdir();
}

/** The address is of our own making: nothing in it is markup. */
function leaderOf(url: string): string {
  return `<!doctype html>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0;url=${url}">
<title>Purser</title>
<p><a href="${url}">Open Purser’s page</a></p>
`;
}

function isOverSsh(env: Environment): boolean {
  return isSet(env['SSH_CONNECTION']) || isSet(env['SSH_TTY']);
}

/** How an owner who works here over SSH reaches the page in a browser of their own; null where they do not. */
export function forwardingWords(port: number, env: Environment): string | null {
  if (!isOverSsh(env)) return null;
  // "client-address client-port server-address server-port", from sshd.
  const server = /^[\da-fA-F.:%\w]+ \d+ ([\da-fA-F.:]+) \d+$/.exec(env['SSH_CONNECTION'] ?? '')?.[1];
  const user = /^[\w.-]+$/.exec(env['USER'] ?? '')?.[0];
  const login = server === undefined || user === undefined ? 'USER@THIS_MACHINE' : `${user}@${server}`;
  // The same port on both sides: the page answers to its own port's name only, and a passkey is bound to it.
  return `It is on this machine. To reach it from yours, run there: ssh -N -L ${port}:localhost:${port} ${login}`;
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}
