import type { Config } from '../../config/settings.js';
import { runsOf } from '../../ledger/books/budget.js';
import type { Ledger } from '../../ledger/ledger.js';
import type { Payment } from '../../ledger/attempts/payment.js';
import type { CapLine, RateLine } from '../../money/cap.js';
import type { UsdMicros } from '../../money/unit.js';
import { budgetLines } from '../../policy/budget.js';
import { categoryOf } from '../../policy/category.js';
import { hostPortOf } from '../../policy/host.js';
import {
  capLines,
  perCallLimit,
  rateLines,
  type AgentAmounts,
  type AgentLimits,
  type LineRequest,
} from '../../policy/limits.js';
import { judgeUsedUp, type LineUse } from '../../policy/totals.js';
import { judgeRequest, type Verdict } from '../../policy/verdict.js';
import type { Engine } from '../engine.js';
import { modelCapOf } from './model.js';
import type { PaidCall } from './paidCall.js';

/** Whose call it is and where it goes: what the owner's limits depend on. */
export interface CallPlace {
  readonly agent: string;
  readonly sessionId: string;
  /** The URL that asked for the payment: the only one it may go to (T9). */
  readonly url: URL;
  /** The wall clock. */
  readonly nowMs: number;
  /** The run it is called under, by id. */
  readonly budgetId?: string | null;
}

/** Every bound that the hold of a payment must keep to. */
export interface CallLimits {
  readonly capLines: readonly CapLine[];
  readonly rateLines: readonly RateLine[];
}

/** Whether the owner lets this place be called at all. */
export function judgePlace(config: Config, url: URL): Verdict {
  return judgeRequest({ hosts: config.hosts, hostPort: hostPortOf(url) });
}

/**
 * Whether the owner stopped what a payment is for: by a freeze, by a suspension or the end of its agent, or by the end of its budget.
 * To be asked before anything of it leaves once more (T12, T42).
 */
export async function isStopped(
  engine: Pick<Engine, 'ledger' | 'now'>,
  { agent, budgetPath }: Pick<Payment, 'agent' | 'budgetPath'>,
): Promise<boolean> {
  const { ledger } = engine;
  const nowMs = engine.now();
  const [{ frozen }, bar] = await Promise.all([ledger.head(), ledger.agents.barOf(agent, nowMs)]);
  if (frozen || bar !== null) return true;
  const uses = await Promise.all(runsOf({ budgetPath }).map((id) => ledger.budgets.use(id, nowMs)));
  return uses.some((use) => use === null || use.node.endedMs !== null || use.node.expiresMs <= nowMs);
}

/** What an agent may spend by its own limits, and what even an approval does not lift. */
export function agentBounds(
  { agents }: Pick<Config, 'agents'>,
  agent: string,
): { readonly limits: AgentLimits; readonly ceilings: AgentAmounts } {
  return {
    limits: {
      perCallUsdMicros: agents.perCallUsdMicros.get(agent),
      perSessionUsdMicros: agents.perSessionUsdMicros.get(agent),
      perDayUsdMicros: agents.perDayUsdMicros.get(agent),
      perMonthUsdMicros: agents.perMonthUsdMicros.get(agent),
      callsPerMinute: agents.callsPerMinute.get(agent),
    },
    ceilings: {
      perCallUsdMicros: agents.ceilingPerCallUsdMicros.get(agent),
      perSessionUsdMicros: agents.ceilingPerSessionUsdMicros.get(agent),
      perDayUsdMicros: agents.ceilingPerDayUsdMicros.get(agent),
      perMonthUsdMicros: agents.ceilingPerMonthUsdMicros.get(agent),
    },
  };
}

/** The lines of the owner's budgets that an agent's spending counts in. */
export function agentBudgetLines(
  { agents, budgets }: Pick<Config, 'agents' | 'budgets'>,
  agent: string,
  nowMs: number,
): CapLine[] {
  const name = agents.budgets.get(agent);
  return name === undefined ? [] : budgetLines(budgets, name, nowMs);
}

/** Who asks and where, with all that the owner's config says of both. */
export function lineRequest(
  config: Config,
  asking: Pick<LineRequest, 'agent' | 'sessionId' | 'hostPort'>,
  nowMs: number,
): LineRequest {
  const { limits, ceilings } = agentBounds(config, asking.agent);
  return {
    ...asking,
    category: categoryOf(config.categories.hosts, asking.hostPort),
    perAgent: limits,
    perAgentCeilings: ceilings,
    ofBudgets: agentBudgetLines(config, asking.agent, nowMs),
  };
}

/** The bounds on a call's spending, with what the owner raised for this session. */
export async function limitsOf(
  ledger: Ledger,
  config: Config,
  { agent, sessionId, url, nowMs }: CallPlace,
): Promise<CallLimits> {
  const request = lineRequest(config, { agent, sessionId, hostPort: hostPortOf(url) }, nowMs);
  return {
    capLines: await raiseLines(ledger, capLines(config, request)),
    rateLines: rateLines(config.limits, request),
  };
}

/** The lines as the owner's answers raised them: a session's own cap, for that session alone, never a ceiling. */
export async function raiseLines(ledger: Ledger, lines: readonly CapLine[]): Promise<CapLine[]> {
  return Promise.all(
    lines.map(async (line) => {
      if (!isSessionCap(line)) return line;
      const grant = await ledger.approvals.grant(sessionGrantKey(line.scope.sessionId));
      const raised = BigInt(grant ?? 0);
      return raised > line.usdMicrosMax ? { ...line, usdMicrosMax: raised } : line;
    }),
  );
}

/** Whether a line is a session's own cap, for all it buys: what an answer of the owner's can raise. */
export function isSessionCap(
  line: CapLine,
): line is CapLine & { readonly scope: { readonly kind: 'session'; readonly sessionId: string } } {
  return line.kind === 'cap' && line.scope.kind === 'session' && line.scope.category === undefined;
}

/** The key under which a raised cap of a session is kept. */
export function sessionGrantKey(sessionId: string): string {
  return `session ${sessionId}`;
}

/** The key under which a payee that the owner allowed for an origin is kept. */
export function payeeGrantKey(origin: string, network: string, payTo: string): string {
  return `payee ${origin} ${network} ${payTo.toLowerCase()}`;
}

/** What counts against each line now; only the hold decides by it. */
export async function useOf(
  ledger: Ledger,
  lines: readonly CapLine[],
  { nowMs, budgetId = null }: Pick<CallPlace, 'nowMs' | 'budgetId'>,
): Promise<LineUse[]> {
  const used = await ledger.usage(lines, nowMs, budgetId);
  return lines.map((line, i) => ({ line, usedUsdMicros: used[i] ?? 0n }));
}

/**
 * Refuses a call that no price fits any more, before its endpoint is asked: an agent that goes on calling when all is
 * spent costs its sellers nothing. Lines of a host or a category say nothing yet, since a redirect may lead elsewhere.
 */
export async function judgeBeforePrice(ledger: Ledger, config: Config, place: CallPlace): Promise<Verdict> {
  const { capLines: lines } = await limitsOf(ledger, config, place);
  const everywhere = lines.filter(
    ({ kind, scope }) =>
      kind === 'ceiling' &&
      scope.kind !== 'host' &&
      scope.kind !== 'category' &&
      !(scope.kind === 'session' && scope.category !== undefined),
  );
  return judgeUsedUp(await useOf(ledger, everywhere, place));
}

/**
 * The bound on one call of the payment's agent. What was approved passed the cap with the owner's word, and never passes
 * the ceiling; a client's yes does not pass the agent's own cap either (T34).
 */
export async function perCallMax(
  { engine: { ledger }, request }: Pick<PaidCall, 'engine' | 'request'>,
  config: Config,
  { agent, approvalId }: Payment,
): Promise<UsdMicros> {
  const bounds = agentBounds(config, agent);
  const section = approvalId === null ? 'limits' : 'ceilings';
  const { usdMicrosMax } = perCallLimit(
    section,
    config[section],
    agent,
    bounds[section],
    approvalId === null ? await modelCapOf(config, request) : undefined,
  );
  const own = bounds.limits.perCallUsdMicros;
  if (approvalId === null || own === undefined || own >= usdMicrosMax) return usdMicrosMax;
  const approval = await ledger.approvals.find(approvalId);
  return approval?.answeredHow === 'elicitation' ? own : usdMicrosMax;
}
