import { unknownAgent } from '../../../ledger/books/agent.js';
import type { ReportGroup } from '../../../ledger/books/report.js';
import { viewEntry } from '../../../wallet/ledgerView.js';
import { text } from '../../approvals/answerForm.js';
import type { DeskRoom } from '../room.js';
import { spanOf, windowOf, WINDOWS, type Window } from '../spending/window.js';
import { viewAgent } from './agentPage.js';
import { viewAgents } from './agentsPage.js';

/** Payments on an agent's page. */
const ENTRIES_SHOWN = 10;

/** Adds the list of agents with their budgets, each agent's own page, and the way to stop one. */
export function addAgents({ app, desk, now, shell }: DeskRoom): void {
  const { ledger, config, listAgents, suspend, budgets, limitsOf } = desk.parts;
  app.get('/agents', async (c) => {
    const window = windowOf(c.req.query('time'));
    const nowMs = now();
    const [groups, agents, states, settings, frame] = await Promise.all([
      desk.book.groups(spanOf(window, nowMs), ({ agent }) => agent),
      listAgents(),
      budgets(),
      config(),
      shell(c, 'agents'),
    ]);
    return c.html(viewAgents({ groups, agents, window, nowMs, budgets: states, config: settings }, frame));
  });
  app.get('/agents/:name', async (c) => {
    const name = c.req.param('name');
    const agent = (await listAgents()).find((one) => one.name === name);
    if (agent === undefined) throw unknownAgent(name);
    const nowMs = now();
    const [spent, sellers, limits, page, settings, frame] = await Promise.all([
      spentOf(name, nowMs),
      desk.book.groups(spanOf('month', nowMs), (cell) => (cell.agent === name ? cell.host : '')),
      limitsOf(name),
      ledger.listAttempts({ agent: name }, ENTRIES_SHOWN, null),
      config(),
      shell(c, 'agents'),
    ]);
    const entries = page.attempts.map(viewEntry);
    const own = sellers.filter(({ key }) => key !== '');
    return c.html(viewAgent({ agent, spent, sellers: own, limits, entries, config: settings, nowMs }, frame));
  });
  app.post('/agents/:name/suspend', async (c) => {
    const name = text(c.req.param('name'));
    await suspend(name);
    return c.redirect(`${c.get('visit').base}/agents/${name}`, 303);
  });
  // A form has its fields in the query; the setting's key has the budget's name in it.
  app.get('/budgets/add', (c) => {
    const [name, value] = [c.req.query('name')?.trim() ?? '', c.req.query('per_day_usd') ?? ''];
    const query = new URLSearchParams({ key: `budgets.${name}.per_day_usd`, value, back: '/agents' });
    return c.redirect(`${c.get('visit').base}/settings/change?${query.toString()}`, 303);
  });

  async function spentOf(
    name: string,
    nowMs: number,
  ): Promise<Readonly<Record<Window, ReportGroup | undefined>>> {
    const windows = Object.keys(WINDOWS) as Window[];
    const found = await Promise.all(
      windows.map(async (window) => {
        const groups = await desk.book.groups(spanOf(window, nowMs), ({ agent }) => agent);
        return [window, groups.find(({ key }) => key === name)] as const;
      }),
    );
    return Object.fromEntries(found) as Record<Window, ReportGroup | undefined>;
  }
}
