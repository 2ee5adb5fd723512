import { formatUnits } from '../../money/decimal.js';
import { labelLine } from '../../payment/labels.js';
import { cleanLine } from '../../text/untrusted.js';
import type { AccountStatement } from '../../treasury/statement/statement.js';
import type { StatementLine } from '../../treasury/statement/statementLine.js';
import type { Statement } from '../../treasury/statement/readStatement.js';
import { layCsv } from '../terminal/output/csv.js';
import { localDay } from '../../text/localTime.js';

/** What a statement is written as, beside a table. */
export const STATEMENT_FILES = {
  csv: { type: 'text/csv; charset=utf-8', end: 'csv', write: csvOf },
  json: { type: 'application/json', end: 'json', write: jsonOf },
  beancount: { type: 'text/plain; charset=utf-8', end: 'beancount', write: beancountOf },
} as const;
export type StatementFile = keyof typeof STATEMENT_FILES;

/** A line's kind as an owner reads it. */
const KIND_WORDS: Readonly<Record<StatementLine['kind'], string>> = {
  deposit: 'came in from',
  earned: 'earned: paid by',
  move: 'moved to agent',
  payments: 'paid to',
  withdrawal: 'taken out to',
  fee: 'paid for the',
  not_explained: 'not explained',
};

/** A line in words: `paid to shop.example, 3 payments`. */
export function lineWords({ kind, other, count, why, labels }: StatementLine): string {
  const times = kind === 'payments' && count > 1 ? `, ${count} payments` : '';
  const who = other === '' ? '' : kind === 'not_explained' ? ` (${other})` : ` ${other}`;
  const tags = labels === undefined ? '' : ` (${labelLine(labels)})`;
  return `${KIND_WORDS[kind]}${who}${times}${tags}${why === '' ? '' : `: ${why}`}`;
}

/** An amount with its sign, in units of the asset: `-0.04`, `+5`. */
export function change(atomic: bigint, decimals: number): string {
  const sign = atomic < 0n ? '-' : '+';
  return `${atomic === 0n ? '' : sign}${formatUnits(atomic < 0n ? -atomic : atomic, decimals)}`;
}

/** A balance in units of the asset. */
export function balance(atomic: bigint | null, decimals: number): string {
  if (atomic === null) return 'unknown';
  return `${atomic < 0n ? '-' : ''}${formatUnits(atomic < 0n ? -atomic : atomic, decimals)}`;
}

const COLUMNS = [
  ...[
    'time',
    'network',
    'asset',
    'kind',
    'agent',
    'other',
    'count',
    'change',
    'change_atomic',
    'amount_atomic',
  ],
  ...['tx', 'why', 'labels'],
];

function csvOf({ accounts }: Statement): string {
  const rows = accounts.flatMap((account) => {
    const { network, symbol, decimals, openingAtomic, closingAtomic, fromMs, toMs, lines } = account;
    const end = (kind: string, ms: number, atomic: bigint | null) => [
      ...[iso(ms), network, symbol, kind, null, null, null],
      ...[balance(atomic, decimals), atomic?.toString() ?? null, null, null, null, null],
    ];
    return [
      end('opening_balance', fromMs, openingAtomic),
      ...lines.map((line) => [
        ...[iso(line.atMs), network, symbol, line.kind, line.agent, line.other, String(line.count)],
        ...[change(line.changeAtomic, decimals), line.changeAtomic.toString(), line.amountAtomic.toString()],
        ...[line.tx, line.why, line.labels === undefined ? null : labelLine(line.labels)],
      ]),
      end('closing_balance', toMs, closingAtomic),
    ];
  });
  return layCsv(COLUMNS, rows);
}

/** A statement as data: amounts are atomic units as text. */
export function statementData({ period, accounts }: Statement): object {
  return {
    from: iso(period.fromMs),
    until: iso(period.toMs),
    accounts: accounts.map((account) => ({
      network: account.network,
      asset: account.symbol,
      decimals: account.decimals,
      from: iso(account.fromMs),
      until: iso(account.toMs),
      opening_atomic: account.openingAtomic?.toString() ?? null,
      lines: account.lines.map((line) => ({
        time: iso(line.atMs),
        kind: line.kind,
        change_atomic: line.changeAtomic.toString(),
        amount_atomic: line.amountAtomic.toString(),
        agent: line.agent,
        other: line.other,
        count: line.count,
        tx: line.tx,
        ...(line.why === '' ? {} : { why: line.why }),
        ...(line.labels === undefined ? {} : { labels: line.labels }),
      })),
      closing_atomic: account.closingAtomic?.toString() ?? null,
      notes: account.notes,
    })),
  };
}

function jsonOf(statement: Statement): string {
  return `${JSON.stringify(statementData(statement), null, 2)}\n`;
}

/** A book of Beancount, which checks by itself that it adds up: each account opens, and closes with an assertion. */
function beancountOf({ accounts, period }: Statement): string {
  const names = new Set(
    accounts.flatMap((account) => [
      'Equity:Opening-Balances',
      ownOf(account),
      ...account.lines.map(counterOf),
    ]),
  );
  // Once each: two networks share most of them.
  const opens = [...names].map((name) => `${localDay(period.fromMs)} open ${name}\n`);
  return [...opens, '\n', ...accounts.map(booksOf)].join('');
}

function ownOf({ label, symbol }: AccountStatement): string {
  return `Assets:Purser:${part(label)}:${moneyOf(symbol)}`;
}

function moneyOf(symbol: string): string {
  return symbol.toUpperCase().replace(/[^A-Z0-9]/g, '');
}

function booksOf(account: AccountStatement): string {
  const { symbol, decimals, openingAtomic, closingAtomic, fromMs, toMs, lines } = account;
  const money = moneyOf(symbol);
  const own = ownOf(account);
  const entry = (ms: number, flag: string, words: string, other: string, atomic: bigint): string =>
    [
      `${localDay(ms)} ${flag} ${quoted(words)}`,
      `  ${other}  ${balance(-atomic, decimals)} ${money}`,
      `  ${own}  ${balance(atomic, decimals)} ${money}`,
      '\n',
    ].join('\n');
  const counters = lines.map((line) => ({ line, other: counterOf(line) }));
  const nextDay = toMs + 86_400_000;
  return [
    `; ${cleanLine(account.label, 80)}, ${cleanLine(symbol, 20)}\n`,
    openingAtomic === null
      ? ''
      : entry(fromMs, '*', 'Opening balance', 'Equity:Opening-Balances', openingAtomic),
    ...counters
      .filter(({ line }) => line.changeAtomic !== 0n)
      .map(({ line, other }) =>
        entry(
          line.atMs,
          line.kind === 'not_explained' ? '!' : '*',
          lineWords(line),
          other,
          line.changeAtomic,
        ),
      ),
    // An assertion holds at the beginning of its day.
    openingAtomic === null || closingAtomic === null
      ? ''
      : `${localDay(nextDay)} balance ${own}  ${balance(closingAtomic, decimals)} ${money}\n`,
  ].join('');
}

function counterOf({ kind, agent, other }: StatementLine): string {
  switch (kind) {
    case 'deposit':
      return 'Equity:Deposits';
    case 'earned':
      return `Income:Agents:${part(agent ?? '')}`;
    case 'payments':
      return `Expenses:Agents:${part(agent ?? '')}:${part(other)}`;
    case 'withdrawal':
      return 'Assets:Withdrawn';
    case 'fee':
      return 'Expenses:Network-Fees';
    case 'move':
    case 'not_explained':
      return 'Equity:Not-Explained';
  }
}

/** Accounts of Beancount begin with a capital letter or a figure, and hold letters, figures and dashes. */
function part(text: string): string {
  const clean = text.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-+|-+$/g, '');
  return clean === '' ? 'Unknown' : clean[0]?.toUpperCase() + clean.slice(1);
}

function quoted(text: string): string {
  return `"${cleanLine(text, 200).replace(/["\\]/g, "'")}"`;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
