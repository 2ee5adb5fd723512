import { Hono } from 'hono';
import { CODE_TRIES_MAX, isSameCode } from '../approvals/code.js';
import type { SetUpDesk } from '../owner/setUpDesk.js';
import { admit, beginVisit, checkToken, layLanding, type VisitEnv } from './admission.js';
import { text } from './answerForm.js';
import { boundBody, checkSource, secureAnswers } from './guard.js';
import { layMessage, type Html } from './layout.js';
import { problemOf } from './problem.js';
import { FIRST_FIELDS, readChoices, viewCode, viewMade, viewSetUp, type SetUpFields } from './setUpView.js';
import type { Visits } from './visit.js';

/** What the set-up page is made of. */
export interface SetUpParts {
  readonly desk: SetUpDesk;
  readonly port: number;
  readonly visits: Visits;
  /** What the owner's screen shows and no result of a tool does. */
  readonly code: string;
  /** Words a command of ours for a terminal on this machine. */
  readonly command: (args: string) => string;
}

/** The only path that an address with the key leads to. */
const LANDINGS = /^\/$/;

/**
 * The page on which an owner without a terminal makes their wallet.
 *
 * T20: its bare address goes into results, so agents know it, and some of them steer a browser. Who only knows the address
 * is asked for a code; the code, and the key that stands for it, are shown on the owner's own screen: by the browser
 * that was opened there and by the desktop. Five wrong codes close that way for good. An agent that reads that screen,
 * or runs programs as the owner, is not kept out; it could run `init` as well. See `SetUpDesk` for what it would gain.
 */
export function createSetUpApp(parts: SetUpParts): Hono<VisitEnv> {
  const { desk, port, visits, code, command } = parts;
  const app = new Hono<VisitEnv>();
  let triesLeft = CODE_TRIES_MAX;
  app.use(secureAnswers, checkSource(port));
  app.post('/code', boundBody, async (c) => {
    const fields = await c.req.parseBody({ all: true });
    if (triesLeft > 0 && isSameCode(text(fields['code']), code)) {
      beginVisit(c, { port, visits });
      return c.redirect('/', 303);
    }
    triesLeft = Math.max(0, triesLeft - 1);
    return c.html(viewCode(command, triesLeft, true), 403);
  });
  app.use(async (c, next) => {
    const admitted = admit(c, { port, visits }, LANDINGS);
    if (admitted === 'in') return next();
    return admitted === 'lands' ? layLanding(c) : c.html(viewCode(command, triesLeft, false), 403);
  });
  app.post('*', boundBody, checkToken(visits));
  const view = async (visit: string, fields: SetUpFields, problem?: string): Promise<Html> =>
    viewSetUp({
      token: visits.tokenOf(visit),
      keystores: await desk.keystores(),
      command,
      fields,
      problem,
    });
  app.get('/', async (c) => {
    if (desk.made !== null) return c.html(viewMade(desk.made, command));
    if (desk.isSetUp())
      return c.html(
        layMessage(
          'There is a wallet already',
          'It was made elsewhere, and this page changes nothing of it. If it was not you, send it no money.',
        ),
      );
    return c.html(await view(c.get('visit'), FIRST_FIELDS));
  });
  app.post('/', async (c) => {
    const fields = await c.req.parseBody({ all: true });
    const typed: SetUpFields = Object.fromEntries(
      Object.keys(FIRST_FIELDS).map((name) => [name, text(fields[name])]),
    );
    try {
      await desk.make(readChoices(typed, text(fields['passphrase']), text(fields['again'])));
      return c.redirect('/', 303);
    } catch (error) {
      const { status, message } = problemOf(error, command);
      return c.html(await view(c.get('visit'), typed, message), status);
    }
  });
  app.notFound((c) => c.html(layMessage('Nothing is here', 'Go to the start of the page.'), 404));
  app.onError((error, c) => {
    const { status, message } = problemOf(error, command);
    return c.html(layMessage('That did not work', message), status);
  });
  return app;
}
