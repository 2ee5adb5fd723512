import { describe, expect, test } from 'vitest';
import { capLine, CENT, held, newLedger, T0 } from '../../src/ledger/sqlite/fixtures.js';
import type { Ledger } from '../../src/ledger/ledger.js';
import {
  isOpen,
  LIFE,
  MOVES,
  placeOf,
  PLACES,
  type Move,
  type Place,
} from '../../src/ledger/sqlite/lifeFixtures.js';

const ALL_PLACES = Object.keys(PLACES) as Place[];
const ALL_MOVES = Object.keys(MOVES) as Move[];

/** Where moves lead, one after the other, and which of them were made. */
function walk(
  from: Place,
  moves: readonly Move[],
): { readonly place: Place; readonly made: readonly boolean[] } {
  let place = from;
  const made = moves.map((move) => {
    const next = LIFE[place][move];
    place = next ?? place;
    return next !== undefined;
  });
  return { place, made };
}

/** What counts of a cent in a place. */
function countsIn(place: Place): bigint {
  return place === 'released' ? 0n : CENT;
}

describe.each(ALL_PLACES)('two workers who move a payment on at once, from %s', (from) => {
  test.each(ALL_MOVES)('one by %s, the other by any', async (first) => {
    using world = newLedger();
    const [one, two] = [world.ledger, world.open()];
    let total = 0n;
    for (const second of ALL_MOVES) {
      const payment = await PLACES[from](one);
      const results = await Promise.all([MOVES[first](one, payment), MOVES[second](two, payment)]);
      const made = results.map(({ kind }) => kind === 'done');
      const place = placeOf((await one.findPayment(payment.id)) ?? payment);
      const inOrder = walk(from, [first, second]);
      const reversed = walk(from, [second, first]);
      // As if one had come after the other: never both halves of neither.
      expect([inOrder, { place: reversed.place, made: [...reversed.made].reverse() }]).toContainEqual({
        place,
        made,
      });
      total += countsIn(place);
      expect(await two.usage([capLine()], T0)).toEqual([total]);
    }
    expect((await one.audit()).findings).toEqual([]);
  });
});

/** Every order in which two lists can be dealt with, each in its own order. */
function interleave<T>(one: readonly T[], two: readonly T[]): T[][] {
  const [first, ...rest] = one;
  const [second, ...others] = two;
  if (first === undefined) return [[...two]];
  if (second === undefined) return [[...one]];
  return [
    ...interleave(rest, two).map((tail) => [first, ...tail]),
    ...interleave(one, others).map((tail) => [second, ...tail]),
  ];
}

/** What one process does for a payment, and what a second may do about it meanwhile. */
const PAYER: readonly Move[] = ['recordSigned', 'markSent', 'captureClaimed', 'captureConfirmed'];
const OTHERS: readonly Move[] = ALL_MOVES.filter((move) => move !== 'recordSigned');

test('every order of a payer’s steps and any two of another’s ends where the design says', async () => {
  using world = newLedger();
  const workers = { payer: world.ledger, other: world.open() };
  interface Step {
    readonly worker: keyof typeof workers;
    readonly move: Move;
  }
  const payer = PAYER.map((move): Step => ({ worker: 'payer', move }));
  const pairs = OTHERS.flatMap((a) => OTHERS.map((b) => [a, b]));
  let orders = 0;
  let total = 0n;
  for (const pair of pairs) {
    for (const steps of interleave(
      payer,
      pair.map((move): Step => ({ worker: 'other', move })),
    )) {
      const payment = await held(world.ledger);
      const expected = walk(
        'held',
        steps.map(({ move }) => move),
      );
      const made: boolean[] = [];
      for (const { worker, move } of steps)
        made.push((await MOVES[move](workers[worker], payment)).kind === 'done');
      const place = placeOf((await world.ledger.findPayment(payment.id)) ?? payment);
      expect({ place, made }, steps.map(({ worker, move }) => `${worker} ${move}`).join(', ')).toEqual(
        expected,
      );
      expect((await world.ledger.findLive(payment.requestHash)) !== null).toBe(isOpen(place));
      total += countsIn(place);
      orders++;
    }
  }
  expect(orders).toBe(OTHERS.length ** 2 * 15);
  expect(await (workers.other as Ledger).usage([capLine()], T0)).toEqual([total]);
  expect(await workers.other.audit()).toMatchObject({ payments: orders, findings: [] });
});
