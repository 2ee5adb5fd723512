import { setTimeout as pause } from 'node:timers/promises';
import type { Config } from '../../config/settings.js';
import type { UsdMicros } from '../../money/unit.js';
import { localDay } from '../../text/localTime.js';
import { DAY_SEC, MONTH_SEC } from '../../policy/limits.js';
import { viewEntry } from '../../wallet/ledgerView.js';
import type { Desk } from './desk.js';
import { viewHome, type WindowUse } from './homePage.js';
import type { DeskRoom } from './room.js';
import { periodsOf } from './spending/period.js';

const DAY_MS = DAY_SEC * 1000;
/** A page is painted by then: sums that are still being read come a moment later. */
const SUMS_MS_MAX = 50;
/** Payments below the sums. */
const ENTRIES_SHOWN = 8;

/** Adds home, and the brake. */
export function addHome({ app, desk, now, shell }: DeskRoom): void {
  const { ledger, config, freeze } = desk.parts;
  app.get('/home', async (c) => {
    const nowMs = now();
    const balances = desk.money();
    const days = periodsOf('day', nowMs);
    const sums = Promise.all([
      desk.book.groups({ sinceMs: days[0]?.sinceMs ?? nowMs }, ({ startMs }) => localDay(startMs)),
      desk.book.groups({ sinceMs: nowMs - DAY_MS }, ({ agent }) => agent),
      desk.book.groups({ sinceMs: nowMs - DAY_MS }, ({ host }) => host),
    ]);
    const settings = await config();
    const [{ frozen }, windows, page, frame, proposals] = await Promise.all([
      ledger.head(),
      windowsOf(desk, settings, nowMs),
      ledger.listAttempts({}, ENTRIES_SHOWN, null),
      shell(c, 'home'),
      ledger.owners.proposals(nowMs),
    ]);
    const entries = page.attempts.map(viewEntry);
    const [{ waiting }, state] = [frame.nav, { proposals, frozen, config: settings }];
    const known = { ...state, windows, entries, balances, waiting };
    const [byDay, agents, sellers] = (await Promise.race([sums, pause(SUMS_MS_MAX, null)])) ?? [];
    if (byDay === undefined || agents === undefined || sellers === undefined)
      return c.html(viewHome({ ...known, spent: null }, frame));
    const ofDay = new Map(byDay.map((group) => [group.key, group.capturedUsdMicros]));
    const bars = days.map(({ from }) => ({
      label: from,
      spent: ofDay.get(from) ?? (0n as UsdMicros),
      href: `${frame.visit.base}/payments?from=${from}&to=${from}`,
    }));
    return c.html(viewHome({ ...known, spent: { bars, agents, sellers } }, frame));
  });
  app.post('/freeze', async (c) => {
    await freeze();
    return c.redirect(`${c.get('visit').base}/home`, 303);
  });
}

/** What counts against the wallet's own caps, as the ledger counts it when a payment begins. */
async function windowsOf(
  { parts }: Desk,
  { limits }: Pick<Config, 'limits'>,
  nowMs: number,
): Promise<WindowUse[]> {
  const windows = [
    ['24 hours', 'limits.per_day_usd', DAY_SEC, limits.perDayUsdMicros],
    ['30 days', 'limits.per_month_usd', MONTH_SEC, limits.perMonthUsdMicros],
  ] as const;
  const used = await parts.ledger.usage(
    windows.map(([, name, windowSec]) => ({ name, kind: 'cap', scope: { kind: 'wallet' }, windowSec })),
    nowMs,
  );
  return windows.map(([name, key, , maxUsdMicros], i) => ({
    ...{ name, key, maxUsdMicros },
    usedUsdMicros: used[i] ?? (0n as UsdMicros),
  }));
}
