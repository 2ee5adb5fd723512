import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Settled } from '../../ledger/books/notice.js';
import type { BoundUse, NoticeFacts } from './facts.js';
import { clientNotices, dueNotices, refillNotices, UNKNOWN_AFTER_MS } from './rules.js';

const T0 = Date.UTC(2026, 5, 1, 9);
const DOLLAR = 1_000_000n;

function facts(over: Partial<NoticeFacts> = {}): NoticeFacts {
  return {
    ...{
      nowMs: T0,
      bounds: [],
      questions: [],
      proposals: [],
      lost: [],
      unknown: [],
      factorTries: [],
      money: null,
    },
    lowUsdMicros: DOLLAR,
    ...over,
  };
}

function day(percent: number, over: Partial<BoundUse> = {}): BoundUse {
  return {
    ...{ name: 'limits.per_day_usd', sessionId: null, agent: null, host: null, kind: 'cap' },
    ...{ usedUsdMicros: (5n * DOLLAR * BigInt(percent)) / 100n, maxUsdMicros: 5n * DOLLAR },
    ...over,
  };
}

/** A wallet that is looked at again and again, with what it remembers. */
class Looks {
  readonly marks = new Map<string, string>();
  readonly #occasions = new Set<string>();
  #nowMs = T0;

  at(over: Partial<NoticeFacts>): string[] {
    this.#nowMs += 1_000;
    return this.keep(dueNotices(facts({ nowMs: this.#nowMs, ...over }), this.marks));
  }

  keep({ notices, marks }: Settled): string[] {
    for (const [key, value] of marks)
      if (value === null) this.marks.delete(key);
      else this.marks.set(key, value);
    const fresh = notices.filter(({ occasion }) => !this.#occasions.has(occasion));
    for (const { occasion } of fresh) this.#occasions.add(occasion);
    return fresh.map(({ kind, facts: { percent } }) => (percent === undefined ? kind : `${kind} ${percent}`));
  }
}

describe('a cap', () => {
  test('is told of at 50, 80 and 100 %, once each', () => {
    const looks = new Looks();
    const told = [10, 49, 50, 60, 79, 80, 85, 99, 100, 100].map((percent) =>
      looks.at({ bounds: [day(percent)] }),
    );
    expect(told).toEqual([[], [], ['cap 50'], [], [], ['cap 80'], [], [], ['cap 100'], []]);
  });

  test('that is passed at once is told of once, by the highest', () => {
    expect(new Looks().at({ bounds: [day(120)] })).toEqual(['cap 100']);
  });

  test('is told of again only after the use had fallen well below', () => {
    const looks = new Looks();
    const use = (percent: number) => looks.at({ bounds: [day(percent)] });
    expect([80, 79, 81, 74, 80].map(use)).toEqual([['cap 80'], [], [], [], []]);
    expect([69, 80].map(use)).toEqual([[], ['cap 80']]);
    expect([30, 50].map(use)).toEqual([[], ['cap 50']]);
  });

  test('of a session is forgotten with it, and a raised one counts anew', () => {
    const looks = new Looks();
    const ofSession = (sessionId: string, percent: number) => [
      day(percent, { name: 'limits.per_session_usd', sessionId }),
    ];
    expect(looks.at({ bounds: ofSession('ses_1', 50) })).toEqual(['cap 50']);
    expect(looks.at({ bounds: ofSession('ses_2', 50) })).toEqual(['cap 50']);
    expect([...looks.marks.keys()]).toEqual(['cap limits.per_session_usd ses_2']);
    expect(looks.at({ bounds: [day(100)] })).toEqual(['cap 100']);
    expect(
      looks.at({ bounds: [day(100, { usedUsdMicros: 5n * DOLLAR, maxUsdMicros: 20n * DOLLAR })] }),
    ).toEqual([]);
    expect(
      looks.at({ bounds: [day(50, { usedUsdMicros: 10n * DOLLAR, maxUsdMicros: 20n * DOLLAR })] }),
    ).toEqual(['cap 50']);
  });

  test('of nothing is never told of, and a budget is one', () => {
    expect(new Looks().at({ bounds: [day(0, { maxUsdMicros: 0n })] })).toEqual([]);
    expect(
      new Looks().at({ bounds: [day(80, { kind: 'budget', name: 'budgets.research.total_usd' })] }),
    ).toEqual(['budget 80']);
  });

  test('tells no level twice without having fallen below it by a tenth, whatever the use does', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 130 }), { maxLength: 60 }), (uses) => {
        const looks = new Looks();
        const lowest = new Map<number, number>();
        for (const percent of uses) {
          for (const [level, low] of lowest) lowest.set(level, Math.min(low, percent));
          const told = looks.at({ bounds: [day(percent)] });
          expect(told.length).toBeLessThanOrEqual(1);
          for (const word of told) {
            const level = Number(word.split(' ')[1]);
            expect(percent).toBeGreaterThanOrEqual(level);
            expect(lowest.get(level) ?? 0).toBeLessThan(level - 10 + 1);
            for (const one of [50, 80, 100]) if (one <= level) lowest.set(one, 1_000);
          }
        }
      }),
    );
  });
});

test('a question is told of once, and by what it is about', () => {
  const looks = new Looks();
  const question = {
    id: 'apv_1',
    agent: 'default',
    host: 'a.example',
    usdMicros: DOLLAR,
    expiresMs: T0 + 600_000,
  };
  const ask = (id: string, ...codes: string[]) => looks.at({ questions: [{ ...question, id, codes }] });
  expect(ask('apv_1', 'above_cap')).toEqual(['approval']);
  expect(ask('apv_1', 'above_cap')).toEqual([]);
  expect(ask('apv_2', 'above_cap', 'price_jumped')).toEqual(['price_changed']);
  expect(ask('apv_3', 'price_jumped', 'payee_changed')).toEqual(['payee_changed']);
});

test('a seller that takes money for nothing is told of once a day, however often it does', () => {
  const looks = new Looks();
  const lost = (id: string, host: string, sinceMs: number) =>
    looks.at({ lost: [{ id, host, sinceMs, agent: 'default', usdMicros: 10_000n }] });
  expect(lost('pay_1', 'a.example', T0)).toEqual(['lost']);
  expect(lost('pay_2', 'a.example', T0 + 60_000)).toEqual([]);
  expect(lost('pay_3', 'b.example', T0)).toEqual(['lost']);
  expect(lost('pay_4', 'a.example', T0 + 24 * 3_600_000)).toEqual(['lost']);
});

test('a payment whose end is unknown is told of after an hour, once', () => {
  const looks = new Looks();
  const unknown = [{ id: 'pay_1', host: 'a.example', sinceMs: T0, agent: 'default', usdMicros: 10_000n }];
  expect(looks.at({ unknown, nowMs: T0 + UNKNOWN_AFTER_MS - 1 })).toEqual([]);
  expect(looks.at({ unknown, nowMs: T0 + UNKNOWN_AFTER_MS })).toEqual(['unknown']);
  expect(looks.at({ unknown, nowMs: T0 + 3 * UNKNOWN_AFTER_MS })).toEqual([]);
});

test('wrong passphrases are told of at the first and whenever they doubled, and a right one makes no notice', () => {
  const looks = new Looks();
  const tried = (wrong: number, agoMs = 60_000) =>
    looks.at({ factorTries: [{ place: 'page', wrong, lastWrongMs: T0 - agoMs + wrong }] });
  // A right one: counted first, and taken back.
  expect(tried(1, 100)).toEqual([]);
  expect(tried(0)).toEqual([]);
  expect([1, 1, 2, 3, 4, 7, 8].map((wrong) => tried(wrong))).toEqual([
    ...[['factor'], [], ['factor'], [], ['factor'], [], ['factor']],
  ]);
  expect(tried(0)).toEqual([]);
  expect(tried(1, 50_000)).toEqual(['factor']);
});

test('money that is low is told of once, until it was filled up', () => {
  const looks = new Looks();
  const left = (leftUsdMicros: bigint) => looks.at({ money: [{ agent: 'default', leftUsdMicros }] });
  expect([2n * DOLLAR, DOLLAR, DOLLAR - 1n, 5n].map(left)).toEqual([[], [], ['money_low'], []]);
  expect(looks.at({ money: null })).toEqual([]);
  expect([DOLLAR, 0n].map(left)).toEqual([[], ['money_low']]);
});

test('an agent that is not refilled is told of once, however many wait for the same money, until a refill arrives', () => {
  const looks = new Looks();
  const seen = (agent: string, why: string | null, from = 'treasury') =>
    looks.keep(refillNotices({ agent, from, why, leftUsdMicros: 5n }, looks.marks, T0 + looks.marks.size));
  expect(seen('one', 'source_empty')).toEqual(['refill']);
  expect([seen('one', 'source_empty'), seen('two', 'source_empty')]).toEqual([[], []]);
  expect(seen('one', 'source_empty', 'other')).toEqual(['refill']);
  // What an agent may get in a day is its own.
  expect([seen('one', 'day_used'), seen('two', 'day_used'), seen('one', 'day_used')]).toEqual([
    ...[['refill'], ['refill'], []],
  ]);
  expect(seen('two', null)).toEqual([]);
  expect([...looks.marks.keys()].sort()).toEqual([
    'refill from other source_empty',
    'refill to one day_used',
  ]);
});

test('a client is told of when it first calls, and a program with ever new names makes no flood and hides no other', () => {
  const looks = new Looks();
  const calls = (client: string, agent = 'default') =>
    looks.keep(clientNotices({ agent, client }, looks.marks, T0));
  expect(calls('Claude Code')).toEqual(['client']);
  expect(calls('Claude Code')).toEqual([]);
  expect(calls('Claude Code', 'research')).toEqual(['client']);
  const told = Array.from({ length: 500 }, (_, i) => calls(`client ${i}`)).flat();
  expect(told).toHaveLength(19);
  expect(calls('somebody else', 'research')).toEqual(['client']);
});
