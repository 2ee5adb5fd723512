import type { Config } from '../../config/settings.js';
import { readQuestion } from '../../wallet/approval/approvalQuestion.js';
import { lineRequest, raiseLines } from '../../wallet/call/ownerRules.js';
import { readAddressFunds } from '../../wallet/settle/addressFunds.js';
import { networksOf } from '../../wallet/agentAddress.js';
import type { Engine } from '../../wallet/engine.js';
import { toWallMs, openedWallMs } from '../../ledger/attempts/attempt.js';
import type { Payment } from '../../ledger/attempts/payment.js';
import type { AnyAttempt } from '../../ledger/attempts/withdrawal.js';
import { assetsOf, toUsdMicros } from '../../money/asset.js';
import type { UsdMicros } from '../../money/unit.js';
import type { CapLine } from '../../money/cap.js';
import { budgetLines, budgetNames } from '../../policy/budget.js';
import { capLines } from '../../policy/limits.js';
import type { TryPlace } from '../../ledger/books/factor.js';
import { proposalLine } from './words.js';
import type {
  AgentMoney,
  BoundUse,
  NoticeFacts,
  NoticedPayment,
  WaitingProposal,
  WaitingQuestion,
} from './facts.js';

const DAY_MS = 24 * 3_600_000;
/** More agents pay in a day only in a fleet; the busiest of them are looked at. */
const AGENTS_MAX = 100;
/** More questions than a person answers at once. */
const QUESTIONS_MAX = 100;
/** More are open, or paid for in vain, only where something is amiss, which the first of them tells. */
const PAYMENTS_MAX = 200;
/** An RPC that is silent for longer leaves the agent's money unknown. */
const FUNDS_MS_MAX = 5_000;
/** A name no host has: what bounds a host is read from the settings, not for one request. */
const NO_HOST = 'none.invalid:443';
const PLACES: readonly TryPlace[] = ['page', 'terminal'];

/** Reads what notices are decided by, but for the money. Asks no network. */
export async function readFacts(
  engine: Engine,
  config: Config,
  begunMs: number,
  nowMs: number,
): Promise<NoticeFacts> {
  const { ledger } = engine;
  const [bounds, questions, proposals, lost, unknown, ...tries] = await Promise.all([
    readBounds(engine, config, nowMs),
    ledger.approvals.pending(QUESTIONS_MAX, nowMs),
    ledger.owners.proposals(nowMs),
    ledger.listAttempts({ undelivered: true, kind: 'payment', sinceMs: begunMs }, PAYMENTS_MAX, null),
    ledger.listAttempts({ state: 'unknown', kind: 'payment' }, PAYMENTS_MAX, null),
    ...PLACES.map((place) => ledger.factors.wrongTries(place)),
  ]);
  return {
    nowMs,
    bounds,
    questions: questions.map((record): WaitingQuestion => {
      const { question, codes = [] } = readQuestion(record);
      const { approvalId: id, agent, host, usdMicros, expiresMs } = question;
      return { id, agent, host, usdMicros, expiresMs, codes };
    }),
    proposals: proposals.map((proposal): WaitingProposal => {
      const { id, by, expiresMs } = proposal;
      return { id, by: by.owner, line: proposalLine(proposal), expiresMs };
    }),
    lost: lost.attempts.flatMap((attempt) => noticed(attempt, openedWallMs(attempt))),
    unknown: unknown.attempts.flatMap((attempt) => noticed(attempt, toWallMs(attempt, attempt.changedMs))),
    factorTries: PLACES.flatMap((place, i) => {
      const one = tries[i];
      return one === undefined ? [] : [{ place, ...one }];
    }),
    money: null,
    lowUsdMicros: config.notices.moneyLowUsdMicros,
  };
}

function noticed(attempt: AnyAttempt, sinceMs: number): NoticedPayment[] {
  if (attempt.kind !== 'payment') return [];
  const { id, agent, host, capturedUsdMicros, heldUsdMicros }: Payment = attempt;
  return [{ id, agent, host, usdMicros: capturedUsdMicros ?? heldUsdMicros, sinceMs }];
}

/** Every cap of the owner's that counts now, and every budget, with what is used of it. */
async function readBounds(engine: Engine, config: Config, nowMs: number): Promise<BoundUse[]> {
  const { ledger } = engine;
  const agents = await busyAgents(engine, nowMs);
  const sessions = await Promise.all(
    agents.map(async (agent) => ({ agent, session: await ledger.currentSession(agent, nowMs) })),
  );
  const ofAgents = sessions.flatMap(({ agent, session }) =>
    capLines(config, lineRequest(config, { agent, sessionId: session?.id ?? '', hostPort: NO_HOST }, nowMs)),
  );
  const hosts = [...config.limits.hostPerDayUsdMicros.keys()];
  const ofHosts = hosts.flatMap((host) =>
    capLines(config, {
      ...{ agent: '', sessionId: '', hostPort: /:\d+$/.test(host) ? host : `${host}:443` },
    }).filter(({ scope }) => scope.kind === 'host' && scope.host === host),
  );
  const { categoryPerDayUsdMicros: byDay, categoryPerMonthUsdMicros: byMonth } = config.limits;
  const ofCategories = [...new Set([...byDay.keys(), ...byMonth.keys()])].flatMap((category) =>
    capLines(config, { agent: '', sessionId: '', hostPort: NO_HOST, category }).filter(
      ({ scope }) => scope.kind === 'category',
    ),
  );
  const caps = await raiseLines(
    ledger,
    [...ofAgents, ...ofHosts, ...ofCategories].filter(
      ({ kind, scope }) => kind === 'cap' && !(scope.kind === 'session' && scope.sessionId === ''),
    ),
  );
  const budgets = budgetNames(config.budgets).flatMap((name) =>
    budgetLines(config.budgets, name, nowMs).filter(
      ({ scope }) => scope.kind === 'budget' && scope.budget === name,
    ),
  );
  // The caps of the whole wallet are among each agent's.
  const lines = [...new Map([...caps, ...budgets].map((line) => [keyOf(line), line])).values()];
  const used = await ledger.usage(lines, nowMs);
  return lines.map((line, i) => boundOf(line, used[i] ?? 0n));
}

function keyOf({ name, scope }: CapLine): string {
  return `${name} ${scope.kind === 'session' ? `${scope.agent} ${scope.sessionId}` : ''}`;
}

function boundOf(line: CapLine, usedUsdMicros: UsdMicros): BoundUse {
  const { name, scope, usdMicrosMax } = line;
  return {
    name,
    sessionId: scope.kind === 'session' ? scope.sessionId : null,
    agent: scope.kind === 'session' || scope.kind === 'agent' ? scope.agent : null,
    host: scope.kind === 'host' ? scope.host : null,
    kind: scope.kind === 'budget' ? 'budget' : 'cap',
    usedUsdMicros,
    maxUsdMicros: usdMicrosMax,
  };
}

/** The agents that paid in the last day, those that paid last in front. */
async function busyAgents({ ledger }: Engine, nowMs: number): Promise<string[]> {
  const groups = await ledger.groupPayments('by_agent', { sinceMs: nowMs - DAY_MS }, AGENTS_MAX);
  return groups.map(({ key }) => key);
}

/**
 * What the agents that paid in the last day have left, on all enabled networks together. An agent of whom a network did not
 * answer is left out: little on the others says nothing.
 */
export async function readMoneyLeft(engine: Engine, config: Config, nowMs: number): Promise<AgentMoney[]> {
  // Bitcoin is worth what its rate says, and the Lightning wallet is shared: both say nothing of one agent's dollars.
  const networks = networksOf(config, engine.keys).filter(({ family }) => family !== 'lightning');
  const agents = await busyAgents(engine, nowMs);
  const found = await Promise.all(
    agents.map(async (agent): Promise<AgentMoney[]> => {
      const own = engine.forAgent(agent);
      const left = await Promise.all(
        networks.flatMap((network) =>
          assetsOf(network.caip2).map(async (asset) => {
            const place = { network, asset, address: await own.addressOn(network) };
            const { onChainAtomic, heldAtomic } = await readAddressFunds(own, config, place, FUNDS_MS_MAX);
            if (onChainAtomic === null) return null;
            const free = onChainAtomic > heldAtomic ? onChainAtomic - heldAtomic : 0n;
            return toUsdMicros(asset, free);
          }),
        ),
      );
      if (left.includes(null)) return [];
      return [{ agent, leftUsdMicros: left.reduce<bigint>((sum, one) => sum + (one ?? 0n), 0n) }];
    }),
  );
  return found.flat();
}
