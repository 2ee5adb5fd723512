import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { newDatabase, type Sqlite } from '../sqlite/file/database.js';
import { scratchFolder } from '../sqlite/fixtures.js';
import { SCHEMA_SQL } from '../sqlite/file/schema.js';
import { EMPTY_REGISTER, Register } from '../sqlite/journal/register.js';
import { entriesSet, EntryWriter, fillRegister } from './registerEntries.js';
import type { WireRow } from './table.js';

function newFile(folder: string, name: string): Sqlite {
  const db = newDatabase(join(folder, name));
  db.pragma('journal_mode = MEMORY');
  db.pragma('synchronous = OFF');
  db.exec(SCHEMA_SQL);
  return db;
}

const textsOf = (db: Sqlite): unknown => db.prepare('SELECT * FROM register ORDER BY bucket').all();

// Few keys, so that they are set again, dropped and set anew, and buckets become empty; some share one.
const key = fc.integer({ min: 0, max: 200 }).map((i) => `total ${i}`);
const sets = fc.array(fc.tuple(key, fc.option(fc.constantFrom('a', 'b "\\ \0', '\u{1F600}'), { freq: 2 })), {
  maxLength: 30,
});
const writes = fc.array(fc.record({ sets, undone: sets }), { maxLength: 8 });

test('a copy that was brought on, and one made anew, have the register byte for byte', async () => {
  await fc.assert(
    fc.asyncProperty(writes, async (all) => {
      using folder = scratchFolder();
      const [file, copy, fresh] = [
        newFile(folder.path, 'file'),
        newFile(folder.path, 'copy'),
        newFile(folder.path, 'fresh'),
      ];
      const register = new Register(file);
      register.noteSets();
      const database = new Map<string, WireRow>();
      let digests = EMPTY_REGISTER;
      for (const [i, write] of all.entries()) {
        register.backTo(0);
        for (const [k, v] of write.sets) digests = register.set(digests, k, v);
        const before = register.sets.length;
        file.exec('SAVEPOINT operation');
        let undone = digests;
        for (const [k, v] of write.undone) undone = register.set(undone, k, v);
        file.exec('ROLLBACK TO operation; RELEASE operation');
        register.backTo(before);
        const { put, gone } = entriesSet(register.sets, i + 1);
        const writer = new EntryWriter(copy);
        writer.apply(put, gone);
        writer.write();
        for (const row of gone) database.delete(`${row['bucket']} ${row['key']}`);
        for (const row of put) database.set(`${row['bucket']} ${row['key']}`, row);
      }
      expect(textsOf(copy)).toEqual(textsOf(file));

      fresh.prepare(`INSERT INTO control VALUES (1, 0, '', 0, 0, '', 0, 0, ?, x'00')`).run(digests);
      // In no order, as a database gives them.
      const rows = [...database.values()].sort((a, b) =>
        String(b['place']).localeCompare(String(a['place'])),
      );
      await fillRegister(
        fresh,
        (async function* () {
          await Promise.resolve();
          yield* rows;
        })(),
      );
      expect(textsOf(fresh)).toEqual(textsOf(file));
      for (const db of [file, copy, fresh]) db.close();
    }),
    { numRuns: 40 },
  );
});
