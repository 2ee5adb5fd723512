import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { DATABASE_FILE } from '../../src/ledger/sqlite/sqliteStore.js';
import { Watch } from './watch.js';

const STOPPED = 11;
const OTHER = 22;

describe('what the watch takes for a takeover', () => {
  let db: Database.Database;
  let watch: Watch;
  let seq: number;

  beforeEach(() => {
    const home = mkdtempSync(join(tmpdir(), 'purser-watch-'));
    onTestFinished(() => rmSync(home, { recursive: true, force: true }));
    db = new Database(join(home, DATABASE_FILE));
    onTestFinished(() => void db.close());
    db.exec('CREATE TABLE journal (seq INTEGER, time_ms INTEGER, kind TEXT, subject TEXT, data TEXT)');
    db.exec('CREATE TABLE leases (payment_id TEXT PRIMARY KEY, holder TEXT, until_ms INTEGER)');
    watch = new Watch(
      join(home, DATABASE_FILE),
      { arrivals: new Map(), couldSettle: () => false } as never,
      () => 0,
    );
    watch.start();
    onTestFinished(() => watch.stop());
    lease(STOPPED);
    watch.look();
    ({ seq } = watch);
  });

  function lease(pid: number): void {
    db.prepare('INSERT OR REPLACE INTO leases VALUES (?, ?, ?)').run('pay_1', `${pid}-x`, 5_000);
  }

  function giveUp(): void {
    db.exec('DELETE FROM leases');
  }

  function writeEnded(): void {
    db.prepare(`INSERT INTO journal VALUES (1, 0, 'unknown', 'pay_1', ?)`).run('{"note":"process_ended"}');
  }

  const taken = [expect.stringContaining('pay_1 was taken from process 11, which lives')];

  it('is an entry beside the lease of a process that stands', () => {
    db.transaction(() => {
      giveUp();
      writeEnded();
    })();
    expect(watch.takenFrom(STOPPED, seq)).toEqual(taken);
  });

  it('is an entry of one that took its lease at an earlier look', () => {
    lease(OTHER);
    watch.look();
    writeEnded();
    expect(watch.takenFrom(STOPPED, seq)).toEqual(taken);
  });

  it('is none of what its own call gave up before', () => {
    giveUp();
    watch.look();
    lease(OTHER);
    writeEnded();
    expect(watch.takenFrom(STOPPED, seq)).toEqual([]);
  });
});
