import { by, lostNotice, only } from '../../src/ledger/sqlite/notices/noticeContract.fixture.js';
import { T0 } from '../../src/ledger/sqlite/fixtures.js';
import { PostgresNotices } from '../../src/ledger/postgres/notices/postgresNotices.js';
import type { PostgresPlace } from '../../src/ledger/postgres/place.js';

/** A server that tells of one thing, takes what is due, and stands still with it until it is killed. */
const book = new PostgresNotices(JSON.parse(process.argv[2] ?? '') as PostgresPlace, T0);
await book.settle(
  () => only(lostNotice('a')),
  () => [by('hook')],
  T0,
);
console.log(JSON.stringify((await book.take(T0, 60_000)).map(({ notice }) => notice.occasion)));
setInterval(() => undefined, 60_000);
