import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const PASSWORD = 'test';

/** The programs a private Secret Service is made of. */
const PROGRAMS = ['dbus-daemon', 'dbus-send', 'gnome-keyring-daemon'];

/** Why no Secret Service can be run here; null where one can. */
export function missingPrograms(): string | null {
  if (process.platform !== 'linux') return 'a Secret Service is a Linux thing';
  const missing = PROGRAMS.filter((name) => spawnSync(name, ['--version']).error !== undefined);
  return missing.length === 0 ? null : `not installed: ${missing.join(', ')}`;
}

/** How the dialog that asks for a keyring's password behaves: it cannot be shown, or nobody answers it. */
type Prompter = 'absent' | 'silent';

/** A session bus of our own with, where asked, a real keyring daemon on it: separate from the desktop's. */
export interface SecretService {
  /** The environment of a program that belongs to this session. */
  readonly env: NodeJS.ProcessEnv;
  /** Locks the keyring, as a person or a screen lock does. */
  lock(): void;
  /** Stops the daemon in its tracks, and lets it go on. */
  pause(): void;
  resume(): void;
  end(): Promise<void>;
}

/** Starts a session; without a keyring its bus has no Secret Service at all. */
export async function startSecretService(
  options: { readonly keyring?: boolean; readonly prompter?: Prompter } = {},
): Promise<SecretService> {
  const folder = await mkdtemp(join(tmpdir(), 'purser-session-'));
  const env = await makeEnvironment(folder);
  const children: ChildProcess[] = [];
  const end = async (): Promise<void> => {
    for (const child of children.reverse()) await stop(child);
    await stopPrompter(folder);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const bus = startTied(
      'dbus-daemon',
      [`--config-file=${await writeBusConfig(folder, options)}`, '--print-address=1'],
      env,
    );
    children.push(bus);
    env.DBUS_SESSION_BUS_ADDRESS = await firstLine(bus);
    const keyring = options.keyring === false ? null : await startKeyring(env);
    if (keyring !== null) children.push(keyring);
    return {
      env,
      lock: () => lockKeyring(env),
      pause: () => void keyring?.kill('SIGSTOP'),
      resume: () => void keyring?.kill('SIGCONT'),
      end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

async function makeEnvironment(folder: string): Promise<NodeJS.ProcessEnv> {
  const env: NodeJS.ProcessEnv = { PATH: process.env.PATH, HOME: folder };
  for (const name of ['XDG_DATA_HOME', 'XDG_RUNTIME_DIR', 'XDG_CONFIG_HOME', 'XDG_CACHE_HOME']) {
    env[name] = join(folder, name);
    await mkdir(join(folder, name), { mode: 0o700 });
  }
  return env;
}

/** A bus that starts no service by itself, except a dialog that nobody answers where the test wants one. */
async function writeBusConfig(folder: string, options: { readonly prompter?: Prompter }): Promise<string> {
  const services = join(folder, 'services');
  await mkdir(services);
  if (options.prompter === 'silent') {
    const exec = `/bin/sh -c "echo $$ > ${prompterPidFile(folder)}; exec sleep 60"`;
    await writeFile(
      join(services, 'prompter.service'),
      `[D-BUS Service]\nName=org.gnome.keyring.SystemPrompter\nExec=${exec}\n`,
    );
  }
  const path = join(folder, 'bus.conf');
  await writeFile(
    path,
    `<busconfig>
  <type>session</type>
  <listen>unix:dir=${folder}</listen>
  <servicedir>${services}</servicedir>
  <policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>
`,
  );
  return path;
}

/** Unlocks a new keyring with a password on stdin, and waits until the bus knows it. */
async function startKeyring(env: NodeJS.ProcessEnv): Promise<ChildProcess> {
  const daemon = startTied('gnome-keyring-daemon', ['--foreground', '--unlock', '--components=secrets'], env);
  daemon.stdin?.end(PASSWORD);
  for (let tries = 0; tries < 200; tries += 1) {
    const asked = callBus(env, 'org.freedesktop.DBus', '/', 'org.freedesktop.DBus.NameHasOwner', [
      'string:org.freedesktop.secrets',
    ]);
    if (asked.includes('boolean true')) return daemon;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('The keyring did not come onto the bus.');
}

function lockKeyring(env: NodeJS.ProcessEnv): void {
  callBus(env, 'org.freedesktop.secrets', '/org/freedesktop/secrets', 'org.freedesktop.Secret.Service.Lock', [
    'array:objpath:/org/freedesktop/secrets/collection/login',
  ]);
}

function callBus(
  env: NodeJS.ProcessEnv,
  destination: string,
  path: string,
  method: string,
  args: readonly string[],
): string {
  const call = ['--session', '--print-reply', `--dest=${destination}`, path, method, ...args];
  const sent = spawnSync('dbus-send', call, { env, encoding: 'utf8' });
  if (sent.status !== 0) throw new Error(`dbus-send: ${sent.stderr}`);
  return sent.stdout;
}

/** Starts a daemon that dies with us, however we die, where the system can promise that. */
function startTied(program: string, args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  const isTied = spawnSync('setpriv', ['--version']).error === undefined;
  return isTied
    ? spawn('setpriv', ['--pdeathsig', 'KILL', program, ...args], { env, stdio: ['pipe', 'pipe', 'ignore'] })
    : spawn(program, args, { env, stdio: ['pipe', 'pipe', 'ignore'] });
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('no stdout');
  const lines = createInterface({ input: child.stdout });
  const [line] = (await Promise.race([once(lines, 'line'), once(lines, 'close')])) as [string?];
  if (line === undefined) throw new Error(`${child.spawnfile} ended before it was ready.`);
  return line;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

function prompterPidFile(folder: string): string {
  return join(folder, 'prompter.pid');
}

async function stopPrompter(folder: string): Promise<void> {
  const pid = Number(await readFile(prompterPidFile(folder), 'utf8').catch(() => '0'));
  if (!(pid > 1)) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // The bus took it along.
  }
}
