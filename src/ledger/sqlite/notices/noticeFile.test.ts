import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { NewNotice, NoticeBook, PlannedSend, Settled } from '../../books/notice.js';
import { scratchFolder, T0 } from '../fixtures.js';
import { openNoticeFile } from './noticeFile.js';

let folder: ReturnType<typeof scratchFolder>;
let books: NoticeBook[];
/** The same file as another process has it open. */
const open = (): NoticeBook => {
  const book = openNoticeFile(join(folder.path, 'notices.db'), T0);
  books.push(book);
  return book;
};

beforeEach(() => {
  folder = scratchFolder();
  books = [];
});
afterEach(() => {
  for (const book of books) book.close();
  folder[Symbol.dispose]();
});

function lost(occasion: string): NewNotice {
  return {
    ...{ kind: 'lost', occasion, agent: 'default', host: 'a.example', usdMicros: 9_007_199_254_740_993n },
    ...{ subject: 'pay_1', facts: { a: 'b' } },
  };
}
const only = (...notices: NewNotice[]): Settled => ({ notices, marks: new Map() });
const by = (channel: string, over: Partial<PlannedSend> = {}): PlannedSend => ({
  ...{ channel, dueMs: T0, isBundled: false, isEscalation: false },
  ...over,
});

test('a notice is made once, whoever finds it, with its sends', () => {
  const [one, other] = [open(), open()];
  const made = one.settle(
    () => only(lost('x')),
    () => [by('phone')],
    T0,
  );
  expect(made).toHaveLength(1);
  expect(
    other.settle(
      () => only(lost('x')),
      () => [by('phone')],
      T0 + 1,
    ),
  ).toEqual([]);
  expect(other.list(10)).toEqual([{ ...lost('x'), seq: 1, atMs: T0, seenMs: null }]);
  expect(other.take(T0, 1_000)).toHaveLength(1);
  expect(statSync(join(folder.path, 'notices.db')).mode & 0o777).toBe(0o600);
});

test('marks are seen by the next look, in every process', () => {
  const [one, other] = [open(), open()];
  one.settle(
    () => ({ notices: [], marks: new Map([['cap', '50']]) }),
    () => [],
    T0,
  );
  const seen: (string | undefined)[] = [];
  const look = (value: string | null) =>
    other.settle(
      (marks) => {
        seen.push(marks.get('cap'));
        return { notices: [], marks: new Map([['cap', value]]) };
      },
      () => [],
      T0,
    );
  look(null);
  look('80');
  expect(seen).toEqual(['50', undefined]);
});

test('one process alone is the one to do something for a while', () => {
  const [one, other] = [open(), open()];
  expect([one.claim('money', 1_000, T0), other.claim('money', 1_000, T0 + 999)]).toEqual([true, false]);
  expect(other.claim('money', 1_000, T0 + 1_000)).toBe(true);
  // A clock that was set back a long way holds nobody up.
  expect(one.claim('money', 1_000, T0 - 3_600_000)).toBe(true);
});

test('what was seen counts no more', () => {
  const book = open();
  for (const name of ['a', 'b', 'c'])
    book.settle(
      () => only(lost(name)),
      () => [],
      T0,
    );
  expect(book.unseen()).toBe(3);
  book.markSeen({ seq: 3 }, T0 + 1);
  book.markSeen({ upTo: 1 }, T0 + 2);
  expect([book.unseen(), book.isSeen(1), book.isSeen(2)]).toEqual([1, true, false]);
  expect(book.list(9, { unseen: true }).map(({ seq }) => seq)).toEqual([2]);
});

test('sends of a channel go out in order, one process at a time, and a dead channel stops no other', () => {
  const [one, other] = [open(), open()];
  for (const name of ['a', 'b'])
    one.settle(
      () => only(lost(name)),
      () => [by('dead'), by('alive')],
      T0,
    );
  const first = one.take(T0, 1_000);
  const second = other.take(T0, 1_000);
  expect([first, second].map(([send]) => [send?.channel, send?.notice.occasion])).toEqual([
    ['alive', 'a'],
    ['dead', 'a'],
  ]);
  expect(one.take(T0, 1_000)).toEqual([]);
  one.done([first[0]?.id ?? 0], 'sent', T0);
  const [next] = one.take(T0, 1_000);
  expect(next?.notice.occasion).toBe('b');
  one.done([next?.id ?? 0], 'sent', T0);
  other.failed([second[0]?.id ?? 0], 'It answered 500.', T0 + 5_000, T0);
  // What is behind what is tried again waits with it, and each is told in its turn.
  expect(other.take(T0 + 4_999, 1_000)).toEqual([]);
  const again = other.take(T0 + 5_000, 1_000);
  expect(again.map(({ notice, tries }) => [notice.occasion, tries])).toEqual([['a', 1]]);
  expect(other.channels().find(({ channel }) => channel === 'dead')).toEqual({
    ...{ channel: 'dead', waiting: 2, sentMs: null, failedMs: T0, fault: 'It answered 500.' },
  });
  other.failed([again[0]?.id ?? 0], 'It answered 500.', null, T0 + 5_000);
  expect(other.take(T0 + 5_001, 1_000)[0]?.notice.occasion).toBe('b');
});

test('a process that ended leaves its send to another', () => {
  const [one, other] = [open(), open()];
  one.settle(
    () => only(lost('a')),
    () => [by('phone')],
    T0,
  );
  expect(one.take(T0, 1_000)).toHaveLength(1);
  expect(other.take(T0 + 999, 1_000)).toEqual([]);
  expect(other.take(T0 + 1_000, 1_000)).toHaveLength(1);
  // A clock that was set back a long way holds nobody up.
  expect(one.take(T0, 1_000)).toHaveLength(1);
});

test('what is bundled and due together is taken together, and nothing passes it', () => {
  const book = open();
  const at = (name: string, over: Partial<PlannedSend>) =>
    book.settle(
      () => only(lost(name)),
      () => [by('phone', over)],
      T0,
    );
  at('a', { isBundled: true });
  at('b', { isBundled: true });
  at('c', {});
  at('later', { isBundled: true, dueMs: T0 + 60_000 });
  const names = (): string[] => book.take(T0, 0).map(({ notice }) => notice.occasion);
  expect(names()).toEqual(['a', 'b']);
});

test('a channel sends once more what its receiver missed', () => {
  const book = open();
  for (const name of ['a', 'b', 'c'])
    book.settle(
      () => only(lost(name)),
      () => [by('hook')],
      T0,
    );
  for (const _ of [1, 2, 3]) book.done([book.take(T0, 0)[0]?.id ?? 0], 'sent', T0);
  expect(book.replay('hook', 2, T0 + 1)).toBe(2);
  expect(book.take(T0 + 1, 0)[0]?.notice.occasion).toBe('b');
  book.dropChannel('hook');
  expect([book.take(T0 + 1, 0), book.channels()]).toEqual([[], []]);
});

test('a file that is none is made anew', () => {
  writeFileSync(join(folder.path, 'notices.db'), 'no database at all, and long enough to be read as one');
  const book = open();
  expect([book.list(1), book.begunMs()]).toEqual([[], T0]);
});
