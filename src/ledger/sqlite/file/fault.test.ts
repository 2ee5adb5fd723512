import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { WalletError } from '../../../errors/walletError.js';
import { toLedgerError } from './fault.js';

describe('a fault is named', () => {
  test.each([
    ['SQLITE_FULL', 'disk_full'],
    ['SQLITE_IOERR_SHMSIZE', 'disk_full'],
    ['ENOSPC', 'disk_full'],
    ['SQLITE_BUSY', 'ledger_busy'],
    ['SQLITE_BUSY_RECOVERY', 'ledger_busy'],
    ['SQLITE_CORRUPT_INDEX', 'ledger_damaged'],
    ['SQLITE_NOTADB', 'ledger_damaged'],
    ['SQLITE_READONLY_DBMOVED', 'ledger_missing'],
    ['SQLITE_READONLY', 'home_unusable'],
    ['SQLITE_CANTOPEN', 'home_unusable'],
    ['SQLITE_IOERR_WRITE', 'home_unusable'],
    ['EACCES', 'home_unusable'],
    ['EROFS', 'home_unusable'],
    ['SQLITE_CONSTRAINT_UNIQUE', 'internal'],
    ['ERR_INVALID_ARG_TYPE', 'internal'],
    ['', 'internal'],
  ])('%s is %s', (code, expected) => {
    const cause = Object.assign(new Error('of SQLite'), { code });
    expect(toLedgerError(cause)).toMatchObject({ code: expected, cause });
  });

  test('whatever else was thrown is a fault of ours', () => {
    for (const thrown of [null, undefined, 'text', new TypeError('x')])
      expect(toLedgerError(thrown)).toMatchObject({ code: 'internal', money: 'none' });
  });

  test('our own pass unchanged', () => {
    const error = new WalletError('frozen', 'Frozen.');
    expect(toLedgerError(error)).toBe(error);
  });
});

test('a native part that is not there is named, with the system that it has to be made for', () => {
  let met: unknown;
  try {
    new Database(':memory:', { nativeBinding: '/nowhere/better_sqlite3.node' });
  } catch (error) {
    met = error;
  }
  for (const error of [met, Object.assign(new Error('invalid ELF header'), { code: 'ERR_DLOPEN_FAILED' })]) {
    const told = toLedgerError(error);
    expect(told.shortMessage).toContain(`better-sqlite3) is missing or made for another machine`);
    expect(told.shortMessage).toContain(`${process.platform}-${process.arch}`);
  }
});

test('a file system without shared memory is told with where to put the wallet', () => {
  const told = toLedgerError(Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_SHMMAP' }));
  expect(told).toMatchObject({ code: 'home_unusable' });
  expect(told.owner?.say).toContain('PURSER_HOME name a folder on a local disk');
});
