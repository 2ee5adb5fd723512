import type { Ledger } from '../../ledger/ledger.js';
import { formatUsd } from '../../money/decimal.js';
import { cleanLine } from '../../text/untrusted.js';
import { labelLine } from '../../payment/labels.js';
import type { EntryView } from '../../wallet/ledgerView.js';
import type { ReportFilter } from '../../ledger/books/report.js';
import type { CliIo } from '../terminal/io.js';
import { widthOf } from '../terminal/output/show.js';
import { layTable } from '../terminal/output/table.js';
import { localMinute, zoneName } from '../../text/localTime.js';

/** The word for what the seller or one RPC says and the chain has not shown yet. */
export const UNCONFIRMED = 'captured?';
/** From this width on a line holds all there is to say of a payment. */
const WIDE_COLUMNS = 150;
const LINE_LENGTH_MAX = 400;
/** What stands below a payment on a narrow terminal. */
const INDENT = '  ';
/** Agents of one wallet whose totals are added up. */
const AGENTS_MAX = 10_000;

/** A payment with what its seller answered, as far as that was kept. */
export interface StatementEntry {
  readonly entry: EntryView;
  /** `HTTP 200`, or what stands for no answer. */
  readonly answer: string;
}

/** Finds out what was delivered for each entry. */
export async function withDelivery(
  ledger: Ledger,
  entries: readonly EntryView[],
): Promise<readonly StatementEntry[]> {
  const statuses = await ledger.answerStatuses(entries.map(({ id }) => id));
  return entries.map((entry) => {
    if (entry.kind === 'withdrawal') return { entry, answer: '' };
    const status = statuses.get(entry.id);
    const verdict =
      entry.delivery === null || entry.delivery === 'delivered'
        ? ''
        : `, ${entry.delivery.replace('_', ' ')}`;
    return { entry, answer: `${status === undefined ? 'no answer kept' : `HTTP ${status}`}${verdict}` };
  });
}

/** One word a state; `captured` alone means that the chain has shown it. */
export function stateWord({ state, confirmed }: EntryView): string {
  return state === 'captured' && !confirmed ? UNCONFIRMED : state;
}

/** What the money was for: the seller and the call, or the owner's own transfer. */
function whatOf({ kind, pay_to: payTo, host, method, url }: EntryView): string {
  if (kind === 'withdrawal') return `your own transfer to ${payTo}`;
  const path = URL.canParse(url) ? new URL(url).pathname : '';
  return `${host}${path === '/' ? '' : path}${method === 'GET' ? '' : ` (${method})`}`;
}

/** The agent's reason, in quotes: the words are the agent's. And its labels. */
function reasonOf({ reason, labels }: EntryView): string {
  const quoted = reason === null ? '' : `“${cleanLine(reason, LINE_LENGTH_MAX)}”`;
  return [quoted, labelLine(labels)].filter((part) => part !== '').join(' ');
}

/**
 * Lays payments out as a statement. A pipe and a wide terminal get a row for each, whole; a narrow terminal gets a second line
 * below each.
 */
export function layStatement(io: CliIo, statement: readonly StatementEntry[], withTitles = true): string[] {
  if (statement.length === 0) return [];
  const isPiped = io.stdout.isTTY !== true;
  const width = isPiped ? Number.MAX_SAFE_INTEGER : widthOf(io.stdout);
  const head = [
    { title: `TIME (${zoneName()})` },
    { title: 'USD', align: 'right' },
    { title: 'STATE' },
    { title: 'WHAT', flexible: true },
  ] as const;
  const start = ({ entry }: StatementEntry): string[] => [
    localMinute(entry.time),
    entry.usd,
    stateWord(entry),
    whatOf(entry),
  ];
  if (isPiped || width >= WIDE_COLUMNS) {
    const columns = [...head, { title: 'AGENT' }, { title: 'ANSWER' }, { title: 'ID' }, { title: 'REASON' }];
    const rows = statement.map((one) => [
      ...start(one),
      one.entry.agent,
      one.answer,
      one.entry.id,
      reasonOf(one.entry),
    ]);
    return layTable(columns, rows, width).slice(withTitles ? 0 : 1);
  }
  const [titles = '', ...lines] = layTable(head, statement.map(start), width);
  return [
    ...(withTitles ? [titles] : []),
    ...lines.flatMap((line, i) => {
      const one = statement[i];
      if (one === undefined) return [line];
      const { entry, answer } = one;
      const more = [entry.id, entry.agent, answer, reasonOf(entry)].filter((part) => part !== '').join(' · ');
      return [line, cleanLineKeepingIndent(INDENT, more, width)];
    }),
  ];
}

function cleanLineKeepingIndent(indent: string, text: string, width: number): string {
  return indent + cleanLine(text, Math.max(1, width - indent.length));
}

/** What all payments of a report come to, in one sentence. */
export async function sayTotal(ledger: Ledger, filter: ReportFilter): Promise<string> {
  const groups = await ledger.groupPayments('by_agent', filter, AGENTS_MAX);
  const payments = groups.reduce((sum, group) => sum + group.payments, 0);
  const captured = groups.reduce((sum, group) => sum + group.capturedUsdMicros, 0n);
  const held = groups.reduce((sum, group) => sum + group.heldUsdMicros, 0n);
  const open = held === 0n ? '' : `, $${formatUsd(held as typeof captured)} held`;
  return `Total: $${formatUsd(captured as typeof captured)} paid in ${payments} ${payments === 1 ? 'payment' : 'payments'}${open}.`;
}
