import type { CapLine, RateLine } from '../money/cap.js';
import { formatUsd } from '../money/decimal.js';
import { DAY_SEC, MONTH_SEC } from './limits.js';
import type { UsdMicros } from '../money/unit.js';
import { ALLOW, nameOfLimit, raiseCap, type LoweredBy, type Stop, type Verdict } from './verdict.js';

/** A line, and what counts against it already: the ledger's answer. */
export interface LineUse {
  readonly line: CapLine;
  readonly usedUsdMicros: UsdMicros;
}

/**
 * Turns the lines that a payment would pass into the one answer that helps most: a ceiling before a cap, since no
 * approval passes it; then the line with the least left, since that bounds what the agent can still do; then the
 * longest lasting, so that nobody waits for a new session under a month's cap.
 */
export function judgeTotals({
  usdMicros,
  exceeded,
  loweredBy,
  addedTo = () => usdMicros,
}: {
  readonly usdMicros: UsdMicros;
  /** The lines that one more payment would pass. */
  readonly exceeded: readonly LineUse[];
  readonly loweredBy?: LoweredBy;
  /** What the payment adds to a line, where that is more than its price: a promise counts by all that it lets be taken. */
  readonly addedTo?: (line: CapLine) => UsdMicros;
}): Verdict {
  const worst = [...exceeded].sort(byUse)[0];
  if (worst === undefined) return ALLOW;
  const { line, usedUsdMicros } = worst;
  const usdMicrosLeft = leftOf(worst);
  const addedUsdMicros = addedTo(line);
  const price =
    addedUsdMicros === usdMicros
      ? `$${formatUsd(usdMicros)}`
      : `$${formatUsd(usdMicros)} in each period ($${formatUsd(addedUsdMicros)} in that time)`;
  const bound = `the ${line.kind} of $${formatUsd(line.usdMicrosMax)} for ${spanOf(line)}`;
  const figures = `$${formatUsd(usedUsdMicros)} is used and $${formatUsd(usdMicrosLeft)} is left`;
  const deciding = { name: line.name, usdMicrosMax: line.usdMicrosMax, usdMicrosLeft };
  const say = `The agent wants to pay ${price}, which passes ${bound}: ${figures}.`;
  if (line.scope.kind === 'budget') return judgeBudget(worst, line.scope.budget, addedUsdMicros);
  if (line.kind === 'ceiling') {
    return {
      verdict: 'refuse',
      code: 'above_ceiling',
      message: `The price of ${price} passes ${bound} (${line.name}), which no approval lifts: ${figures}; do not retry.`,
      line: deciding,
      owner: { say },
    };
  }
  return {
    verdict: 'ask',
    code: 'above_cap',
    message: `The price of ${price} passes ${bound} (${nameOfLimit(line.name, loweredBy)}), which only the owner can lift: ${figures}; do not retry.`,
    line: deciding,
    owner: raiseCap(say, line.name, usedUsdMicros + addedUsdMicros, loweredBy),
  };
}

/**
 * Refuses while a ceiling has nothing left, before any price is known: none fits. `lines` are ceilings that bind every
 * payment of the call, wherever it leads.
 */
export function judgeUsedUp(lines: readonly LineUse[]): Verdict {
  const worst = lines.filter((line) => leftOf(line) === 0n).sort(byUse)[0];
  if (worst === undefined) return ALLOW;
  const { line } = worst;
  if (line.scope.kind === 'budget') return judgeBudget(worst, line.scope.budget, null);
  const bound = `the ${line.kind} of $${formatUsd(line.usdMicrosMax)} for ${spanOf(line)}`;
  return {
    verdict: 'refuse',
    code: 'above_ceiling',
    message:
      `Nothing is left of ${bound} (${line.name}), which no approval lifts, so the endpoint was not asked; ` +
      'do not retry. What costs nothing can be called without the wallet.',
    line: { name: line.name, usdMicrosMax: line.usdMicrosMax, usdMicrosLeft: 0n },
    owner: { say: `The agent wants to buy something, and ${bound} is used up.` },
  };
}

/** What stops a payment by a budget of the owner's: the task can wait for more. `usdMicros` is null where no price is known. */
function judgeBudget(worst: LineUse, budget: string, usdMicros: UsdMicros | null): Stop {
  const { line, usedUsdMicros } = worst;
  const usdMicrosLeft = leftOf(worst);
  const deciding = { name: line.name, usdMicrosMax: line.usdMicrosMax, usdMicrosLeft };
  if (isOver(worst))
    return {
      verdict: 'refuse',
      code: 'budget_over',
      message: `The last day of the budget ${budget} has passed (${line.name}): nothing is paid from it any more; do not retry.`,
      line: deciding,
      owner: { say: `The agent wants to pay from the budget ${budget}, whose last day has passed.` },
    };
  const bound = `$${formatUsd(line.usdMicrosMax)} for ${spanOf(line)}`;
  const figures = `$${formatUsd(usedUsdMicros)} is used or set aside and $${formatUsd(usdMicrosLeft)} is left`;
  const what = usdMicros === null ? 'Any price' : `The price of $${formatUsd(usdMicros)}`;
  const say =
    usdMicros === null
      ? `The agent wants to buy something, and nothing is left of ${bound}.`
      : `The agent wants to pay $${formatUsd(usdMicros)}, and the limit is ${bound}: ${figures}.`;
  const action =
    usdMicros === null
      ? ({ kind: 'chooseSetting', key: line.name, example: 'USD' } as const)
      : ({ kind: 'setSetting', key: line.name, value: formatUsd(usedUsdMicros + usdMicros) } as const);
  return {
    verdict: 'refuse',
    code: 'budget_spent',
    message: `${what} passes ${bound} (${line.name}), which no approval lifts: ${figures}. Put this task aside and tell your owner, who can raise it.`,
    line: deciding,
    owner: { say, action },
  };
}

function byUse(a: LineUse, b: LineUse): number {
  // What is over for good is no question of how much.
  if (isOver(a) !== isOver(b)) return isOver(a) ? -1 : 1;
  if (a.line.kind !== b.line.kind) return a.line.kind === 'ceiling' ? -1 : 1;
  const [left, right] = [leftOf(a), leftOf(b)];
  if (left !== right) return left < right ? -1 : 1;
  return (b.line.windowSec ?? 0) - (a.line.windowSec ?? 0);
}

/** Whether it is the line of a budget whose last day has passed. */
function isOver({ line }: LineUse): boolean {
  return line.scope.kind === 'budget' && line.name.endsWith('.until');
}

function leftOf({ line, usedUsdMicros }: LineUse): UsdMicros {
  const left = line.usdMicrosMax - usedUsdMicros;
  return left > 0n ? left : 0n;
}

const SPANS = new Map([
  [DAY_SEC, '24 hours'],
  [MONTH_SEC, '30 days'],
]);

function spanOf({ scope, windowSec }: CapLine): string {
  const span = windowSec === null ? 'this session' : (SPANS.get(windowSec) ?? `${windowSec} seconds`);
  switch (scope.kind) {
    case 'wallet':
      return span;
    case 'session':
      return scope.category === undefined ? span : `${span} in ${scope.category}`;
    case 'agent':
      return `${span} of this agent`;
    case 'host':
      return `${span} at ${scope.host}`;
    case 'category':
      return `${span} in ${scope.category}`;
    case 'budget':
      return windowSec === null ? `the budget ${scope.budget}` : `${span} of the budget ${scope.budget}`;
  }
}

/** Refuses while a window holds as many payments as its line allows; `retryAfterSec` is the ledger's. */
export function judgeRate({
  line,
  retryAfterSec,
}: {
  readonly line: RateLine;
  readonly retryAfterSec: number;
}): Stop {
  return {
    verdict: 'refuse',
    code: 'rate_limited',
    message:
      `${line.name} allows ${line.callsMax} payments in ${line.windowSec} seconds and so many were made; ` +
      `wait ${retryAfterSec} s before the next.`,
    retryAfterSec,
  };
}
