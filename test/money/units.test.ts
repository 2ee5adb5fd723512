import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Chain } from '../../src/chain/chain.js';
import type { Config } from '../../src/config/settings.js';
import type { Ledger } from '../../src/ledger/ledger.js';
import type { AtomicAmount, UsdMicros } from '../../src/money/unit.js';
import type { Offer } from '../../src/payment/challenge.js';
import type { PaymentIntent } from '../../src/payment/intent.js';
import type { atomicOf } from '../../src/treasury/withdrawPlan.js';

/** Whether a value of one type fits where the other is wanted, either way. */
type Fits<A, B> = [A] extends [B] ? true : [B] extends [A] ? true : false;

/** What tells of tokens, wherever it comes from. */
type Tokens = [
  AtomicAmount,
  Offer['amountAtomic'],
  PaymentIntent['amountAtomic'],
  Awaited<ReturnType<Chain['balanceOf']>>,
  Awaited<ReturnType<Ledger['heldAtomic']>>,
  ReturnType<typeof atomicOf>,
];

/** What tells of dollars. */
type Dollars = [
  UsdMicros,
  Offer['usdMicros'],
  Config['limits']['perDayUsdMicros'],
  Awaited<ReturnType<Ledger['usage']>>[number],
  Awaited<ReturnType<Ledger['approvals']['elicitedUsdMicros']>>,
];

/** Each of the first held against each of the second: the compiler refuses this file where one fits. */
type Swaps<As extends readonly unknown[], Bs extends readonly unknown[]> = {
  [A in keyof As]: { [B in keyof Bs]: Fits<As[A], Bs[B]> }[number];
}[number];

/** Of a mixture of true and false, too, nothing but the complaint is left. */
type Verdict = [Swaps<Tokens, Dollars>] extends [false]
  ? false
  : 'an amount fits where the other unit is wanted';

const swapped: Verdict = false;

test('no amount of tokens fits where dollars are wanted, nor the other way, on any path of a payment', () => {
  expect(swapped).toBe(false);
});

test('nothing that is named after a unit is a plain bigint, which would take either', () => {
  const root = join(import.meta.dirname, '../../src');
  const sources = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !/\.(test|fixture)\.ts$/.test(name),
  );
  const plain = sources.flatMap((name) =>
    readFileSync(join(root, name), 'utf8')
      .split('\n')
      .filter((line) => /\b\w*(Atomic|[uU]sdMicros)\w*\??: (ReadonlyMap<string, )?bigint\b/.test(line))
      .map((line) => `${name}: ${line.trim()}`),
  );
  expect(plain).toEqual([]);
});
