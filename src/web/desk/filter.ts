import type { DELIVERIES } from '../../ledger/attempts/payment.js';
import type { AttemptState } from '../../ledger/attempts/attempt.js';
import type { ReportFilter } from '../../ledger/books/report.js';
import { AGENT_NAME } from '../../money/agent.js';

const DAY_MS = 24 * 3600 * 1000;

/** States as the owner picks them. */
export const STATES = [
  'captured',
  'unknown',
  'held',
  'signed',
  'sent',
  'released',
] as const satisfies readonly AttemptState[];
/** Windows of the list, in days. */
export const DAYS = [1, 7, 30, 365] as const;

/** Which payments the owner wants to see. */
export interface PaymentFilter {
  readonly host?: string;
  readonly agent?: string;
  readonly state?: (typeof STATES)[number];
  readonly days?: (typeof DAYS)[number];
  /** Those alone that were paid for and brought nothing. */
  readonly lost?: true;
}

/** Longer than any name of a host. */
const HOST_CHARS_MAX = 255;

/** Reads a filter from a page's query; what it does not know it leaves out. */
export function readFilter(query: Readonly<Record<string, string>>): PaymentFilter {
  const host = (query['host'] ?? '').trim().toLowerCase().slice(0, HOST_CHARS_MAX);
  const agent = query['agent'] ?? '';
  const state = STATES.find((one) => one === query['state']);
  const days = DAYS.find((one) => String(one) === query['days']);
  return {
    ...(host === '' ? {} : { host }),
    ...(AGENT_NAME.test(agent) ? { agent } : {}),
    ...(state === undefined ? {} : { state }),
    ...(days === undefined ? {} : { days }),
    ...(query['lost'] === '1' ? { lost: true } : {}),
  };
}

/** The same as the ledger takes it. */
export function filterOf({ host, agent, state, days, lost }: PaymentFilter, nowMs: number): ReportFilter {
  return {
    ...(host === undefined ? {} : { host }),
    ...(agent === undefined ? {} : { agent }),
    ...(state === undefined ? {} : { state }),
    ...(days === undefined ? {} : { sinceMs: nowMs - days * DAY_MS }),
    ...(lost === undefined ? {} : { undelivered: true }),
  };
}

/** The same as a query, with more that goes along; empty where there is nothing in it. */
export function filterQuery(filter: PaymentFilter, more: Readonly<Record<string, string>> = {}): string {
  const { lost, days, ...texts } = filter;
  const query = new URLSearchParams({
    ...texts,
    ...(days === undefined ? {} : { days: String(days) }),
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
