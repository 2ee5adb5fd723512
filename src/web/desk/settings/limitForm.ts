import { html } from 'hono/html';
import type { Html } from '../../look/layout.js';
import type { Shell } from '../shell.js';

/** One setting to be changed where it stands. */
export interface LimitField {
  readonly key: string;
  /** What it is to people. */
  readonly label: string;
  /** As `config get` prints it; `none` for no value. */
  readonly value: string;
}

/**
 * Fields that are changed where they stand: each leads to its change, shown whole before it is made; from there back to
 * `back`.
 */
export function viewLimitForms(fields: readonly LimitField[], back: string, { visit }: Shell): Html {
  return html`<div class="edits">
    ${fields.map(
      ({ key, label, value }) =>
        html`<form method="get" action="${visit.base}/settings/change">
          <input type="hidden" name="key" value="${key}" />
          <input type="hidden" name="back" value="${back}" />
          <label
            >${label}
            <input
              type="text"
              name="value"
              value="${value === 'none' ? '' : value}"
              placeholder="none"
              autocomplete="off"
              spellcheck="false"
          /></label>
          <button>Change<span class="unseen"> ${label}</span></button>
        </form>`,
    )}
  </div>`;
}
