import { launch } from './launch.js';

/** Openers hand over to a browser and end at once, or become the browser. */
const OPENER_WAIT_MS = 2_000;

type Environment = Readonly<Record<string, string | undefined>>;

/** Whether the owner's browser was given an address. */
export interface Opening {
  readonly opened: boolean;
  /** What to tell the owner, one or two lines. It holds the address. */
  readonly say: string;
}

/**
 * Opens a page of ours in the owner's browser, by the program that `BROWSER` names (`none` for no program; `%s` in it
 * stands for the address), else by the platform's own opener. Over SSH, and where there is no display, nothing is
 * opened, and the words say how to reach the page. No shell sees the address.
 */
export async function openInBrowser(
  url: string,
  env: Environment,
  platform: NodeJS.Platform,
): Promise<Opening> {
  const shown = `Open ${url}`;
  const opener = openerOf(url, env, platform);
  if (opener === null) {
    return { opened: false, say: isOverSsh(env) ? `${shown}\n${forwardingOf(url, env)}` : shown };
  }
  const [program, ...args] = opener;
  const how = await launch(program, args, { env, waitMs: OPENER_WAIT_MS });
  return how === 'ended_well' || how === 'still_running'
    ? { opened: true, say: `The page is in your browser: ${url}` }
    : { opened: false, say: shown };
}

function openerOf(
  url: string,
  env: Environment,
  platform: NodeJS.Platform,
): readonly [string, ...string[]] | null {
  const [program, ...args] = (env['BROWSER'] ?? '').trim().split(/\s+/);
  if (program === 'none') return null;
  if (program !== undefined && program !== '') {
    return args.some((arg) => arg.includes('%s'))
      ? [program, ...args.map((arg) => arg.replaceAll('%s', url))]
      : [program, ...args, url];
  }
  if (isOverSsh(env)) return null;
  if (platform === 'darwin') return ['open', url];
  // `start` is a word of a shell; this is what it comes to.
  if (platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler', url];
  return isSet(env['DISPLAY']) || isSet(env['WAYLAND_DISPLAY']) ? ['xdg-open', url] : null;
}

function isOverSsh(env: Environment): boolean {
  return isSet(env['SSH_CONNECTION']) || isSet(env['SSH_TTY']);
}

/** The same port on both sides: the page answers to its own port's name only, and a passkey is bound to it. */
function forwardingOf(url: string, env: Environment): string {
  const { port } = new URL(url);
  // "client-address client-port server-address server-port", from sshd.
  const server = /^[\da-fA-F.:%\w]+ \d+ ([\da-fA-F.:]+) \d+$/.exec(env['SSH_CONNECTION'] ?? '')?.[1];
  const user = /^[\w.-]+$/.exec(env['USER'] ?? '')?.[0];
  const login = server === undefined || user === undefined ? 'USER@THIS_MACHINE' : `${user}@${server}`;
  return `It is on this machine. To reach it from yours, run there: ssh -N -L ${port}:localhost:${port} ${login}`;
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '';
}
