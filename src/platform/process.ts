import { readFileSync, readlinkSync } from 'node:fs';
import { execFileSync } from 'node:child_process';

/** The process that drives a payment; only a dead one's rows are taken over by another. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When the process started, as its platform tells it: tells a reused pid from the real one. */
  readonly started: string;
  /** Identity of the boot (and, in containers, of the pid namespace). */
  readonly boot: string;
}

/** `ps` answers in milliseconds; a hung one must not hang a payment. */
const PS_TIMEOUT_MS = 2000;

/** What the platform tells of a process: null where there is no telling, `dead` where it ended and was not reaped. */
type Started = string | 'dead' | null;

/** Field 22 of /proc/PID/stat, counted from field 3: start time in clock ticks since boot (proc(5)). */
const STAT_START_AFTER_COMM = 19;

function linuxStarted(pid: number): Started {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // Field 2, the program's name, may hold spaces and brackets.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // In a container without an init process a killed server stays a zombie for good.
    return fields[0] === 'Z' || fields[0] === 'X' ? 'dead' : (fields[STAT_START_AFTER_COMM] ?? null);
  } catch {
    return null;
  }
}

function psStarted(pid: number): Started {
  try {
    const text = execFileSync('ps', ['-o', 'stat=', '-o', 'lstart=', '-p', String(pid)], {
      timeout: PS_TIMEOUT_MS,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      // Two processes of other zones or languages must read the same start alike.
      env: { PATH: process.env['PATH'], TZ: 'UTC', LC_ALL: 'C' },
    }).trim();
    const [state = '', ...started] = text.split(/\s+/);
    return state.startsWith('Z') ? 'dead' : started.join(' ') || null;
  } catch {
    return null;
  }
}

function processStarted(pid: number): Started {
  if (process.platform === 'linux') return linuxStarted(pid);
  if (process.platform === 'win32') return null;
  return psStarted(pid);
}

function bootIdentity(): string {
  if (process.platform !== 'linux') return 'local';
  try {
    // In a container the same pid means another process: the pid namespace is part of who we are.
    const namespace = readlinkSync('/proc/self/ns/pid');
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()}/${namespace}`;
  } catch {
    return 'local';
  }
}

let own: ProcessIdentity | undefined;

/** Who this process is, for the rows it drives. */
export function thisProcess(): ProcessIdentity {
  own ??= { pid: process.pid, started: processStarted(process.pid) ?? 'unknown', boot: bootIdentity() };
  return own;
}

/** Whether a process of this pid exists, of whichever user. */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it exists and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Whether the owner of a row is certainly dead. Doubt means alive: a living owner's row must not be taken over.
 *
 * Another boot is dead when this machine booted since; another pid namespace of the same boot cannot be looked
 * into, so its rows wait for their expiry.
 */
export function isDead(owner: ProcessIdentity, self: ProcessIdentity = thisProcess()): boolean {
  const [ownerBoot, ownerNamespace] = owner.boot.split('/');
  const [selfBoot, selfNamespace] = self.boot.split('/');
  if (ownerBoot !== selfBoot) return true;
  if (ownerNamespace !== selfNamespace) return false;
  if (owner.pid === self.pid && owner.started === self.started) return false;
  if (!isProcessAlive(owner.pid)) return true;
  const started = processStarted(owner.pid);
  return started === 'dead' || (started !== null && owner.started !== 'unknown' && started !== owner.started);
}
