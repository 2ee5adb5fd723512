import type { CapLine, RateLine } from '../money/cap.js';
import { namesOf } from './host.js';

/** Windows roll: a day is the last 24 hours, a month the last 30 days. */
export const DAY_SEC = 86_400;
export const MONTH_SEC = 30 * DAY_SEC;
const MINUTE_SEC = 60;

/** One set of amounts in micro-dollars: the owner's caps, or the ceilings over them. */
export interface Amounts {
  readonly perCallUsdMicros: bigint;
  readonly perSessionUsdMicros: bigint;
  readonly perDayUsdMicros: bigint;
  readonly perMonthUsdMicros: bigint;
  /** By `host` (every port of it) or `host:port`, in punycode. */
  readonly hostPerDayUsdMicros: ReadonlyMap<string, bigint>;
}

/** Up to here the agent spends freely. */
export interface Limits extends Amounts {
  readonly callsPerMinute: number;
  /** Below this price a rise is not worth a question. */
  readonly askFloorUsdMicros: bigint;
}

/** Above here the answer is no, even with approval. */
export type Ceilings = Amounts;

/** What one agent may spend, inside the wallet's own lines; what is absent is bounded by those alone. */
export interface AgentLimits {
  readonly perSessionUsdMicros?: bigint;
  readonly perDayUsdMicros?: bigint;
  readonly perMonthUsdMicros?: bigint;
  readonly callsPerMinute?: number;
}

/** Who asks for what, as far as lines depend on it. */
export interface LineRequest {
  readonly agent: string;
  readonly sessionId: string;
  /** From {@link hostPortOf}. */
  readonly hostPort: string;
  readonly perAgent?: AgentLimits;
}

/**
 * Every bound on spending that a request falls under, for the ledger to enforce in the step that opens its hold:
 * caps and ceilings of the session, the wallet's day and month, and the host where the owner set one.
 *
 * The bound on a single call is no line: it needs no history, {@link judgeOffer} has it.
 */
export function capLines(
  owner: { readonly limits: Amounts; readonly ceilings: Amounts },
  request: LineRequest,
): CapLine[] {
  return [
    ...linesOf('cap', 'limits', owner.limits, request),
    ...agentLines(request),
    ...linesOf('ceiling', 'ceilings', owner.ceilings, request),
  ];
}

function linesOf(
  kind: CapLine['kind'],
  section: 'limits' | 'ceilings',
  amounts: Amounts,
  request: LineRequest,
): CapLine[] {
  const { agent, sessionId, hostPort } = request;
  const line = (key: string, rest: Omit<CapLine, 'name' | 'kind'>): CapLine => ({
    name: `${section}.${key}`,
    kind,
    ...rest,
  });
  const hosts = namesOf(hostPort).flatMap((host) => {
    const usdMicrosMax = amounts.hostPerDayUsdMicros.get(host);
    if (usdMicrosMax === undefined) return [];
    return [
      line(`hosts.${host}.per_day_usd`, { scope: { kind: 'host', host }, windowSec: DAY_SEC, usdMicrosMax }),
    ];
  });
  return [
    line('per_session_usd', {
      scope: { kind: 'session', agent, sessionId },
      windowSec: null,
      usdMicrosMax: amounts.perSessionUsdMicros,
    }),
    line('per_day_usd', {
      scope: { kind: 'wallet' },
      windowSec: DAY_SEC,
      usdMicrosMax: amounts.perDayUsdMicros,
    }),
    line('per_month_usd', {
      scope: { kind: 'wallet' },
      windowSec: MONTH_SEC,
      usdMicrosMax: amounts.perMonthUsdMicros,
    }),
    ...hosts,
  ];
}

function agentLines({ agent, sessionId, perAgent = {} }: LineRequest): CapLine[] {
  const lines: CapLine[] = [];
  const add = (
    key: string,
    scope: CapLine['scope'],
    windowSec: number | null,
    usdMicrosMax: bigint | undefined,
  ) => {
    if (usdMicrosMax === undefined) return;
    lines.push({ name: `agents.${agent}.limits.${key}`, kind: 'cap', scope, windowSec, usdMicrosMax });
  };
  add('per_session_usd', { kind: 'session', agent, sessionId }, null, perAgent.perSessionUsdMicros);
  add('per_day_usd', { kind: 'agent', agent }, DAY_SEC, perAgent.perDayUsdMicros);
  add('per_month_usd', { kind: 'agent', agent }, MONTH_SEC, perAgent.perMonthUsdMicros);
  return lines;
}

/** Every bound on the count of payments a request falls under (T12: a loop of tiny payments passes no sum). */
export function rateLines(limits: Pick<Limits, 'callsPerMinute'>, request: LineRequest): RateLine[] {
  const { agent, perAgent = {} } = request;
  const wallet: RateLine = {
    name: 'limits.calls_per_minute',
    scope: { kind: 'wallet' },
    windowSec: MINUTE_SEC,
    callsMax: limits.callsPerMinute,
  };
  if (perAgent.callsPerMinute === undefined) return [wallet];
  return [
    wallet,
    {
      name: `agents.${agent}.limits.calls_per_minute`,
      scope: { kind: 'agent', agent },
      windowSec: MINUTE_SEC,
      callsMax: perAgent.callsPerMinute,
    },
  ];
}
