import type { Context, Hono } from 'hono';
import { stream } from 'hono/streaming';
import type { ApprovalInbox } from '../../approvals/inbox.js';
import type { OwnerAction } from '../../errors/ownerAction.js';
import { WalletError } from '../../errors/walletError.js';
import { STATEMENT_FILES, type StatementFile } from '../../cli/ledger/statementFile.js';
import { monthOf, type Statement } from '../../treasury/statement/readStatement.js';
import { viewEntry } from '../../wallet/ledgerView.js';
import { readOverview } from '../../wallet/overview.js';
import { text } from '../approvals/answerForm.js';
import type { VisitContext as Ctx, VisitEnv } from '../door/admission.js';
import type { PageParts } from '../look/layout.js';
import { viewAgents } from './agentsPage.js';
import { STATEMENT, type Desk } from './desk.js';
import { EXPORTS, exportRows, isExport } from './export.js';
import { filterOf, readFilter } from './filter.js';
import { DAYS_SHOWN, viewHome } from './homePage.js';
import { viewPayment } from './paymentPage.js';
import { viewPayments } from './paymentsPage.js';
import { monthIn, sayTime, viewMoney } from './moneyPage.js';
import { viewSellers } from './sellersPage.js';
import { addSettings, type SettingsPlace } from './settingsRoutes.js';
import { WINDOWS, type Shell } from './shell.js';

/** Paths of the desk that a way in may lead to. */
export const DESK_LANDINGS = /^\/(?:home|payments|money|sellers|agents|settings)$/;

const DAY_MS = 24 * 3600 * 1000;
/** Payments a page. */
const PAGE_ROWS = 50;
/** What stands below the sums at home. */
const HOME_ROWS = 8;
/** Sellers and agents shown: those that cost most. */
const GROUPS_MAX = 200;

/** What the desk's pages need. */
export interface DeskPlace {
  readonly desk: Desk;
  readonly inbox: ApprovalInbox;
  readonly now: () => number;
  /** The command for a terminal on this machine. */
  readonly command: (action: OwnerAction) => string;
  /** Where passkeys work, for a path of this visit. */
  readonly passkeyPlace: SettingsPlace['passkeyPlace'];
  readonly port: number;
}

/** Adds the owner's desk to the pages of a visit. */
export function addDesk(app: Hono<VisitEnv>, place: DeskPlace): void {
  const { desk, now } = place;
  const { ledger, config, listAgents, freeze, suspend } = desk.parts;

  app.get('/home', async (c) => {
    const nowMs = now();
    const money = desk.money();
    const [overview, days, page, version] = await Promise.all([
      desk.made('overview', async () => readOverview(ledger, await config(), nowMs)),
      desk.made('days', () =>
        ledger.groupPayments('by_local_day', { sinceMs: nowMs - DAYS_SHOWN * DAY_MS }, DAYS_SHOWN + 1),
      ),
      ledger.listAttempts({}, HOME_ROWS, null),
      versionOf(place),
    ]);
    const { waiting } = version;
    const entries = page.attempts.map(viewEntry);
    const { balances } = money;
    return c.html(
      viewHome({ ...overview, days, entries, balances, waiting, nowMs }, shellOf(c, place, 'home', version)),
    );
  });
  app.get('/payments', async (c) => {
    const filter = readFilter(c.req.query());
    const nowMs = now();
    const [page, agents, version] = await Promise.all([
      ledger.listAttempts(filterOf(filter, nowMs), PAGE_ROWS, c.req.query('cursor') ?? null),
      listAgents(),
      versionOf(place),
    ]);
    const statuses = await ledger.answerStatuses(page.attempts.map(({ id }) => id));
    return c.html(
      viewPayments(
        { filter, entries: page.attempts.map(viewEntry), statuses, agents, nextCursor: page.nextCursor },
        shellOf(c, place, 'payments', version),
      ),
    );
  });
  app.get('/payments/:id', async (c) => {
    const id = c.req.param('id');
    const payment = (await ledger.findPayment(id)) ?? (await ledger.withdrawals.find(id));
    if (payment === null) throw new WalletError('not_found', 'There is no such payment.');
    const [statuses, version] = await Promise.all([ledger.answerStatuses([payment.id]), versionOf(place)]);
    return c.html(
      viewPayment(
        payment,
        { status: statuses.get(payment.id) ?? null },
        shellOf(c, place, 'payments', version),
      ),
    );
  });
  app.get('/export/:kind', (c) => {
    const kind = c.req.param('kind');
    if (!isExport(kind)) throw new WalletError('not_found', 'There is no such export.');
    const { type, end } = EXPORTS[kind];
    c.header('Content-Type', type);
    c.header('Content-Disposition', `attachment; filename="purser-payments.${end}"`);
    const filter = filterOf(readFilter(c.req.query()), now());
    return stream(c, async (out) => {
      for await (const piece of exportRows(ledger, filter, kind)) {
        if (out.aborted) return;
        await out.write(piece);
      }
    });
  });
  const readMonth = (month: string): Promise<Statement> =>
    desk.made(`${STATEMENT}${month}`, () => {
      const period = monthOf(month);
      if (period === null) throw new WalletError('not_found', 'There is no such month.');
      return desk.parts.readStatement(period, sayTime);
    });
  app.get('/money', async (c) => {
    const nowMs = now();
    const month = monthIn(c.req.query('month'), nowMs);
    const look = desk.look();
    const [statement, version] = await Promise.all([readMonth(month), versionOf(place)]);
    const parts = { month, statement, nowMs, notes: look.notes };
    return c.html(viewMoney(parts, shellOf(c, place, 'money', version)));
  });
  app.get('/money/:kind', async (c) => {
    const kind = c.req.param('kind');
    if (!Object.hasOwn(STATEMENT_FILES, kind)) throw new WalletError('not_found', 'There is no such export.');
    const { type, end, write } = STATEMENT_FILES[kind as StatementFile];
    const month = monthIn(c.req.query('month'), now());
    c.header('Content-Type', type);
    c.header('Content-Disposition', `attachment; filename="purser-statement-${month}.${end}"`);
    return c.body(write(await readMonth(month)));
  });
  app.get('/sellers', async (c) => {
    const days = daysOf(c);
    const [groups, { hosts }, version] = await Promise.all([
      desk.made(`sellers ${days}`, () =>
        ledger.groupPayments('by_host', { sinceMs: now() - days * DAY_MS }, GROUPS_MAX),
      ),
      config(),
      versionOf(place),
    ]);
    return c.html(viewSellers({ groups, days, hosts }, shellOf(c, place, 'sellers', version)));
  });
  app.get('/agents', async (c) => {
    const days = daysOf(c);
    const [groups, agents, version] = await Promise.all([
      desk.made(`agents ${days}`, () =>
        ledger.groupPayments('by_agent', { sinceMs: now() - days * DAY_MS }, GROUPS_MAX),
      ),
      listAgents(),
      versionOf(place),
    ]);
    return c.html(viewAgents({ groups, agents, days }, shellOf(c, place, 'agents', version)));
  });
  addSettings(app, {
    ...{ settings: desk.parts.settings, inbox: place.inbox, port: place.port },
    passkeyPlace: place.passkeyPlace,
    shell: async (c) => shellOf(c, place, 'settings', await versionOf(place)),
  });
  app.get('/desk/changes', async (c) => {
    desk.money();
    const { version } = await versionOf(place);
    return c.json({ token: c.get('visit').token, version, shown: '' });
  });
  app.post('/freeze', async (c) => {
    await freeze();
    return c.redirect(`${c.get('visit').base}/home`, 303);
  });
  app.post('/agents/:name/suspend', async (c) => {
    await suspend(text(c.req.param('name')));
    return c.redirect(`${c.get('visit').base}/agents`, 303);
  });

  async function versionOf({ inbox: questions }: DeskPlace): Promise<Version> {
    const [{ seq, frozen }, pending] = await Promise.all([ledger.head(), questions.list('pending')]);
    const waiting = pending.length;
    return {
      version: `${seq} ${String(frozen)} ${waiting} ${desk.money().version} ${desk.look().version}`,
      waiting,
    };
  }
}

interface Version {
  /** What tells one state of the wallet from another. */
  readonly version: string;
  readonly waiting: number;
}

function shellOf(
  c: Ctx,
  { command }: DeskPlace,
  at: NonNullable<PageParts['nav']>['at'],
  { version, waiting }: Version,
): Shell {
  const visit = c.get('visit');
  return {
    visit,
    command,
    nav: { at, waiting },
    watch: { path: `${visit.base}/desk/changes`, version, shown: '', own: '', isLive: true },
  };
}

/** The window of a page in days: 1, 7 or 30. */
function daysOf(c: Context): number {
  const asked = Number(c.req.query('days'));
  return WINDOWS.some(([days]) => days === asked) ? asked : 30;
}
