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
    groups,
    balances,
    limits,
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
    entries: Array.isArray(entries) ? (entries as EntryView[]).map(shortEntry) : null,
    balances: Array.isArray(balances) ? (balances as BalanceLine[]).map(shortBalance) : null,
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

/** A row of the ledger by what an agent looks for; one payment by its id tells the rest. */
function shortEntry(
  { time, id, state, usd, method, url, network, tx, note }: EntryView,
  _at: number,
  all: readonly unknown[],
): Structure {
  const row = { time: `${time.slice(0, 19)}Z`, id, state, usd, method, url, note };
  return all.length === 1 ? { ...row, network, tx } : row;
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

function shortResponse({ truncated, bytes, stored_id, headers, ...rest }: ResponseView): Structure {
  const isWhole = stored_id === undefined && !truncated;
  return withoutNull({
    ...rest,
    headers: Object.keys(headers).length === 0 ? null : headers,
    stored_id,
    ...(isWhole ? {} : { bytes, truncated: truncated ? true : null }),
  });
}

function withoutNull(fields: Record<string, unknown>): Structure {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== null && value !== undefined),
  );
}
