import { text } from '../../approvals/answerForm.js';
import type { DeskRoom } from '../room.js';
import { spanOf, windowOf } from '../spending/window.js';
import { viewAgents } from './agentsPage.js';

/** Adds the list of agents, and the way to stop one. */
export function addAgents({ app, desk, now, shell }: DeskRoom): void {
  const { listAgents, suspend } = desk.parts;
  app.get('/agents', async (c) => {
    const window = windowOf(c.req.query('time'));
    const nowMs = now();
    const [groups, agents, frame] = await Promise.all([
      desk.book.groups(spanOf(window, nowMs), ({ agent }) => agent),
      listAgents(),
      shell(c, 'agents'),
    ]);
    return c.html(viewAgents({ groups, agents, window, nowMs }, frame));
  });
  app.post('/agents/:name/suspend', async (c) => {
    await suspend(text(c.req.param('name')));
    return c.redirect(`${c.get('visit').base}/agents`, 303);
  });
}
