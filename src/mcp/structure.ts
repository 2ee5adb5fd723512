import { formatUsd } from '../money/decimal.js';
import type { BalanceLine, LimitLine } from '../wallet/balance.js';
import type { EntryView, GroupView } from '../wallet/ledgerView.js';
import type { PaymentView, ResponseView, ToldOutcome } from '../wallet/answer/outcome.js';

/** What a client gets of an outcome as structure, and the text is written from. */
export type Structure = Readonly<Record<string, unknown>>;

const NOTHING_SPENT = formatUsd(0n);

/**
 * An outcome without what says nothing: models read each of these fields with every result. A field that is absent is
 * null, or is what the tool's words say it is.
 */
export function structureOf(outcome: ToldOutcome): Structure {
  const {
    status,
    retry,
    spent_usd: spent,
    payment,
    response,
    entries,
    results,
    prepaid,
    groups,
    balances,
    limits,
    expires_at: expires,
    ...rest
  } = outcome;
  return withoutNull({
    status,
    ...rest,
    // A call that went well is over; every other one says what may be done about it.
    retry: status === 'ok' && retry === 'never' ? null : retry,
    spent_usd: spent === NOTHING_SPENT ? null : spent,
    payment: payment === null ? null : shortPayment(payment),
    response: response === null ? null : shortResponse(response),
    entries: Array.isArray(entries)
      ? (entries as EntryView[]).map(payment === null ? shortEntry : entryBeside)
      : null,
    results: Array.isArray(results) ? results.map(shortResult) : null,
    // What only a protocol's own parts have a use for.
    x402_version: null,
    expires_at: typeof expires === 'string' ? expires.replace(/\.\d+Z$/, 'Z') : null,
    balances: Array.isArray(balances) ? (balances as BalanceLine[]).map(shortBalance) : null,
    prepaid: Array.isArray(prepaid) ? prepaid.map(shortResult) : null,
    groups: Array.isArray(groups) ? (groups as GroupView[]).map(shortGroup) : null,
    limits: Array.isArray(limits) ? (limits as LimitLine[]).map(shortLimit) : null,
  });
}

/** A payment with all that is known of it: where it went, in which transaction, and how much. */
function shortPayment({ confirmed, held_usd, captured_usd, ...payment }: PaymentView): Structure {
  // Where all of it is held, or paid, `usd` says it.
  const isWhole = held_usd === (captured_usd ?? held_usd) && payment.claimed_usd === null;
  const parts = isWhole ? {} : { held_usd, captured_usd };
  return withoutNull({ ...payment, ...parts, confirmed: confirmed ? true : null });
}

function shortBalance(line: BalanceLine): Structure {
  const { network, asset, address, on_chain, held, spendable, permit2_allowance } = line;
  return {
    ...{ network, asset, address, on_chain, held, spendable },
    ...(permit2_allowance === null ? {} : { permit2_allowance }),
  };
}

function shortLimit({ name, max_usd, used_usd, left_usd }: LimitLine): Structure {
  return { name, max_usd, used_usd, left_usd };
}

/** A row of the ledger by what an agent looks for; what is as usual is left out. */
function shortEntry({ time, id, state, usd, method, url, delivery, note }: EntryView): Structure {
  return withoutNull({
    ...{ time: `${time.slice(0, 19)}Z`, id, state, usd },
    url,
    method: method === 'GET' ? null : method,
    delivery: delivery === 'delivered' ? null : delivery,
    note,
  });
}

/** What a payment was for, beside the payment itself, which tells all else. */
function entryBeside({ time, id, method, url, delivery, note, reason }: EntryView): Structure {
  return withoutNull({ time: `${time.slice(0, 19)}Z`, id, method, url, delivery, note, reason });
}

/** A total by what an agent asks for; what is zero is left out. */
function shortGroup({ key, payments, captured_usd, held_usd, lost_usd, last, seller }: GroupView): Structure {
  return withoutNull({
    ...{ key, payments, captured_usd },
    held_usd: held_usd === NOTHING_SPENT ? null : held_usd,
    lost_usd: lost_usd === NOTHING_SPENT ? null : lost_usd,
    last: `${last.slice(0, 16)}Z`,
    seller,
  });
}

/** A result of a search without what a listing says nothing of. */
function shortResult(result: unknown): unknown {
  if (typeof result !== 'object' || result === null) return result;
  const { seller, ...ours } = result as Record<string, unknown>;
  const theirs = isRecord(seller) ? withoutEmpty(seller) : seller;
  return withoutNull({ ...ours, seller: theirs });
}

/** Without null, empty lists and records of nothing else. */
function withoutEmpty(fields: Readonly<Record<string, unknown>>): Structure {
  const kept = Object.entries(fields).map(([name, value]) => [
    name,
    isRecord(value) ? withoutEmpty(value) : value,
  ]);
  return Object.fromEntries(
    kept.filter(([, value]) => value !== null && value !== undefined && !isEmpty(value)),
  ) as Structure;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/** Types that a body shows by itself: JSON comes as a value, text as text. */
const PLAIN_TYPES: readonly string[] = ['application/json', 'text/plain'];

/** The headers of an answer, without the type of a body that is shown whole. */
export function usefulHeaders({
  headers,
  body,
}: Pick<ResponseView, 'headers' | 'body'>): ResponseView['headers'] {
  const { 'content-type': type, ...rest } = headers;
  const isPlain = typeof type === 'string' && PLAIN_TYPES.includes(type.split(';')[0]?.trim() ?? '');
  return body !== undefined && isPlain ? rest : headers;
}

function shortResponse(response: ResponseView): Structure {
  const { truncated, bytes, stored_id, headers: _headers, ...rest } = response;
  const useful = usefulHeaders(response);
  const isWhole = stored_id === undefined && !truncated;
  return withoutNull({
    ...rest,
    headers: isEmpty(useful) ? null : useful,
    stored_id,
    ...(isWhole ? {} : { bytes, truncated: truncated ? true : null }),
  });
}

function withoutNull(fields: Record<string, unknown>): Structure {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== null && value !== undefined),
  );
}
