import type { OwnerAction } from '../../errors/ownerAction.js';
import { Hono } from 'hono';
import { html } from 'hono/html';
import { Challenges } from '../../approvals/challenge.js';
import { CODE_TRIES_MAX } from '../../approvals/code.js';
import { beginPasskey, makePasskeyFactor } from '../../approvals/passkey.js';
import type { FirstFactor, SetUpForm } from '../../owner/setUp/setUpForm.js';
import { addDoor, VISIT_PATH, type Door, type VisitContext, type VisitEnv } from '../door/admission.js';
import { readProof, text, type Fields } from '../approvals/answerForm.js';
import { addEnds } from '../approvals/app.js';
import { layMessage, type Html } from '../look/layout.js';
import { problemOf } from '../look/problem.js';
import { addBackup, wrongCode } from './backupPages.js';
import { FIRST_FIELDS, readChoices, viewMade, viewSetUp, type SetUpFields } from './setUpView.js';

/** What a code on the owner's desktop opens. */
export type CodePurpose = 'setUp' | 'words';

/** What the set-up page is made of. */
export interface SetUpParts {
  readonly form: SetUpForm;
  readonly door: Omit<Door, 'landings'>;
  /** Shows the owner the code, where only they see it; false where it cannot be shown. */
  readonly showCode: (purpose: CodePurpose) => Promise<boolean>;
  /** The command for a terminal on this machine. */
  readonly command: (action: OwnerAction) => string;
}

/** The only path that a way in leads to. */
const LANDINGS = /^$/;
/** Each is a notice on the owner's desktop. */
const CODE_SHOWINGS_MAX = 5;
const NOTHING_MADE = 'Nothing was made.';

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
  const challenges = new Challenges();
  const takeCode = (given: string, nothing: string): void => {
    if (triesLeft > 0 && door.visits.isCode(given)) return;
    triesLeft = Math.max(0, triesLeft - 1);
    throw wrongCode(nothing);
  };
  const atLocalhost = (c: VisitContext): boolean => c.req.header('host') === `localhost:${door.port}`;
  const view = async (c: VisitContext, fields: SetUpFields, problem?: string): Promise<Html> => {
    const visit = c.get('visit');
    if (form.isSetUp()) {
      const isHere = madeAt === visit.base;
      return viewMade(await form.standing(), {
        visit,
        isHere,
        needsBackup: isHere && form.recoveryWords() !== null,
        command,
      });
    }
    if (triesLeft <= 0) return viewClosed(c, command);
    const [keystores, keepsPassphrase] = await Promise.all([form.keystores(), form.keepsPassphrase()]);
    const passkeys = atLocalhost(c);
    return viewSetUp({ visit, keystores, keepsPassphrase, passkeys, command, fields, problem });
  };
  pages.get('/', async (c) => c.html(await view(c, FIRST_FIELDS)));
  pages.post('/', async (c) => {
    const fields = await c.req.parseBody({ all: true });
    const typed = typedIn(fields);
    try {
      if (triesLeft <= 0) return c.html(await view(c, typed), 403);
      takeCode(text(fields['code']), NOTHING_MADE);
      const choices = readChoices(typed, text(fields['passphrase']), text(fields['again']));
      await form.make({ ...choices, factor: (await passkeyIn(fields)) ?? choices.factor });
      madeAt = c.get('visit').base;
      // It was typed into a browser that an agent may read: it opens nothing more.
      door.visits.renewCode();
      return c.redirect(madeAt, 303);
    } catch (error) {
      const { status, message } = problemOf(error, command);
      return c.html(await view(c, typed, message), status);
    }
  });
  pages.post('/passkey', async (c) => {
    const fields = await c.req.parseBody({ all: true });
    try {
      // Whatever is wrong is said before a passkey is made for nothing.
      takeCode(text(fields['code']), NOTHING_MADE);
      await form.check(readChoices(typedIn(fields), text(fields['passphrase']), text(fields['again'])));
      return c.json(await beginPasskey(challenges, { factors: [], at: door.port, nowMs: door.now() }));
    } catch (error) {
      const { status, message } = problemOf(error, command);
      return c.json({ message }, status);
    }
  });
  const passkeyIn = async (fields: Fields): Promise<FirstFactor | null> => {
    const proof = readProof(door, fields);
    if (proof?.kind !== 'passkey') return null;
    return { kind: 'passkey', passkey: await makePasskeyFactor(challenges, proof, { nowMs: door.now() }) };
  };
  addCode(pages, parts);
  addBackup(pages, {
    form,
    isMaker: ({ base }) => base === madeAt,
    showNewCode: () => {
      door.visits.renewCode();
      return triesLeft > 0 ? parts.showCode('words') : Promise.resolve(false);
    },
    takeCode: (given) => {
      takeCode(given, 'Nothing is shown.');
      // One showing a code.
      door.visits.renewCode();
    },
    elsewhere: () => html`In a terminal: <code>${command({ kind: 'showRecoveryPhrase' })}</code>`,
    tell: (error) => ({ status: 403, message: problemOf(error, command).message }),
  });
  app.route(VISIT_PATH, pages);
  addEnds(app, command);
  return app;
}

/** What was typed, but for secrets. */
function typedIn(fields: Fields): SetUpFields {
  return Object.fromEntries(Object.keys(FIRST_FIELDS).map((name) => [name, text(fields[name])]));
}

function addCode(pages: Hono<VisitEnv>, { showCode, command, form }: SetUpParts): void {
  let left = CODE_SHOWINGS_MAX;
  pages.post('/code', async (c) => {
    left -= 1;
    const isShown = left >= 0 && !form.isSetUp() && (await showCode('setUp'));
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
