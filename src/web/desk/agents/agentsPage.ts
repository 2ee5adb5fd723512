import { html } from 'hono/html';
import type { AgentRecord } from '../../../ledger/books/agent.js';
import type { ReportGroup } from '../../../ledger/books/report.js';
import { layPage, type Html } from '../../look/layout.js';
import { usd } from '../../look/words.js';
import { filterQuery } from '../payments/filter.js';
import { sideWords } from '../homePage.js';
import type { Shell } from '../shell.js';
import { daysOf, viewWindows, type Window } from '../spending/window.js';

/** What the page of agents shows. */
export interface AgentsParts {
  readonly agents: readonly AgentRecord[];
  readonly groups: readonly ReportGroup[];
  readonly window: Window;
  readonly nowMs: number;
}

/** Agents: what each spent, and the way to stop one. */
export function viewAgents({ agents, groups, window, nowMs }: AgentsParts, shell: Shell): Html {
  const { visit } = shell;
  const spent = new Map(groups.map((group) => [group.key, group]));
  return layPage({
    ...shell,
    title: 'Purser: agents',
    main: html`<section class="sheet">
      <h1>Agents</h1>
      ${viewWindows('agents', window, shell)}
      <ul class="rows">
        ${agents.map((agent) => {
          const group = spent.get(agent.name);
          return html`<li>
            <a href="${visit.base}/payments${filterQuery({ agent: agent.name, ...daysOf(window, nowMs) })}"
              >${agent.name}</a
            >
            <b>${group === undefined ? '$0.00' : usd(group.capturedUsdMicros)}</b>
            <span class="soft">
              ${agent.state === 'active' ? '' : html`<span class="state bad">${agent.state}</span>, `}
              ${group === undefined ? 'no payments' : `${group.payments} ${group.payments === 1 ? 'payment' : 'payments'}`}
              ${group === undefined ? '' : sideWords(group)}
            </span>
            <span>
              <a href="${visit.base}/settings/change?key=agents.${agent.name}.limits.per_day_usd"
                >Limit a day<span class="unseen">, ${agent.name}</span></a
              >
              ${agent.state === 'active' ? viewStop(agent, shell) : ''}
            </span>
          </li>`;
        })}
      </ul>
      <p class="soft">
        A stopped agent acts again by <code>${shell.command({ kind: 'resumeAgent', name: 'NAME' })}</code>.
      </p>
    </section>`,
  });
}

function viewStop({ name }: AgentRecord, { visit }: Shell): Html {
  return html`<form method="post" action="${visit.base}/agents/${name}/suspend">
    <input type="hidden" name="token" value="${visit.token}" />
    <button class="no">Stop ${name}</button>
  </form>`;
}
