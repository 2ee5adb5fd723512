import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { capLine, scratchFolder, T0, testMac } from '../../src/ledger/fixtures.js';
import { Ledger } from '../../src/ledger/ledger.js';
import { bundleChild, startChild } from './children.js';
import { spreadOf } from './measure.js';
import type { RaceOrder, RaceReport } from './race.child.js';

const PROCESSES = 8;
const HOLDS = 1000;
const AMOUNT = 10_007n;
/** Room for part of what is asked, and a rest that is too small for one more. */
const CAP = AMOUNT * 5000n + AMOUNT - 1n;

let program: string;
beforeAll(async () => {
  program = await bundleChild('race');
});

test(`${PROCESSES} processes fill a cap to the atomic unit, and not one unit more (T13)`, async () => {
  using folder = scratchFolder({ onDisk: true });
  const path = join(folder.path, 'purser.db');
  Ledger.create(path, { mac: testMac(), nowMs: T0, configVersion: 1 });
  const order: RaceOrder = { path, holds: HOLDS, amount: String(AMOUNT), cap: String(CAP), concurrency: 1 };
  const children = Array.from({ length: PROCESSES }, () => startChild(program, order));
  for (const child of children) expect(await child.next()).toBe('ready');
  for (const child of children) child.say('go');
  const reports = await Promise.all(children.map((child) => child.next<RaceReport>()));
  for (const child of children) expect((await child.ended).code).toBe(0);

  const sum = (of: (report: RaceReport) => number) =>
    reports.reduce((total, report) => total + of(report), 0);
  expect(sum(({ held }) => held)).toBe(5000);
  expect(sum(({ exceeded }) => exceeded)).toBe(PROCESSES * HOLDS - 5000);
  const ledger = Ledger.open(path, { mac: testMac() });
  expect(ledger.usage([capLine()], T0 + HOLDS)).toEqual([AMOUNT * 5000n]);
  expect(ledger.audit()).toMatchObject({ payments: 5000, liveUsdMicros: AMOUNT * 5000n, findings: [] });
  ledger.close();

  reports.forEach(({ latenciesMs, held }, i) => {
    const { p50, p99, max } = spreadOf(latenciesMs);
    const ms = (us: number) => (us / 1000).toFixed(1);
    console.log(`process ${i}: ${held} held, p50 ${ms(p50)} ms, p99 ${ms(p99)} ms, max ${ms(max)} ms`);
  });
});
