import type { ReportReader } from '../../../ledger/ledger.js';
import type { ReportFilter } from '../../../ledger/books/report.js';
import { assetsOf } from '../../../money/asset.js';
import type { Caip2 } from '../../../money/network.js';
import { formatUnits } from '../../../money/decimal.js';
import { cleanLine } from '../../../text/untrusted.js';
import { labelLine } from '../../../payment/labels.js';
import { viewEntry, type EntryView } from '../../../wallet/ledgerView.js';
import { layCsvRows } from '../../../cli/terminal/output/csv.js';

/** What payments are exported as. */
export const EXPORTS = {
  csv: { type: 'text/csv; charset=utf-8', end: 'csv' },
  json: { type: 'application/json', end: 'json' },
  beancount: { type: 'text/plain; charset=utf-8', end: 'beancount' },
} as const;
export type ExportKind = keyof typeof EXPORTS;

/** Rows read at a time: a large export is written as it is read. */
const ROWS_AT_ONCE = 500;

const COLUMNS = [
  ...['kind', 'time', 'id', 'state', 'confirmed', 'usd', 'amount_atomic', 'asset', 'network', 'pay_to', 'tx'],
  ...['method', 'url', 'host', 'agent', 'session', 'delivery', 'note', 'reason', 'labels'],
] as readonly (keyof EntryView)[];

export function isExport(kind: string): kind is ExportKind {
  return Object.hasOwn(EXPORTS, kind);
}

/** Payments under a filter as text, newest first, piece by piece. */
export async function* exportRows(
  ledger: Pick<ReportReader, 'listAttempts'>,
  filter: ReportFilter,
  kind: ExportKind,
): AsyncGenerator<string, void> {
  const { head, rows, foot } = WRITERS[kind];
  yield head;
  let cursor: string | null = null;
  let isFirst = true;
  do {
    const page = await ledger.listAttempts(filter, ROWS_AT_ONCE, cursor);
    const entries = page.attempts.map(viewEntry);
    if (entries.length > 0) yield rows(entries, isFirst);
    isFirst = false;
    cursor = page.nextCursor;
  } while (cursor !== null);
  yield foot;
}

interface Writer {
  readonly head: string;
  readonly rows: (entries: readonly EntryView[], isFirst: boolean) => string;
  readonly foot: string;
}

const WRITERS: Readonly<Record<ExportKind, Writer>> = {
  csv: {
    head: layCsvRows([COLUMNS]),
    rows: (entries) =>
      layCsvRows(
        entries.map((entry) =>
          COLUMNS.map((name) => cellOf(name === 'labels' ? labelLine(entry.labels) : entry[name])),
        ),
      ),
    foot: '',
  },
  json: {
    head: '[\n',
    rows: (entries, isFirst) =>
      `${isFirst ? '' : ',\n'}${entries.map((entry) => JSON.stringify(entry)).join(',\n')}`,
    foot: '\n]\n',
  },
  beancount: {
    head: '; Payments of Purser, newest first.\n',
    rows: (entries) => entries.map(beancountOf).join(''),
    foot: '',
  },
};

function cellOf(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value);
}

/** Accounts of Beancount begin with a capital letter or a figure, and hold letters, figures and dashes. */
function accountPart(text: string): string {
  const part = text.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-+|-+$/g, '');
  return part === '' ? 'Unknown' : part[0]?.toUpperCase() + part.slice(1);
}

/**
 * A payment as a transaction of Beancount: money that moved alone, in the token's own units, so that the books add up to the
 * last one. What can still move is marked with `!`.
 */
function beancountOf(entry: EntryView): string {
  if (entry.state === 'released') return '';
  const flag = entry.state === 'captured' && entry.confirmed ? '*' : '!';
  const token = assetsOf(entry.network as Caip2).find(({ symbol }) => symbol === entry.asset);
  const symbol = (token?.symbol ?? 'USD').toUpperCase().replace(/[^A-Z0-9]/g, '');
  const amount = token === undefined ? entry.usd : formatUnits(BigInt(entry.amount_atomic), token.decimals);
  const quoted = (text: string): string => `"${cleanLine(text, 200).replace(/["\\]/g, "'")}"`;
  const to =
    entry.kind === 'withdrawal'
      ? 'Assets:Withdrawn'
      : `Expenses:Agents:${accountPart(entry.agent)}:${accountPart(entry.host)}`;
  return [
    `${entry.time.slice(0, 10)} ${flag} ${quoted(entry.host)} ${quoted(entry.reason ?? '')}`,
    `  id: ${quoted(entry.id)}`,
    ...Object.entries(entry.labels).map(
      ([name, value]) => `  label-${name.replace(/\./g, '-')}: ${quoted(value)}`,
    ),
    `  ${to}  ${amount} ${symbol}`,
    `  Assets:Purser:${accountPart(entry.network)}  -${amount} ${symbol}`,
    '\n',
  ].join('\n');
}
