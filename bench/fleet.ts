// How many holds a second a ledger in PostgreSQL takes, and how that grows with servers, agents and rows.
import { fork, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Session } from '../src/ledger/postgres/session.js';
import { bringIn } from '../src/ledger/postgres/arrival.js';
import type { PostgresPlace } from '../src/ledger/postgres/place.js';
import { PostgresStore } from '../src/ledger/postgres/postgresStore.js';
import { SqliteLedger } from '../src/ledger/sqlite/sqliteLedger.js';
import { hashToken } from '../src/money/agent.js';
import { capLine, held, testMac } from '../src/ledger/sqlite/fixtures.js';
import { HARD_USE, seedLedger } from '../test/ledger/seed.js';
import { NO_POSTGRES, TestPostgres } from '../test/support/postgres.js';

const FREE = capLine({ usdMicrosMax: 10n ** 15n });

/** What one server is asked for: callers at once, each with an agent of its own, for so long. */
interface Order {
  readonly home: string;
  readonly place: PostgresPlace;
  readonly callers: number;
  readonly agents: number;
  readonly ms: number;
}

interface Report {
  readonly holds: number;
  readonly latenciesMs: readonly number[];
}

const ROUND_MS = 5_000;
/** As many as the last plan asks for. */
const AGENTS_MAX = Number(process.argv[3] ?? 10_000);
const PLANS = [
  { servers: 1, callers: 1, agents: 1 },
  { servers: 1, callers: 50, agents: 50 },
  { servers: 4, callers: 50, agents: 200 },
  { servers: 4, callers: 50, agents: AGENTS_MAX },
] as const;

if (process.send === undefined) await lead();
else process.once('message', (order: Order) => void serve(order));

/** One server of the fleet. */
async function serve({ home, place, callers, agents, ms }: Order): Promise<void> {
  const ledger = await new PostgresStore(home, place).open({ mac: testMac() });
  process.send?.('ready');
  await new Promise((resolve) => process.once('message', resolve));
  const untilMs = performance.now() + ms;
  const latenciesMs: number[] = [];
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (performance.now() < untilMs) {
        const agent = `agent-${Math.floor(Math.random() * agents)}`;
        const startedMs = performance.now();
        const scope = { kind: 'agent', agent } as const;
        await held(ledger, {
          agent,
          sessionId: agent,
          capLines: [FREE, { ...FREE, scope }],
          nowMs: Date.now(),
        });
        latenciesMs.push(performance.now() - startedMs);
      }
    }),
  );
  process.send?.({ holds: latenciesMs.length, latenciesMs } satisfies Report);
  await ledger.close();
  process.disconnect();
}

async function lead(): Promise<void> {
  if (NO_POSTGRES !== null) throw new Error(NO_POSTGRES);
  const payments = Number(process.argv[2] ?? 100_000);
  const root = mkdtempSync(join(tmpdir(), 'purser-fleet-'));
  const server = await TestPostgres.start();
  try {
    for (const rows of [0, payments]) {
      const place = server.place(`rows_${rows}`);
      await fill(place, root, rows);
      for (const plan of PLANS) {
        const before = await countOf(server, place);
        console.log(await round(place, join(root, String(rows)), rows, plan));
        console.log(`  ${describeCounts(before, await countOf(server, place))}`);
      }
    }
  } finally {
    await server.stop();
    rmSync(root, { recursive: true, force: true });
  }
}

/** Puts a ledger of so many payments into the database, and says how long that and the first copy take. */
async function fill(place: PostgresPlace, root: string, payments: number): Promise<void> {
  const path = join(root, `seed-${payments}.db`);
  seedLedger(path, { ...HARD_USE, payments: Math.max(payments, 1) });
  await addAgents(path);
  const startedMs = performance.now();
  const session = await Session.open(place, { waitMaxMs: 600_000, idleMaxMs: 600_000 });
  await bringIn(place, session, path);
  session.close();
  const movedMs = performance.now() - startedMs;
  const home = folder(join(root, String(payments)), 0);
  await (await new PostgresStore(home, place).open({ mac: testMac() })).close();
  const copiedMs = performance.now() - startedMs - movedMs;
  console.log(
    `${payments} payments: into the database in ${seconds(movedMs)}, a first copy in ${seconds(copiedMs)}`,
  );
}

/** What the database has taken so far: counts that a busy machine does not change. */
interface Counts {
  readonly commits: number;
  readonly holds: number;
  readonly walBytes: number;
  /** Characters of the changes that are still listed, and how many those are. */
  readonly characters: number;
  readonly listed: number;
}

async function countOf(server: TestPostgres, { schema }: PostgresPlace): Promise<Counts> {
  const [row] = await server.query<Record<keyof Counts, string>>(
    `SELECT (SELECT position FROM ${schema}.purser_head) AS commits,
      (SELECT count(*) FROM ${schema}.payments) AS holds,
      pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') AS "walBytes",
      coalesce(sum(length(change)), 0) AS characters, count(*) AS listed FROM ${schema}.purser_changes`,
  );
  const numbers = Object.entries(row ?? {}).map(([name, text]) => [name, Number(text)]);
  return Object.fromEntries(numbers) as Counts;
}

function describeCounts(before: Counts, after: Counts): string {
  const [commits, holds] = [after.commits - before.commits, after.holds - before.holds];
  const kib = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KiB`;
  const travelled = ((after.characters - before.characters) / (after.listed - before.listed)) * commits;
  const wal = after.walBytes - before.walBytes;
  return `${commits} commits of ${(holds / commits).toFixed(1)} holds; a hold travels as ${kib(travelled / holds)} and is ${kib(wal / holds)} in the log`;
}

async function addAgents(path: string): Promise<void> {
  const ledger = SqliteLedger.open(path, { mac: testMac() });
  const { timeMs } = await ledger.head();
  await Promise.all(
    Array.from({ length: AGENTS_MAX }, (_, i) => {
      const add = { act: 'add', index: i + 1, tokenHash: hashToken(`agent-${i}`) } as const;
      return ledger.agents.change(`agent-${i}`, add, timeMs);
    }),
  );
  await ledger.close();
}

async function round(
  place: PostgresPlace,
  root: string,
  rows: number,
  { servers, callers, agents }: (typeof PLANS)[number],
): Promise<string> {
  const children = Array.from({ length: servers }, (_, i) => {
    const child = fork(fileURLToPath(import.meta.url), { execArgv: process.execArgv });
    child.send({ home: folder(root, i), place, callers, agents, ms: ROUND_MS } satisfies Order);
    return child;
  });
  await Promise.all(children.map((child) => next(child)));
  const reports = children.map((child) => next(child) as Promise<Report>);
  for (const child of children) child.send('go');
  const all = await Promise.all(reports);
  const sorted = all.flatMap(({ latenciesMs }) => latenciesMs).sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0;
  const [p50, p99] = [at(0.5), at(0.99)];
  const holds = all.reduce((sum, report) => sum + report.holds, 0);
  return `${rows} payments, ${servers} servers, ${servers * callers} callers, ${agents} agents: ${Math.round((holds * 1000) / ROUND_MS)} holds/s, p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`;
}

function next(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', (code) => reject(new Error(`A server ended with ${code}`)));
  });
}

function folder(root: string, server: number): string {
  const home = join(root, `server${server}`);
  mkdirSync(home, { recursive: true, mode: 0o700 });
  return home;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
