import type { DELIVERIES } from '../../../ledger/attempts/payment.js';
import type { AttemptState } from '../../../ledger/attempts/attempt.js';
import type { ReportFilter } from '../../../ledger/books/report.js';
import { AGENT_NAME } from '../../../money/agent.js';
import { cleanLine } from '../../../text/untrusted.js';

/** A day of the machine's own zone, such as `2027-03-31`. */
const DAY = /^(\d{4})-(\d{2})-(\d{2})$/;

/** States as the owner picks them. */
export const STATES = [
  'captured',
  'unknown',
  'held',
  'signed',
  'sent',
  'released',
] as const satisfies readonly AttemptState[];
/** Which payments the owner wants to see. */
export interface PaymentFilter {
  /** A piece of the URL, the reason, the payee, the transaction or the id. */
  readonly words?: string;
  readonly host?: string;
  readonly agent?: string;
  readonly state?: (typeof STATES)[number];
  /** The first day, and the last. */
  readonly from?: string;
  readonly to?: string;
  /** Those alone that were paid for and brought nothing. */
  readonly lost?: true;
}

/** Longer than any name of a host. */
const HOST_CHARS_MAX = 255;
/** Longer than any transaction. */
const WORDS_CHARS_MAX = 200;

/** Reads a filter from a page's query; what it does not know it leaves out. */
export function readFilter(query: Readonly<Record<string, string>>): PaymentFilter {
  const host = cleanLine(query['host'] ?? '', HOST_CHARS_MAX)
    .trim()
    .toLowerCase();
  const words = cleanLine(query['words'] ?? '', WORDS_CHARS_MAX)
    .trim()
    .toLowerCase();
  const agent = query['agent'] ?? '';
  const state = STATES.find((one) => one === query['state']);
  const [from, to] = [dayOf(query['from']), dayOf(query['to'])];
  return {
    ...(words === '' ? {} : { words }),
    ...(host === '' ? {} : { host }),
    ...(AGENT_NAME.test(agent) ? { agent } : {}),
    ...(state === undefined ? {} : { state }),
    ...(from === null ? {} : { from }),
    ...(to === null ? {} : { to }),
    ...(query['lost'] === '1' ? { lost: true } : {}),
  };
}

function dayOf(text = ''): string | null {
  return DAY.test(text) && !Number.isNaN(Date.parse(text)) ? text : null;
}

/** The midnight that a day begins with, some days on. */
function midnight(day: string, on = 0): number {
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number);
  return new Date(year, month - 1, date + on).getTime();
}

/** The same as the ledger takes it. */
export function filterOf({ words, host, agent, state, from, to, lost }: PaymentFilter): ReportFilter {
  return {
    ...(words === undefined ? {} : { words }),
    ...(host === undefined ? {} : { host }),
    ...(agent === undefined ? {} : { agent }),
    ...(state === undefined ? {} : { state }),
    ...(from === undefined ? {} : { sinceMs: midnight(from) }),
    ...(to === undefined ? {} : { untilMs: midnight(to, 1) }),
    ...(lost === undefined ? {} : { undelivered: true }),
  };
}

/** The same as a query, with more that goes along; empty where there is nothing in it. */
export function filterQuery(filter: PaymentFilter, more: Readonly<Record<string, string>> = {}): string {
  const { lost, ...texts } = filter;
  const query = new URLSearchParams({
    ...texts,
    ...(lost === undefined ? {} : { lost: '1' }),
    ...more,
  });
  return query.size === 0 ? '' : `?${query.toString()}`;
}

/** What was brought, as the owner reads it. */
export const DELIVERY_WORDS: Readonly<Record<(typeof DELIVERIES)[number], string>> = {
  delivered: 'delivered',
  pending: 'result still to come',
  empty: 'brought nothing: empty',
  error: 'brought an error',
  schema_mismatch: 'not what was listed',
  lost: 'brought nothing: lost',
};
