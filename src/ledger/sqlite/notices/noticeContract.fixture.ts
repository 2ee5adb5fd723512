import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { NewNotice, NoticeBook, PlannedSend, Settled } from '../../books/notice.js';
import { T0 } from '../fixtures.js';

/** A book that several processes, or servers, have open. */
export interface NoticeWorld {
  /** The same book as another one opens it. */
  open(): NoticeBook;
  end(): Promise<void> | void;
}

/** A notice of money that brought nothing. */
export function lostNotice(occasion: string): NewNotice {
  return {
    ...{ kind: 'lost', occasion, agent: 'default', host: 'a.example', usdMicros: 9_007_199_254_740_993n },
    ...{ subject: 'pay_1', facts: { a: 'b' } },
  };
}
/** What a look comes to that tells of these alone. */
export const only = (...notices: NewNotice[]): Settled => ({ notices, marks: new Map() });
/** A send by a channel, due at once. */
export const by = (channel: string, over: Partial<PlannedSend> = {}): PlannedSend => ({
  ...{ channel, dueMs: T0, isBundled: false, isEscalation: false },
  ...over,
});

/** What a book of notices does, wherever it is kept. */
export function describeNotices(kind: string, begin: () => Promise<NoticeWorld> | NoticeWorld): void {
  describe(`the book of notices, ${kind}`, () => {
    let world: NoticeWorld;
    beforeEach(async () => {
      world = await begin();
    });
    afterEach(() => world.end());

    test('a notice is made once, whoever finds it, with its sends', async () => {
      const [one, other] = [world.open(), world.open()];
      const made = await one.settle(
        () => only(lostNotice('x')),
        () => [by('phone')],
        T0,
      );
      expect(made).toHaveLength(1);
      expect(
        await other.settle(
          () => only(lostNotice('x')),
          () => [by('phone')],
          T0 + 1,
        ),
      ).toEqual([]);
      expect(await other.list(10)).toEqual([{ ...lostNotice('x'), seq: 1, atMs: T0, seenMs: null }]);
      expect(await other.take(T0, 1_000)).toHaveLength(1);
    });

    test('marks are seen by the next look, in every process', async () => {
      const [one, other] = [world.open(), world.open()];
      await one.settle(
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
      await look(null);
      await look('80');
      expect(seen).toEqual(['50', undefined]);
    });

    test('one process alone is the one to do something for a while', async () => {
      const [one, other] = [world.open(), world.open()];
      expect([await one.claim('money', 1_000, T0), await other.claim('money', 1_000, T0 + 999)]).toEqual([
        true,
        false,
      ]);
      expect(await other.claim('money', 1_000, T0 + 1_000)).toBe(true);
      // A clock that was set back a long way holds nobody up.
      expect(await one.claim('money', 1_000, T0 - 3_600_000)).toBe(true);
    });

    test('what was seen counts no more', async () => {
      const book = world.open();
      for (const name of ['a', 'b', 'c'])
        await book.settle(
          () => only(lostNotice(name)),
          () => [],
          T0,
        );
      expect(await book.unseen()).toBe(3);
      await book.markSeen({ seq: 3 }, T0 + 1);
      await book.markSeen({ upTo: 1 }, T0 + 2);
      expect([await book.unseen(), await book.isSeen(1), await book.isSeen(2)]).toEqual([1, true, false]);
      expect((await book.list(9, { unseen: true })).map(({ seq }) => seq)).toEqual([2]);
    });

    test('sends of a channel go out in order, one process at a time, and a dead channel stops no other', async () => {
      const [one, other] = [world.open(), world.open()];
      for (const name of ['a', 'b'])
        await one.settle(
          () => only(lostNotice(name)),
          () => [by('dead'), by('alive')],
          T0,
        );
      const first = await one.take(T0, 1_000);
      const second = await other.take(T0, 1_000);
      expect([first, second].map(([send]) => [send?.channel, send?.notice.occasion])).toEqual([
        ['alive', 'a'],
        ['dead', 'a'],
      ]);
      expect(await one.take(T0, 1_000)).toEqual([]);
      await one.done([first[0]?.id ?? 0], 'sent', T0);
      const [next] = await one.take(T0, 1_000);
      expect(next?.notice.occasion).toBe('b');
      await one.done([next?.id ?? 0], 'sent', T0);
      await other.failed([second[0]?.id ?? 0], 'It answered 500.', T0 + 5_000, T0);
      // What is behind what is tried again waits with it, and each is told in its turn.
      expect(await other.take(T0 + 4_999, 1_000)).toEqual([]);
      const again = await other.take(T0 + 5_000, 1_000);
      expect(again.map(({ notice, tries }) => [notice.occasion, tries])).toEqual([['a', 1]]);
      expect((await other.channels()).find(({ channel }) => channel === 'dead')).toEqual({
        ...{ channel: 'dead', waiting: 2, sentMs: null, failedMs: T0, fault: 'It answered 500.' },
      });
      await other.failed([again[0]?.id ?? 0], 'It answered 500.', null, T0 + 5_000);
      expect((await other.take(T0 + 5_001, 1_000))[0]?.notice.occasion).toBe('b');
    });

    test('a process that ended leaves its send to another', async () => {
      const [one, other] = [world.open(), world.open()];
      await one.settle(
        () => only(lostNotice('a')),
        () => [by('phone')],
        T0,
      );
      expect(await one.take(T0, 1_000)).toHaveLength(1);
      expect(await other.take(T0 + 999, 1_000)).toEqual([]);
      expect(await other.take(T0 + 9_000, 1_000)).toHaveLength(1);
      // A clock that was set back a long way holds nobody up.
      expect(await one.take(T0, 1_000)).toHaveLength(1);
    });

    test('what is bundled and due together is taken together, and nothing passes it', async () => {
      const book = world.open();
      const at = (name: string, over: Partial<PlannedSend>) =>
        book.settle(
          () => only(lostNotice(name)),
          () => [by('phone', over)],
          T0,
        );
      await at('a', { isBundled: true });
      await at('b', { isBundled: true });
      await at('c', {});
      await at('later', { isBundled: true, dueMs: T0 + 60_000 });
      const taken = await book.take(T0, 0);
      expect(taken.map(({ notice }) => notice.occasion)).toEqual(['a', 'b']);
    });

    test('a channel sends once more what its receiver missed', async () => {
      const book = world.open();
      for (const name of ['a', 'b', 'c'])
        await book.settle(
          () => only(lostNotice(name)),
          () => [by('hook')],
          T0,
        );
      for (const _ of [1, 2, 3]) await book.done([(await book.take(T0, 0))[0]?.id ?? 0], 'sent', T0);
      expect(await book.replay('hook', 2, T0 + 1)).toBe(2);
      expect((await book.take(T0 + 1, 0))[0]?.notice.occasion).toBe('b');
      await book.dropChannel('hook');
      expect([await book.take(T0 + 1, 0), await book.channels()]).toEqual([[], []]);
    });
  });
}
