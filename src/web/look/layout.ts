import { html, raw } from 'hono/html';
import { zoneName } from '../../text/localTime.js';
import { SCRIPT } from './script.js';
import { STYLE } from './style.js';
import type { Visit } from '../door/visit.js';

/** A piece of the page: all text in it was escaped when it was made. */
export type Html = ReturnType<typeof html>;

/** One page. */
export interface PageParts {
  readonly title: string;
  /** What goes into the main part. */
  readonly main: Html;
  /** The visit that sees it; left out for who was not let in. */
  readonly visit?: Pick<Visit, 'base' | 'token'>;
  /** For who was not let in: where a browser that was let in before goes on to. */
  readonly stranger?: string;
  /** What the page watches: whom to ask, and what the answer was when the page was made. */
  readonly watch?: {
    readonly path: string;
    readonly version: string;
    /** How the question on top stands, and where it is shown by itself. */
    readonly shown: string;
    readonly own: string;
    /** Whether the page is loaded anew where it stands, each second: nothing in it is answered. */
    readonly isLive?: boolean;
  };
  /** The pages of the owner's desk, where there is one: which of them this is, how many questions wait, and how many notices nobody saw. */
  readonly nav?: {
    readonly at: (typeof PLACES)[number][0];
    readonly waiting: number;
    readonly unseen?: number;
  };
  /** Seconds until a browser without our script loads the page again: only where nothing can be typed. */
  readonly reloadSec?: number;
}

/** The desk's pages, by the end of their path. */
const PLACES = [
  ['home', 'Home'],
  ['payments', 'Payments'],
  ['spending', 'Spending'],
  ['sellers', 'Sellers'],
  ['agents', 'Agents'],
  ['add-money', 'Add money'],
  ['money', 'Statements'],
  ['notices', 'Notices'],
  ['', 'Approvals'],
  ['settings', 'Settings'],
] as const;

// Whole elements: the policy names the hash of every byte between the tags.
const STYLE_ELEMENT = raw(`<style>${STYLE}</style>`);
const SCRIPT_ELEMENT = raw(`<script>${SCRIPT}</script>`);

/** Lays out a page. Everything it needs is in it: it loads nothing. */
export function layPage({ title, main, visit, stranger, watch, reloadSec, nav }: PageParts): Html {
  const reload =
    reloadSec === undefined
      ? ''
      : html`<noscript><meta http-equiv="refresh" content="${reloadSec}" /></noscript>`;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <link rel="icon" href="data:," />
        ${reload}${STYLE_ELEMENT}
      </head>
      <body
        data-base="${visit?.base ?? ''}"
        data-token="${visit?.token ?? ''}"
        ${stranger === undefined ? '' : html`data-stranger="${stranger}"`}
      >
        <div class="page ${nav === undefined ? '' : 'wide'}">
          <header class="top">
            ${visit === undefined ? html`<b>Purser</b>` : html`<a href="${visit.base}">Purser</a>`}
            <p>the wallet of your coding agents</p>
          </header>
          ${nav === undefined || visit === undefined ? '' : viewNav(nav, visit.base)}
          <main
            data-changes="${watch?.path ?? ''}"
            data-version="${watch?.version ?? ''}"
            data-shown="${watch?.shown ?? ''}"
            data-own="${watch?.own ?? ''}"
            ${watch?.isLive === true ? html`data-live="1"` : ''}
          >
            <div id="live-box" class="notice" hidden>
              <p id="live" role="status" aria-live="polite"></p>
              <p class="soft" id="live-since" hidden><time data-since></time></p>
            </div>
            ${main}
          </main>
          ${nav === undefined ? '' : html`<footer class="soft">Times are in ${zoneName()}.</footer>`}
        </div>
        ${SCRIPT_ELEMENT}
      </body>
    </html>`;
}

function viewNav({ at, waiting, unseen = 0 }: NonNullable<PageParts['nav']>, base: string): Html {
  return html`<nav class="links" aria-label="Pages">
    ${PLACES.map(([path, words]) => {
      const open = path === '' ? waiting : path === 'notices' ? unseen : 0;
      const count = open > 0 ? ` (${open})` : '';
      return path === at
        ? html`<a href="${base}/${path}" aria-current="page">${words}${count}</a>`
        : html`<a href="${base}/${path}">${words}${count}</a>`;
    })}
  </nav>`;
}

/** A short page with one message of ours, and no way on. */
export function layMessage(
  visit: Pick<Visit, 'base' | 'token'> | undefined,
  title: string,
  message: Html | string,
): Html {
  return layPage({
    ...(visit && { visit }),
    title: `Purser: ${title}`,
    main: html`<section class="sheet">
      <h1>${title}</h1>
      <p>${message}</p>
    </section>`,
  });
}
