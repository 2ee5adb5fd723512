import { formatUsd } from '../../money/decimal.js';
import type { ReportGroup } from '../../ledger/books/report.js';
import { cleanLine } from '../../text/untrusted.js';
import type { BalanceLine } from '../../wallet/balance.js';
import type { EntryView } from '../../wallet/ledgerView.js';
import type { Overview, WindowUse } from '../../wallet/overview.js';
import { stateWord } from '../ledger/statement.js';
import type { Paint } from '../terminal/output/paint.js';
import { layTable } from '../terminal/output/table.js';

/** All that the screen shows at one moment. */
export interface TopView extends Omit<Overview, 'seq'> {
  readonly home: string;
  readonly nowMs: number;
  /** The commands that answer what waits, and that say where to send money. */
  readonly openLine: string;
  readonly fundLine: string;
  /** Null where its keys are not at hand, with the reason in `shut`. */
  readonly balances: readonly BalanceLine[] | null;
  readonly waiting: number | null;
  /** Notices that nobody saw, and the newest of them in words; null where there is none. */
  readonly unseen: { readonly count: number; readonly newest: string } | null;
  readonly noticesLine: string;
  readonly shut: string | null;
  /** Newest first. */
  readonly payments: readonly EntryView[];
}

/** How large the terminal is, in characters. */
export interface TopSize {
  readonly width: number;
  readonly height: number;
}

const BAR_WIDTH = 24;
/** Agents and sellers that are shown; a payment list of some lines stands below them. */
const GROUPS_MAX = 6;
const PAYMENTS_MIN = 3;
/** From this share of a cap on its bar is yellow, in hundredths; at the cap it is red. */
const WARN_PERCENT = 80n;

/** The screen as lines: at most as many as fit, none wider than the terminal. */
export function layTop(view: TopView, size: TopSize, paint: Paint): string[] {
  const { width, height } = size;
  const head = [
    headLine(view, width, paint),
    moneyLine(view, width),
    ...view.windows.map((one) => limitLine(one, width, paint)),
    ...(view.waiting === null || view.waiting === 0
      ? []
      : [
          paint(
            'yellow',
            `${view.waiting} ${view.waiting === 1 ? 'question waits' : 'questions wait'} for you: ${view.openLine}`,
          ),
        ]),
    ...(view.unseen === null ? [] : [paint('yellow', noticeLine(view.unseen, view.noticesLine, width))]),
  ];
  const foot = paint('dim', view.frozen ? 'q ends' : 'f freezes all agents   q ends');
  const groups = [
    ...section('AGENT', view.agents, width, paint),
    ...section('SELLER', view.sellers, width, paint),
  ];
  const roomForGroups = height - head.length - 1 - (PAYMENTS_MIN + 2);
  const shownGroups = roomForGroups < groups.length ? groups.slice(0, Math.max(0, roomForGroups)) : groups;
  const roomForPayments = height - head.length - shownGroups.length - 3;
  const rows = roomForPayments < 1 ? [] : paymentLines(view, width, roomForPayments, paint);
  return [...head, ...shownGroups, ...rows, '', foot].slice(0, height);
}

function noticeLine(
  { count, newest }: NonNullable<TopView['unseen']>,
  command: string,
  width: number,
): string {
  const more = count === 1 ? '' : ` (${count} notices: ${command})`;
  return cleanLine(`${newest}${more}`, width);
}

function headLine({ home, nowMs, frozen }: TopView, width: number, paint: Paint): string {
  const time = new Date(nowMs).toLocaleTimeString('en-GB');
  const text = cleanLine(`Purser  ${home}  ${time}`, width);
  return frozen ? `${paint('bold', text)}  ${paint('red', 'FROZEN')}` : paint('bold', text);
}

function moneyLine({ balances, shut, fundLine }: TopView, width: number): string {
  if (shut !== null) return cleanLine(`Money not looked at: ${shut}`, width);
  if (balances === null) return 'Money: asking the networks';
  const words = balances
    .filter(({ on_chain: sum, held }) => sum === null || /[1-9]/.test(sum + held))
    .map(
      ({ label, asset, spendable }) => `${label} ${spendable === null ? 'unknown' : `${spendable} ${asset}`}`,
    );
  return cleanLine(words.length === 0 ? `No money yet: ${fundLine}` : `Money: ${words.join(', ')}`, width);
}

function limitLine(
  { name, usedUsdMicros: used, maxUsdMicros: max }: WindowUse,
  width: number,
  paint: Paint,
): string {
  const percent = max === 0n ? 100n : (BigInt(used) * 100n) / BigInt(max);
  const full = Number(percent > 100n ? 100n : percent);
  const filled = Math.round((full * BAR_WIDTH) / 100);
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
  const look = percent >= 100n ? 'red' : percent >= WARN_PERCENT ? 'yellow' : 'green';
  const words = `$${formatUsd(used)} of $${formatUsd(max)} without asking`;
  return `${cleanLine(name, 10).padEnd(10)}  ${paint(look, bar)}  ${cleanLine(words, Math.max(0, width - 14 - BAR_WIDTH))}`;
}

function section(title: string, groups: readonly ReportGroup[], width: number, paint: Paint): string[] {
  if (groups.length === 0) return [];
  const isLossy = groups.some(({ lostUsdMicros }) => lostUsdMicros > 0n);
  const columns = [
    { title, flexible: true },
    { title: 'CALLS', align: 'right' },
    { title: 'USD 24 H', align: 'right' },
    { title: 'HELD', align: 'right' },
    ...(isLossy ? [{ title: 'LOST', align: 'right' } as const] : []),
    { title: 'LAST' },
  ] as const;
  const rows = groups
    .slice(0, GROUPS_MAX)
    .map(({ key, payments, capturedUsdMicros, heldUsdMicros, lostUsdMicros, lastMs }) => [
      key,
      String(payments),
      formatUsd(capturedUsdMicros),
      heldUsdMicros === 0n ? '' : formatUsd(heldUsdMicros),
      ...(isLossy ? [lostUsdMicros === 0n ? '' : formatUsd(lostUsdMicros)] : []),
      new Date(lastMs).toLocaleTimeString('en-GB'),
    ]);
  const [titles = '', ...lines] = layTable(columns, rows, width);
  return ['', paint('dim', titles), ...lines];
}

function paymentLines({ payments }: TopView, width: number, room: number, paint: Paint): string[] {
  if (payments.length === 0) return ['', 'Nothing was bought yet.'].slice(0, room);
  const columns = [
    { title: 'TIME' },
    { title: 'USD', align: 'right' },
    { title: 'STATE' },
    { title: 'WHAT', flexible: true },
    { title: 'AGENT' },
  ] as const;
  const rows = payments
    .slice(0, Math.max(0, room - 2))
    .map((entry) => [
      new Date(entry.time).toLocaleTimeString('en-GB'),
      entry.usd,
      stateWord(entry),
      entry.kind === 'withdrawal'
        ? (entry.reason ?? 'your own transfer')
        : `${entry.host}${pathOf(entry.url)}`,
      entry.agent,
    ]);
  const [titles = '', ...lines] = layTable(columns, rows, width);
  return ['', paint('dim', titles), ...lines];
}

function pathOf(url: string): string {
  const path = URL.canParse(url) ? new URL(url).pathname : '';
  return path === '/' ? '' : path;
}
