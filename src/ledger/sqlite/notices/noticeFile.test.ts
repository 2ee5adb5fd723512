import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { NoticeBook } from '../../books/notice.js';
import { scratchFolder, T0 } from '../fixtures.js';
import { describeNotices } from './noticeContract.fixture.js';
import { openNoticeFile } from './noticeFile.js';

describeNotices('in a file', () => {
  const folder = scratchFolder();
  const books: NoticeBook[] = [];
  return {
    open: () => {
      const book = openNoticeFile(join(folder.path, 'notices.db'), T0);
      books.push(book);
      return book;
    },
    end: () => {
      for (const book of books) book.close();
      folder[Symbol.dispose]();
    },
  };
});

test('a file that is none is made anew, for its owner alone', async () => {
  using folder = scratchFolder();
  const path = join(folder.path, 'notices.db');
  writeFileSync(path, 'no database at all, and long enough to be read as one');
  const book = openNoticeFile(path, T0);
  expect([await book.list(1), await book.begunMs()]).toEqual([[], T0]);
  book.close();
  expect(statSync(path).mode & 0o777).toBe(0o600);
});
