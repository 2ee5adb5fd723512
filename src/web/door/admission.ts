import type { Context, Hono, MiddlewareHandler } from 'hono';
import { html } from 'hono/html';
import { readProof, text } from '../approvals/answerForm.js';
import { addressOf, type PageAddress } from './address.js';
import { viewDoor, type DoorProblem } from './doorPage.js';
import { boundBody, checkSource, secureAnswers } from './guard.js';
import { layMessage } from '../look/layout.js';
import type { Peer } from './machineServer.js';
import type { Visit, Visits } from './visit.js';

/** What is known of a request to one of our pages. */
export interface VisitEnv {
  readonly Bindings: { readonly peer: Peer };
  /** The visit is there for requests that were let in. */
  readonly Variables: { readonly visit: Visit };
}

/** A request to one of our pages. */
export type VisitContext = Context<VisitEnv>;

/** How an owner comes in who is elsewhere: a passkey of theirs signs for a visit, and for nothing else. */
export interface Entry {
  /** Asks for the signature. */
  begin(): Promise<object>;
  /** Throws `factor_wrong` where no passkey of the wallet signed it. */
  finish(signed: { readonly challengeId: string; readonly response: unknown }): Promise<void>;
}

/** Who may look, and where they look. */
export interface Door extends PageAddress {
  /** Lets in by a passkey who comes from elsewhere; null for a page of this machine. */
  readonly entry: Entry | null;
  readonly visits: Visits;
  /** The paths a way in may lead to. */
  readonly landings: RegExp;
  /** What the owner runs in a terminal instead, as it is typed there. */
  readonly terminal: string;
  /** Opens a path of the page in the owner's browser once more; null where that cannot be done. */
  readonly reopen: ((path: string) => Promise<boolean>) | null;
  readonly now: () => number;
}

/** Where every page of a visit is. */
export const VISIT_PATH = '/v/:visit';

const COOKIE = 'purser_visit';
/** Cookies of runs that have ended must not pile up at the one name `localhost`. */
const VISIT_SEC = 24 * 3600;
/** Whoever asks for the page to be opened again gets a tab on the owner's own screen: not one after the other. */
const REOPEN_EVERY_MS = 10_000;
const REOPENS_MAX = 10;

/**
 * Puts the door in front of an application: the ways in, and the check of every request behind them (T20, T33). Who was
 * not let in sees the door and nothing else, whatever they ask for.
 */
export function addDoor(app: Hono<VisitEnv>, door: Door): void {
  const { visits } = door;
  app.use(secureAnswers, checkSource(door));
  app.get('/open/:key', (c) => {
    // A browser that looks ahead shows nobody anything, and must not use the address up.
    if (c.req.header('sec-purpose') !== undefined) return c.body(null, 503);
    const path = c.req.method === 'GET' ? visits.use(c.req.param('key')) : null;
    return path === null ? turnAway(c, door, 'used') : layLanding(c, letIn(c, door), path);
  });
  app.post('/code', boundBody, async (c) => {
    const fields = await c.req.parseBody({ all: true });
    // From elsewhere nobody can tell who guesses: a passkey is the way in.
    if (door.outside !== null) return turnAway(c, door, 'closed');
    const verdict = visits.tryCode(text(fields['code']), await c.env.peer.user());
    if (verdict !== 'right') return turnAway(c, door, verdict);
    const { base } = letIn(c, door);
    return c.redirect(base + landingOf(door, text(fields['to'])), 303);
  });
  addReopening(app, door);
  addEntry(app, door);
  const admit: MiddlewareHandler<VisitEnv> = async (c, next) => {
    const visit = visits.find(c.req.param('visit') ?? '', cookiesOf(c));
    if (visit === null) return turnAway(c, door, null);
    c.env.peer.admit();
    c.set('visit', visit);
    return next();
  };
  app.use(`${VISIT_PATH}/*`, admit);
  app.post(`${VISIT_PATH}/*`, boundBody, checkToken(visits));
  // Proves to a page of the visit that this process still is what answers at its port: see the page's script.
  app.get(`${VISIT_PATH}/here`, (c) => c.json({ token: c.get('visit').token }));
  app.use(async (c, next) => (c.get('visit') === undefined ? turnAway(c, door, null) : next()));
}

/** A form whose button opens the page in the owner's own browser: one click for who came by the bare address. */
function addReopening(app: Hono<VisitEnv>, door: Door): void {
  const { reopen, now } = door;
  if (reopen === null) return;
  let left = REOPENS_MAX;
  let lastMs = -Infinity;
  app.post('/reopen', boundBody, async (c) => {
    const fields = await c.req.parseBody({ all: true });
    const isSoon = Math.abs(now() - lastMs) < REOPEN_EVERY_MS;
    if (left <= 0 || isSoon || (await isOtherUser(c.env.peer))) return turnAway(c, door, 'reopened');
    left -= 1;
    lastMs = now();
    return turnAway(
      c,
      door,
      (await reopen(landingOf(door, text(fields['to'])))) ? 'reopened' : 'not_reopened',
    );
  });
}

/** The form by which an owner comes in who is elsewhere. */
function addEntry(app: Hono<VisitEnv>, door: Door): void {
  const { entry } = door;
  if (entry === null) return;
  // What the page's script asks before it uses a passkey: a stranger has no token.
  app.get('/here', (c) => c.json({ token: '' }));
  app.post('/enter/options', boundBody, async (c) => {
    try {
      return c.json(await entry.begin());
    } catch {
      return c.json({ message: 'No passkey of yours works here yet: add this device first.' }, 403);
    }
  });
  app.post('/enter', boundBody, async (c) => {
    const fields = await c.req.parseBody({ all: true });
    try {
      const proof = readProof(door, fields);
      if (proof?.kind !== 'passkey') return await turnAway(c, door, 'not_signed');
      await entry.finish(proof);
    } catch {
      return turnAway(c, door, 'not_signed');
    }
    return layLanding(c, letIn(c, door), landingOf(door, text(fields['to'])));
  });
}

/** Whether another user of this machine asks, who has no business with the owner's screen. */
async function isOtherUser(peer: Peer): Promise<boolean> {
  const user = await peer.user();
  return user !== null && user !== 0 && user !== process.geteuid?.();
}

/** Begins a visit. The caller has looked at a ticket or a code. */
function letIn(c: VisitContext, { visits, outside }: Door): Visit {
  const visit = visits.begin();
  c.env.peer.admit();
  c.header(
    'Set-Cookie',
    `${COOKIE}=${visit.cookie}; Max-Age=${VISIT_SEC}; Path=${visit.base}; HttpOnly; SameSite=Strict${outside === null ? '' : '; Secure'}`,
  );
  return visit;
}

/** All cookies of our name: another port may have set one of it, too. */
function cookiesOf(c: VisitContext): string[] {
  const pairs = (c.req.header('cookie') ?? '').split(/; */);
  return pairs.filter((pair) => pair.startsWith(`${COOKIE}=`)).map((pair) => pair.slice(COOKIE.length + 1));
}

/** Our own path that a way in leads to; the start of the page where there is none such. */
function landingOf({ landings }: Door, path: string): string {
  return landings.test(path) ? path : '';
}

function turnAway(c: VisitContext, door: Door, problem: DoorProblem | null): Response | Promise<Response> {
  const { reopen, terminal, outside, entry } = door;
  // Whoever is not let in keeps no connection.
  c.header('Connection', 'close');
  const path = c.req.path.replace(/^\/v\/[^/]*/, '');
  const page = viewDoor({
    to: landingOf(door, path),
    takesCode: problem !== 'closed' && outside === null,
    takesPasskey: entry !== null,
    canReopen: reopen !== null && outside === null,
    terminal,
    problem,
  });
  return c.html(page, problem === 'reopened' ? 200 : 403);
}

/** Leads on to the visit. Not a redirect: after a link from another site the strict cookie comes only with a load of our own. */
function layLanding(c: VisitContext, { base }: Visit, path: string): Response | Promise<Response> {
  return c.html(
    html`<!doctype html>
      <html lang="en">
        <head>
          <meta http-equiv="refresh" content="0;url=${base}${path}" />
          <title>Purser</title>
        </head>
        <body></body>
      </html>`,
  );
}

/** Refuses a form that is not of this visit. */
function checkToken(visits: Visits): MiddlewareHandler<VisitEnv> {
  return async (c, next) => {
    const fields = await c.req.parseBody({ all: true });
    if (!visits.isToken(c.get('visit'), text(fields['token']))) {
      return c.html(
        layMessage(c.get('visit'), 'This form is not of this page', 'Load the page again; nothing was done.'),
        403,
      );
    }
    await next();
    return undefined;
  };
}

/** This page at `localhost`, which asks for the code there. */
export function atLocalhost(door: PageAddress, path: string): string {
  return addressOf(door, path);
}
