import { formatUsd } from '../money/decimal.js';
import type { BalanceLine, LimitLine } from '../wallet/balance.js';
import type { EntryView, GroupView } from '../wallet/ledgerView.js';
import type { OutcomeCode, PaymentView, ResponseView, ToldOutcome } from '../wallet/answer/outcome.js';

/** What a client gets of an outcome as structure, and the text is written from. */
export type Structure = Readonly<Record<string, unknown>>;

const NOTHING_SPENT = formatUsd(0n);

/** The scheme that is meant where none is named. */
const USUAL_SCHEME = 'exact';

/** Tools whose results move no money and tell none of what may be spent; `code` is their own word of success. */
const LOOKS_ONLY: OutcomeCode = 'ok';

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
    why,
    expires_at: expires,
    quotes,
    entitlement,
    bought,
    scheme,
    session_left_usd: sessionLeft,
    ...rest
  } = outcome;
  const isAside = outcome.code === LOOKS_ONLY && limits === undefined;
  return withoutNull({
    status,
    ...rest,
    // The owner is told it in the same words.
    why: typeof why === 'string' && outcome.tell_owner?.includes(why) === true ? null : why,
    session_left_usd: isAside ? null : sessionLeft,
    // A call that went well is over; every other one says what may be done about it.
    retry: status === 'ok' && retry === 'never' ? null : retry,
    spent_usd: spent === NOTHING_SPENT ? null : spent,
    payment: payment === null ? null : shortPayment(payment),
    response: response === null ? null : shortResponse(response, outcome),
    entries: Array.isArray(entries)
      ? (entries as EntryView[]).map(payment === null ? shortEntry : entryBeside)
      : null,
    results: Array.isArray(results) ? results.map(shortResult) : null,
    // What only a protocol's own parts have a use for.
    x402_version: null,
    scheme: scheme === USUAL_SCHEME ? null : scheme,
    expires_at: toSecond(expires),
    quotes: Array.isArray(quotes) ? quotes.map(shortQuote) : null,
    entitlement: isRecord(entitlement) ? shortEntitlement(entitlement) : null,
    bought: isRecord(bought) ? shortEntitlement(bought) : null,
    balances: Array.isArray(balances) ? (balances as BalanceLine[]).map(shortBalance) : null,
    prepaid: Array.isArray(prepaid) ? prepaid.map(shortPrepaid) : null,
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
  return withoutNull({ network, asset, address, on_chain, held, spendable, permit2_allowance });
}

function shortLimit({ name, max_usd, used_usd, left_usd }: LimitLine): Structure {
  return withoutNull({ name, max_usd, left_usd, used_usd });
}

/** One of several quotes: where it is paid as asked, its price and network say what its sentence says. */
function shortQuote(quote: unknown): unknown {
  if (!isRecord(quote)) return quote;
  const {
    status,
    scheme,
    message,
    expires_at: expires,
    listed,
    advice,
    x402_version: _version,
    ...rest
  } = quote;
  const isPlain = rest['verdict'] === 'allow' && listed === undefined && advice === undefined;
  return withoutNull({
    ...rest,
    status: status === 'ok' ? null : status,
    scheme: scheme === USUAL_SCHEME ? null : scheme,
    expires_at: toSecond(expires),
    message: isPlain ? null : message,
    advice,
  });
}

/** What was used, by what it is: where it is good is the call that it was used for. */
function shortEntitlement(entitlement: Structure): Structure {
  const { id, kind, value_left: left, unit, payment_id: payment } = entitlement;
  return withoutNull({ id, kind, value_left: left, unit, payment_id: payment });
}

function shortPrepaid(entitlement: unknown): unknown {
  if (!isRecord(entitlement)) return entitlement;
  return withoutNull({ ...entitlement, expires_at: toSecond(entitlement['expires_at']) });
}

/** A time in ISO 8601 without its thousandths. */
function toSecond(time: unknown): string | null {
  return typeof time === 'string' ? time.replace(/\.\d+Z$/, 'Z') : null;
}

/** A row of the ledger by what an agent looks for; what is as usual is left out. */
function shortEntry({ time, id, state, usd, method, url, delivery, note, labels }: EntryView): Structure {
  return withoutNull({
    ...{ time: `${time.slice(0, 19)}Z`, id, state, usd },
    url,
    delivery,
    method: method === 'GET' ? null : method,
    note,
    labels: given(labels),
  });
}

/** What a payment was for, beside the payment itself, which tells all else. */
function entryBeside({ time, method, url, delivery, note, reason, labels }: EntryView): Structure {
  return withoutNull({
    ...{ time: `${time.slice(0, 19)}Z`, url, method: method === 'GET' ? null : method },
    ...{ delivery, note, reason, labels: given(labels) },
  });
}

/** Labels, or null where there are none. */
function given(labels: EntryView['labels']): EntryView['labels'] | null {
  return Object.keys(labels).length === 0 ? null : labels;
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
    isRecord(value)
      ? withoutEmpty(value)
      : Array.isArray(value)
        ? value.map((one: unknown) => (isRecord(one) ? withoutEmpty(one) : one))
        : value,
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

/** The headers of an answer, without the type of a body that is shown or empty, and without what the outcome tells. */
export function usefulHeaders(
  { headers, head, stored_id }: Pick<ResponseView, 'headers' | 'head' | 'stored_id'>,
  { next, retry_after_s }: Pick<ToldOutcome, 'next' | 'retry_after_s'>,
): ResponseView['headers'] {
  const { 'content-type': type } = headers;
  const isPlain = typeof type === 'string' && PLAIN_TYPES.includes(type.split(';')[0]?.trim() ?? '');
  const isBare = isPlain && (stored_id === undefined || head !== undefined);
  const told = [
    ...(retry_after_s === null ? [] : ['retry-after']),
    ...(typeof next?.arguments['url'] === 'string' ? ['location', 'operation-location'] : []),
  ];
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !(isBare && name === 'content-type') && !told.includes(name)),
  );
}

function shortResponse(response: ResponseView, outcome: ToldOutcome): Structure {
  const { truncated, bytes, stored_id, headers: _headers, body, ...rest } = response;
  const useful = usefulHeaders(response, outcome);
  const isWhole = stored_id === undefined && !truncated;
  return withoutNull({
    ...rest,
    body: body === '' ? null : body,
    headers: isEmpty(useful) ? null : useful,
    // By the payment's id wallet_response finds it too, and that is a third as long.
    stored_id: stored_id === undefined ? null : (outcome.payment?.id ?? stored_id),
    ...(isWhole ? {} : { bytes, truncated: truncated ? true : null }),
  });
}

function withoutNull(fields: Record<string, unknown>): Structure {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== null && value !== undefined),
  );
}
