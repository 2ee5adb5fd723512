import { html } from 'hono/html';
import type { AgentRecord } from '../../../ledger/books/agent.js';
import type { EntryView } from '../../../wallet/ledgerView.js';
import { layPage, type Html } from '../../look/layout.js';
import { viewEntries } from './entryRows.js';
import { EXPORTS } from './export.js';
import { filterQuery, STATES, type PaymentFilter } from './filter.js';
import { exportWord } from '../exportWord.js';
import type { Shell } from '../shell.js';
import { daysOf, WINDOWS, type Window } from '../spending/window.js';

/** What the list of payments shows. */
export interface PaymentsParts {
  readonly filter: PaymentFilter;
  readonly entries: readonly EntryView[];
  readonly statuses: ReadonlyMap<string, number>;
  readonly agents: readonly AgentRecord[];
  readonly nextCursor: string | null;
  readonly nowMs: number;
}

/** Payments, found by seller, agent, state and time; the same ones as a file. */
export function viewPayments(parts: PaymentsParts, shell: Shell): Html {
  const { filter, entries, statuses, nextCursor, nowMs } = parts;
  const { visit } = shell;
  return layPage({
    ...shell,
    title: 'Purser: payments',
    main: html`<section class="sheet">
      <h1>Payments</h1>
      <p class="links">
        ${Object.entries(WINDOWS).map(([window, { words }]) => {
          const days = daysOf(window as Window, nowMs);
          return filter.from === days.from && filter.to === days.to
            ? html`<b aria-current="true">${words}</b>`
            : html`<a href="${visit.base}/payments${filterQuery({ ...filter, ...days })}">${words}</a>`;
        })}
      </p>
      ${viewForm(parts, shell)} ${viewEntries(entries, visit, statuses)}
      <p class="links">
        ${
          nextCursor === null
            ? ''
            : html`<a href="${visit.base}/payments${filterQuery(filter, { cursor: nextCursor })}">Older</a>`
        }
        ${Object.keys(EXPORTS).map(
          (kind) =>
            html`<a href="${visit.base}/export/${kind}${filterQuery(filter)}">As ${exportWord(kind)}</a>`,
        )}
      </p>
    </section>`,
  });
}

function viewForm({ filter, agents }: PaymentsParts, { visit }: Shell): Html {
  return html`<form method="get" action="${visit.base}/payments" class="filter">
    <label
      >Search <input type="search" name="words" value="${filter.words ?? ''}" autocomplete="off"
    /></label>
    <label>Seller <input type="text" name="host" value="${filter.host ?? ''}" autocomplete="off" /></label>
    ${select('Agent', 'agent', filter.agent, [['', 'all'], ...agents.map(({ name }) => [name, name] as const)])}
    ${select('State', 'state', filter.state, [['', 'any'], ...STATES.map((state) => [state, state] as const)])}
    <label>From <input type="date" name="from" value="${filter.from ?? ''}" /></label>
    <label>To <input type="date" name="to" value="${filter.to ?? ''}" /></label>
    <label class="tick"
      ><input type="checkbox" name="lost" value="1" ${filter.lost === true ? html`checked` : ''} /> brought
      nothing</label
    >
    <button>Show</button>
  </form>`;
}

function select(
  label: string,
  name: string,
  chosen: string | undefined,
  choices: readonly (readonly [value: string, words: string])[],
): Html {
  return html`<label
    >${label}
    <select name="${name}">
      ${choices.map(
        ([value, words]) =>
          html`<option value="${value}" ${value === (chosen ?? '') ? html`selected` : ''}>${words}</option>`,
      )}
    </select></label
  >`;
}
