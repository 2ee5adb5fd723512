import { html } from 'hono/html';
import type { Html } from '../look/layout.js';
import { WINDOWS, type Shell } from './deskApp.js';

/** The windows that a page can be shown for; the one that it is shown for is no link. */
export function viewWindows(path: string, days: number, { visit }: Shell): Html {
  return html`<p class="links">
    ${WINDOWS.map(([count, words]) =>
      count === days
        ? html`<b aria-current="true">${words}</b>`
        : html`<a href="${visit.base}/${path}?days=${count}">${words}</a>`,
    )}
  </p>`;
}
