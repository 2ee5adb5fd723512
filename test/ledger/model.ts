import type { HoldResult } from '../../src/ledger/attempts/hold.js';
import type { CapLine } from '../../src/money/cap.js';
import { isOpen, LIFE, type Move, type Place } from '../../src/ledger/sqlite/lifeFixtures.js';

/** A payment as the model sees it. Amounts in micro-dollars. */
export interface ModelPayment {
  readonly id: string;
  readonly request: string;
  readonly agent: string;
  readonly session: string;
  readonly host: string;
  readonly held: bigint;
  /** The names of the caps that the owner's yes took it past. */
  readonly past: readonly string[];
  readonly approved: boolean;
  readonly openedMs: number;
  place: Place;
  captured: bigint;
  countedMs: number;
  /** It was taken for unused once, and what it held was given to others: caps count it, and it may be too much for them. */
  wasReleased: boolean;
}

/** What the model is asked to hold. */
export interface ModelHold {
  readonly request: string;
  readonly agent: string;
  readonly session: string;
  readonly host: string;
  readonly usdMicros: bigint;
  readonly lines: readonly CapLine[];
  /** The owner said yes to it: ceilings alone bind it. */
  readonly approved: boolean;
}

/** What a captured amount may be late in leaving a window. */
const LATE_MS = 60_000;

/**
 * The ledger said again in a few lines: a list of payments, added up anew each time. It knows nothing of rows, totals,
 * journals or locks.
 */
export class Model {
  readonly payments: ModelPayment[] = [];
  frozen = false;
  readonly suspended = new Set<string>();
  /** The time by which the ledger reckons; the clock may be behind it. */
  ledgerMs: number;

  constructor(nowMs: number) {
    this.ledgerMs = nowMs;
  }

  /** Every write but one that changes nothing takes the ledger's time along. */
  tick(clockMs: number): void {
    this.ledgerMs = Math.max(this.ledgerMs, clockMs);
  }

  /** The least and the most that may count against a line now. */
  used(line: CapLine, clockMs: number): { least: bigint; most: bigint } {
    const counted = this.payments.filter(({ past }) => line.kind === 'ceiling' || !past.includes(line.name));
    const nowMs = Math.max(this.ledgerMs, clockMs);
    const windowMs = (line.windowSec ?? 0) * 1000;
    const sum = (counts: (payment: ModelPayment) => bigint): bigint =>
      counted.reduce((total, payment) => total + counts(payment), 0n);
    const capturedSince =
      (sinceMs: number) =>
      (payment: ModelPayment): bigint => {
        if (payment.place !== 'captured' && payment.place !== 'confirmed') return 0n;
        if (!isIn(line.scope, payment)) return 0n;
        return line.windowSec === null || payment.countedMs > sinceMs ? payment.captured : 0n;
      };
    const live = sum((payment) =>
      isOpen(payment.place) && isLiveIn(line.scope, payment) ? payment.held : 0n,
    );
    return {
      least: live + sum(capturedSince(nowMs - windowMs)),
      most: live + sum(capturedSince(nowMs - windowMs - LATE_MS)),
    };
  }

  /** Which answers to a hold are right. */
  holdAnswers(hold: ModelHold, clockMs: number): HoldResult['kind'][] {
    if (this.frozen) return ['frozen'];
    if (this.suspended.has(hold.agent)) return ['barred'];
    if (this.payments.some(({ request, place }) => request === hold.request && isOpen(place)))
      return ['duplicate'];
    const answers = new Set<HoldResult['kind']>(['held']);
    for (const line of hold.lines) {
      if (hold.approved && line.kind === 'cap') continue;
      const { least, most } = this.used(line, clockMs);
      if (least + hold.usdMicros > line.usdMicrosMax) return ['exceeded'];
      if (most + hold.usdMicros > line.usdMicrosMax) answers.add('exceeded');
    }
    return [...answers];
  }

  /** The caps that a hold would certainly pass, and those that it may pass. */
  passes({ lines, usdMicros }: ModelHold, clockMs: number): { surely: string[]; perhaps: string[] } {
    const caps = lines.filter(({ kind }) => kind === 'cap');
    const passing = (bound: 'least' | 'most'): string[] =>
      caps
        .filter((line) => this.used(line, clockMs)[bound] + usdMicros > line.usdMicrosMax)
        .map(({ name }) => name);
    return { surely: passing('least'), perhaps: passing('most') };
  }

  /**
   * The promise: what could have moved of a line's own payments by now. For a cap those that nobody approved, for a
   * ceiling all. What a false release let move beside it is not the ledger's doing.
   */
  promised(line: CapLine, clockMs: number): bigint {
    const fromMs = Math.max(this.ledgerMs, clockMs) - (line.windowSec ?? 0) * 1000;
    return this.payments
      .filter((payment) => (line.kind === 'ceiling' || !payment.approved) && isIn(line.scope, payment))
      .filter(({ wasReleased }) => !wasReleased)
      .reduce((sum, { place, held, captured, countedMs }) => {
        if (isOpen(place)) return sum + held;
        if (place === 'released') return sum;
        return line.windowSec === null || countedMs > fromMs ? sum + captured : sum;
      }, 0n);
  }

  /** Whether a move is one that the design allows now. */
  allows(payment: ModelPayment, move: Move): boolean {
    return LIFE[payment.place][move] !== undefined;
  }
}

function isIn(scope: CapLine['scope'], payment: ModelPayment): boolean {
  switch (scope.kind) {
    case 'wallet':
      return true;
    case 'agent':
      return payment.agent === scope.agent;
    case 'session':
      return payment.session === scope.sessionId;
    case 'host':
      return payment.host === scope.host;
    case 'budget':
      throw new Error('the model has no budgets');
    case 'category':
      return false;
  }
}

/** An agent's open payments count in each of its sessions. */
function isLiveIn(scope: CapLine['scope'], payment: ModelPayment): boolean {
  return scope.kind === 'session' ? payment.agent === scope.agent : isIn(scope, payment);
}
