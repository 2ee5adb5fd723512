import type { Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import type { VisitContext as Ctx, VisitEnv } from '../door/admission.js';
import { addActs } from './acts/actRoutes.js';
import { addAgents } from './agents/agentRoutes.js';
import { addFunding } from './funding/fundingRoutes.js';
import { addHome } from './homeRoutes.js';
import { addNotices } from './notices/noticeRoutes.js';
import { addPayments } from './payments/paymentRoutes.js';
import { addProposals } from './proposals.js';
import type { DeskPlace, DeskRoom } from './room.js';
import { addSellers } from './sellers/sellerRoutes.js';
import { addSettings } from './settings/settingsRoutes.js';
import type { Shell } from './shell.js';
import { addSpending } from './spending/spendingRoutes.js';
import { addStatements } from './statements/statementRoutes.js';

/** Paths of the desk that a way in may lead to. */
export const DESK_LANDINGS = /^\/(?:home|payments|spending|money|sellers|agents|add-money|notices|settings)$/;

/** How often the ledger is looked at for a page that is watched: other processes write it too. */
const LOOK_MS = 250;
const LOOKS_A_BEAT = 20;

/** Adds the owner's desk to the pages of a visit. */
export function addDesk(app: Hono<VisitEnv>, place: DeskPlace): void {
  const { desk, inbox, command } = place;
  const versionOf = async (at = ''): Promise<Version> => {
    const { notices } = desk.parts;
    const [{ seq, frozen, configVersion }, pending, unseen, [newest]] = await Promise.all([
      desk.parts.ledger.head(),
      inbox.list('pending'),
      notices.unseen(),
      notices.list(1),
    ]);
    const waiting = pending.length;
    const told = `${newest?.seq ?? 0}/${unseen}`;
    // Whoever watches has what is behind the pages read again where it is old.
    desk.money();
    desk.look();
    if (at === 'add-money') desk.funds();
    const parts = [seq, frozen, configVersion, waiting, desk.version, told];
    return { version: parts.join(' '), waiting, unseen };
  };
  const shell: DeskRoom['shell'] = async (c: Ctx, at): Promise<Shell> => {
    const visit = c.get('visit');
    const { version, waiting, unseen } = await versionOf(at);
    const watch = { path: `${visit.base}/desk/changes?at=${at}`, version, shown: '', own: '', isLive: true };
    return { visit, command, nav: { at, waiting, unseen }, watch };
  };
  const room: DeskRoom = { ...place, app, shell };
  addHome(room);
  addProposals(room);
  addPayments(room);
  addSpending(room);
  addStatements(room);
  addSellers(room);
  addAgents(room);
  addFunding(room);
  addActs(room);
  addNotices(room);
  addSettings(room);
  app.get('/desk/changes', async (c) => {
    const { version } = await versionOf(c.req.query('at'));
    return c.json({ token: c.get('visit').token, version, shown: '' });
  });
  app.get('/desk/events', (c) =>
    streamSSE(c, async (out) => {
      const { token } = c.get('visit');
      let told = '';
      for (let look = 0; !out.aborted && !out.closed && !desk.isClosed; look++) {
        const { version } = await versionOf(c.req.query('at'));
        if (version !== told) await out.writeSSE({ data: JSON.stringify({ token, version, shown: '' }) });
        // A comment keeps a connection on which nothing happens.
        else if (look % LOOKS_A_BEAT === 0) await out.write(':\n\n');
        told = version;
        await out.sleep(LOOK_MS);
      }
    }),
  );
}

/** How the wallet stands, as far as pages tell it. */
interface Version {
  /** What tells one state of the wallet from another. */
  readonly version: string;
  /** Questions that wait. */
  readonly waiting: number;
  /** Notices that nobody saw. */
  readonly unseen: number;
}
