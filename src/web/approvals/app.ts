import type { OwnerAction } from '../../errors/ownerAction.js';
import { Hono } from 'hono';
import { html } from 'hono/html';
import type { Confirmation } from '../../approvals/confirmation.js';
import { isYes, type Answer, type Approval, type ApprovalInbox } from '../../approvals/inbox.js';
import type { Enrolment } from '../../approvals/enrolment.js';
import { WalletError } from '../../errors/walletError.js';
import {
  addDoor,
  atLocalhost,
  VISIT_PATH,
  type Door,
  type VisitContext as Ctx,
  type VisitEnv,
} from '../door/admission.js';
import { readAnswer, readProof, text, usableAt, type Fields } from './answerForm.js';
import { passkeyPlaceOf, type PageAddress } from '../door/address.js';
import { readLists, versionOf, viewApprovals } from './approvalsPage.js';
import type { Desk } from '../desk/desk.js';
import { addDesk, DESK_LANDINGS } from '../desk/deskApp.js';
import type { Visit } from '../door/visit.js';
import { layMessage, type Html } from '../look/layout.js';
import { viewConfirmation, viewEnrolment, type PasskeyFormParts } from './ownerPages.js';
import { problemOf, setRetryAfter } from '../look/problem.js';
import { stateWords } from '../look/words.js';

/** What the page is made of. */
export interface AppParts {
  readonly inbox: ApprovalInbox;
  readonly door: Omit<Door, 'landings'>;
  /** The command for a terminal on this machine. */
  readonly command: (action: OwnerAction) => string;
  /** A passkey that a command is adding. */
  readonly enrolment: Enrolment | null;
  /** An owner command that waits for a yes. */
  readonly confirmation: Confirmation | null;
  /** What the owner's desk shows, where the page is more than a question. */
  readonly desk: Desk | null;
}

/** Paths that a way in may lead to: our own, never `//elsewhere`. */
const LANDINGS = /^(?:\/approvals\/\w{1,64}|\/passkey|\/confirm)?$/;

const ALL_LANDINGS = new RegExp(`${LANDINGS.source}|${DESK_LANDINGS.source}`);

/** The owner's page as a web application. */
export function createApp(parts: AppParts): Hono<VisitEnv> {
  const app = new Hono<VisitEnv>({ strict: false });
  const { desk, inbox, door } = parts;
  addDoor(app, { ...door, landings: desk === null ? LANDINGS : ALL_LANDINGS });
  const pages = new Hono<VisitEnv>({ strict: false });
  addApprovals(pages, parts);
  addEnrolment(pages, parts);
  addConfirmation(pages, parts);
  if (desk !== null)
    addDesk(pages, {
      ...{ desk, inbox, now: door.now, command: parts.command, page: door },
      passkeyPlace: (c, path) => passkeyPlace(c, parts, path),
    });
  app.route(VISIT_PATH, pages);
  addEnds(app, parts.command);
  return app;
}

/** What is answered where nothing is, and where something failed. */
export function addEnds(app: Hono<VisitEnv>, command: AppParts['command']): void {
  app.notFound((c) =>
    c.html(
      layMessage(
        c.get('visit'),
        'Nothing is here',
        html`There is no such page. <a href="${c.get('visit').base}">Go to the start</a>`,
      ),
      404,
    ),
  );
  app.onError((error, c) => {
    const { status, message } = problemOf(error, command);
    setRetryAfter(c, error);
    // At the door there is no visit yet.
    const visit = c.get('visit') as Visit | undefined;
    const start = visit === undefined ? '' : html`<a href="${visit.base}">Go to the start</a>`;
    return c.html(layMessage(visit, 'That did not work', html`${message} ${start}`), status);
  });
}

function addApprovals(app: Hono<VisitEnv>, parts: AppParts): void {
  const { inbox } = parts;
  app.get('/', async (c) => {
    const done = await inbox.show(c.req.query('done') ?? '');
    return c.html(await viewAt(c, parts, { done }));
  });
  app.get('/approvals/:id', async (c) => {
    const shown = await known(inbox, c.req.param('id'));
    const isElsewhere = c.req.query('elsewhere') === '1';
    return c.html(await viewAt(c, parts, { shown, isElsewhere }));
  });
  app.get('/changes', async (c) => {
    const shown = await inbox.show(c.req.query('shown') ?? '');
    return c.json({
      token: c.get('visit').token,
      version: versionOf(await readLists(inbox), shown),
      shown: shown?.state ?? '',
      word: shown === null ? 'gone' : stateWords(shown),
      answered: isoOf(shown?.answeredMs ?? null),
    });
  });
  app.post('/approvals/:id', async (c) => {
    const fields = await c.req.parseBody({ all: true });
    const id = c.req.param('id');
    let answer: Answer | undefined;
    try {
      answer = readAnswer(fields);
      await inbox.answer(
        id,
        text(fields['digest']),
        answer,
        isYes(answer) ? readProof(parts.door, fields) : null,
      );
    } catch (error) {
      return refused(c, parts, id, error, answer);
    }
    return c.redirect(`${c.get('visit').base}?done=${encodeURIComponent(id)}`, 303);
  });
  app.post('/approvals/:id/unblock', async (c) => {
    const fields = await c.req.parseBody({ all: true });
    const id = c.req.param('id');
    try {
      await inbox.unblock(id, text(fields['digest']), readProof(parts.door, fields));
    } catch (error) {
      return refused(c, parts, id, error);
    }
    return c.redirect(`${c.get('visit').base}/approvals/${encodeURIComponent(id)}`, 303);
  });
  app.post('/approvals/:id/unblock/challenge', async (c) => {
    const fields = await c.req.parseBody({ all: true });
    return inJson(c, parts, () =>
      inbox.unblockChallenge(c.req.param('id'), text(fields['digest']), passkeyPlaceOf(parts.door)),
    );
  });
  app.post('/approvals/:id/challenge', async (c) => {
    const fields = await c.req.parseBody({ all: true });
    return inJson(c, parts, async () => {
      const answer = readAnswer(fields);
      if (!isYes(answer)) throw new WalletError('bad_input', 'A no needs no passkey.');
      return inbox.passkeyChallenge(
        c.req.param('id'),
        text(fields['digest']),
        answer,
        passkeyPlaceOf(parts.door),
      );
    });
  });
}

function isoOf(ms: number | null): string {
  return ms === null ? '' : new Date(ms).toISOString();
}

/** The question once more, with what was wrong with what was sent. */
async function refused(
  c: Ctx,
  parts: AppParts,
  id: string,
  error: unknown,
  chosen?: Answer,
): Promise<Response> {
  const shown = await known(parts.inbox, id);
  const { status, message } = problemOf(error, parts.command);
  setRetryAfter(c, error);
  return c.html(await viewAt(c, parts, { shown, problem: message, chosen }), status);
}

/** The approvals page, with the oldest question on top where none is named. */
async function viewAt(
  c: Ctx,
  parts: AppParts,
  view: {
    readonly shown?: Approval;
    readonly done?: Approval | null;
    readonly isElsewhere?: boolean;
    readonly problem?: string;
    readonly chosen?: Answer | undefined;
  },
): Promise<Html> {
  const { inbox, door, command } = parts;
  const [lists, factors] = await Promise.all([readLists(inbox), inbox.factors()]);
  const path = view.shown === undefined ? '' : `/approvals/${view.shown.question.approvalId}`;
  return viewApprovals({
    ...lists,
    ...passkeyPlace(c, parts, path),
    shown: view.shown ?? (await oldest(inbox, lists.pending)),
    done: view.done ?? null,
    isElsewhere: view.isElsewhere ?? false,
    factors: usableAt(door, factors),
    command,
    nowMs: door.now(),
    problem: view.problem,
    chosen: view.chosen,
    hasDesk: parts.desk !== null,
  });
}

/** The oldest question that waits, as it stands at this moment. */
async function oldest(inbox: ApprovalInbox, pending: readonly Approval[]): Promise<Approval | null> {
  const [first] = pending;
  return first === undefined ? null : inbox.show(first.question.approvalId);
}

function addEnrolment(app: Hono<VisitEnv>, parts: AppParts): void {
  const { enrolment, door } = parts;
  if (enrolment === null) return;
  const view = (c: Ctx, problem?: string): Html =>
    viewEnrolment({ ...passkeyPlace(c, parts, '/passkey'), problem });
  app.get('/passkey', (c) => c.html(view(c)));
  app.post('/passkey/options', async (c) => {
    const fields = await c.req.parseBody({ all: true });
    return inJson(c, parts, () => enrolment.begin(text(fields['code']), passkeyPlaceOf(door)));
  });
  app.post('/passkey', async (c) => {
    const fields = await c.req.parseBody({ all: true });
    try {
      const { label } = await enrolment.finish(text(fields['code']), readSigned(door, fields));
      return c.html(
        layMessage(
          c.get('visit'),
          'The passkey is added',
          `It is called “${label}”. You can close this page.`,
        ),
      );
    } catch (error) {
      const { status, message } = problemOf(error, parts.command);
      return c.html(view(c, message), status);
    }
  });
}

function addConfirmation(app: Hono<VisitEnv>, parts: AppParts): void {
  const { confirmation, door } = parts;
  if (confirmation === null) return;
  const view = (c: Ctx, problem?: string): Html =>
    viewConfirmation(confirmation.act, { ...passkeyPlace(c, parts, '/confirm'), problem });
  const over = (c: Ctx, word: string): Response | Promise<Response> =>
    c.html(layMessage(c.get('visit'), word, 'The terminal goes on. You can close this page.'));
  app.get('/confirm', (c) => (confirmation.isOpen ? c.html(view(c)) : over(c, 'This was answered')));
  app.post('/confirm/options', (c) => inJson(c, parts, () => confirmation.begin(passkeyPlaceOf(door))));
  app.post('/confirm', async (c) => {
    const fields = await c.req.parseBody({ all: true });
    if (fields['answer'] === 'no') {
      confirmation.refuse();
      return over(c, 'You declined');
    }
    try {
      await confirmation.confirm(readSigned(door, fields));
    } catch (error) {
      const { status, message } = problemOf(error, parts.command);
      return c.html(view(c, message), status);
    }
    return over(c, 'You confirmed it');
  });
}

/** What a passkey form needs to know of the request: passkeys work at `localhost`, not at an IP address. */
function passkeyPlace(
  c: Ctx,
  { door }: AppParts,
  path: string,
): Pick<PasskeyFormParts, 'visit' | 'atLocalhost' | 'localhostUrl'> {
  return {
    visit: c.get('visit'),
    atLocalhost: door.outside !== null || c.req.header('host') === `localhost:${door.port}`,
    localhostUrl: atLocalhost(door, path),
  };
}

function readSigned(
  page: PageAddress,
  fields: Fields,
): { readonly challengeId: string; readonly response: unknown } {
  const proof = readProof(page, fields);
  if (proof?.kind !== 'passkey') throw new WalletError('factor_needed', 'A passkey has to answer this.');
  return proof;
}

async function known(inbox: ApprovalInbox, id: string): Promise<Approval> {
  const approval = await inbox.show(id);
  if (approval === null) throw new WalletError('approval_unknown', 'There is no such question.');
  return approval;
}

/** Answers a script of ours, which shows the message of an error as text. */
async function inJson(c: Ctx, { command }: AppParts, work: () => Promise<object>): Promise<Response> {
  try {
    return c.json(await work());
  } catch (error) {
    const { status, message } = problemOf(error, command);
    setRetryAfter(c, error);
    return c.json({ message }, status);
  }
}
