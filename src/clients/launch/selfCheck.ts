import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { cleanLine } from '../../text/untrusted.js';
import type { Launch } from './launch.js';
import { userFolder, type Machine } from '../machine.js';
import { LAST_WORDS_MS } from '../ownProgram.js';
import { startHint } from './startHint.js';
import { startOf } from './windowsStart.js';
import { standsFor } from './writtenLaunch.js';

/** npx may have to fetch us first; clients give a server about as long. */
const CHECK_MS_MAX = 60_000;
const SAID_LENGTH_MAX = 300;
/** Of what it says on stderr, the end says why. */
const SAID_BYTES_MAX = 8192;
/** A revision that every server of ours answers. */
const PROTOCOL_VERSION = '2025-06-18';

/** Whether the server starts as a client will start it. */
export type SelfCheck =
  | {
      readonly starts: true;
      readonly tools: number;
      readonly ms: number;
      /** What its ledger tool answered, null for a plain ok: a wallet that is locked says so here. */
      readonly wallet: { readonly message: string; readonly ownerMessage: string | null } | null;
    }
  | {
      readonly starts: false;
      readonly said: string;
      /** What may be done about it; null for nothing that is known. */ readonly hint: string | null;
    };

/** What clients hand on of their own environment: these and no more, and from a dock not even PATH. */
const HANDED_ON: Readonly<Record<'posix' | 'win32', readonly string[]>> = {
  posix: ['HOME', 'LOGNAME', 'SHELL', 'TERM', 'USER'],
  win32: [
    ...['APPDATA', 'HOMEDRIVE', 'HOMEPATH', 'LOCALAPPDATA', 'PROCESSOR_ARCHITECTURE'],
    ...['SYSTEMDRIVE', 'SYSTEMROOT', 'TEMP', 'USERNAME', 'USERPROFILE'],
  ],
};

/**
 * Starts the server as a client does, with no PATH but the launch's own, lists its tools and looks at the ledger.
 * `more` is what a test hands on beside.
 */
export async function checkLaunch(
  machine: Machine,
  launch: Launch,
  {
    env: more = {},
    msMax = CHECK_MS_MAX,
  }: { readonly env?: Record<string, string>; readonly msMax?: number } = {},
): Promise<SelfCheck> {
  const names = HANDED_ON[machine.platform === 'win32' ? 'win32' : 'posix'];
  const handed = Object.fromEntries(names.map((name) => [name, machine.env[name]]));
  const startMs = performance.now();
  const { file, args, isQuoted } = startOf(launch, machine);
  const child = spawn(file, args, {
    windowsVerbatimArguments: isQuoted,
    env: { ...handed, ...more, ...launch.env },
    cwd: userFolder(machine),
    stdio: 'pipe',
    // A group of its own: npx stands between us and the server.
    detached: machine.platform !== 'win32',
    windowsHide: true,
  });
  const heard: Buffer[] = [];
  child.stderr.on('data', (piece: Buffer) => {
    heard.push(piece);
    while (heard.length > 1 && Buffer.concat(heard).length > SAID_BYTES_MAX) heard.shift();
  });
  const deadline = AbortSignal.timeout(msMax);
  try {
    const talk = new Talk(child, deadline);
    await talk.ask('initialize', {
      protocolVersion: PROTOCOL_VERSION,
      capabilities: {},
      clientInfo: { name: 'purser-install', version: machine.version },
    });
    talk.tell('notifications/initialized');
    const { tools } = (await talk.ask('tools/list', {})) as { tools: unknown[] };
    const ms = Math.round(performance.now() - startMs);
    // A server that we stand for has no tools of the wallet's.
    if (standsFor(launch) !== null) return { starts: true, tools: tools.length, ms, wallet: null };
    const look = { name: 'wallet_ledger', arguments: { limit: 1 } };
    const { structuredContent } = (await talk.ask('tools/call', look)) as { structuredContent: Answer };
    const { status, message, tell_owner: tell } = structuredContent;
    return {
      starts: true,
      tools: tools.length,
      ms,
      wallet: status === 'ok' ? null : { message, ownerMessage: tell },
    };
  } catch (error) {
    const lines = Buffer.concat(heard).toString('utf8').trim().split('\n').slice(-3).join(' ');
    const all = Buffer.concat(heard).toString('utf8');
    const why = deadline.aborted ? `it did not answer in ${msMax / 1000} s` : (error as Error).message;
    return {
      starts: false,
      said: cleanLine([why, lines].filter((part) => part !== '').join(': '), SAID_LENGTH_MAX),
      hint: startHint(launch, all, deadline.aborted, machine),
    };
  } finally {
    stop(child, machine);
  }
}

interface Answer {
  readonly status: string;
  readonly message: string;
  readonly tell_owner: string | null;
}

/** The few words of the protocol that a look takes. */
class Talk {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (answer: { result?: unknown; error?: { message?: string } }) => void>();
  readonly #over: Promise<never>;
  #id = 0;

  constructor(child: ChildProcess, deadline: AbortSignal) {
    this.#child = child;
    this.#over = new Promise((_, reject) => {
      child.once('error', (error) =>
        reject(new Error(`it did not start (${(error as NodeJS.ErrnoException).code})`)),
      );
      child.once('exit', (code) => {
        const end = (): void => reject(new Error(`it ended with exit code ${code}`));
        // What it said may still be on its way; what it started may hold the pipe for ever.
        child.once('close', end);
        setTimeout(end, LAST_WORDS_MS).unref();
      });
      deadline.addEventListener('abort', () => reject(new Error('late')), { once: true });
    });
    // The next request reports it.
    this.#over.catch(() => undefined);
    child.stdin?.on('error', () => undefined);
    if (child.stdout !== null) {
      createInterface({ input: child.stdout }).on('line', (line) => this.#hear(line));
    }
  }

  ask(method: string, params: object): Promise<unknown> {
    const id = (this.#id += 1);
    const answered = new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(id, ({ result, error }) => {
        if (error === undefined) resolve(result);
        else reject(new Error(`${method} failed`));
      });
    });
    this.#send({ id, method, params });
    return Promise.race([answered, this.#over]);
  }

  tell(method: string): void {
    this.#send({ method });
  }

  #send(message: object): void {
    this.#child.stdin?.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }

  #hear(line: string): void {
    try {
      const answer = JSON.parse(line) as { id?: number; result?: unknown; error?: object };
      this.#waiting.get(answer.id ?? 0)?.(answer);
    } catch {
      // Not a message; a client would not understand it either, and nothing more would come.
    }
  }
}

function stop(child: ChildProcess, { platform }: Machine): void {
  child.stdin?.destroy();
  child.stdout?.destroy();
  child.stderr?.destroy();
  if (child.pid === undefined || child.exitCode !== null) return;
  try {
    process.kill(platform === 'win32' ? child.pid : -child.pid, 'SIGTERM');
  } catch {
    // It ended by itself.
  }
}
