import type { DeskRoom } from '../room.js';
import { spanOf, windowOf } from '../spending/window.js';
import { viewSellers } from './sellersPage.js';

/** Adds the list of sellers. */
export function addSellers({ app, desk, now, shell }: DeskRoom): void {
  app.get('/sellers', async (c) => {
    const window = windowOf(c.req.query('time'));
    const nowMs = now();
    const [groups, { hosts }, frame] = await Promise.all([
      desk.book.groups(spanOf(window, nowMs), ({ host }) => host),
      desk.parts.config(),
      shell(c, 'sellers'),
    ]);
    return c.html(viewSellers({ groups, window, hosts, nowMs }, frame));
  });
}
