// How many holds a second a ledger in PostgreSQL takes: how that grows with servers, agents and rows, and what partitions do.
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { COPY_FILE } from '../src/ledger/postgres/copy.js';
import { Session } from '../src/ledger/postgres/session.js';
import { bringIn } from '../src/ledger/postgres/arrival.js';
import { PostgresStore } from '../src/ledger/postgres/postgresStore.js';
import { DATABASE_FILE_ENDS } from '../src/ledger/sqlite/file/database.js';
import { SqliteLedger } from '../src/ledger/sqlite/sqliteLedger.js';
import { hashToken } from '../src/money/agent.js';
import { testMac } from '../src/ledger/sqlite/fixtures.js';
import { HARD_USE, seedLedger } from '../test/ledger/seed.js';
import { NO_POSTGRES, TestPostgres } from '../test/support/postgres.js';
import { round, type Result, type Seat } from './fleetRound.js';
import { openSlowLink } from './slowLink.js';

const PAYMENTS = Number(process.argv[2] ?? 100_000);
const AGENTS = Number(process.argv[3] ?? 10_000);
const PLANS = [
  { servers: 1, callers: 1, agents: 1 },
  { servers: 1, callers: 50, agents: 50 },
  { servers: 1, callers: 50, agents: AGENTS },
  { servers: 2, callers: 50, agents: AGENTS },
  { servers: 4, callers: 50, agents: AGENTS },
] as const;
const SERVERS_MAX = 4;
/** As between two parts of the world: what the link takes outweighs what a busy machine adds. */
const EACH_WAY_MS = 100;

if (NO_POSTGRES !== null) throw new Error(NO_POSTGRES);
const root = mkdtempSync(join(tmpdir(), 'purser-fleet-'));
// On a disk, so that a commit waits for one.
const server = await TestPostgres.start({ max_wal_size: '8GB', shared_buffers: '512MB' }, tmpdir());
try {
  console.log(`a round trip and a commit take ${await commitMs()} ms here`);
  for (const payments of [0, PAYMENTS]) {
    const seats = await fill(`rows_${payments}`, payments);
    for (const { servers, callers, agents } of PLANS) {
      const result = await round(server, seats.slice(0, servers), { callers, agents });
      print(
        `${payments} payments, ${servers} servers, ${servers * callers} callers, ${agents} agents`,
        result,
      );
    }
  }
  await partition();
} finally {
  await server.stop();
  rmSync(root, { recursive: true, force: true });
}

/**
 * One server and two on one wallet, beside one each on two wallets: the database near, and a slow link away. Beside what is
 * measured stands what the model of docs/design.md says: a batch takes as long as near, and two round trips of the link.
 */
async function partition(): Promise<void> {
  const [one, two] = [await fill('wallet_a', 0), await fill('wallet_b', 0)];
  const plans = [
    { name: 'one wallet, one server', seats: one.slice(0, 1) },
    { name: 'one wallet, two servers', seats: one.slice(0, 2) },
    { name: 'two wallets, one server each', seats: [...one.slice(0, 1), ...two.slice(0, 1)] },
  ];
  const load = { callers: 50, agents: 50 };
  await using link = await openSlowLink(server.port, EACH_WAY_MS);
  for (const { name, seats } of plans) {
    const near = await round(server, seats, load);
    print(`${name}, near`, near);
    const away = seats.map(({ home, place }): Seat => ({ home, place: { ...place, port: link.port } }));
    const wallets = new Set(seats.map(({ place }) => place.schema)).size;
    const saidMs = near.msPerCommit * wallets + 2 * 2 * EACH_WAY_MS;
    const said = (wallets * near.holdsPerCommit * 1000) / saidMs;
    print(
      `${name}, ${EACH_WAY_MS} ms away (the model says ${said.toFixed(0)})`,
      await round(server, away, load),
    );
  }
}

/** Puts a ledger of so many payments into the database, says how long that and the first copy take, and makes all copies. */
async function fill(schema: string, payments: number): Promise<readonly Seat[]> {
  const place = server.place(schema);
  const path = join(root, `${schema}.db`);
  seedLedger(path, { ...HARD_USE, payments: Math.max(payments, 1) });
  await addAgents(path);
  const startedMs = performance.now();
  const session = await Session.open(place, { waitMaxMs: 3_600_000, idleMaxMs: 3_600_000 });
  await bringIn(place, session, path);
  session.close();
  rmSync(path);
  const movedMs = performance.now() - startedMs;
  const seats = Array.from({ length: SERVERS_MAX }, (_, i) => ({ home: folder(schema, i), place }));
  await firstCopy(seats[0]);
  const copiedMs = performance.now() - startedMs - movedMs;
  // The others' are the same, and take as long each.
  for (const { home } of seats.slice(1))
    for (const end of DATABASE_FILE_ENDS) {
      const from = join(seats[0]?.home ?? '', COPY_FILE + end);
      if (existsSync(from)) copyFileSync(from, join(home, COPY_FILE + end));
    }
  await server.query('VACUUM ANALYZE');
  console.log(
    `${schema}: ${payments} payments into the database in ${seconds(movedMs)}, a first copy in ${seconds(copiedMs)}`,
  );
  return seats;
}

async function firstCopy(seat: Seat | undefined): Promise<void> {
  if (seat !== undefined)
    await (await new PostgresStore(seat.home, seat.place).open({ mac: testMac() })).close();
}

async function addAgents(path: string): Promise<void> {
  const ledger = SqliteLedger.open(path, { mac: testMac() });
  const { timeMs } = await ledger.head();
  await Promise.all(
    Array.from({ length: AGENTS }, (_, i) => {
      const add = { act: 'add', index: i + 1, tokenHash: hashToken(`agent-${i}`) } as const;
      return ledger.agents.change(`agent-${i}`, add, timeMs);
    }),
  );
  await ledger.close();
}

/** What the model takes from the machine: a statement that changes nothing, and one that waits for the disk. */
async function commitMs(): Promise<string> {
  const session = await Session.open(server.place('none'), { waitMaxMs: 10_000 });
  await session.run('CREATE TABLE probe (n integer); INSERT INTO probe VALUES (0)');
  const middle = async (sql: string): Promise<string> => {
    const times: number[] = [];
    for (let i = 0; i < 100; i++) {
      const startedMs = performance.now();
      await session.run(sql);
      times.push(performance.now() - startedMs);
    }
    return (times.sort((a, b) => a - b)[50] ?? 0).toFixed(2);
  };
  const [trip, commit] = [await middle('SELECT 1'), await middle('UPDATE probe SET n = n + 1')];
  session.close();
  return `${trip} and ${commit}`;
}

function print(name: string, result: Result): void {
  const { holdsPerSec, p50Ms, p99Ms, commits, holdsPerCommit, msPerCommit } = result;
  const { serverCpuMsPerHold, databaseCpuMsPerHold, logBytesPerHold, changeBytesPerHold } = result;
  const kib = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KiB`;
  console.log(
    `${name}: ${holdsPerSec.toFixed(0)} holds/s, p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms
  ${commits} commits of ${holdsPerCommit.toFixed(1)} holds, one each ${msPerCommit.toFixed(1)} ms; a hold takes ${serverCpuMsPerHold.toFixed(2)} ms of the servers' processors and ${databaseCpuMsPerHold.toFixed(2)} ms of the database's, travels as ${kib(changeBytesPerHold)} and is ${kib(logBytesPerHold)} in the log`,
  );
}

function folder(schema: string, index: number): string {
  const home = join(root, schema, `server${index}`);
  mkdirSync(home, { recursive: true, mode: 0o700 });
  return home;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
