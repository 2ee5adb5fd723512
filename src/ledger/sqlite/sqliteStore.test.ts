import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { captured, held, scratchFolder, T0, testMac } from './fixtures.js';
import { SqliteStore } from './sqliteStore.js';

const NEW = { mac: testMac(), nowMs: T0, configVersion: 1 };

test('makes a ledger once, and leaves one that is there as it is', async () => {
  using folder = scratchFolder();
  const store = new SqliteStore(folder.path);
  expect(await store.exists()).toBe(false);
  await expect(store.open({ mac: testMac() })).rejects.toMatchObject({ code: 'ledger_missing' });
  const killed = join(folder.path, 'purser.db.999999999.new');
  writeFileSync(killed, 'half of a ledger');
  await store.create(NEW);
  expect(existsSync(killed)).toBe(false);
  const ledger = await store.open({ mac: testMac() });
  await held(ledger);
  await ledger.close();
  await store.create(NEW);
  const again = await store.open({ mac: testMac() });
  expect((await again.openAttempts(5)).length).toBe(1);
  await again.close();
});

test('sets a ledger aside whole, and one such place is enough', async () => {
  using folder = scratchFolder();
  const store = new SqliteStore(folder.path);
  await store.setAside();
  expect(existsSync(store.keptAs)).toBe(false);
  await store.create(NEW);
  const bytes = readFileSync(join(folder.path, 'purser.db'));
  await store.setAside();
  expect(await store.exists()).toBe(false);
  expect(readFileSync(store.keptAs)).toEqual(bytes);
});

test('puts back a sound backup of its own keys alone; after any other the ledger is as it was', async () => {
  using folder = scratchFolder();
  const store = new SqliteStore(folder.path);
  await store.create(NEW);
  const ledger = await store.open({ mac: testMac() });
  const { id } = await captured(ledger);
  const backup = join(folder.path, 'backup');
  await ledger.backup(backup);
  const later = await held(ledger);
  await ledger.close();
  const bad = join(folder.path, 'bad');
  writeFileSync(bad, 'nothing of ours');
  for (const [path, mac, code] of [
    [join(folder.path, 'none'), testMac(), 'not_found'],
    [bad, testMac(), 'ledger_damaged'],
    [backup, testMac('other keys'), 'ledger_foreign'],
  ] as const)
    await expect(store.restore(path, mac)).rejects.toMatchObject({ code });
  const same = await store.open({ mac: testMac() });
  expect((await same.findPayment(later.id))?.state).toBe('held');
  await same.close();
  await store.restore(backup, testMac());
  const restored = await store.open({ mac: testMac() });
  expect((await restored.findPayment(id))?.state).toBe('captured');
  expect(await restored.findPayment(later.id)).toBe(null);
  await restored.close();
  if (process.platform !== 'win32') expect(statSync(join(folder.path, 'purser.db')).mode & 0o777).toBe(0o600);
  expect(existsSync(store.keptAs)).toBe(true);
});
