import { z } from 'zod';
import { statementData } from '../../cli/ledger/statementFile.js';
import { WalletError } from '../../errors/walletError.js';
import { formatUsd } from '../../money/decimal.js';
import { monthOf } from '../../treasury/statement/readStatement.js';
import { isLabelName } from '../../payment/labels.js';
import type { ReportFilter } from '../../ledger/books/report.js';
import { viewEntry, viewGroup } from '../../wallet/ledgerView.js';
import { STATES } from '../../web/desk/payments/filter.js';
import { route } from './route.js';
import { agentName, id, iso, time, usd } from './schemas.js';

const DAY_MS = 24 * 3_600_000;
const ROWS_DEFAULT = 50;
const ROWS_MAX = 200;
/** Acts that are shown: more than anybody looks back. */
const ACTS_MAX = 200;

const payment = z.looseObject({
  id: z.string(),
  kind: z.enum(['payment', 'withdrawal']),
  state: z.string(),
  time,
  agent: z.string(),
  host: z.string(),
  usd,
  held_usd: usd,
  captured_usd: usd.nullable(),
  amount_atomic: z.string(),
  asset: z.string(),
  network: z.string(),
  pay_to: z.string(),
  tx: z.string().nullable(),
  delivery: z.string().nullable(),
});
const rows = z.coerce.number().int().min(1).max(ROWS_MAX).default(ROWS_DEFAULT);
const moment = z.iso.datetime().optional().describe('ISO 8601, in UTC.');

/** What totals are of; of a category as it was filed when it was paid. */
const GROUPINGS = ['host', 'agent', 'day', 'session', 'category'] as const;
const LABEL = 'label.';

/** What was paid, what it comes to, how the wallet stands, and who did what by this API. */
export const bookRoutes = [
  route({
    ...{ method: 'get', path: '/health', id: 'health', role: 'viewer' },
    summary: 'How the wallet stands.',
    answer: z.object({
      status: z.enum(['ok', 'frozen']),
      ledger_seq: z.number(),
      config_version: z.number(),
      open_payments: z.number(),
      held_usd: usd,
      captured_24h_usd: usd,
      approvals_waiting: z.number(),
    }),
    handle: async ({ ledger, inbox, now }) => {
      const [head, open, waiting] = await Promise.all([
        ledger.head(),
        ledger.openBooks(now() - DAY_MS),
        inbox.list('pending'),
      ]);
      return {
        ...{
          status: head.frozen ? 'frozen' : 'ok',
          ledger_seq: head.seq,
          config_version: head.configVersion,
        },
        ...{ open_payments: open.open, held_usd: formatUsd(open.heldUsdMicros) },
        captured_24h_usd: formatUsd(open.capturedUsdMicros),
        approvals_waiting: waiting.length,
      };
    },
  }),
  route({
    ...{ method: 'get', path: '/payments', id: 'listPayments', role: 'viewer' },
    summary: 'Payments and withdrawals, newest first, in pages.',
    query: z.strictObject({
      agent: agentName.optional(),
      host: z.string().max(255).optional(),
      state: z.enum(STATES).optional(),
      since: moment,
      until: moment,
      cursor: z.string().max(300).optional().describe('next_cursor of the page before.'),
      limit: rows,
    }),
    answer: z.object({ payments: z.array(payment), next_cursor: z.string().nullable() }),
    handle: async ({ ledger }, { query }) => {
      const { state, cursor, limit } = query;
      const filter = { ...filterOf(query), ...(state === undefined ? {} : { state }) };
      const page = await ledger.listAttempts(filter, limit, cursor ?? null);
      return { payments: page.attempts.map(viewEntry), next_cursor: page.nextCursor };
    },
  }),
  route({
    ...{ method: 'get', path: '/payments/{id}', id: 'showPayment', role: 'viewer' },
    summary: 'One payment or withdrawal.',
    ...{ params: z.strictObject({ id }), answer: payment },
    handle: async ({ ledger }, { params }) => {
      const found = (await ledger.findPayment(params.id)) ?? (await ledger.withdrawals.find(params.id));
      if (found === null) throw new WalletError('not_found', 'There is no such payment.');
      return viewEntry(found);
    },
  }),
  route({
    ...{ method: 'get', path: '/totals', id: 'showTotals', role: 'viewer' },
    summary: 'What payments come to, by what they have in common, the largest first.',
    query: z.strictObject({
      by: z
        .string()
        .max(40)
        .refine(
          (by) =>
            GROUPINGS.some((one) => one === by) ||
            (by.startsWith(LABEL) && isLabelName(by.slice(LABEL.length))),
        )
        .describe(
          `${GROUPINGS.join(', ')}, or ${LABEL}NAME: the values of one label, empty for payments without it.`,
        ),
      agent: agentName.optional(),
      host: z.string().max(255).optional(),
      since: moment,
      until: moment,
      limit: rows,
    }),
    answer: z.object({
      totals: z.array(
        z.object({
          ...{ key: z.string(), payments: z.number(), delivered: z.number() },
          ...{ captured_usd: usd, held_usd: usd, lost_usd: usd, first: time, last: time },
        }),
      ),
    }),
    handle: async ({ ledger }, { query }) => {
      const { by, limit } = query;
      const grouping = GROUPINGS.find((one) => one === by);
      const filter = filterOf(query);
      const groups =
        grouping === undefined
          ? await ledger.groupByLabel(by.slice(LABEL.length), filter, limit)
          : await ledger.groupPayments(`by_${grouping}`, filter, limit);
      return { totals: groups.map(viewGroup) };
    },
  }),
  route({
    ...{ method: 'get', path: '/statements/{month}', id: 'showStatement', role: 'viewer' },
    summary: 'The statement of a month, by network and asset, out of what was seen of the chains.',
    params: z.strictObject({ month: z.string().regex(/^\d{4}-\d{2}$/) }),
    answer: z.looseObject({ from: time, until: time, accounts: z.array(z.looseObject({})) }),
    handle: async ({ readStatement }, { params }) => {
      const period = monthOf(params.month);
      if (period === null) throw new WalletError('not_found', 'There is no such month.');
      return statementData(await readStatement(period));
    },
  }),
  route({
    ...{ method: 'get', path: '/acts', id: 'listActs', role: 'viewer' },
    summary: 'What clients of this API asked for, newest first, from the journal.',
    answer: z.object({
      acts: z.array(
        z.object({ time, client: z.string(), role: z.string(), act: z.string(), subject: z.string() }),
      ),
    }),
    handle: async ({ ledger }) => ({
      acts: (await ledger.adminActs.list(ACTS_MAX)).map(({ atMs, client, role, act, subject }) => ({
        ...{ time: iso(atMs), client, role, act, subject },
      })),
    }),
  }),
];

/** Which payments a query is about. */
function filterOf({
  agent,
  host,
  since,
  until,
}: Readonly<Partial<Record<'agent' | 'host' | 'since' | 'until', string | undefined>>>): ReportFilter {
  return {
    ...(agent === undefined ? {} : { agent }),
    ...(host === undefined ? {} : { host: host.toLowerCase() }),
    ...(since === undefined ? {} : { sinceMs: Date.parse(since) }),
    ...(until === undefined ? {} : { untilMs: Date.parse(until) }),
  };
}
