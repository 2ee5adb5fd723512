import type { SpendCell } from '../../../ledger/books/report.js';
import type { Config } from '../../../config/settings.js';
import { categoryOf } from '../../../policy/category.js';
import { hostPortOf } from '../../../policy/host.js';
import type { DeskRoom } from '../room.js';
import { periodKindOf, periodsOf } from './period.js';
import { sideOf, spendingKey, viewSpending, type Side } from './spendingPage.js';

/** Adds the page of spending over time. */
export function addSpending({ app, desk, now, shell }: DeskRoom): void {
  app.get('/spending', async (c) => {
    const [kind, side] = [periodKindOf(c.req.query('by')), sideOf(c.req.query('side'))];
    const nowMs = now();
    const periods = periodsOf(kind, nowMs);
    const config = await desk.parts.config();
    const sinceMs = periods[0]?.sinceMs ?? nowMs;
    const groups = await desk.book.groups({ sinceMs }, spendingKey(periods, nameOf(side, config)));
    return c.html(viewSpending({ kind, side, periods, groups }, await shell(c, 'spending')));
  });
}

/** Where the owner has a category for a place now, it stands for all that was ever spent there. */
function nameOf(side: Side, { categories }: Pick<Config, 'categories'>): (cell: SpendCell) => string {
  if (side !== 'category') return (cell) => cell[side];
  const own = new Map<string, string | null>();
  return ({ origin, category }) => {
    let found = own.get(origin);
    if (found === undefined) {
      found = categoryOf(categories.hosts, hostPortOf(new URL(origin)));
      own.set(origin, found);
    }
    return found ?? category;
  };
}
