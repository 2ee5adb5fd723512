import { join } from 'node:path';
import { expect, test } from 'vitest';
import { capLine, captured, scratchFolder, T0, testMac } from '../../src/ledger/sqlite/fixtures.js';
import { SqliteLedger } from '../../src/ledger/sqlite/sqliteLedger.js';
import { measureHolds } from './measure.js';
import { HARD_USE, seedLedger } from './seed.js';

test('a seeded ledger is one that the ledger could have written', async () => {
  using folder = scratchFolder();
  const path = join(folder.path, 'purser.db');
  seedLedger(path, { ...HARD_USE, payments: 3000, sessions: 30 });
  const ledger = SqliteLedger.open(path, { mac: testMac() });
  const report = await ledger.audit();
  expect(report).toMatchObject({ entries: 9001, payments: 3000, liveUsdMicros: 0n, findings: [] });
  const everything = capLine({ windowSec: null });
  expect(await ledger.usage([everything], T0)).toEqual([report.capturedUsdMicros]);
  const [{ openedMs } = { openedMs: 0 }] = (await ledger.listPayments({}, 1, null)).payments;
  const lastDay = await ledger.groupPayments('by_host', { sinceMs: openedMs - 86_400_000 }, 1000);
  const inLastDay = lastDay.reduce((sum, group) => sum + group.capturedUsdMicros, 0n);
  expect(await ledger.usage([capLine()], openedMs)).toEqual([inLastDay]);
  await captured(ledger);
  expect((await ledger.audit()).findings).toEqual([]);
  await ledger.close();
  const { check, hold } = await measureHolds(path, 20);
  expect(check.p50).toBeGreaterThan(0);
  expect(hold.max).toBeGreaterThanOrEqual(hold.p50);
});
