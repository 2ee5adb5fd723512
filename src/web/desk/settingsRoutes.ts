import type { Hono } from 'hono';
import type { ApprovalInbox } from '../../approvals/inbox.js';
import { isWalletError } from '../../errors/walletError.js';
import { getKey } from '../../config/change.js';
import type { SettingsBook } from '../../owner/ownerSettings.js';
import { readProof, text, type Fields } from '../approvals/answerForm.js';
import type { VisitContext as Ctx, VisitEnv } from '../door/admission.js';
import { problemOf, setRetryAfter } from '../look/problem.js';
import { viewSetting, viewSettings, type SettingParts } from './settingsPage.js';
import type { Shell } from './shell.js';

/** What the pages of settings need beside the desk's own. */
export interface SettingsPlace {
  readonly settings: SettingsBook;
  readonly inbox: Pick<ApprovalInbox, 'factors'>;
  readonly shell: (c: Ctx) => Promise<Shell>;
  /** Where passkeys work, for a path of this visit. */
  readonly passkeyPlace: (c: Ctx, path: string) => Pick<SettingParts, 'atLocalhost' | 'localhostUrl'>;
  readonly port: number;
}

/** Adds the pages of settings. A change is shown whole, and then made by what its form names: of that very change alone. */
export function addSettings(app: Hono<VisitEnv>, place: SettingsPlace): void {
  const { settings, inbox, shell, port } = place;
  const command = async (c: Ctx) => (await shell(c)).command;

  async function view(
    c: Ctx,
    asked: { key: string; value: string | null; problem?: string },
  ): Promise<string> {
    const config = settings.config();
    const { key, value, problem } = asked;
    // What is no setting throws here, and is a page of its own.
    getKey(config, key);
    let [review, why]: [SettingParts['review'], string | undefined] = [null, problem];
    try {
      if (value !== null) review = settings.review(key, value);
    } catch (error) {
      if (!isWalletError(error)) throw error;
      why = problemOf(error, await command(c)).message;
    }
    const path = `/settings/change?${new URLSearchParams({ key, ...(value === null ? {} : { value }) }).toString()}`;
    const parts = { config, key, value, review, factors: await inbox.factors(), problem: why };
    return String(await viewSetting({ ...parts, ...place.passkeyPlace(c, path) }, await shell(c)));
  }

  app.get('/settings', async (c) => {
    const config = settings.config();
    const key = c.req.query('done') ?? '';
    const done = key === '' ? null : `${key} is ${getKey(config, key)} now.`;
    return c.html(viewSettings({ config, done }, await shell(c)));
  });
  app.get('/settings/change', async (c) =>
    c.html(await view(c, { key: c.req.query('key') ?? '', value: c.req.query('value') ?? null })),
  );
  app.post('/settings/change', async (c) => {
    const fields: Fields = await c.req.parseBody({ all: true });
    const [key, value] = [text(fields['key']), text(fields['value'])];
    try {
      const change = settings.review(key, value);
      const proof = change.direction === 'loosens' ? readProof(fields) : null;
      await settings.apply(change, text(fields['digest']), proof);
    } catch (error) {
      const { status, message } = problemOf(error, await command(c));
      setRetryAfter(c, error);
      return c.html(await view(c, { key, value, problem: message }), status);
    }
    return c.redirect(`${c.get('visit').base}/settings?done=${encodeURIComponent(key)}`, 303);
  });
  app.post('/settings/change/challenge', async (c) => {
    const fields: Fields = await c.req.parseBody({ all: true });
    try {
      const change = settings.review(text(fields['key']), text(fields['value']));
      return c.json(await settings.challenge(change, port));
    } catch (error) {
      const { status, message } = problemOf(error, await command(c));
      setRetryAfter(c, error);
      return c.json({ message }, status);
    }
  });
}
