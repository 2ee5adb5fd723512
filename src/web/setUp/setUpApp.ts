import type { OwnerAction } from '../../errors/ownerAction.js';
import { Hono } from 'hono';
import { CODE_TRIES_MAX } from '../../approvals/code.js';
import { WalletError } from '../../errors/walletError.js';
import type { SetUpForm } from '../../owner/setUpForm.js';
import { addDoor, VISIT_PATH, type Door, type VisitContext, type VisitEnv } from '../door/admission.js';
import { text } from '../approvals/answerForm.js';
import { addEnds } from '../approvals/app.js';
import { layMessage, type Html } from '../look/layout.js';
import { problemOf } from '../look/problem.js';
import { FIRST_FIELDS, readChoices, viewMade, viewSetUp, type SetUpFields } from './setUpView.js';

/** What the set-up page is made of. */
export interface SetUpParts {
  readonly form: SetUpForm;
  readonly door: Omit<Door, 'landings'>;
  /** Shows the owner the code once more, where only they see it; false where it cannot be shown. */
  readonly showCode: () => Promise<boolean>;
  /** The command for a terminal on this machine. */
  readonly command: (action: OwnerAction) => string;
}

/** The only path that a way in leads to. */
const LANDINGS = /^$/;
/** Each is a notice on the owner's desktop. */
const CODE_SHOWINGS_MAX = 5;

/**
 * The page on which an owner without a terminal makes their wallet.
 *
 * T20, T33: whoever was let in may still be an agent that steers the owner's browser. So nothing is made without the code
 * that the owner's desktop shows, and no browser; its tries are counted apart from those at the door, and five wrong ones
 * close the page for good. An agent that reads that screen, or runs programs as the owner, is not kept out; it could run
 * `init` as well. See `SetUpForm` for what it would gain.
 */
export function createSetUpApp(parts: SetUpParts): Hono<VisitEnv> {
  const { form, door, command } = parts;
  const app = new Hono<VisitEnv>({ strict: false });
  addDoor(app, { ...door, landings: LANDINGS });
  const pages = new Hono<VisitEnv>({ strict: false });
  let triesLeft = CODE_TRIES_MAX;
  let madeAt: string | null = null;
  const view = async (c: VisitContext, fields: SetUpFields, problem?: string): Promise<Html> => {
    if (form.isSetUp()) {
      const isHere = madeAt === c.get('visit').base;
      return viewMade(await form.standing(), { visit: c.get('visit'), isHere, command });
    }
    if (triesLeft <= 0) return viewClosed(c, command);
    const keystores = await form.keystores();
    return viewSetUp({ visit: c.get('visit'), keystores, command, fields, problem });
  };
  pages.get('/', async (c) => c.html(await view(c, FIRST_FIELDS)));
  pages.post('/', async (c) => {
    const fields = await c.req.parseBody({ all: true });
    const typed: SetUpFields = Object.fromEntries(
      Object.keys(FIRST_FIELDS).map((name) => [name, text(fields[name])]),
    );
    try {
      if (triesLeft <= 0) return c.html(await view(c, typed), 403);
      if (!door.visits.isCode(text(fields['code']))) {
        triesLeft -= 1;
        throw new WalletError(
          'factor_wrong',
          'That is not the code that Purser shows on your desktop. Nothing was made.',
        );
      }
      await form.make(readChoices(typed, text(fields['passphrase']), text(fields['again'])));
      madeAt = c.get('visit').base;
      return c.redirect(madeAt, 303);
    } catch (error) {
      const { status, message } = problemOf(error, command);
      return c.html(await view(c, typed, message), status);
    }
  });
  addCode(pages, parts);
  app.route(VISIT_PATH, pages);
  addEnds(app, command);
  return app;
}

function addCode(pages: Hono<VisitEnv>, { showCode, command }: SetUpParts): void {
  let left = CODE_SHOWINGS_MAX;
  pages.post('/code', async (c) => {
    left -= 1;
    const isShown = left >= 0 && (await showCode());
    const visit = c.get('visit');
    return isShown
      ? c.html(layMessage(visit, 'The code is on your desktop', 'Go back to the form and type it there.'))
      : c.html(viewClosed(c, command), 403);
  });
}

function viewClosed(c: VisitContext, command: SetUpParts['command']): Html {
  return layMessage(
    c.get('visit'),
    'This page is closed',
    `Set the wallet up in a terminal: ${command({ kind: 'setUp' })}`,
  );
}
