import { html } from 'hono/html';
import type { OwnerAction } from '../../errors/ownerAction.js';
import type { Html, PageParts } from '../look/layout.js';

/** What all pages of the desk have in common. */
export type Shell = Required<Pick<PageParts, 'visit' | 'watch' | 'nav'>> & {
  /** The command for a terminal on this machine. */
  readonly command: (action: OwnerAction) => string;
};

/** The windows that pages have, in days and in words. */
export const WINDOWS = [
  [1, '24 hours'],
  [7, '7 days'],
  [30, '30 days'],
] as const;

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
