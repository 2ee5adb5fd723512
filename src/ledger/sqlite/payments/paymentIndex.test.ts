import { expect, test } from 'vitest';
import type Database from 'better-sqlite3';
import { editBehind, held, newLedger, sent, T0 } from '../fixtures.js';

/** Has the payments' index by id find the row of one where another is asked for, and leaves rows and schema as they are. */
function misdirect(db: Database.Database, asked: string, given: string): void {
  db.unsafeMode();
  db.exec(`CREATE TABLE other (id TEXT NOT NULL PRIMARY KEY)`);
  const put = db.prepare('INSERT INTO other (rowid, id) SELECT rowid, ? FROM payments WHERE id = ?');
  put.run(asked, given);
  db.pragma('writable_schema = ON');
  const root = db.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').pluck();
  const move = db.prepare('UPDATE sqlite_schema SET rootpage = ? WHERE name = ?');
  move.run(root.get('sqlite_autoindex_other_1'), 'sqlite_autoindex_payments_1');
  db.exec(`DELETE FROM sqlite_schema WHERE tbl_name = 'other'`);
}

test('an index that finds the row of another payment releases neither', async () => {
  using world = newLedger();
  const unsent = await held(world.ledger, { requestHash: 'unsent', nonce: '0x01' });
  const paid = await sent(world.ledger, { requestHash: 'paid', nonce: '0x02' });
  await world.ledger.close();
  editBehind(world.path, (db) => {
    misdirect(db, unsent.id, paid.id);
  });
  const ledger = world.open();
  await expect(ledger.release(unsent.id, 'never_signed', T0)).rejects.toMatchObject({
    code: 'ledger_damaged',
  });
  await expect(ledger.findPayment(unsent.id)).rejects.toMatchObject({ code: 'ledger_damaged' });
});
