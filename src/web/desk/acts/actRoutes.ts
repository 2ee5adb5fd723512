import { isWalletError, WalletError } from '../../../errors/walletError.js';
import { ACT_KINDS, type ActOrder } from '../../../owner/ownerActs.js';
import { readProof, text, usableAt, type Fields } from '../../approvals/answerForm.js';
import { passkeyPlaceOf } from '../../door/address.js';
import type { VisitContext as Ctx } from '../../door/admission.js';
import { problemOf, setRetryAfter } from '../../look/problem.js';
import type { DeskRoom } from '../room.js';
import { viewAct, viewActDone } from './actPage.js';

/** Pages of the desk that an act or a change leads back to: never `//elsewhere`. */
const BACK = /^\/(?:home|agents|agents\/[a-z][a-z0-9-]*|sellers\/[a-z0-9.-]+|add-money|settings)$/;

/** A name, an id, an origin or a place: nothing that is not seen. */
const SUBJECT = /^[\x20-\x7e]{0,300}$/;

/** Our own path of a form or a query; home where it is none. */
export function backOf(given: string | undefined): string {
  return given !== undefined && BACK.test(given) ? given : '/home';
}

/** Adds the page of an owner's act: shown whole, and then done by what its form names, that very act alone. */
export function addActs({ app, desk, inbox, shell, command, passkeyPlace, page }: DeskRoom): void {
  const { acts } = desk.parts;
  async function view(c: Ctx, order: ActOrder, back: string, problem?: string): Promise<string> {
    const path = `/act?${new URLSearchParams({ ...order, back }).toString()}`;
    const parts = { order, back, problem, ...passkeyPlace(c, path) };
    const [review, all] = await Promise.all([acts.review(order), inbox.factors()]);
    const factors = usableAt(page, all);
    return String(await viewAct({ ...parts, review, factors }, await shell(c, 'home')));
  }
  app.get('/act', async (c) =>
    c.html(await view(c, orderOf(c.req.query('kind'), c.req.query('subject')), backOf(c.req.query('back')))),
  );
  app.post('/act', async (c) => {
    const fields: Fields = await c.req.parseBody({ all: true });
    const order = orderOf(text(fields['kind']), text(fields['subject']));
    const back = backOf(text(fields['back']));
    try {
      const done = await acts.apply(order, text(fields['digest']), readProof(page, fields));
      return c.html(viewActDone(done, back, await shell(c, 'home')));
    } catch (error) {
      if (!isWalletError(error)) throw error;
      const { status, message } = problemOf(error, command);
      setRetryAfter(c, error);
      return c.html(await view(c, order, back, message), status);
    }
  });
  app.post('/act/challenge', async (c) => {
    const fields: Fields = await c.req.parseBody({ all: true });
    try {
      const order = orderOf(text(fields['kind']), text(fields['subject']));
      return c.json(await acts.challenge(order, text(fields['digest']), passkeyPlaceOf(page)));
    } catch (error) {
      const { status, message } = problemOf(error, command);
      setRetryAfter(c, error);
      return c.json({ message }, status);
    }
  });
}

function orderOf(kind: string | undefined, subject = ''): ActOrder {
  const found = ACT_KINDS.find((one) => one === kind);
  if (found === undefined || !SUBJECT.test(subject))
    throw new WalletError('not_found', 'There is no such act.');
  return { kind: found, subject };
}
