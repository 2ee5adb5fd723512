import type { CapLine, RateLine } from '../money/cap.js';
import { namesOf } from './host.js';
import type { CallCap } from './model.js';
import type { UsdMicros } from '../money/unit.js';

/** Windows roll: a day is the last 24 hours, a month the last 30 days. */
export const DAY_SEC = 86_400;
export const MONTH_SEC = 30 * DAY_SEC;
const MINUTE_SEC = 60;

/** One set of amounts in micro-dollars: the owner's caps, or the ceilings over them. */
export interface Amounts {
  readonly perCallUsdMicros: UsdMicros;
  readonly perSessionUsdMicros: UsdMicros;
  readonly perDayUsdMicros: UsdMicros;
  readonly perMonthUsdMicros: UsdMicros;
  /** By `host` (every port of it) or `host:port`, in punycode. */
  readonly hostPerDayUsdMicros: ReadonlyMap<string, UsdMicros>;
  /** By the owner's own category. */
  readonly categoryPerSessionUsdMicros?: ReadonlyMap<string, UsdMicros>;
  readonly categoryPerDayUsdMicros?: ReadonlyMap<string, UsdMicros>;
  readonly categoryPerMonthUsdMicros?: ReadonlyMap<string, UsdMicros>;
}

/** Up to here the agent spends freely. */
export interface Limits extends Amounts {
  readonly callsPerMinute: number;
  /** Below this price a rise is not worth a question. */
  readonly askFloorUsdMicros: UsdMicros;
}

/** Above here the answer is no, even with approval. */
export type Ceilings = Amounts;

/** Limits of one agent, within the wallet's own. A limit that is absent leaves only the wallet's. */
export interface AgentAmounts {
  readonly perCallUsdMicros?: UsdMicros | undefined;
  readonly perSessionUsdMicros?: UsdMicros | undefined;
  readonly perDayUsdMicros?: UsdMicros | undefined;
  readonly perMonthUsdMicros?: UsdMicros | undefined;
}

/** What one agent may spend without asking. */
export interface AgentLimits extends AgentAmounts {
  readonly callsPerMinute?: number | undefined;
}

/** Who asks for what, as far as lines depend on it. */
export interface LineRequest {
  readonly agent: string;
  readonly sessionId: string;
  /** From {@link hostPortOf}. */
  readonly hostPort: string;
  /** The owner's own category of the place, see `categoryOf`. */
  readonly category?: string | null;
  readonly perAgent?: AgentLimits;
  readonly perAgentCeilings?: AgentAmounts;
  /** The lines of the owner's budgets that the agent's spending counts in, see {@link budgetLines}. */
  readonly ofBudgets?: readonly CapLine[];
}

/**
 * Every bound on spending that a request falls under, for the ledger to enforce in the step that opens its hold:
 * caps and ceilings of the session, the wallet's day and month, and of the host, the category, the agent and the budgets
 * where the owner set some.
 *
 * The bound on a single call is no line: it needs no history, {@link judgeOffer} has it.
 */
export function capLines(
  owner: { readonly limits: Amounts; readonly ceilings: Amounts },
  request: LineRequest,
): CapLine[] {
  return [
    ...linesOf('cap', 'limits', owner.limits, request),
    ...agentLines('cap', 'limits', request.perAgent, request),
    ...linesOf('ceiling', 'ceilings', owner.ceilings, request),
    ...agentLines('ceiling', 'ceilings', request.perAgentCeilings, request),
    ...(request.ofBudgets ?? []),
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
    ...categoryLines(amounts, request, line),
  ];
}

function categoryLines(
  amounts: Amounts,
  { agent, sessionId, category = null }: LineRequest,
  line: (key: string, rest: Omit<CapLine, 'name' | 'kind'>) => CapLine,
): CapLine[] {
  if (category === null) return [];
  const scope = { kind: 'category', category } as const;
  const bounds = [
    {
      key: 'per_session_usd',
      max: amounts.categoryPerSessionUsdMicros?.get(category),
      rest: { scope: { kind: 'session', agent, sessionId, category }, windowSec: null },
    },
    {
      key: 'per_day_usd',
      max: amounts.categoryPerDayUsdMicros?.get(category),
      rest: { scope, windowSec: DAY_SEC },
    },
    {
      key: 'per_month_usd',
      max: amounts.categoryPerMonthUsdMicros?.get(category),
      rest: { scope, windowSec: MONTH_SEC },
    },
  ] as const;
  return bounds.flatMap(({ key, max, rest }) =>
    max === undefined ? [] : [line(`categories.${category}.${key}`, { ...rest, usdMicrosMax: max })],
  );
}

function agentLines(
  kind: CapLine['kind'],
  section: 'limits' | 'ceilings',
  amounts: AgentAmounts = {},
  { agent, sessionId }: LineRequest,
): CapLine[] {
  const lines: CapLine[] = [];
  const add = (
    key: string,
    scope: CapLine['scope'],
    windowSec: number | null,
    usdMicrosMax: UsdMicros | undefined,
  ) => {
    if (usdMicrosMax === undefined) return;
    const own = kind === 'cap' ? ({ isAgentsOwn: true } as const) : {};
    lines.push({ name: `agents.${agent}.${section}.${key}`, kind, scope, windowSec, usdMicrosMax, ...own });
  };
  add('per_session_usd', { kind: 'session', agent, sessionId }, null, amounts.perSessionUsdMicros);
  add('per_day_usd', { kind: 'agent', agent }, DAY_SEC, amounts.perDayUsdMicros);
  add('per_month_usd', { kind: 'agent', agent }, MONTH_SEC, amounts.perMonthUsdMicros);
  return lines;
}

/** The bound on a single call that decides, under the key that set it: the wallet's, or the agent's or the model's where narrower. */
export function perCallLimit(
  section: 'limits' | 'ceilings',
  wallet: Pick<Amounts, 'perCallUsdMicros'>,
  agent: string,
  own: AgentAmounts | undefined,
  ofModel?: CallCap,
): CallCap {
  const narrower = own?.perCallUsdMicros;
  const bound =
    narrower !== undefined && narrower < wallet.perCallUsdMicros
      ? { name: `agents.${agent}.${section}.per_call_usd`, usdMicrosMax: narrower }
      : { name: `${section}.per_call_usd`, usdMicrosMax: wallet.perCallUsdMicros };
  return ofModel !== undefined && ofModel.usdMicrosMax < bound.usdMicrosMax ? ofModel : bound;
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
