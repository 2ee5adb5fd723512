import { html } from 'hono/html';
import { localDay } from '../../../text/localTime.js';
import type { Html } from '../../look/layout.js';
import type { Shell } from '../shell.js';
import { midnightOf, type BookSpan } from './spendBook.js';

/** The windows that pages have: whole days of the machine's zone, today among them but for yesterday. */
export const WINDOWS = {
  today: { words: 'Today', firstDay: 0, days: 1 },
  yesterday: { words: 'Yesterday', firstDay: -1, days: 1 },
  week: { words: '7 days', firstDay: -6, days: 7 },
  month: { words: '30 days', firstDay: -29, days: 30 },
} as const;
export type Window = keyof typeof WINDOWS;

/** The window of a query; a month where it names none. */
export function windowOf(query: string | undefined): Window {
  return query !== undefined && Object.hasOwn(WINDOWS, query) ? (query as Window) : 'month';
}

/** A window as the book takes it. */
export function spanOf(window: Window, nowMs: number): Required<BookSpan> {
  const { firstDay, days } = WINDOWS[window];
  return { sinceMs: midnightOf(nowMs, firstDay), untilMs: midnightOf(nowMs, firstDay + days) };
}

/** The same as the first and the last day, which is how payments are filtered. */
export function daysOf(window: Window, nowMs: number): { readonly from: string; readonly to: string } {
  const { sinceMs, untilMs } = spanOf(window, nowMs);
  return { from: localDay(sinceMs), to: localDay(untilMs - 1) };
}

/** The windows that a page can be shown for; the one that it is shown for is no link. */
export function viewWindows(path: string, chosen: Window, { visit }: Shell): Html {
  return html`<p class="links">
    ${Object.entries(WINDOWS).map(([window, { words }]) =>
      window === chosen
        ? html`<b aria-current="true">${words}</b>`
        : html`<a href="${visit.base}/${path}?time=${window}">${words}</a>`,
    )}
  </p>`;
}
