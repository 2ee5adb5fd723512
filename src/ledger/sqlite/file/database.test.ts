import { expect, test, vi } from 'vitest';
import { newLedger } from '../fixtures.js';
import { openDatabase, prepareAs, statement } from './database.js';

test('what another database was asked for is compiled, and not once more when it is asked for', () => {
  using model = newLedger();
  using world = newLedger();
  const [db, other] = [openDatabase(world.path), openDatabase(model.path)];
  const text = 'SELECT max(seq) FROM journal';
  statement(other, text);
  prepareAs(db, other);
  const compile = vi.spyOn(db, 'prepare');
  statement(db, text);
  expect(compile).not.toHaveBeenCalled();
  for (const open of [db, other]) open.close();
});

test('what an operation may have to undo is kept in memory, and not in the folder that is for all programs’ files', () => {
  using world = newLedger();
  const db = openDatabase(world.path);
  const IN_MEMORY = 2n;
  expect(statement(db, 'PRAGMA temp_store').pluck().get()).toBe(IN_MEMORY);
  db.close();
});
