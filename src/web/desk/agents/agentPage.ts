import { html } from 'hono/html';
import { getKey } from '../../../config/change.js';
import type { Config } from '../../../config/settings.js';
import { standingOf, type AgentRecord } from '../../../ledger/books/agent.js';
import type { ReportGroup } from '../../../ledger/books/report.js';
import { parseUsd } from '../../../money/decimal.js';
import type { UsdMicros } from '../../../money/unit.js';
import type { LimitLine } from '../../../wallet/balance.js';
import type { EntryView } from '../../../wallet/ledgerView.js';
import { layPage, type Html } from '../../look/layout.js';
import { usd } from '../../look/words.js';
import { linkAct } from '../acts/actPage.js';
import { viewUse } from '../bar.js';
import { viewEntries } from '../payments/entryRows.js';
import { filterQuery } from '../payments/filter.js';
import { viewLimitForms } from '../settings/limitForm.js';
import type { Shell } from '../shell.js';
import { daysOf, WINDOWS, type Window } from '../spending/window.js';
import { viewTime } from '../when.js';

/** What of an agent is bounded where it stands. */
const FIELDS = [
  ['limits.per_call_usd', 'One call, $'],
  ['limits.per_session_usd', 'One session, $'],
  ['limits.per_day_usd', '24 hours, $'],
  ['limits.per_month_usd', '30 days, $'],
  ['budget', 'Budget'],
] as const;

/** What the page of one agent shows. */
export interface AgentParts {
  readonly agent: AgentRecord;
  readonly config: Config;
  /** What it spent in each window; undefined for nothing. */
  readonly spent: Readonly<Record<Window, ReportGroup | undefined>>;
  /** All that bounds it now. */
  readonly limits: readonly LimitLine[];
  readonly sellers: readonly ReportGroup[];
  readonly entries: readonly EntryView[];
  readonly nowMs: number;
}

/** One agent: what it spends, what bounds it, and the way to stop it. */
export function viewAgent(parts: AgentParts, shell: Shell): Html {
  const { agent, config, spent, entries, nowMs } = parts;
  const { visit } = shell;
  const back = `/agents/${agent.name}`;
  const fields = FIELDS.map(([field, label]) => ({
    ...{ key: `agents.${agent.name}.${field}`, label },
    value: getKey(config, `agents.${agent.name}.${field}`),
  }));
  return layPage({
    ...shell,
    title: `Purser: agent ${agent.name}`,
    main: html`<section class="sheet">
        <h1>${agent.name}</h1>
        ${viewState(agent, nowMs, back, shell)}
        <ul class="figures" aria-label="Spent">
          ${Object.entries(WINDOWS).map(([window, { words }]) => {
            const group = spent[window as Window];
            const days = daysOf(window as Window, nowMs);
            return html`<li>
              <span class="soft">${words}</span>
              <b>${usd(group?.capturedUsdMicros ?? (0n as UsdMicros))}</b>
              <a href="${visit.base}/payments${filterQuery({ agent: agent.name, ...days })}"
                >${group?.payments ?? 0} ${group?.payments === 1 ? 'payment' : 'payments'}<span class="unseen"
                  >, ${words}</span
                ></a
              >
            </li>`;
          })}
        </ul>
      </section>
      <section class="sheet">
        <h2>Limits</h2>
        ${viewBounds(parts)}
        <p class="soft">
          Its own limits stand within the wallet’s. What tightens is done at once; what loosens takes your
          passphrase or passkey.
        </p>
        ${viewLimitForms(fields, back, shell)}
      </section>
      ${viewSellers(parts, shell)}
      <section class="sheet">
        <h2>Newest payments</h2>
        ${viewEntries(entries, visit, new Map())}
        <p><a href="${visit.base}/payments${filterQuery({ agent: agent.name })}">All of its payments</a></p>
      </section>`,
  });
}

function viewState(agent: AgentRecord, nowMs: number, back: string, shell: Shell): Html {
  const { name, tokenMs } = agent;
  const { visit } = shell;
  const state = standingOf(agent, nowMs);
  const token =
    tokenMs === null
      ? html`<p class="soft">It has no token: it is the agent of this machine’s own clients.</p>`
      : html`<p class="soft">
          Its token was made ${viewTime(tokenMs)}.
          ${linkAct('Give it a new one', { kind: 'rotate_token', subject: name }, back, shell)}
        </p>`;
  const end = viewEnd(agent, nowMs, back, shell);
  if (state === 'expired') return html`${end} ${token}`;
  if (state === 'active')
    return html`${end}
      <form method="post" action="${visit.base}/agents/${name}/suspend" class="brake">
        <input type="hidden" name="token" value="${visit.token}" />
        <button class="no">Stop ${name}</button>
      </form>
      ${token}`;
  if (state === 'removed') return html`<p class="notice">It was removed.</p>`;
  return html`<p class="notice problem" role="status">
      It is stopped: nothing is signed or sent for it.
      ${linkAct('Let it act again', { kind: 'resume_agent', subject: name }, back, shell)}
    </p>
    ${end} ${token}`;
}

/** Until when it may act, with the way to a later end. */
function viewEnd(agent: AgentRecord, nowMs: number, back: string, shell: Shell): Html {
  const { name, untilMs, template } = agent;
  if (untilMs === null) return html``;
  const isOver = untilMs <= nowMs;
  return html`<p class="${isOver ? 'notice problem' : 'soft'}">
    ${template === null ? '' : `Made from the template ${template}. `}
    ${isOver ? 'Its time is over since' : 'It may act until'} ${viewTime(untilMs)}.
    ${linkAct('Give it 7 days more', { kind: 'prolong_agent', subject: `${name} 7d` }, back, shell)}
  </p>`;
}

const BOUND_WORDS: Readonly<Record<string, string>> = {
  per_call_usd: 'One call',
  per_session_usd: 'This session',
  per_day_usd: '24 hours',
  per_month_usd: '30 days',
  total_usd: 'In all',
};

/** What counts against each cap of the agent, the wallet's and its budgets' too; what no approval passes is elsewhere. */
function viewBounds({ limits, agent }: AgentParts): Html {
  const shown = limits.filter(
    ({ name, kind, used_usd: used }) =>
      used !== null &&
      (kind === 'cap' || name.startsWith('budgets.')) &&
      !/\.(?:hosts|categories)\./.test(name),
  );
  return html`<ul class="caps">
    ${shown.map(({ name, used_usd: used, max_usd: max }) => {
      const words = BOUND_WORDS[name.split('.').at(-1) ?? ''] ?? name;
      const whose = name.startsWith(`agents.${agent.name}.`)
        ? 'its own'
        : name.startsWith('budgets.')
          ? `budget ${name.split('.')[1] ?? ''}`
          : 'the wallet’s';
      return viewUse(`${words}, ${whose}`, parseUsd(used ?? '0', name), parseUsd(max, name));
    })}
  </ul>`;
}

function viewSellers({ sellers }: AgentParts, { visit }: Shell): Html {
  if (sellers.length === 0) return html``;
  return html`<section class="sheet">
    <h2>Its sellers, 30 days</h2>
    <ul class="rows">
      ${sellers.slice(0, SELLERS_MAX).map(
        (group) =>
          html`<li>
            <a href="${visit.base}/sellers/${group.key}">${group.key}</a>
            <b>${usd(group.capturedUsdMicros)}</b>
            <span class="soft">${group.payments} ${group.payments === 1 ? 'payment' : 'payments'}</span>
            <span class="${group.lost > 0 ? 'state bad' : 'soft'}"
              >${group.lost === 0 ? '' : `${usd(group.lostUsdMicros)} lost`}</span
            >
          </li>`,
      )}
    </ul>
  </section>`;
}

/** Those that cost most. */
const SELLERS_MAX = 10;
