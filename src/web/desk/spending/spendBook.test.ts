import { describe, expect, test } from 'vitest';
import { captured, captureFacts, held, newLedger, sent, T0 } from '../../../ledger/sqlite/fixtures.js';
import type { Ledger } from '../../../ledger/ledger.js';
import { localDay } from '../../../text/localTime.js';
import { midnightOf, SpendBook } from './spendBook.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** The ledger begins at T0, and its time goes only on. */
const NOW = T0 + 500 * DAY_MS;

/** What the book says of each host in a span, beside what the ledger adds up of the payments themselves. */
async function bothOf(book: SpendBook, ledger: Ledger, span: { sinceMs: number; untilMs?: number }) {
  const byKey = (a: { key: string }, b: { key: string }) => (a.key < b.key ? -1 : 1);
  return [
    (await book.groups(span, ({ host }) => host)).sort(byKey),
    (await ledger.groupPayments('by_host', span, 100)).sort(byKey),
  ];
}

describe('the book of what was spent', () => {
  test.each([
    ['a moment', NOW - 90_000],
    ['a day', NOW - DAY_MS],
    ['a month', NOW - 30 * DAY_MS],
    ['a year', NOW - 365 * DAY_MS],
  ])('says of %s what the payments say, cut at the millisecond', async (_, sinceMs) => {
    using world = newLedger();
    const { ledger } = world;
    const agos = [400 * DAY_MS, 100 * DAY_MS, 100 * DAY_MS - 1, 30 * DAY_MS, DAY_MS + 1, DAY_MS, DAY_MS - 1];
    for (const [i, agoMs] of [...agos, 2 * HOUR_MS, 90_001, 90_000, 89_999, 0].entries())
      await captured(ledger, { nowMs: NOW - agoMs, host: `host-${i % 3}.example` });
    const book = new SpendBook(ledger, NOW);
    for (const span of [{ sinceMs }, { sinceMs, untilMs: NOW - 89_999 }]) {
      const [known, read] = await bothOf(book, ledger, span);
      expect(known).toEqual(read);
    }
  });

  test('follows each change of a payment, old ones too, once it was asked', async () => {
    using world = newLedger();
    const { ledger } = world;
    const book = new SpendBook(ledger, NOW);
    const span = { sinceMs: NOW - 60 * DAY_MS };
    const agree = async () => {
      const [known, read] = await bothOf(book, ledger, span);
      expect(known).toEqual(read);
      return known;
    };
    const old = await sent(ledger, { nowMs: NOW - 50 * DAY_MS, host: 'old.example' });
    expect(await agree()).toMatchObject([{ heldUsdMicros: 10_000n }]);
    const open = await held(ledger, { nowMs: NOW, host: 'new.example' });
    expect(await agree()).toHaveLength(2);
    await ledger.capture(old.id, captureFacts(old), NOW);
    await ledger.release(open.id, 'never_signed', NOW);
    expect(await agree()).toMatchObject([
      { key: 'new.example', heldUsdMicros: 0n },
      { key: 'old.example', capturedUsdMicros: 10_000n, heldUsdMicros: 0n },
    ]);
    const head = { headers: [], body: null, storedId: null, bytes: 0, truncated: false, storedMs: NOW };
    await ledger.saveAnswer({ ...head, paymentId: old.id, agent: 'default', status: 500 }, 'error');
    expect(await agree()).toMatchObject([{}, { lost: 1, lostUsdMicros: 10_000n }]);
  });

  test('reads a stretch again only where something in it changed', async () => {
    using world = newLedger();
    const { ledger } = world;
    for (let day = 0; day < 5; day++) await captured(ledger, { nowMs: NOW + day * DAY_MS });
    const asked: number[] = [];
    const book = new SpendBook(
      {
        changedSince: (seq) => ledger.changedSince(seq),
        spendCells: (span) => {
          asked.push(span.fromMs);
          return ledger.spendCells(span);
        },
      },
      NOW + 4 * DAY_MS,
    );
    const total = async () =>
      (await book.groups({ sinceMs: midnightOf(NOW) }, () => 'all'))[0]?.capturedUsdMicros;
    expect(await total()).toBe(50_000n);
    // Five days, and what may lie ahead of the clock.
    expect(asked).toHaveLength(6);
    expect(await total()).toBe(50_000n);
    expect(asked).toHaveLength(6);
    await captured(ledger, { nowMs: NOW + 4 * DAY_MS + 1 });
    expect(await total()).toBe(60_000n);
    expect(asked).toHaveLength(7);
  });

  test('counts once what was moved when the owner set ledger time back (T30)', async () => {
    using world = newLedger();
    const { ledger } = world;
    await captured(ledger, { nowMs: NOW });
    await captured(ledger, { nowMs: NOW + DAY_MS });
    const book = new SpendBook(ledger, NOW + DAY_MS);
    const span = { sinceMs: NOW - 30 * DAY_MS };
    expect(await bothOf(book, ledger, span)).toMatchObject([[{ payments: 2 }], [{ payments: 2 }]]);
    expect(await ledger.rebase(NOW + 1)).not.toBeNull();
    const [known, read] = await bothOf(book, ledger, span);
    expect(known).toEqual(read);
  });

  test('has what was paid while the clock was ahead, once its day comes', async () => {
    using world = newLedger();
    const { ledger } = world;
    await captured(ledger, { nowMs: NOW });
    await captured(ledger, { nowMs: NOW + 3 * DAY_MS });
    const book = new SpendBook(ledger, NOW);
    for (const sinceMs of [NOW - DAY_MS, NOW + 3 * DAY_MS]) {
      const [known, read] = await bothOf(book, ledger, { sinceMs });
      expect(known).toEqual(read);
    }
  });

  test.each(['Asia/Kathmandu', 'America/St_Johns'])(
    'knows the days of %s by their midnights',
    async (there) => {
      using world = newLedger();
      const { ledger } = world;
      const zone = process.env['TZ'];
      try {
        process.env['TZ'] = there;
        const midnight = midnightOf(NOW);
        for (const atMs of [midnight - 1, midnight, midnight + DAY_MS - 1])
          await captured(ledger, { nowMs: atMs });
        const book = new SpendBook(ledger, NOW + DAY_MS);
        const days = await book.groups({ sinceMs: midnight - DAY_MS }, ({ startMs }) => localDay(startMs));
        expect(days.map(({ key, payments }) => [key, payments]).sort()).toEqual([
          [localDay(midnight - 1), 1],
          [localDay(midnight), 2],
        ]);
      } finally {
        if (zone === undefined) delete process.env['TZ'];
        else process.env['TZ'] = zone;
      }
    },
  );
});
