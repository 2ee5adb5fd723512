import Database from 'better-sqlite3';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EMPTY_REGISTER, Register } from './register.js';
import { SCHEMA_SQL } from '../file/schema.js';

function emptyDatabase(): Database.Database {
  const db = new Database(':memory:');
  db.exec(SCHEMA_SQL);
  return db;
}

test('it is a map, for any key and value', () => {
  const key = fc
    .oneof(fc.constantFrom('a', 'b', '__proto__', 'constructor', '1'), fc.string())
    .map((k) => `k ${k}`);
  fc.assert(
    fc.property(fc.array(fc.tuple(key, fc.option(fc.string({ unit: 'binary' })))), (changes) => {
      const db = emptyDatabase();
      const register = new Register(db);
      const model = new Map<string, string>();
      let digests = EMPTY_REGISTER;
      for (const [k, v] of changes) {
        digests = register.set(digests, k, v);
        if (v === null) model.delete(k);
        else model.set(k, v);
        expect(register.get(digests, k)).toBe(v);
      }
      const fresh = new Register(db);
      for (const k of model.keys()) expect(fresh.get(digests, k)).toBe(model.get(k));
      expect(new Map(register.beginningWith(digests, 'k '))).toEqual(model);
      expect(new Map(fresh.all(digests))).toEqual(model);
      db.close();
    }),
    { numRuns: 60 },
  );
});

test('what was set and undone is forgotten, and what was set before it is known', () => {
  const db = emptyDatabase();
  const register = new Register(db);
  const before = register.set(EMPTY_REGISTER, 'total wallet', '1 0');
  db.exec('SAVEPOINT operation');
  register.set(register.set(before, 'total wallet', '2 0'), 'total wallet', null);
  db.exec('ROLLBACK TO operation; RELEASE operation');
  expect(register.get(before, 'total wallet')).toBe('1 0');
  const after = register.set(before, 'total wallet', '3 0');
  expect(new Register(db).get(after, 'total wallet')).toBe('3 0');
  db.close();
});

test('keys are listed by how they begin, those of open payments and all others', () => {
  const db = emptyDatabase();
  const register = new Register(db);
  const keys = Array.from({ length: 300 }, (_, i) => `${i % 3 === 0 ? 'live' : 'agent'} a${i}`);
  let digests = EMPTY_REGISTER;
  for (const key of keys) digests = register.set(digests, key, key);
  for (const prefix of ['live ', 'agent ', 'agent a1', 'none '])
    expect(new Set(Array.from(new Register(db).beginningWith(digests, prefix), ([key]) => key))).toEqual(
      new Set(keys.filter((key) => key.startsWith(prefix))),
    );
  db.close();
});

test('a bucket that is not what the head vouches for is refused, also an older one and a missing one', () => {
  const db = emptyDatabase();
  const register = new Register(db);
  const older = register.set(EMPTY_REGISTER, 'total wallet', '1 0');
  const olderRow = db.prepare('SELECT * FROM register').get() as { bucket: number; entries: string };
  const newer = register.set(older, 'total wallet', '5 0');
  const expectRefused = (digests: Uint8Array) =>
    expect(() => new Register(db).get(digests, 'total wallet')).toThrow(/not those/);
  expect(new Register(db).get(newer, 'total wallet')).toBe('5 0');
  expectRefused(older);
  expectRefused(EMPTY_REGISTER);
  db.prepare('UPDATE register SET entries = ?').run(olderRow.entries);
  expectRefused(newer);
  db.prepare('DELETE FROM register').run();
  expectRefused(newer);
  expect(() => [...new Register(db).all(newer)]).toThrow(/not those/);
  db.close();
});
