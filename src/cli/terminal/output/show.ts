import { CODES } from '../../../errors/codes.js';
import type { NextCall, Outcome, PaymentView, ToldOutcome } from '../../../wallet/answer/outcome.js';
import { commandLine } from '../../line/commandLine.js';
import { showLine, tellOutcome } from '../../line/line.js';
import type { CommandLine } from '../../line/shell.js';
import { cleanLine } from '../../../text/untrusted.js';
import type { CliIo, CliOutput } from '../io.js';
import { jsonText } from './json.js';
import { painter, type Look } from './paint.js';
import { wrapLine } from './wrap.js';

/** What a table keeps to where nobody says how wide the terminal is. */
const WIDTH_DEFAULT = 80;
/** A narrower terminal wraps. */
const WIDTH_MIN = 40;
const LINE_LENGTH_MAX = 1000;

/** How wide tables may be on an output. */
export function widthOf(output: CliOutput): number {
  return Math.max(WIDTH_MIN, output.columns || WIDTH_DEFAULT);
}

/** Writes lines to an output, broken at words where it is a terminal that says how wide it is. */
export function printLines(output: CliOutput, lines: readonly string[]): void {
  if (lines.length === 0) return;
  const { columns } = output;
  const isWrapped = output.isTTY === true && columns !== undefined && columns > 0;
  // A text of several lines, such as a QR code, is drawn as it is.
  const shown = isWrapped
    ? lines.flatMap((line) => (line.includes('\n') ? [line] : wrapLine(line, columns)))
    : lines;
  output.write(`${shown.join('\n')}\n`);
}

/** Writes a value as JSON to stdout. */
export function printJson(io: CliIo, value: unknown): void {
  io.stdout.write(`${jsonText(value)}\n`);
}

/** Writes an outcome as JSON to stdout. */
export function printOutcome(io: CliIo, outcome: Outcome): void {
  printJson(io, tellOutcome(outcome, io));
}

/** Writes a command's success: its fields with `--json`, else its lines. Answers exit code 0. */
export function printReport(
  io: CliIo,
  json: boolean,
  fields: Readonly<Record<string, unknown>> & { readonly message: string },
  lines: readonly string[],
): number {
  if (json) printJson(io, { status: 'ok', code: 'ok', ...fields });
  else printLines(io.stdout, lines);
  return 0;
}

/** The exit code of an outcome (docs/design.md, "Tools"). */
export function exitCodeOf({ status, code }: Pick<Outcome, 'status' | 'code'>): number {
  if (status === 'ok') return 0;
  if (code in CODES) return CODES[code as keyof typeof CODES].exit;
  return { refused: 3, approval_required: 4, unknown: 5, failed: 1 }[status];
}

const STATUS_LOOK: Readonly<Record<Outcome['status'], Look>> = {
  ok: 'green',
  approval_required: 'yellow',
  unknown: 'yellow',
  refused: 'red',
  failed: 'red',
};

/** Tells what an outcome says, beside its answer, on stderr: what happened, what to do now, what the owner can do. */
export function printStatus(io: CliIo, outcome: Outcome): void {
  const paint = painter(io, io.stderr);
  const plain = outcome.status === 'ok' || outcome.status === 'failed';
  const head = plain ? 'purser' : `purser: ${outcome.status.replace('_', ' ')}`;
  const lines = [
    `${paint(STATUS_LOOK[outcome.status], `${head}:`)} ${cleanLine(outcome.message, LINE_LENGTH_MAX)}`,
  ];
  if (outcome.payment !== null) lines.push(`  ${paymentLine(outcome.payment)}`);
  const tell = ownerWords(tellOutcome(outcome, io));
  if (tell !== null) lines.push(`  ${cleanLine(tell, LINE_LENGTH_MAX)}`);
  if (outcome.retry_after_s !== null) lines.push(`  Try again in ${outcome.retry_after_s} s.`);
  const next = nextCommand(outcome.next);
  if (next !== null) lines.push(`  Next: ${showLine(next, io)}`);
  printLines(io.stderr, lines);
}

/** What to tell the owner, without what the message said already. */
function ownerWords({ tell_owner: tell, message }: ToldOutcome): string | null {
  if (tell === null) return null;
  const rest = tell.startsWith(message) ? tell.slice(message.length).trim() : tell;
  return rest === '' ? null : rest;
}

/** One payment in one line. */
export function paymentLine(payment: PaymentView): string {
  const { id, state, usd, asset, network, confirmed, held_until: heldUntil, tx } = payment;
  const word =
    state === 'captured' ? (confirmed ? 'captured, confirmed' : 'captured, not confirmed yet') : state;
  const until = heldUntil === null ? '' : `, held until ${heldUntil}`;
  const line = `${id}: $${usd} in ${asset} on ${network}, ${word}${until}${tx === null ? '' : `, ${tx}`}`;
  return cleanLine(line, LINE_LENGTH_MAX);
}

/** The command that makes the call an outcome points to. */
function nextCommand(next: NextCall | null): CommandLine | null {
  if (next === null) return null;
  const { arguments: given } = next;
  switch (next.tool) {
    case 'wallet_pay':
      if (typeof given['approval_id'] === 'string')
        return commandLine('pay', [], { '--approval': given['approval_id'] });
      return typeof given['quote_id'] === 'string'
        ? commandLine('pay', [], { '--quote': given['quote_id'] })
        : null;
    case 'wallet_approval':
      return commandLine('approvals show', [String(given['id'])]);
    case 'wallet_ledger':
      return typeof given['payment_id'] === 'string'
        ? commandLine('ledger show', [given['payment_id']])
        : null;
    case 'wallet_response':
      return commandLine('response', [String(given['id'])], {
        '--offset': given['offset'] === undefined ? undefined : String(Number(given['offset'])),
      });
    default:
      return null;
  }
}

/** An instant as a table shows it: UTC, to the minute. */
export function minuteOf(iso: string): string {
  return iso.slice(0, 16).replace('T', ' ');
}
