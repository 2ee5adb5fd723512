import { join } from 'node:path';
import { expect, test } from 'vitest';
import { capLine, captured, scratchFolder, T0, testMac } from '../../src/ledger/sqlite/fixtures.js';
import { Ledger } from '../../src/ledger/ledger.js';
import { measureHolds } from './measure.js';
import { HARD_USE, seedLedger } from './seed.js';

test('a seeded ledger is one that the ledger could have written', async () => {
  using folder = scratchFolder();
  const path = join(folder.path, 'purser.db');
  seedLedger(path, { ...HARD_USE, payments: 3000, sessions: 30 });
  const ledger = Ledger.open(path, { mac: testMac() });
  const report = ledger.audit();
  expect(report).toMatchObject({ entries: 9001, payments: 3000, liveUsdMicros: 0n, findings: [] });
  const everything = capLine({ windowSec: null });
  expect(ledger.usage([everything], T0)).toEqual([report.capturedUsdMicros]);
  const [{ openedMs } = { openedMs: 0 }] = ledger.listPayments({}, 1, null).payments;
  const lastDay = ledger.groupPayments('by_host', { sinceMs: openedMs - 86_400_000 }, 1000);
  const inLastDay = lastDay.reduce((sum, group) => sum + group.capturedUsdMicros, 0n);
  expect(ledger.usage([capLine()], openedMs)).toEqual([inLastDay]);
  await captured(ledger);
  expect(ledger.audit().findings).toEqual([]);
  ledger.close();
  const { check, hold } = await measureHolds(path, 20);
  expect(check.p50).toBeGreaterThan(0);
  expect(hold.max).toBeGreaterThanOrEqual(hold.p50);
});
