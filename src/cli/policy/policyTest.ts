import { readConfigUnauthenticated } from '../../config/configFile.js';
import { withPolicy } from '../../config/policy.js';
import { isWalletError, WalletError } from '../../errors/walletError.js';
import { formatUsd } from '../../money/decimal.js';
import { openLedgerWithoutKeys } from '../../owner/ownerFreeze.js';
import {
  testPolicy,
  type PaymentSum,
  type PolicyTest,
  type StoppedPayment,
} from '../../owner/policy/policyTest.js';
import { localMinute } from '../../text/localTime.js';
import { cleanLine } from '../../text/untrusted.js';
import { parseTimeArgument } from '../../wallet/input.js';
import type { CommandCall } from '../command.js';
import { printLines, printReport, widthOf } from '../terminal/output/show.js';
import { layTable } from '../terminal/output/table.js';
import { pastInstant } from '../terminal/output/when.js';
import { openQuietly } from '../watch/glance.js';
import { policyIn } from './policyFile.js';

const EXIT_REFUSED = 3;
const EXIT_ASKED = 4;
/** Rows of a table that a person looks through; the sums are of all, and --json has them all. */
const ROWS_MAX = 100;
const URL_LENGTH_MAX = 300;
const DAY_MS = 86_400_000;

/** A time that a policy is tried against. */
interface Period {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Says what a policy would have done with the payments of a time. Nothing is asked, moved or written. */
export async function run(call: CommandCall): Promise<number> {
  const { io, home, flags } = call;
  const against = flags.text('against');
  if (against === undefined)
    throw new WalletError(
      'bad_input',
      'Say against which payments: --against last-month, last-week or FROM..TO.',
    );
  const period = readPeriod(against, io.now());
  const file = flags.text('policy');
  const inForce = readConfigUnauthenticated(home);
  const config = file === undefined ? inForce : withPolicy(inForce, await policyIn(file));
  const engine = await openQuietly(call);
  const ledger = isWalletError(engine) ? await openLedgerWithoutKeys(home) : engine.ledger;
  try {
    const approvals = isWalletError(engine) ? null : ledger.approvals;
    const test = await testPolicy({ payments: ledger, approvals }, config, period);
    const notes = approvals === null ? [LOCKED] : [];
    print(call, test, { period, policy: file ?? null, notes });
    if (test.refused.payments > 0) return EXIT_REFUSED;
    return test.asked.payments > 0 ? EXIT_ASKED : 0;
  } finally {
    await (isWalletError(engine) ? ledger : engine).close();
  }
}

const LOCKED =
  'The wallet is locked, so what you once allowed for a session or a payee is not known here: more may stand as asked about than would be.';

/** `last-month` and `last-week` (from Monday) are whole ones, by the clock of this machine; FROM..TO has its end left out. */
function readPeriod(text: string, nowMs: number): Period {
  const now = new Date(nowMs);
  const dayMs = (year: number, month: number, day: number): number => new Date(year, month, day).getTime();
  const [year, month, day] = [now.getFullYear(), now.getMonth(), now.getDate()];
  if (text === 'last-month') return { fromMs: dayMs(year, month - 1, 1), untilMs: dayMs(year, month, 1) };
  if (text === 'last-week') {
    const monday = day - ((now.getDay() + 6) % 7);
    return { fromMs: dayMs(year, month, monday - 7), untilMs: dayMs(year, month, monday) };
  }
  const [, from = '', to = ''] = /^(.+?)\.\.(.*)$/.exec(text) ?? [];
  if (from === '')
    throw new WalletError(
      'bad_input',
      '--against is last-month, last-week, or FROM..TO, such as 2026-11-01..2026-12-01 or 30d..',
    );
  const read = (one: string): number => parseTimeArgument(pastInstant(one, nowMs) ?? one, '--against');
  const period = { fromMs: read(from), untilMs: to === '' ? nowMs + 1 : read(to) };
  if (period.untilMs <= period.fromMs || period.untilMs - period.fromMs > 366 * DAY_MS)
    throw new WalletError(
      'bad_input',
      '--against goes from an earlier time to a later one, at most a year on.',
    );
  return period;
}

interface About {
  readonly period: Period;
  readonly policy: string | null;
  readonly notes: readonly string[];
}

function print({ io, flags }: CommandCall, test: PolicyTest, { period, policy, notes }: About): void {
  const { judged, refused, asked, askedThenToo, stopped } = test;
  const what = policy === null ? 'The policy in force' : 'This policy';
  const message =
    stopped.length === 0
      ? `${what} would have stopped none of ${words(judged)}${askedThenToo.payments === 0 ? '' : `, and asked you about the ${words(askedThenToo)} that you approved`}.`
      : `${what} would have refused ${words(refused)} and asked you about ${words(asked)}, of ${words(judged)}.`;
  if (flags.has('json')) {
    const fields = {
      message,
      policy,
      from: new Date(period.fromMs).toISOString(),
      until: new Date(period.untilMs).toISOString(),
      judged: sumView(judged),
      refused: sumView(refused),
      asked: sumView(asked),
      asked_then_too: sumView(askedThenToo),
      changes: stopped.map(stoppedView),
      notes,
    };
    printReport(io, true, fields, []);
    return;
  }
  // A pipe gets its rows whole.
  const width = io.stdout.isTTY === true ? widthOf(io.stdout) : Number.MAX_SAFE_INTEGER;
  if (stopped.length > 0) printLines(io.stdout, layStopped(stopped.slice(0, ROWS_MAX), width));
  const more = stopped.length > ROWS_MAX ? [`${stopped.length - ROWS_MAX} more: see --json.`] : [];
  printLines(io.stdout, [...more, message]);
  printLines(io.stderr, notes);
}

function words({ payments, usdMicros }: PaymentSum): string {
  return `${payments} ${payments === 1 ? 'payment' : 'payments'} ($${formatUsd(usdMicros)})`;
}

function sumView({ payments, usdMicros }: PaymentSum): { readonly payments: number; readonly usd: string } {
  return { payments, usd: formatUsd(usdMicros) };
}

function stoppedView({ payment, decision, reasons }: StoppedPayment) {
  return {
    id: payment.id,
    time: timeOf(payment),
    ...{ agent: payment.agent, host: payment.host, method: payment.method, url: payment.url },
    usd: formatUsd(payment.heldUsdMicros),
    verdict: decision,
    reasons: reasons.map(({ code, line, message }) => ({ code, limit: line?.name ?? null, message })),
  };
}

function timeOf({ openedWallMs, openedMs }: StoppedPayment['payment']): string {
  return new Date(openedWallMs ?? openedMs).toISOString();
}

function layStopped(stopped: readonly StoppedPayment[], width: number): string[] {
  const columns = [
    { title: 'TIME' },
    { title: 'USD', align: 'right' },
    { title: 'WOULD BE' },
    { title: 'WHY' },
    { title: 'AGENT' },
    { title: 'CALL', flexible: true },
  ] as const;
  const rows = stopped.map(({ payment, decision, reasons: [{ code, line }] }) => [
    localMinute(timeOf(payment)),
    formatUsd(payment.heldUsdMicros),
    decision === 'refuse' ? 'refused' : 'asked about',
    line?.name ?? code,
    payment.agent,
    cleanLine(`${payment.method} ${payment.url}`, URL_LENGTH_MAX),
  ]);
  return layTable(columns, rows, width);
}
