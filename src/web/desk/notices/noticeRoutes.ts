import { text } from '../../approvals/answerForm.js';
import type { DeskRoom } from '../room.js';
import { viewNotices } from './noticesPage.js';

/** Notices that a page shows: more than an owner looks back. */
const SHOWN_MAX = 200;

/** Adds the page of notices. */
export function addNotices({ app, desk, shell, now }: DeskRoom): void {
  const { notices } = desk.parts;
  app.get('/notices', async (c) => {
    const [newest, channels] = await Promise.all([notices.list(SHOWN_MAX), notices.channels()]);
    return c.html(viewNotices({ notices: newest, channels }, await shell(c, 'notices')));
  });
  app.post('/notices/seen', async (c) => {
    const upTo = Number(text((await c.req.parseBody({ all: true }))['up_to']));
    if (Number.isSafeInteger(upTo)) await notices.markSeen({ upTo }, now());
    return c.redirect(`${c.get('visit').base}/notices`, 303);
  });
}
