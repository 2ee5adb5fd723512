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
      expect(new Map(fresh.all(digests))).toEqual(model);
      db.close();
    }),
    { numRuns: 60 },
  );
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
