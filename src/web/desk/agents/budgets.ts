import { html } from 'hono/html';
import { getKey } from '../../../config/change.js';
import type { Config } from '../../../config/settings.js';
import type { BudgetLine, BudgetState } from '../../../owner/ownerBudgets.js';
import type { Html } from '../../look/layout.js';
import { viewUse } from '../bar.js';
import { viewLimitForms } from '../settings/limitForm.js';
import type { Shell } from '../shell.js';

/** What of a budget is changed where it stands. */
const FIELDS = [
  ['per_day_usd', 'A day, $'],
  ['per_month_usd', 'A month, $'],
  ['total_usd', 'In all, $'],
  ['until', 'Last day'],
  ['parent', 'Part of'],
] as const;

const LINE_WORDS: Readonly<Record<string, string>> = {
  per_day_usd: '24 hours',
  per_month_usd: '30 days',
  total_usd: 'In all',
  until: 'Over since its last day',
};

/** The owner's budgets as a tree, with what is left of each. */
export function viewBudgets(budgets: readonly BudgetState[], config: Config, shell: Shell): Html {
  const { visit } = shell;
  return html`<section class="sheet" id="budgets">
    <h2>Budgets</h2>
    <p class="soft">
      An amount that agents share. No approval passes it, and what counts in one counts in the one above it.
    </p>
    ${
      budgets.length === 0
        ? html`<p class="soft">There is none yet.</p>`
        : html`<ul class="tree">
            ${budgets.map((budget) => viewBudget(budget, config, shell))}
          </ul>`
    }
    <form method="get" action="${visit.base}/budgets/add" class="filter">
      <label>New budget <input type="text" name="name" autocomplete="off" required /></label>
      <label
        >A day, $ <input type="text" name="per_day_usd" inputmode="decimal" autocomplete="off" required
      /></label>
      <button>Look at it</button>
    </form>
  </section>`;
}

function viewBudget({ name, path, lines, agents, until }: BudgetState, config: Config, shell: Shell): Html {
  const { visit } = shell;
  const fields = FIELDS.map(([field, label]) => ({
    ...{ key: `budgets.${name}.${field}`, label },
    value: getKey(config, `budgets.${name}.${field}`),
  }));
  const above = path.slice(0, -1);
  return html`<li class="depth-${Math.min(path.length - 1, DEPTH_MAX)}">
    <h3>${name}</h3>
    ${above.length === 0 ? '' : html`<p class="soft">part of ${above.join(' › ')}</p>`}
    <ul class="caps">
      ${lines.map((line) => viewUse(wordsOf(line), line.usedUsdMicros, line.line.usdMicrosMax))}
    </ul>
    <p class="soft">
      ${
        agents.length === 0
          ? 'No agent is right in it.'
          : html`In it:
            ${agents.map((agent, i) => html`${i === 0 ? '' : ', '}<a href="${visit.base}/agents/${agent}">${agent}</a>`)}`
      }
      ${until === null ? '' : `Its last day is ${until}.`}
    </p>
    <details>
      <summary>Change<span class="unseen"> ${name}</span></summary>
      ${viewLimitForms(fields, '/agents', shell)}
    </details>
  </li>`;
}

/** Deeper ones are set in no further. */
const DEPTH_MAX = 4;

function wordsOf({ line }: BudgetLine): string {
  return LINE_WORDS[line.name.split('.').at(-1) ?? ''] ?? line.name;
}
