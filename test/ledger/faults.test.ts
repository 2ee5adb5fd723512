import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  capLine,
  captured,
  CENT,
  held,
  holdRequest,
  newLedger,
  scratchFolder,
  sent,
  T0,
  testMac,
} from '../../src/ledger/sqlite/fixtures.js';
import { SqliteLedger } from '../../src/ledger/sqlite/sqliteLedger.js';
import { bundleChild, startChild } from './children.js';

describe('a ledger that another process keeps locked', () => {
  let program: string;
  beforeAll(async () => {
    program = await bundleChild('lock');
  });

  test('is read on, and written as soon as it is free', async () => {
    using world = newLedger();
    await held(world.ledger);
    const child = startChild(program, world.path);
    await child.next();
    const hold = world.ledger.openHold(holdRequest());
    expect(await world.ledger.usage([capLine()], T0)).toEqual([CENT]);
    expect((await world.open().checkpoint()).seq).toBe(2);
    child.say('let go');
    expect((await hold).kind).toBe('held');
    await child.ended;
  });

  test('turns a write away in words when it stays locked, and nothing is lost', async () => {
    using world = newLedger({ lockWaitMaxMs: 30 });
    const child = startChild(program, world.path);
    await child.next();
    await expect(world.ledger.openHold(holdRequest())).rejects.toMatchObject({
      code: 'ledger_busy',
      retry: 'after_delay',
      money: 'none',
    });
    child.say('let go');
    await child.next();
    expect((await world.ledger.openHold(holdRequest())).kind).toBe('held');
    await child.ended;
    expect(await world.ledger.audit()).toMatchObject({ payments: 1, findings: [] });
  });
});

/** Whether this machine lets a test mount a file system. */
const mounts = (() => {
  using folder = scratchFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', folder.path], { stdio: 'ignore' });
    execFileSync('umount', [folder.path]);
    return true;
  } catch {
    return false;
  }
})();

/** A file system of its own, gone when `using` ends. */
function mounted(size: string): Disposable & { readonly path: string; remount(options: string): void } {
  const folder = scratchFolder();
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder.path]);
  return {
    path: folder.path,
    remount: (options) => void execFileSync('mount', ['-o', `remount,${options}`, folder.path]),
    [Symbol.dispose]: () => {
      execFileSync('umount', ['--lazy', folder.path]);
      folder[Symbol.dispose]();
    },
  };
}

describe.runIf(mounts)('a disk', () => {
  test('that fills up stops signing in words; with room again it goes on, and nothing was lost', async () => {
    using disk = mounted('1m');
    const path = join(disk.path, 'purser.db');
    SqliteLedger.create(path, { mac: testMac(), nowMs: T0, configVersion: 1 });
    const ledger = SqliteLedger.open(path, { mac: testMac() });
    const open = await sent(ledger);
    const filler = join(disk.path, 'filler');
    fillUp(filler);
    let writes = 0;
    // What is reserved already may take a few more.
    const full = (async () => {
      for (; writes < 1000; writes++) await held(ledger);
    })();
    await expect(full).rejects.toMatchObject({ code: 'disk_full', retry: 'after_owner', money: 'none' });
    await expect(ledger.markUnknown(open.id, 'timeout', T0)).rejects.toMatchObject({ code: 'disk_full' });
    expect(await ledger.usage([capLine()], T0)).toEqual([BigInt(writes + 1) * CENT]);
    expect(await ledger.findPayment(open.id)).toEqual(open);
    await expect(ledger.backup(join(disk.path, 'backup'))).rejects.toMatchObject({ code: 'disk_full' });
    rmSync(filler);
    expect((await ledger.markUnknown(open.id, 'timeout', T0)).kind).toBe('done');
    expect(await ledger.audit()).toMatchObject({ payments: writes + 1, findings: [] });
    await ledger.close();
    const again = SqliteLedger.open(path, { mac: testMac() });
    expect(await again.audit()).toMatchObject({ payments: writes + 1, findings: [] });
    await again.close();
  });

  test('with no room for a ledger makes none', () => {
    using disk = mounted('16k');
    const path = join(disk.path, 'purser.db');
    const make = () => SqliteLedger.create(path, { mac: testMac(), nowMs: T0, configVersion: 1 });
    expect(make).toThrow(expect.objectContaining({ code: 'disk_full' }));
    disk.remount('size=1m');
    make();
  });

  test('that is read-only opens no ledger, and says so', async () => {
    using disk = mounted('1m');
    const path = join(disk.path, 'purser.db');
    SqliteLedger.create(path, { mac: testMac(), nowMs: T0, configVersion: 1 });
    disk.remount('ro');
    for (const mac of [testMac(), null])
      expect(() => SqliteLedger.open(path, { mac })).toThrow(
        expect.objectContaining({ code: 'home_unusable' }),
      );
    expect(() => SqliteLedger.create(`${path}2`, { mac: testMac(), nowMs: T0, configVersion: 1 })).toThrow(
      expect.objectContaining({ code: 'home_unusable' }),
    );
    disk.remount('rw');
    await SqliteLedger.open(path, { mac: testMac() }).close();
  });
});

function fillUp(path: string): void {
  const file = openSync(path, 'w');
  const block = Buffer.alloc(4096);
  try {
    for (;;) writeSync(file, block);
  } catch (error) {
    expect(error).toMatchObject({ code: 'ENOSPC' });
  } finally {
    closeSync(file);
  }
}

// Root writes anywhere: for it the mounts above say the same.
test.runIf(process.getuid?.() !== 0)(
  'a folder or file that this user cannot write opens no ledger',
  async () => {
    using world = newLedger();
    await world.ledger.close();
    const folder = dirname(world.path);
    for (const [path, mode] of [
      [folder, 0o500],
      [world.path, 0o400],
    ] as const) {
      chmodSync(path, mode);
      try {
        expect(() => world.open()).toThrow(expect.objectContaining({ code: 'home_unusable' }));
      } finally {
        chmodSync(path, 0o700);
      }
    }
  },
);

test('a folder that vanished while the ledger was open stops signing', async () => {
  using folder = scratchFolder();
  const home = join(folder.path, 'home');
  mkdirSync(home);
  const path = join(home, 'purser.db');
  SqliteLedger.create(path, { mac: testMac(), nowMs: T0, configVersion: 1 });
  const ledger = SqliteLedger.open(path, { mac: testMac() });
  rmSync(home, { recursive: true });
  await expect(ledger.openHold(holdRequest())).rejects.toMatchObject({ code: 'ledger_missing' });
  await ledger.close();
  expect(() => SqliteLedger.open(path, { mac: testMac() })).toThrow(
    expect.objectContaining({ code: 'ledger_missing' }),
  );
});

describe('a file that is damaged', () => {
  const folder = scratchFolder();
  afterAll(() => folder[Symbol.dispose]());
  let whole: Buffer;
  beforeAll(async () => {
    using world = newLedger();
    for (let i = 0; i < 20; i++) await captured(world.ledger, { nowMs: T0 + i });
    await world.ledger.backup(join(folder.path, 'whole.db'));
    whole = readFileSync(join(folder.path, 'whole.db'));
  });

  const damages: [string, (path: string) => void][] = [
    ['cut in half', (path) => truncateSync(path, whole.length >> 1)],
    [
      'without its first page',
      (path) => writeFileSync(path, Buffer.concat([Buffer.alloc(4096), whole.subarray(4096)])),
    ],
    [
      'with every later page gone',
      (path) =>
        writeFileSync(path, Buffer.concat([whole.subarray(0, 4096), Buffer.alloc(whole.length - 4096)])),
    ],
    [
      'of text',
      (path) => writeFileSync(path, 'not a database, though long enough to be looked at as one'.repeat(99)),
    ],
  ];
  test.each(damages)('%s signs nothing, and an audit or the opening says so', async (name, damage) => {
    const path = join(folder.path, `${name}.db`);
    writeFileSync(path, whole);
    damage(path);
    const use = async () => {
      const ledger = SqliteLedger.open(path, { mac: testMac() });
      try {
        expect((await ledger.audit()).findings).not.toEqual([]);
        await ledger.openHold(holdRequest({ capLines: [capLine()] }));
      } finally {
        await ledger.close();
      }
    };
    await expect(use()).rejects.toMatchObject({ code: 'ledger_damaged' });
  });
});
