import { WalletError } from '../../../errors/walletError.js';
import type { ReportGroup, SpendCell } from '../../../ledger/books/report.js';
import { pausedUntilMs } from '../../../policy/history.js';
import type { UsdMicros } from '../../../money/unit.js';
import { localDay } from '../../../text/localTime.js';
import type { DeskRoom } from '../room.js';
import { periodsOf } from '../spending/period.js';
import { spanOf, windowOf } from '../spending/window.js';
import { viewSeller, type SellerPause } from './sellerPage.js';
import { viewSellers } from './sellersPage.js';

/** Payments whose prices are drawn. */
const PRICES_SHOWN = 200;
/** A host as the ledger has it: longer is none. */
const HOST = /^[a-z0-9._[\]:-]{1,255}$/;

/** Adds the list of sellers, and each seller's own page. */
export function addSellers({ app, desk, now, shell }: DeskRoom): void {
  const { ledger, config } = desk.parts;
  app.get('/sellers', async (c) => {
    const window = windowOf(c.req.query('time'));
    const nowMs = now();
    const [groups, { hosts }, frame] = await Promise.all([
      desk.book.groups(spanOf(window, nowMs), ({ host }) => host),
      config(),
      shell(c, 'sellers'),
    ]);
    return c.html(viewSellers({ groups, window, hosts, nowMs }, frame));
  });
  app.get('/sellers/:host', async (c) => {
    const host = c.req.param('host').toLowerCase();
    if (!HOST.test(host)) throw new WalletError('not_found', 'There is no such seller.');
    const window = windowOf(c.req.query('time'));
    const nowMs = now();
    const days = periodsOf('day', nowMs);
    const span = spanOf(window, nowMs);
    const sinceMs = days[0]?.sinceMs ?? nowMs;
    const ofHost = async (
      within: { readonly sinceMs: number; readonly untilMs?: number },
      keyOf: (cell: SpendCell) => string,
    ): Promise<ReportGroup[]> =>
      (await desk.book.groups(within, (cell) => (cell.host === host ? keyOf(cell) : ''))).filter(
        ({ key }) => key !== '',
      );
    const [all, byDay, agents, origins, page, settings, frame] = await Promise.all([
      ofHost(span, () => host),
      ofHost({ sinceMs }, ({ startMs }) => localDay(startMs)),
      ofHost(span, ({ agent }) => agent),
      ofHost({ sinceMs }, ({ origin }) => origin),
      ledger.listPayments({ host, state: 'captured' }, PRICES_SHOWN, null),
      config(),
      shell(c, 'sellers'),
    ]);
    const pauses = await pausesOf(
      origins.map(({ key }) => key),
      nowMs,
    );
    const spent = new Map(byDay.map((group) => [group.key, group.capturedUsdMicros]));
    const bars = days.map(({ from }) => ({
      label: from,
      spent: spent.get(from) ?? (0n as UsdMicros),
      href: `${frame.visit.base}/payments?host=${host}&from=${from}&to=${from}`,
    }));
    const parts = { host, window, bars, agents, pauses, config: settings, nowMs };
    return c.html(viewSeller({ ...parts, group: all[0], payments: page.payments }, frame));
  });

  async function pausesOf(origins: readonly string[], nowMs: number): Promise<SellerPause[]> {
    const found = await Promise.all(
      origins.map(async (origin) => {
        const { failures, lastFailureMs } = await ledger.originHistory(origin, '');
        return { origin, failures, untilMs: pausedUntilMs({ failures, lastFailureMs }) };
      }),
    );
    return found.filter(({ untilMs }) => untilMs > nowMs);
  }
}
