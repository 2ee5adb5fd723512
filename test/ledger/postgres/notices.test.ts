import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NoticeBook } from '../../../src/ledger/books/notice.js';
import { PostgresNotices } from '../../../src/ledger/postgres/notices/postgresNotices.js';
import { openNotices } from '../../../src/ledger/stores.js';
import { writePlaceFile } from '../../../src/ledger/postgres/placeFile.js';
import { T0 } from '../../../src/ledger/sqlite/fixtures.js';
import {
  by,
  describeNotices,
  lostNotice,
  only,
} from '../../../src/ledger/sqlite/notices/noticeContract.fixture.js';
import { NO_POSTGRES, TestPostgres } from '../../support/postgres.js';
import { bundleChild, startChild } from '../children.js';
import { PostgresWorld } from './postgresWorld.js';

let server: TestPostgres;

describe.skipIf(NO_POSTGRES !== null)('notices of a ledger in PostgreSQL', () => {
  beforeAll(async () => {
    server = await TestPostgres.start();
  });
  afterAll(() => server.stop());

  describeNotices('in a database', async () => {
    const world = await PostgresWorld.begin(server);
    const books: NoticeBook[] = [];
    return {
      open: () => {
        const book = new PostgresNotices(world.place, T0);
        books.push(book);
        return book;
      },
      end: async () => {
        for (const book of books) book.close();
        await world[Symbol.asyncDispose]();
      },
    };
  });

  test('four servers that look at once make each notice once, number them without a gap, and send each once', async () => {
    await using world = await PostgresWorld.begin(server);
    const books = ['one', 'two', 'three', 'four'].map(() => new PostgresNotices(world.place, T0));
    const names = Array.from({ length: 8 }, (_, i) => `n${i}`);
    const made = await Promise.all(
      books.flatMap((book) =>
        names.map((name) =>
          book.settle(
            () => only(lostNotice(name)),
            () => [by(`to ${name}`)],
            T0,
          ),
        ),
      ),
    );
    expect(
      made
        .flat()
        .map(({ seq }) => seq)
        .sort((a, b) => a - b),
    ).toEqual(names.map((_, i) => i + 1));
    const taken = await Promise.all(
      // Clocks that differ by less than the lease.
      books.flatMap((book, i) => names.slice(2).map(() => book.take(T0 + i * 300, 1_000))),
    );
    expect(taken.flat().map(({ channel }) => channel)).toHaveLength(
      new Set(taken.flat().map(({ channel }) => channel)).size,
    );
    expect(taken.flat()).toHaveLength(names.length);
    for (const book of books) book.close();
  });

  test('a server that is killed with a send in hand leaves it to another, before what is behind it', async () => {
    const program = await bundleChild('notices');
    await using world = await PostgresWorld.begin(server);
    const child = startChild(program, world.place);
    expect(await child.next()).toEqual(['a']);
    child.process.kill('SIGKILL');
    expect((await child.ended).signal).toBe('SIGKILL');
    await writePlaceFile(world.home('two'), world.place);
    const book = openNotices(world.home('two'), T0);
    await book.settle(
      () => only(lostNotice('a'), lostNotice('b')),
      () => [by('hook')],
      T0,
    );
    expect(await book.take(T0 + 59_999, 60_000)).toEqual([]);
    for (const occasion of ['a', 'b']) {
      const [send] = await book.take(T0 + 60_000, 60_000);
      expect(send?.notice.occasion).toBe(occasion);
      await book.done([send?.id ?? 0], 'sent', T0 + 60_000);
    }
    book.close();
  });

  test('notices outlive a stop of the database, and a ledger that the owner replaced begins its own', async () => {
    await using world = await PostgresWorld.begin(server);
    const book = new PostgresNotices(world.place, T0);
    await book.settle(
      () => only(lostNotice('a')),
      () => [],
      T0,
    );
    await server.crash();
    await expect(book.list(9)).rejects.toMatchObject({ code: 'ledger_unreachable' });
    await server.begin();
    expect(await book.list(9)).toHaveLength(1);
    await world.store('one').setAside();
    await expect(book.list(9)).rejects.toMatchObject({ code: 'ledger_missing' });
    book.close();
  });
});
