import type { Hono } from 'hono';
import type { VisitContext as Ctx, VisitEnv } from '../door/admission.js';
import { addAgents } from './agents/agentRoutes.js';
import { addHome } from './homeRoutes.js';
import { addNotices } from './notices/noticeRoutes.js';
import { addPayments } from './payments/paymentRoutes.js';
import type { DeskPlace, DeskRoom } from './room.js';
import { addSellers } from './sellers/sellerRoutes.js';
import { addSettings } from './settings/settingsRoutes.js';
import type { Shell } from './shell.js';
import { addSpending } from './spending/spendingRoutes.js';
import { addStatements } from './statements/statementRoutes.js';

/** Paths of the desk that a way in may lead to. */
export const DESK_LANDINGS = /^\/(?:home|payments|spending|money|sellers|agents|notices|settings)$/;

/** Adds the owner's desk to the pages of a visit. */
export function addDesk(app: Hono<VisitEnv>, place: DeskPlace): void {
  const { desk, inbox, command } = place;
  const versionOf = async (): Promise<Version> => {
    const [{ seq, frozen, configVersion }, pending] = await Promise.all([
      desk.parts.ledger.head(),
      inbox.list('pending'),
    ]);
    const waiting = pending.length;
    const { notices } = desk.parts;
    const unseen = notices.unseen();
    const told = `${notices.list(1)[0]?.seq ?? 0}/${unseen}`;
    const behind = [desk.money().version, desk.look().version, desk.book.version, told];
    const parts = [seq, frozen, configVersion, waiting, ...behind];
    return { version: parts.join(' '), waiting, unseen };
  };
  const shell: DeskRoom['shell'] = async (c: Ctx, at): Promise<Shell> => {
    const visit = c.get('visit');
    const { version, waiting, unseen } = await versionOf();
    const watch = { path: `${visit.base}/desk/changes`, version, shown: '', own: '', isLive: true };
    return { visit, command, nav: { at, waiting, unseen }, watch };
  };
  const room: DeskRoom = { ...place, app, shell };
  addHome(room);
  addPayments(room);
  addSpending(room);
  addStatements(room);
  addSellers(room);
  addAgents(room);
  addNotices(room);
  addSettings(room);
  app.get('/desk/changes', async (c) => {
    const { version } = await versionOf();
    return c.json({ token: c.get('visit').token, version, shown: '' });
  });
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
