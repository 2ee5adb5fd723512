import { execFileSync, fork, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PostgresPlace } from '../src/ledger/postgres/place.js';
import type { TestPostgres } from '../test/support/postgres.js';

/** One server of a round: whose ledger it works on, in which folder. */
export interface Seat {
  readonly home: string;
  readonly place: PostgresPlace;
}

/** What one server is asked for: callers at once, each with an agent of its own, for so long. */
export interface Order extends Seat {
  readonly callers: number;
  readonly agents: number;
  readonly ms: number;
}

/** What one server did. */
export interface Report {
  readonly holds: number;
  readonly latenciesMs: readonly number[];
  /** Of its process alone, from the first hold on. */
  readonly cpuMs: number;
}

/** What a round came to. */
export interface Result {
  readonly holdsPerSec: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly commits: number;
  readonly holdsPerCommit: number;
  /** From one commit to the next, over all ledgers of the round. */
  readonly msPerCommit: number;
  /** Time on a processor: of the servers, and of PostgreSQL. It says more than the clock where a machine is busy. */
  readonly serverCpuMsPerHold: number;
  readonly databaseCpuMsPerHold: number;
  readonly logBytesPerHold: number;
  readonly changeBytesPerHold: number;
}

export const ROUND_MS = 10_000;

/** Has each server make holds for {@link ROUND_MS}, all at once. */
export async function round(
  server: TestPostgres,
  seats: readonly Seat[],
  { callers, agents }: Pick<Order, 'callers' | 'agents'>,
): Promise<Result> {
  const places = [...new Map(seats.map(({ place }) => [place.schema, place])).values()];
  const children = seats.map((seat) => {
    const child = fork(fileURLToPath(new URL('fleetServer.ts', import.meta.url)), {
      execArgv: process.execArgv,
    });
    child.send({ ...seat, callers, agents, ms: ROUND_MS } satisfies Order);
    return child;
  });
  await Promise.all(children.map((child) => next(child)));
  const before = await countsOf(server, places);
  const ended = children.map((child) => new Promise((resolve) => child.once('exit', resolve)));
  const reports = children.map((child) => next(child) as Promise<Report>);
  for (const child of children) child.send('go');
  const all = await Promise.all(reports);
  // What a backend used is known when it has ended.
  await Promise.all(ended);
  const after = await countsOf(server, places);
  const sorted = all.flatMap(({ latenciesMs }) => latenciesMs).sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0;
  const holds = sorted.length;
  const commits = after.commits - before.commits;
  return {
    holdsPerSec: (holds * 1000) / ROUND_MS,
    ...{ p50Ms: at(0.5), p99Ms: at(0.99), commits },
    holdsPerCommit: holds / commits,
    msPerCommit: ROUND_MS / commits,
    serverCpuMsPerHold: all.reduce((sum, { cpuMs }) => sum + cpuMs, 0) / holds,
    databaseCpuMsPerHold: (after.cpuMs - before.cpuMs) / holds,
    logBytesPerHold: (after.logBytes - before.logBytes) / holds,
    changeBytesPerHold: (after.changeBytes - before.changeBytes) / holds,
  };
}

interface Counts {
  readonly commits: number;
  readonly logBytes: number;
  readonly changeBytes: number;
  readonly cpuMs: number;
}

async function countsOf(server: TestPostgres, places: readonly PostgresPlace[]): Promise<Counts> {
  let [commits, changeBytes] = [0, 0];
  for (const { schema } of places) {
    const [row] = await server.query<{ commits: string; bytes: string }>(
      `SELECT (SELECT position FROM ${schema}.purser_head) AS commits,
        (SELECT coalesce(sum(length(change)), 0) FROM ${schema}.purser_changes) AS bytes`,
    );
    commits += Number(row?.commits);
    changeBytes += Number(row?.bytes);
  }
  const [log] = await server.query<{ bytes: string }>(
    `SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') AS bytes`,
  );
  return { commits, changeBytes, logBytes: Number(log?.bytes), cpuMs: databaseCpuMs(server) };
}

/** Of the whole server: what runs, and what has ended. */
function databaseCpuMs({ folder }: TestPostgres): number {
  const postmaster = readFileSync(join(folder, 'data', 'postmaster.pid'), 'utf8').split('\n')[0] ?? '';
  const ticksMs = 1000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  const children = execFileSync('pgrep', ['-P', postmaster], { encoding: 'utf8' }).trim().split('\n');
  return [postmaster, ...children].reduce((sum, pid) => sum + ticksOf(pid) * ticksMs, 0);
}

function ticksOf(pid: string): number {
  try {
    // Behind the name, which may hold blanks: utime, stime, and those of children that have ended.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0);
  } catch {
    return 0;
  }
}

function next(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', (code) => reject(new Error(`A server ended with ${code}`)));
  });
}
