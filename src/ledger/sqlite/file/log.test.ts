import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { captured, scratchFolder, sent, T0, testMac } from '../fixtures.js';
import { SqliteLedger } from '../sqliteLedger.js';

/** Commits of so many payments write more pages than SQLite lets a log have by itself, and fewer than ours may have. */
const PAYMENTS = 60;

afterEach(() => void vi.useRealTimers());

it('brings the log into the file behind the commits, and within one only where nobody came to it', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  using folder = scratchFolder();
  const path = join(folder.path, 'purser.db');
  SqliteLedger.create(path, { mac: testMac(), nowMs: T0, configVersion: 1 });
  let onDisk = Promise.withResolvers<undefined>();
  const observer = { onDisk: () => onDisk.resolve(undefined) };
  const ledger = SqliteLedger.open(path, { mac: testMac(), observer });
  const before = readFileSync(path);
  const payments = [];
  for (let i = 0; i < PAYMENTS; i++) payments.push(await captured(ledger));
  expect(readFileSync(path).equals(before), 'no commit wrote into the file').toBe(true);

  onDisk = Promise.withResolvers();
  await vi.runAllTimersAsync();
  await onDisk.promise;
  // The file alone, as it is without its log.
  const alone = join(folder.path, 'alone.db');
  writeFileSync(alone, readFileSync(path), { mode: 0o600 });
  const read = SqliteLedger.open(alone, { mac: testMac() });
  for (const { id } of payments) expect((await read.findPayment(id))?.state).toBe('captured');
  await read.close();

  // Nobody brings it into the file from here on, as in a process whose timers never come.
  const cleared = readFileSync(path);
  let commits = 0;
  while (readFileSync(path).equals(cleared)) {
    await sent(ledger);
    expect(++commits, 'the log has a bound').toBeLessThan(1_000);
  }
  expect(commits).toBeGreaterThan(PAYMENTS);
  await ledger.close();
}, 120_000);
