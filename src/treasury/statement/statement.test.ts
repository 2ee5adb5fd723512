import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Movement, SearchedSpan } from '../../ledger/books/movement.js';
import { assetsOf } from '../../money/asset.js';
import { findNetwork } from '../../money/network.js';
import type { Account, PaidRow } from './account.js';
import { stateAccount } from './statement.js';

const network = findNetwork('eip155:84532')!;
const [asset] = assetsOf(network.caip2);
const OWN = '0x1111111111111111111111111111111111111111';
const OTHER_AGENT = '0x2222222222222222222222222222222222222222';
const SELLER = '0x3333333333333333333333333333333333333333';
const FRIEND = '0x4444444444444444444444444444444444444444';
const PERIOD = { fromMs: 1_000_000, toMs: 2_000_000 };
const DAY_MS = 86_400_000;
const place = { network: network.caip2, asset: asset!.address, address: OWN };
let count = 0;

/** Blocks are seconds. */
function movement(over: Partial<Movement> = {}): Movement {
  const atMs = over.atMs ?? 1_500_000;
  const facts = { direction: 'in', other: FRIEND, amountAtomic: 100n, index: 0, isProtocol: false } as const;
  return { ...place, ...facts, tx: `0xt${(count += 1)}`, block: BigInt(atMs / 1000), atMs, ...over };
}

function span(over: Partial<SearchedSpan> = {}): SearchedSpan {
  const times = { fromMs: 0, toMs: 3_000_000, ...over };
  return {
    ...place,
    ...{ fromBlock: BigInt(times.fromMs / 1000), toBlock: BigInt(times.toMs / 1000) },
    ...{ balanceAtomic: 1_000n, readBy: ['a', 'b'], isWhole: true, unread: [] },
    ...times,
    ...over,
  };
}

function row(over: Partial<PaidRow> = {}): PaidRow {
  return {
    ...{ id: `pay_${(count += 1)}`, kind: 'payment', agent: 'default', host: 'shop.example' },
    ...{ network: network.caip2, asset: asset!.address, payFrom: OWN, payTo: SELLER },
    ...{ amountAtomic: 40n, tx: null, atMs: 1_500_000 },
    ...over,
  } as PaidRow;
}

function account(over: Partial<Account> = {}): Account {
  return {
    ...{ network, asset: asset!, addresses: [{ agent: 'default', address: OWN }] },
    ...{ spans: [span()], movements: [], movementsSinceMs: PERIOD.fromMs - DAY_MS },
    ...over,
  };
}

function state(over: Partial<Account>, rows: readonly PaidRow[] = [], period = PERIOD) {
  const statement = stateAccount(account(over), rows, period, String);
  const sum = statement.lines.reduce((all, { changeAtomic }) => all + changeAtomic, 0n);
  if (statement.openingAtomic !== null && statement.closingAtomic !== null)
    expect(statement.openingAtomic + sum).toBe(statement.closingAtomic);
  const told = statement.lines.map(({ kind, changeAtomic, other }) => [kind, changeAtomic, other]);
  return { ...statement, told };
}

test('payments of one seller are a line for each set of labels', () => {
  const team = (name: string) => row({ labels: { team: name } });
  const { lines } = state({ spans: [] }, [team('a'), team('b'), team('a'), row()]);
  expect(lines.map(({ labels, count: times }) => [labels, times])).toEqual([
    [{ team: 'a' }, 2],
    [{ team: 'b' }, 1],
    [undefined, 1],
  ]);
});

test('opens with a balance, tells what came and what was bought, and closes with a balance', () => {
  const paid = movement({ direction: 'out', other: SELLER, amountAtomic: 40n });
  const { told, openingAtomic, closingAtomic } = state(
    {
      movements: [
        movement({ atMs: 1_200_000 }),
        movement({ atMs: 1_300_000, amountAtomic: 7n, isProtocol: true }),
        paid,
        movement({ atMs: 2_500_000, amountAtomic: 500n }),
      ],
    },
    [row({ tx: paid.tx.toUpperCase().replace('0X', '0x') })],
  );
  expect([openingAtomic, closingAtomic]).toEqual([433n, 500n]);
  expect(told).toEqual([
    ['deposit', 100n, FRIEND],
    ['earned', 7n, FRIEND],
    ['payments', -40n, 'shop.example'],
  ]);
});

test('a move between own agents is named as such, and changes nothing', () => {
  const out = movement({ direction: 'out', other: OTHER_AGENT, amountAtomic: 30n });
  const into = { ...out, address: OTHER_AGENT, direction: 'in', other: OWN } as const;
  const both = {
    addresses: [
      { agent: 'default', address: OWN },
      { agent: 'research', address: OTHER_AGENT },
    ],
    spans: [span(), span({ address: OTHER_AGENT, balanceAtomic: 30n })],
  };
  const sent = row({ kind: 'withdrawal', payTo: OTHER_AGENT, amountAtomic: 30n, tx: out.tx });
  expect(state({ ...both, movements: [out, into] }, [sent]).told).toEqual([['move', 0n, 'research']]);
  // One RPC leaves one side out.
  expect(state({ ...both, movements: [out] }, [sent]).told).toContainEqual(['not_explained', -30n, '']);
});

test('what the ledger does not know, and what the chain does not show, is said and not hidden', () => {
  const unknown = movement({ direction: 'out', other: SELLER, amountAtomic: 9n });
  const dearer = movement({ direction: 'out', other: SELLER, amountAtomic: 50n });
  const { told, openingAtomic } = state({ movements: [unknown, dearer] }, [
    row({ id: 'pay_gone', amountAtomic: 5n, tx: '0xclaimed' }),
    row({ tx: dearer.tx, amountAtomic: 40n }),
  ]);
  expect(openingAtomic).toBe(1_059n);
  expect(told).toContainEqual(['not_explained', -9n, SELLER]);
  expect(told).toContainEqual(['not_explained', -10n, SELLER]);
  expect(told).toContainEqual(['not_explained', 5n, 'pay_gone']);
  expect(told).toContainEqual(['payments', -45n, 'shop.example']);
});

test('a balance that changed by more than what moved is said', () => {
  const spans = [
    span({ toMs: 1_400_000, balanceAtomic: 100n }),
    span({ fromMs: 1_401_000, balanceAtomic: 170n }),
  ];
  const { told } = state({ spans, movements: [movement({ amountAtomic: 50n })] });
  expect(told).toContainEqual(['not_explained', 20n, '']);
});

test('a payment belongs to the month that the chain has it in, and one that is not settled waits', () => {
  const later = movement({ direction: 'out', other: SELLER, amountAtomic: 40n, atMs: 2_001_000 });
  expect(state({ movements: [later] }, [row({ tx: later.tx, atMs: 1_999_000 })]).told).toEqual([]);
  expect(state({ movements: [later] }, [row({ atMs: 1_999_000 })]).told).toEqual([]);
  const { told, notes } = state({ spans: [span({ toMs: 1_600_000 })] }, [row({ atMs: 1_590_000 })]);
  expect(told).toEqual([]);
  expect(notes.join(' ')).toContain('1 payment is paid by the seller’s word');
});

test('says who alone was asked, what was not read, and from when on', () => {
  const spans = [
    span({ fromMs: 1_100_000, isWhole: false, readBy: ['https://one.example'], unread: ['5x'] }),
  ];
  const addresses = [...account().addresses, { agent: 'new', address: OTHER_AGENT }];
  const notes = state({ spans, addresses }).notes.join(' ');
  expect(notes).toContain('from 1100000 on');
  expect(notes).toContain('https://one.example');
  expect(notes).toContain('1 transactions could not be read');
  expect(notes).toContain('the address of new');
  expect(state({ spans: [] }, [row()])).toMatchObject({
    openingAtomic: null,
    told: [['payments', -40n, 'shop.example']],
  });
});

test('adds up to the unit, whatever the chain shows and the ledger has', () => {
  const amount = fc.bigInt({ min: 1n, max: 1_000n });
  const moved = fc.record({
    ...{ amountAtomic: amount, direction: fc.constantFrom('in' as const, 'out' as const) },
    ...{
      other: fc.constantFrom(SELLER, FRIEND, OTHER_AGENT),
      tx: fc.constantFrom('0xa', '0xb', '0xc', '0xd'),
    },
    ...{
      address: fc.constantFrom(OWN, OTHER_AGENT),
      atMs: fc.integer({ min: 900, max: 2_900 }).map((s) => s * 1000),
    },
  });
  const had = fc.record({
    ...{ amountAtomic: amount, tx: fc.constantFrom('0xa', '0xb', '0xz', null) },
    ...{ kind: fc.constantFrom('payment' as const, 'withdrawal' as const) },
    ...{
      payTo: fc.constantFrom(SELLER, OTHER_AGENT),
      atMs: fc.integer({ min: 900, max: 2_900 }).map((s) => s * 1000),
    },
  });
  fc.assert(
    fc.property(
      fc.array(moved, { maxLength: 12 }),
      fc.array(had, { maxLength: 6 }),
      fc.array(fc.bigInt({ min: 0n, max: 5_000n }), { minLength: 2, maxLength: 4 }),
      fc.constantFrom(1_300_000, 2_000_000, 2_600_000),
      (shown, rows, balances, toMs) => {
        const step = Math.floor(3_000_000 / balances.length / 1000) * 1000;
        const spans = balances.flatMap((balanceAtomic, i) =>
          [OWN, OTHER_AGENT].map((address) =>
            span({ address, balanceAtomic, fromMs: i * step, toMs: (i + 1) * step - 1000 }),
          ),
        );
        const addresses = [
          { agent: 'default', address: OWN },
          { agent: 'research', address: OTHER_AGENT },
        ];
        const movements = shown.map((one, index) => movement({ ...one, index }));
        const period = { fromMs: 1_000_000, toMs };
        const { openingAtomic } = state({ spans, addresses, movements }, rows.map(row), period);
        expect(openingAtomic).not.toBeNull();
      },
    ),
  );
});
