import { findAttempt } from '../support/books.js';
import type { AnyAttempt } from '../../src/ledger/attempts/withdrawal.js';
import type { CapLine } from '../../src/money/cap.js';
import { isExposed, type ModelPayment } from './payment.js';
import { LINES } from './wallet.js';
import type { Process, World } from './world.js';

/** How much earlier than by the true time an amount may leave a window: by a clock that is no more than a minute fast. */
const WINDOW_EDGE_MS = 62_000;

/** Fails where the promise is broken at this moment, by what the chains know. */
export async function assertPromise(world: World, { ledger }: Process): Promise<void> {
  const rows = new Map<string, AnyAttempt>();
  for (const payment of world.payments) {
    const row = await findAttempt(ledger, payment.id);
    if (row === null) throw new Error(`${payment.id} has no row`);
    rows.set(payment.id, row);
    assertTrue(payment, row);
  }
  const used = await ledger.usage(LINES, world.nowMs());
  LINES.forEach((line, i) => {
    const exposure = exposureOf(world, line, rows);
    fail(
      exposure > line.usdMicrosMax,
      `exposure ${exposure} is above the ${line.name} of ${line.usdMicrosMax}`,
    );
    fail(
      exposure > (used[i] ?? 0n),
      `${line.name} counts ${used[i]}, and ${exposure} moved or may still move`,
    );
  });
}

/** What moved, or may still move, of what a line bounds. */
function exposureOf(world: World, line: CapLine, rows: ReadonlyMap<string, AnyAttempt>): bigint {
  const fromMs = line.windowSec === null ? -Infinity : world.trueMs - line.windowSec * 1000 + WINDOW_EDGE_MS;
  return world.payments
    .filter(({ isWithdrawal, approved }) => !isWithdrawal && (line.kind === 'ceiling' || !approved))
    .filter((payment) => isExposed(payment))
    .filter(({ id, excused }) => !(excused && rows.get(id)?.state === 'released'))
    .filter(({ onChain }) => (onChain?.landedSec() ?? Infinity) * 1000 > fromMs)
    .reduce((sum, payment) => sum + exposedMicros(payment), 0n);
}

/** What may leave by a payment: all of a ceiling, until what was charged can be undone no more. */
function exposedMicros({ onChain, usdMicros, movesUsdMicros }: ModelPayment): bigint {
  return onChain?.isSettled() === true ? movesUsdMicros : usdMicros;
}

/** What the ledger says for good is so. Where both operators lied, nothing of that is promised. */
function assertTrue(payment: ModelPayment, { state, confirmed, note }: AnyAttempt): void {
  if (payment.excused) return;
  const { onChain, left } = payment;
  fail(
    state === 'released' && left && (onChain?.hasLanded() === true || onChain?.mayLand() === true),
    `${payment.id} is released (${note}), and ${onChain?.hasLanded() === true ? 'landed' : 'may still land'}`,
  );
  fail(
    state === 'captured' && confirmed && onChain?.isSettled() !== true,
    `${payment.id} is confirmed, and is in no settled block`,
  );
}

/** Fails where anything is open, or any row is not what the chain knows, after all had their honest look. */
export async function assertEnded(world: World, { ledger }: Process): Promise<void> {
  for (const { id, onChain, left, excused, usdMicros, movesUsdMicros } of world.payments) {
    const row = await findAttempt(ledger, id);
    const landed = left && onChain?.hasLanded() === true;
    const told = row === null ? 'missing' : row.state === 'captured' && row.confirmed ? 'landed' : row.state;
    const right = landed ? 'landed' : 'released';
    // Two operators that show a payment in a settled block are believed for good: it counts, and nothing moved.
    if (excused && told === 'landed') continue;
    fail(told !== right, `${id} is ${told} (${row?.note}), and by the chain ${right}`);
    const captured = row?.capturedUsdMicros ?? 0n;
    fail(
      landed && (captured < movesUsdMicros || captured > usdMicros),
      `${id} has ${captured} captured, and moved ${movesUsdMicros}`,
    );
  }
  const { findings } = await ledger.audit();
  fail(findings.length > 0, `the audit finds ${JSON.stringify(findings)}`);
}

function fail(isBroken: boolean, how: string): void {
  if (isBroken) throw new Error(`Broken: ${how}`);
}
