import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { capLine, scratchFolder, T0, testMac } from '../../src/ledger/sqlite/fixtures.js';
import { SqliteLedger } from '../../src/ledger/sqlite/sqliteLedger.js';
import { bundleChild, startChild, type Child } from './children.js';
import { spreadOf } from './measure.js';
import type { RaceReport, RaceRound } from './race.child.js';

const PROCESSES = 8;
const AMOUNT = 10_007n;
/** Calls of each process: `npm run race` asks for so many in one round. */
const HOLDS_ASKED = Number(process.env['RACE_HOLDS'] ?? 0);
/** Otherwise the first round is so small, each further one is twice the last, and none begins that this would not hold. */
const HOLDS_FIRST = 25;
const HOLDS_MAX = 1000;
const ROUNDS_MS = 6_000;
/** The long form waits for a slow disk; what takes longer hangs. */
const TIMEOUT_MS = 5 * 60_000 + HOLDS_ASKED * 1_000;

let program: string;
beforeAll(async () => {
  program = await bundleChild('race');
});

test(
  `${PROCESSES} processes fill a cap to the atomic unit, and not one unit more (T13)`,
  { timeout: TIMEOUT_MS },
  async () => {
    using folder = scratchFolder({ onDisk: true });
    const path = join(folder.path, 'purser.db');
    SqliteLedger.create(path, { mac: testMac(), nowMs: T0, configVersion: 1 });
    const children = Array.from({ length: PROCESSES }, () => startChild(program, path));
    for (const child of children) expect(await child.next()).toBe('ready');

    const startedMs = performance.now();
    let [granted, asked, holds] = [0, 0, HOLDS_ASKED || HOLDS_FIRST];
    for (;;) {
      const tookMs = await race(children, holds, granted);
      granted += (PROCESSES * holds) / 2;
      asked += holds;
      holds = Math.min(2 * holds, HOLDS_MAX);
      if (HOLDS_ASKED > 0 || performance.now() - startedMs + 2 * tookMs > ROUNDS_MS) break;
    }
    for (const child of children) child.process.stdin?.end();
    for (const child of children) expect((await child.ended).code).toBe(0);
    console.log(`${PROCESSES} processes, ${asked} calls each`);

    const ledger = SqliteLedger.open(path, { mac: testMac() });
    const usdMicros = AMOUNT * BigInt(granted);
    expect(await ledger.usage([capLine()], T0 + asked)).toEqual([usdMicros]);
    expect(await ledger.audit()).toMatchObject({ payments: granted, liveUsdMicros: usdMicros, findings: [] });
    await ledger.close();
  },
);

/** One round, under a cap with room for half of what is asked and too little for one more; answers its length in ms. */
async function race(children: readonly Child[], holds: number, granted: number): Promise<number> {
  const grants = (children.length * holds) / 2;
  const cap = AMOUNT * BigInt(granted + grants) + AMOUNT - 1n;
  const startedMs = performance.now();
  for (const child of children)
    child.say({ holds, amount: String(AMOUNT), cap: String(cap) } satisfies RaceRound);
  const reports = await Promise.all(children.map((child) => child.next<RaceReport>()));
  const tookMs = performance.now() - startedMs;
  const sum = (of: (report: RaceReport) => number): number =>
    reports.reduce((total, report) => total + of(report), 0);
  expect(sum(({ held }) => held)).toBe(grants);
  expect(sum(({ exceeded }) => exceeded)).toBe(children.length * holds - grants);
  if (HOLDS_ASKED > 0) for (const report of reports) console.log(describe(report));
  return tookMs;
}

function describe({ latenciesMs, held }: RaceReport): string {
  const { p50, p99, max } = spreadOf(latenciesMs);
  const ms = (us: number): string => (us / 1000).toFixed(1);
  return `${held} held, p50 ${ms(p50)} ms, p99 ${ms(p99)} ms, max ${ms(max)} ms`;
}
