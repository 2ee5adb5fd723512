import type { Context, MiddlewareHandler } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { html } from 'hono/html';
import { text } from './answerForm.js';
import { layMessage } from './layout.js';
import type { Visits } from './visit.js';

/** What is known of a request that was let in. */
export interface VisitEnv {
  readonly Variables: { readonly visit: string };
}

/** A request to one of our pages. */
export type VisitContext = Context<VisitEnv>;

/** Who may look, and where they look. */
export interface Door {
  readonly port: number;
  readonly visits: Visits;
}

/** Each run of a page has a cookie of its own at the one name `localhost`: old ones must not pile up. */
const VISIT_SEC = 24 * 3600;

/**
 * Lets a browser in by the cookie of a visit, or begins one by the key of the address, which then `lands` on one of
 * the paths given; `stranger` where it brings neither.
 */
export function admit(c: VisitContext, door: Door, landings: RegExp): 'in' | 'lands' | 'stranger' {
  const { visits, port } = door;
  const visit = visits.find(getCookie(c, cookieOf(port)));
  const key = c.req.query('key');
  if (c.req.method === 'GET' && key !== undefined && visits.isKey(key) && landings.test(c.req.path)) {
    // A visit goes on where there is one: forms in other tabs stay good.
    if (visit === null) beginVisit(c, door);
    return 'lands';
  }
  if (visit === null) return 'stranger';
  c.set('visit', visit);
  return 'in';
}

/** Begins a visit. The caller has proved whose it is. */
export function beginVisit(c: VisitContext, { visits, port }: Door): void {
  setCookie(c, cookieOf(port), visits.begin(), {
    httpOnly: true,
    sameSite: 'Strict',
    path: '/',
    maxAge: VISIT_SEC,
  });
}

function cookieOf(port: number): string {
  return `purser_${port}`;
}

/** Leads on to the address without its key. Not a redirect: after a link from another site the strict cookie comes only with a load of our own. */
export function layLanding(c: VisitContext): Response | Promise<Response> {
  return c.html(
    html`<!doctype html>
      <html lang="en">
        <head>
          <meta http-equiv="refresh" content="0;url=${c.req.path}" />
          <title>Purser</title>
        </head>
        <body></body>
      </html>`,
  );
}

/** Refuses a form that is not of this visit. */
export function checkToken(visits: Visits): MiddlewareHandler<VisitEnv> {
  return async (c, next) => {
    const fields = await c.req.parseBody({ all: true });
    if (!visits.isToken(c.get('visit'), text(fields['token']))) {
      return c.html(
        layMessage('This form is not of this page', 'Load the page again; nothing was done.'),
        403,
      );
    }
    await next();
    return undefined;
  };
}
