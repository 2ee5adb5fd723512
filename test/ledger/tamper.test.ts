import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isWalletError } from '../../src/errors/walletError.js';
import {
  captured,
  editBehind,
  newLedger,
  scratchFolder,
  sent,
  T0,
  testMac,
} from '../../src/ledger/sqlite/fixtures.js';
import type { Ledger, Checkpoint } from '../../src/ledger/ledger.js';
import { SqliteLedger } from '../../src/ledger/sqlite/sqliteLedger.js';
import { SCHEMA_SQL } from '../../src/ledger/sqlite/file/schema.js';
import { fillWithEverything, signingSteps, type Everything, type SigningStep } from './everything.js';

const folder = scratchFolder();
afterAll(() => folder[Symbol.dispose]());

/** A ledger as left by a process that ended well, some entries before `pristine`. */
let older: string;
/** The ledger whose copies are edited, with rows in every table. */
let pristine: string;
let everything: Everything;
let checkpoint: Checkpoint;

beforeAll(async () => {
  using world = newLedger();
  older = join(folder.path, 'older.db');
  pristine = join(folder.path, 'pristine.db');
  everything = await fillWithEverything(world.ledger);
  await world.ledger.backup(older);
  const { nowMs, sessionId, signed } = everything;
  // Every kind of row moves on once more, so that each has an older self to be put back.
  await world.ledger.markSent(signed.id, { configVersion: 1, capLines: [], nowMs });
  await world.ledger.markUnknown(signed.id, 'timeout', nowMs);
  await captured(world.ledger, { sessionId, category: 'search', nowMs });
  await sent(world.ledger, { sessionId, nowMs });
  await world.ledger.budgets.end(everything.endedRunId, nowMs);
  await world.ledger.touchSession('default', nowMs + 60_000);
  everything = { ...everything, nowMs: nowMs + 60_000 };
  await world.ledger.backup(pristine);
  checkpoint = await world.ledger.checkpoint();
});

let copies = 0;

/** A copy of its own, edited. */
function editedCopy(edit: Parameters<typeof editBehind>[1]): string {
  const path = join(folder.path, `copy-${copies++}.db`);
  copyFileSync(pristine, path);
  editBehind(path, edit);
  return path;
}

/** What opening, the keystore's checkpoint and an audit have to say; empty where they find nothing wrong. */
async function findings(path: string, remembered = checkpoint): Promise<string[]> {
  let ledger: Ledger | undefined;
  try {
    ledger = SqliteLedger.open(path, { mac: testMac() });
    const { findings } = await ledger.audit();
    await ledger.verifyCheckpoint(remembered);
    return findings.map(({ where, id, says }) => `${where} ${id}: ${says}`);
  } catch (error) {
    if (!isWalletError(error) || error.code === 'internal') throw error;
    return [error.code];
  } finally {
    await ledger?.close();
  }
}

/** How a step of signing goes on a copy: what it came to, or the code it refused with. */
async function outcomeOf(path: string, step: SigningStep): Promise<string> {
  const copy = `${path}.signing`;
  copyFileSync(path, copy);
  let ledger: Ledger | undefined;
  try {
    ledger = SqliteLedger.open(copy, { mac: testMac() });
    const result = await signingSteps(ledger, everything)[step]();
    return result === null ? 'null' : 'kind' in result ? result.kind : 'found';
  } catch (error) {
    if (!isWalletError(error)) throw error;
    return error.code;
  } finally {
    await ledger?.close();
    rmSync(copy);
  }
}

async function signing(path: string): Promise<Record<string, string>> {
  const steps = Object.keys(signingSteps({} as Ledger, everything)) as SigningStep[];
  const outcomes: Record<string, string> = {};
  for (const step of steps) outcomes[step] = await outcomeOf(path, step);
  return outcomes;
}

type Row = Record<string, bigint | string | Buffer | null>;

interface Table {
  readonly name: string;
  readonly columns: readonly string[];
  /** Type by column. */
  readonly types: Readonly<Record<string, string>>;
  readonly nullable: readonly string[];
  readonly keys: readonly string[];
}

const TABLES: readonly Table[] = (() => {
  const db = new Database(':memory:');
  db.exec(SCHEMA_SQL);
  const names = db.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'`);
  return (names.pluck().all() as string[]).map((name) => {
    const info = db.pragma(`table_info(${name})`) as {
      name: string;
      type: string;
      notnull: number;
      pk: number;
    }[];
    return {
      name,
      columns: info.map((column) => column.name),
      types: Object.fromEntries(info.map((column) => [column.name, column.type])),
      nullable: info.filter(({ notnull, pk }) => notnull === 0 && pk === 0).map((column) => column.name),
      keys: info.filter(({ pk }) => pk > 0).map((column) => column.name),
    };
  });
})();

function tableOf(name: string): Table {
  const table = TABLES.find((one) => one.name === name);
  if (table === undefined) throw new Error(`No table ${name}`);
  return table;
}

function rowsOf(path: string, table: string, where = '1'): Row[] {
  const db = new Database(path, { readonly: true });
  db.defaultSafeIntegers(true);
  const rows = db.prepare(`SELECT * FROM ${table} WHERE ${where}`).all() as Row[];
  db.close();
  return rows;
}

/** Other values that a column could hold instead. */
function otherValues(table: Table, column: string, value: Row[string]): Row[string][] {
  const nothing = value !== null && table.nullable.includes(column) ? [null] : [];
  // Far enough from its neighbours that no key meets another.
  if (typeof value === 'bigint') return [value + 1_000_003n, value === 0n ? 2n : -value, ...nothing];
  if (typeof value === 'string') return [`${value}x`, value.slice(0, -1), ...nothing];
  if (value !== null)
    return [Buffer.from(value.map((byte, i) => (i === value.length >> 1 ? byte ^ 1 : byte))), ...nothing];
  return [table.types[column] === 'INTEGER' ? 1n : table.types[column] === 'TEXT' ? 'x' : Buffer.from([1])];
}

function setValue(table: Table, row: Row, column: string, value: Row[string]) {
  const where = table.keys.map((key) => `${key} = ?`).join(' AND ');
  return (db: Database.Database): void => {
    const { changes } = db
      .prepare(`UPDATE ${table.name} SET ${column} = ? WHERE ${where}`)
      .run(value, ...table.keys.map((key) => row[key]));
    expect(changes).toBe(1);
  };
}

function deleteRow(table: Table, row: Row) {
  const where = table.keys.map((key) => `${key} = ?`).join(' AND ');
  return (db: Database.Database): void => {
    const { changes } = db
      .prepare(`DELETE FROM ${table.name} WHERE ${where}`)
      .run(...table.keys.map((key) => row[key]));
    expect(changes).toBe(1);
  };
}

function putBack(table: Table, row: Row) {
  return (db: Database.Database): void => {
    const values = table.columns.map((column) => row[column]);
    db.prepare(`INSERT OR REPLACE INTO ${table.name} VALUES (${values.map(() => '?').join(', ')})`).run(
      ...values,
    );
  };
}

test('the ledger that is edited is whole, and every step of signing goes through on it', async () => {
  expect(await findings(pristine)).toEqual([]);
  for (const { name, columns } of TABLES) {
    const rows = rowsOf(pristine, name);
    expect(rows.length, name).toBeGreaterThan(0);
    for (const column of columns)
      expect(
        rows.some((row) => row[column] !== null),
        `${name}.${column}`,
      ).toBe(true);
  }
  expect(await signing(pristine)).toEqual({
    session: 'found',
    quote: 'found',
    twin: 'duplicate',
    key: 'key_reused',
    rate: 'rate',
    hold: 'held',
    run: 'held',
    send: 'done',
    approved: 'held',
    factor: 'found',
    replay: 'found',
    history: 'found',
    prices: 'found',
  });
});

describe('an audit finds any value that was changed, in', () => {
  const columns = TABLES.flatMap((table) => table.columns.map((column) => [table.name, column] as const));
  test.each(columns)('%s.%s', async (name, column) => {
    const table = tableOf(name);
    for (const row of rowsOf(pristine, name)) {
      for (const value of otherValues(table, column, row[column] ?? null)) {
        const path = editedCopy(setValue(table, row, column, value));
        expect(
          await findings(path),
          `${JSON.stringify(row, (_k, v: unknown) => (typeof v === 'bigint' ? String(v) : v))} → ${String(value)}`,
        ).not.toEqual([]);
        rmSync(path);
      }
    }
  });
});

/** Rows that signing reads, which step reads them, and the columns by which it looks (a row changed there is another). */
const READS: readonly {
  table: string;
  row: () => string;
  step: SigningStep;
  lookedUpBy?: readonly string[];
}[] = [
  { table: 'meta', row: () => '1', step: 'hold' },
  ...(['hold', 'send', 'session'] as const).flatMap((step) => [
    { table: 'control', row: () => '1', step },
    { table: 'journal', row: () => 'seq = (SELECT max(seq) FROM journal)', step },
  ]),
  { table: 'register', row: () => `entries LIKE '%"total wallet"%'`, step: 'hold' },
  { table: 'register', row: () => `entries LIKE '%"total agent:default"%'`, step: 'hold' },
  { table: 'register', row: () => `entries LIKE '%"session default"%'`, step: 'session' },
  { table: 'register', row: () => `entries LIKE '%"live ${everything.signed.requestHash}"%'`, step: 'twin' },
  { table: 'register', row: () => `entries LIKE '%"live ${everything.signed.requestHash}"%'`, step: 'send' },
  { table: 'register', row: () => `entries LIKE '%"budget ${everything.innerRunId}"%'`, step: 'run' },
  { table: 'budgets', row: () => `id = '${everything.innerRunId}'`, step: 'run', lookedUpBy: ['id'] },
  { table: 'budgets', row: () => `id = '${everything.runId}'`, step: 'run', lookedUpBy: ['id'] },
  { table: 'payments', row: () => `id = '${everything.signed.id}'`, step: 'twin' },
  { table: 'payments', row: () => `id = '${everything.signed.id}'`, step: 'send', lookedUpBy: ['id'] },
  {
    table: 'payments',
    row: () => `idempotency_key = 'key-1'`,
    step: 'key',
    lookedUpBy: ['agent', 'idempotency_key', 'state'],
  },
  {
    table: 'payments',
    row: () =>
      `id = (SELECT id FROM payments WHERE state = 'captured' AND origin = 'https://api.example.com' ORDER BY opened_ms DESC)`,
    step: 'history',
    lookedUpBy: ['state', 'origin', 'network', 'opened_ms'],
  },
  {
    table: 'payments',
    row: () => `idempotency_key = 'key-1'`,
    step: 'prices',
    lookedUpBy: ['state', 'method', 'url', 'opened_ms'],
  },
  { table: 'totals', row: () => `scope = 'wallet' AND span_sec >= 86400`, step: 'hold' },
  { table: 'totals', row: () => `scope = 'wallet' AND start_sec = ${T0 / 1000}`, step: 'hold' },
  { table: 'totals', row: () => `scope = 'category:search' AND span_sec >= 86400`, step: 'hold' },
  { table: 'sessions', row: () => 'active_ms = (SELECT max(active_ms) FROM sessions)', step: 'session' },
  { table: 'approvals', row: () => `state = 'approved'`, step: 'approved', lookedUpBy: ['id'] },
  { table: 'factors', row: () => '1', step: 'factor' },
  { table: 'register', row: () => `entries LIKE '%"factors"%'`, step: 'factor' },
  { table: 'quotes', row: () => '1', step: 'quote', lookedUpBy: ['id', 'agent'] },
  { table: 'answers', row: () => '1', step: 'replay', lookedUpBy: ['payment_id', 'agent'] },
];

describe('signing refuses a row that was changed, where it reads it:', () => {
  test.each(READS)('$step, $table', async ({ table: name, row: where, step, lookedUpBy = [] }) => {
    const table = tableOf(name);
    const rows = rowsOf(pristine, name, where());
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) {
      for (const column of table.columns.filter((one) => !lookedUpBy.includes(one))) {
        for (const value of otherValues(table, column, row[column] ?? null)) {
          const path = editedCopy(setValue(table, row, column, value));
          expect(await outcomeOf(path, step), `${name}.${column}`).toMatch(
            /^ledger_(damaged|foreign|older)$/,
          );
          rmSync(path);
        }
      }
    }
  });
});

describe('rows that were deleted', () => {
  // A quote lives a minute, an answer is the seller's, what is prepaid is good there alone, a lease lives some seconds, and
  // a look is made again: none is in the journal, and to lose one frees nothing.
  const untold = ['quotes', 'answers', 'entitlements', 'leases', 'looks', 'witnesses'];
  const told = TABLES.filter(({ name }) => !untold.includes(name));

  test.each(told)('one of $name: an audit finds it', async (table) => {
    for (const row of rowsOf(pristine, table.name)) {
      const path = editedCopy(deleteRow(table, row));
      expect(
        await findings(path),
        JSON.stringify(row[table.keys[0] ?? ''], (_k, v: unknown) => String(v)),
      ).not.toEqual([]);
      rmSync(path);
    }
  });

  test.each<[string, SigningStep]>([
    ['control', 'hold'],
    ['register', 'hold'],
    ['journal', 'hold'],
    ['totals', 'hold'],
    ['payments', 'send'],
    ['payments', 'twin'],
    ['sessions', 'session'],
    ['factors', 'factor'],
  ])('all of %s: signing refuses', async (name, step) => {
    const path = editedCopy(`DELETE FROM ${name}`);
    expect(await outcomeOf(path, step)).toMatch(/^ledger_damaged$|^internal$/);
    expect(await findings(path)).not.toEqual([]);
  });

  test.each(
    READS.filter(({ table }) => ['totals', 'register', 'sessions', 'factors', 'journal'].includes(table)),
  )('one of $table that $step reads: it refuses', async ({ table: name, row: where, step }) => {
    for (const row of rowsOf(pristine, name, where())) {
      const path = editedCopy(deleteRow(tableOf(name), row));
      expect(await outcomeOf(path, step)).toBe('ledger_damaged');
    }
  });
});

describe('rows that were put back to what they once were, each with its own code', () => {
  test.each(['control', 'register', 'payments', 'sessions', 'totals'])('%s', async (name) => {
    const table = tableOf(name);
    const newer = rowsOf(pristine, name).map((row) => JSON.stringify(Object.values(row), text));
    const changed = rowsOf(older, name).filter(
      (row) => !newer.includes(JSON.stringify(Object.values(row), text)),
    );
    expect(changed.length).toBeGreaterThan(0);
    for (const row of changed) {
      const path = editedCopy(putBack(table, row));
      expect(await findings(path)).not.toEqual([]);
      rmSync(path);
    }
    const all = editedCopy((db) => changed.forEach((row) => putBack(table, row)(db)));
    const step = { payments: 'send', sessions: 'session' }[name] ?? 'hold';
    expect(await outcomeOf(all, step as SigningStep)).toBe('ledger_damaged');
  });

  test('all but the head and the journal at once: signing refuses', async () => {
    const path = editedCopy((db) => {
      for (const name of ['register', 'payments', 'sessions', 'totals']) {
        db.exec(`DELETE FROM ${name}`);
        for (const row of rowsOf(older, name)) putBack(tableOf(name), row)(db);
      }
    });
    for (const step of ['hold', 'send', 'session', 'twin'] as const)
      expect(await outcomeOf(path, step)).toBe('ledger_damaged');
  });

  test('all of it: the keystore’s checkpoint knows better', async () => {
    expect(await findings(older)).toEqual(['ledger_older']);
  });
});

function text(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

/** Every row of every table, and the schema: what the file says, however its bytes lie. */
function dump(path: string): string {
  const db = new Database(path, { readonly: true });
  try {
    db.defaultSafeIntegers(true);
    const tables = TABLES.map(({ name }) => db.prepare(`SELECT * FROM ${name}`).all());
    const schema = db.prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema').all();
    return JSON.stringify([schema, db.pragma('user_version'), tables], text);
  } finally {
    db.close();
  }
}

describe('a byte flipped anywhere', () => {
  test('in the file: it is found, or it was in unused space', async () => {
    const bytes = readFileSync(pristine);
    const intact = dump(pristine);
    const path = join(folder.path, 'flipped.db');
    let found = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (offset, mask) => {
        for (const end of ['-wal', '-shm']) rmSync(path + end, { force: true });
        const flipped = Buffer.from(bytes);
        flipped[offset] = (flipped[offset] ?? 0) ^ mask;
        writeFileSync(path, flipped);
        if ((await findings(path)).length > 0) found++;
        else expect(dump(path)).toBe(intact);
      }),
      { numRuns: 300 },
    );
    expect(found).toBeGreaterThan(60);
  });

  test('in an index: an audit finds that it lies, though no row changed', async () => {
    const db = new Database(pristine, { readonly: true });
    const pages = db
      .prepare(
        `SELECT name, pgoffset AS offset, pgsize AS size FROM dbstat JOIN sqlite_schema USING (name)
         WHERE type = 'index' AND sql IS NOT NULL AND pagetype = 'leaf' AND ncell > 0`,
      )
      .all() as { name: string; offset: number; size: number }[];
    db.close();
    expect(new Set(pages.map(({ name }) => name)).size).toBeGreaterThan(10);
    const path = join(folder.path, 'index.db');
    for (const { name, offset, size } of pages) {
      const bytes = readFileSync(pristine);
      // Entries lie at the end of a page, and an entry ends in the row's own key.
      const last = offset + size - 2;
      bytes[last] = (bytes[last] ?? 0) ^ 1;
      writeFileSync(path, bytes);
      for (const end of ['-wal', '-shm']) rmSync(path + end, { force: true });
      expect(await findings(path), name).not.toEqual([]);
      expect(dump(path)).toBe(dump(pristine));
    }
  });

  test('in the log that a killed process left: it is found, or nothing was lost', async () => {
    using world = newLedger();
    const filled = await fillWithEverything(world.ledger);
    const path = join(folder.path, 'killed.db');
    const [db, wal] = [readFileSync(world.path), readFileSync(`${world.path}-wal`)];
    const killedAt = await world.ledger.checkpoint();
    const restore = (log: Buffer): void => {
      rmSync(`${path}-shm`, { force: true });
      writeFileSync(path, db);
      writeFileSync(`${path}-wal`, log);
    };
    restore(wal);
    const whole = dump(path);
    expect(whole).toContain(filled.signed.id);
    let found = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(wal.length - 1), fc.integer({ min: 1, max: 255 }), async (offset, mask) => {
        const flipped = Buffer.from(wal);
        flipped[offset] = (flipped[offset] ?? 0) ^ mask;
        restore(flipped);
        if ((await findings(path, killedAt)).length > 0) found++;
        else expect(dump(path)).toBe(whole);
      }),
      { numRuns: 120 },
    );
    expect(found).toBeGreaterThan(30);
  });
});
