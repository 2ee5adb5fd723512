import { isWalletError } from '../../../errors/walletError.js';
import { getKey } from '../../../config/change.js';
import { readProof, text, usableAt, type Fields } from '../../approvals/answerForm.js';
import { passkeyPlaceOf } from '../../door/address.js';
import type { VisitContext as Ctx } from '../../door/admission.js';
import { problemOf, setRetryAfter } from '../../look/problem.js';
import { viewSetting, viewSettings, type SettingParts } from './settingsPage.js';
import { backOf } from '../acts/actRoutes.js';
import type { DeskRoom } from '../room.js';

/** Adds the pages of settings. A change is shown whole, and then made by what its form names: of that very change alone. */
export function addSettings({ app, desk, inbox, shell, page, command, passkeyPlace }: DeskRoom): void {
  const { settings } = desk.parts;

  async function view(
    c: Ctx,
    asked: { key: string; value: string | null; back: string; problem?: string },
  ): Promise<string> {
    const config = settings.config();
    const { key, problem, back } = asked;
    // An emptied field takes the value away.
    const value = asked.value?.trim() === '' ? 'none' : asked.value;
    // What is no setting throws here, and is a page of its own.
    getKey(config, key);
    let [review, why]: [SettingParts['review'], string | undefined] = [null, problem];
    try {
      if (value !== null) review = settings.review(key, value);
    } catch (error) {
      if (!isWalletError(error)) throw error;
      why = problemOf(error, command).message;
    }
    const path = `/settings/change?${new URLSearchParams({ key, back, ...(value === null ? {} : { value }) }).toString()}`;
    const parts = {
      config,
      key,
      value,
      back,
      review,
      factors: usableAt(page, await inbox.factors()),
      problem: why,
    };
    return String(await viewSetting({ ...parts, ...passkeyPlace(c, path) }, await shell(c, 'settings')));
  }

  app.get('/settings', async (c) => {
    const config = settings.config();
    const key = c.req.query('done') ?? '';
    const done = key === '' ? null : `${key} is ${getKey(config, key)} now.`;
    return c.html(viewSettings({ config, done }, await shell(c, 'settings')));
  });
  app.get('/settings/change', async (c) =>
    c.html(
      await view(c, {
        key: c.req.query('key') ?? '',
        value: c.req.query('value') ?? null,
        back: backOf(c.req.query('back') ?? '/settings'),
      }),
    ),
  );
  app.post('/settings/change', async (c) => {
    const fields: Fields = await c.req.parseBody({ all: true });
    const [key, value] = [text(fields['key']), text(fields['value'])];
    const back = backOf(text(fields['back']));
    try {
      const change = settings.review(key, value);
      const proof = change.direction === 'loosens' ? readProof(page, fields) : null;
      await settings.apply(change, text(fields['digest']), proof);
    } catch (error) {
      const { status, message } = problemOf(error, command);
      setRetryAfter(c, error);
      return c.html(await view(c, { key, value, back, problem: message }), status);
    }
    const done = back === '/settings' ? `?done=${encodeURIComponent(key)}` : '';
    return c.redirect(`${c.get('visit').base}${back}${done}`, 303);
  });
  app.post('/settings/change/challenge', async (c) => {
    const fields: Fields = await c.req.parseBody({ all: true });
    try {
      const change = settings.review(text(fields['key']), text(fields['value']));
      return c.json(await settings.challenge(change, passkeyPlaceOf(page)));
    } catch (error) {
      const { status, message } = problemOf(error, command);
      setRetryAfter(c, error);
      return c.json({ message }, status);
    }
  });
}
