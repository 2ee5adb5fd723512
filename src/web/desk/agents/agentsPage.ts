import { html } from 'hono/html';
import type { Config } from '../../../config/settings.js';
import { standingOf, type AgentRecord } from '../../../ledger/books/agent.js';
import type { ReportGroup } from '../../../ledger/books/report.js';
import type { BudgetState } from '../../../owner/ownerBudgets.js';
import { layPage, type Html } from '../../look/layout.js';
import { usd } from '../../look/words.js';
import { linkAct } from '../acts/actPage.js';
import { sideWords } from '../homePage.js';
import { filterQuery } from '../payments/filter.js';
import type { Shell } from '../shell.js';
import { daysOf, viewWindows, WINDOWS, type Window } from '../spending/window.js';
import { viewBudgets } from './budgets.js';

/** What the page of agents shows. */
export interface AgentsParts {
  readonly agents: readonly AgentRecord[];
  readonly groups: readonly ReportGroup[];
  readonly window: Window;
  readonly budgets: readonly BudgetState[];
  readonly config: Config;
  readonly nowMs: number;
}

/** Agents: what each spent, the way to stop one, and the budgets that they share. */
export function viewAgents(parts: AgentsParts, shell: Shell): Html {
  const { agents, groups, window, budgets, config } = parts;
  const spent = new Map(groups.map((group) => [group.key, group]));
  const there = agents.filter(({ state, name }) => state !== 'removed' || spent.has(name));
  return layPage({
    ...shell,
    title: 'Purser: agents',
    main: html`<section class="sheet">
        <h1>Agents</h1>
        ${viewWindows('agents', window, shell)}
        <ul class="rows">
          ${there.map((agent) => viewRow(agent, spent.get(agent.name), parts, shell))}
        </ul>
      </section>
      ${viewBudgets(budgets, config, shell)}`,
  });
}

function viewRow(
  agent: AgentRecord,
  group: ReportGroup | undefined,
  { window, nowMs }: AgentsParts,
  shell: Shell,
): Html {
  const { visit } = shell;
  const { name } = agent;
  const state = standingOf(agent, nowMs);
  const payments = `${visit.base}/payments${filterQuery({ agent: name, ...daysOf(window, nowMs) })}`;
  return html`<li>
    <a href="${visit.base}/agents/${name}">${name}</a>
    <b>${group === undefined ? '$0.00' : usd(group.capturedUsdMicros)}</b>
    <span class="soft">
      ${state === 'active' ? '' : html`<span class="state bad">${state === 'suspended' ? 'stopped' : state}</span>, `}
      ${
        group === undefined
          ? 'no payments'
          : html`<a href="${payments}"
                >${group.payments} ${group.payments === 1 ? 'payment' : 'payments'}<span class="unseen">
                  of ${name}, ${WINDOWS[window].words}</span
                ></a
              >
              ${sideWords(group)}`
      }
    </span>
    <span>${viewEnd(name, state, shell)}</span>
  </li>`;
}

function viewEnd(name: string, state: ReturnType<typeof standingOf>, shell: Shell): Html | string {
  if (state === 'removed') return '';
  if (state === 'expired')
    return linkAct(
      `Give ${name} 7 days more`,
      { kind: 'prolong_agent', subject: `${name} 7d` },
      '/agents',
      shell,
    );
  if (state === 'suspended')
    return linkAct(`Let ${name} act again`, { kind: 'resume_agent', subject: name }, '/agents', shell);
  const { visit } = shell;
  return html`<form method="post" action="${visit.base}/agents/${name}/suspend">
    <input type="hidden" name="token" value="${visit.token}" />
    <button class="no small">Stop ${name}</button>
  </form>`;
}
