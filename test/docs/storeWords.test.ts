import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** What only a store of SQLite knows of. */
const WORDS = /SQLITE|PRAGMA|better-sqlite3|data_version|purser\.db|-wal\b|-shm\b/;
/** The search index is a database of its own. */
const ROOMS = /^src\/(ledger\/sqlite|discovery\/index)\//;

test('what is SQLite’s own is written in its rooms alone, so that another store can stand behind the ledger', () => {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .map((name) => join('src', name).replaceAll('\\', '/'))
    .filter((name) => name.endsWith('.ts'));
  const naming = files.filter((name) => WORDS.test(readFileSync(name, 'utf8')));
  expect(naming.length).toBeGreaterThan(5);
  expect(naming.filter((name) => !ROOMS.test(name))).toEqual([]);
});
