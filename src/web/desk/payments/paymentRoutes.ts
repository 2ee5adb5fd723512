import { stream } from 'hono/streaming';
import { WalletError } from '../../../errors/walletError.js';
import { viewEntry } from '../../../wallet/ledgerView.js';
import type { DeskRoom } from '../room.js';
import { EXPORTS, exportRows, isExport } from './export.js';
import { filterOf, readFilter } from './filter.js';
import { viewPayment } from './paymentPage.js';
import { viewPayments } from './paymentsPage.js';

/** Payments a page. */
const PAGE_ROWS = 50;

/** Adds the list of payments, each payment's own page, and the files of them. */
export function addPayments({ app, desk, now, shell }: DeskRoom): void {
  const { ledger, listAgents, readAnswer } = desk.parts;
  app.get('/payments', async (c) => {
    const filter = readFilter(c.req.query());
    const [page, agents, frame] = await Promise.all([
      ledger.listAttempts(filterOf(filter), PAGE_ROWS, c.req.query('cursor') ?? null),
      listAgents(),
      shell(c, 'payments'),
    ]);
    const statuses = await ledger.answerStatuses(page.attempts.map(({ id }) => id));
    const { nextCursor } = page;
    const entries = page.attempts.map(viewEntry);
    return c.html(viewPayments({ filter, entries, statuses, agents, nextCursor, nowMs: now() }, frame));
  });
  app.get('/payments/:id', async (c) => {
    const id = c.req.param('id');
    const payment = (await ledger.findPayment(id)) ?? (await ledger.withdrawals.find(id));
    if (payment === null) throw new WalletError('not_found', 'There is no such payment.');
    const [statuses, answer, frame] = await Promise.all([
      ledger.answerStatuses([payment.id]),
      payment.kind === 'payment' ? readAnswer(payment) : null,
      shell(c, 'payments'),
    ]);
    return c.html(viewPayment(payment, { status: statuses.get(payment.id) ?? null, answer }, frame));
  });
  app.get('/export/:kind', (c) => {
    const kind = c.req.param('kind');
    if (!isExport(kind)) throw new WalletError('not_found', 'There is no such export.');
    const { type, end } = EXPORTS[kind];
    c.header('Content-Type', type);
    c.header('Content-Disposition', `attachment; filename="purser-payments.${end}"`);
    const filter = filterOf(readFilter(c.req.query()));
    return stream(c, async (out) => {
      for await (const piece of exportRows(ledger, filter, kind)) {
        if (out.aborted) return;
        await out.write(piece);
      }
    });
  });
}
