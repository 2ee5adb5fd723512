import { isCleared } from '../ledger/attempts/answer.js';
import type { ReportFilter, ReportGroup } from '../ledger/books/report.js';
import type { Config } from '../config/settings.js';
import { WalletError } from '../errors/walletError.js';
import { isLive, openedWallMs } from '../ledger/attempts/attempt.js';
import type { Delivery, Payment } from '../ledger/attempts/payment.js';
import type { AnyAttempt, Withdrawal } from '../ledger/attempts/withdrawal.js';
import type { Ledger } from '../ledger/ledger.js';
import { overchargeOf } from './lightningStop.js';
import { isLabelName, NO_LABELS, type Labels } from '../payment/labels.js';
import { formatUsd } from '../money/decimal.js';
import { categoryOf } from '../policy/category.js';
import type { Engine } from './engine.js';
import { parseTimeArgument, type LedgerInput } from './input.js';
import {
  moneyOf,
  outcome,
  viewPayment,
  type NextCall,
  type Outcome,
  type PaymentView,
} from './answer/outcome.js';
import { reconcileAttempt } from './settle/reconcile.js';

const ROWS_DEFAULT = 20;
/** Longer than a healthy RPC takes; a slow one leaves the row as it stands. */
const ASK_CHAIN_MS = 8_000;

/** A payment as a line of the ledger: its view and what it was for. */
export interface EntryView extends PaymentView {
  /** A withdrawal is the owner's own: money to an address of theirs, or a refill of one of their agents. */
  readonly kind: 'payment' | 'withdrawal';
  readonly time: string;
  readonly method: string;
  readonly url: string;
  readonly host: string;
  readonly agent: string;
  readonly session: string;
  readonly money: string;
  /** What it brought; null while that is open. */
  readonly delivery: Delivery | null;
  readonly note: string | null;
  readonly reason: string | null;
  readonly labels: Labels;
}

/** A total of one host, day, session, category or value of a label; its key is empty for payments without that label. */
export interface GroupView {
  readonly key: string;
  readonly payments: number;
  readonly delivered: number;
  readonly captured_usd: string;
  readonly held_usd: string;
  /** Captured for what brought nothing. */
  readonly lost_usd: string;
  readonly first: string;
  readonly last: string;
  /** What catalogues say of a host, where one of this page is listed. */
  readonly seller?: { readonly title?: string; readonly sells?: readonly string[] };
}

/** What stands for the request in the entry of a withdrawal, which has none. No seller has this name. */
const NO_REQUEST = {
  method: 'POST',
  url: 'https://withdrawal.invalid',
  host: 'withdrawal.invalid',
  session: 'owner',
  delivery: null,
  reason: null,
  labels: NO_LABELS,
} as const;

/** The entry of a payment or of a withdrawal. */
export function viewEntry(attempt: AnyAttempt): EntryView {
  return {
    kind: attempt.kind,
    time: new Date(openedWallMs(attempt)).toISOString(),
    ...viewPayment(attempt),
    ...(attempt.kind === 'withdrawal' ? withoutRequest(attempt) : requestOf(attempt)),
    agent: attempt.agent,
    money: moneyOf(attempt),
    note: attempt.note,
  };
}

/** A refill says whose it is where a payment says what it is for. */
function withoutRequest({ refills }: Withdrawal): Pick<EntryView, keyof typeof NO_REQUEST> {
  return refills === null ? NO_REQUEST : { ...NO_REQUEST, reason: `refill of ${refills}` };
}

function requestOf({
  method,
  url,
  host,
  sessionId,
  delivery,
  reason,
  labels,
}: Payment): Pick<EntryView, keyof typeof NO_REQUEST> {
  return { method, url, host, session: sessionId, delivery, reason, labels };
}

/** A place as an agent names it: a host, `host:port`, or a URL of it. */
function placeOf(text: string): Pick<ReportFilter, 'host' | 'port'> {
  const named = text.includes('://');
  const url = URL.parse(named ? text : `https://${text}`);
  if (url === null) return { host: text };
  const port = url.port === '' ? (named && url.protocol === 'https:' ? '443' : undefined) : url.port;
  return { host: url.hostname, ...(port === undefined ? {} : { port }) };
}

/** The place a filter is about: a URL stands for all of its host. */
function hostText({ host, port }: Pick<ReportFilter, 'host' | 'port'>): string {
  return port === undefined ? JSON.stringify(host) : JSON.stringify(`${host}:${port}`);
}

/** Where there is nothing under a filter, what there is. */
function elsewhere({ host }: Pick<LedgerInput, 'host'>, found: number): Partial<Outcome> {
  return found > 0 || host === undefined
    ? {}
    : { next: { tool: 'wallet_ledger', arguments: { view: 'by_host' } } };
}

/** Which payments a call is about. Throws `bad_input` for a time that is none. */
export function filterOf(agent: string | undefined, input: Omit<LedgerInput, 'view'>): ReportFilter {
  return {
    // What the owner takes out is no business of an agent's.
    ...(agent === undefined ? {} : { agent, kind: 'payment' as const }),
    ...(input.since === undefined ? {} : { sinceMs: parseTimeArgument(input.since, 'since') }),
    ...(input.until === undefined ? {} : { untilMs: parseTimeArgument(input.until, 'until') }),
    ...(input.host === undefined ? {} : placeOf(input.host)),
    ...(input.state === undefined ? {} : { state: input.state }),
  };
}

/** The part of a `wallet_ledger` call that needs no keys: entries or totals by a grouping. */
export async function readLedger(
  ledger: Ledger,
  config: () => Promise<Pick<Config, 'categories'>>,
  agent: string | undefined,
  input: Omit<LedgerInput, 'view'> & { readonly view?: LedgerInput['view'] | 'by_agent' | LabelView },
  titlesOf: (host: string) => readonly string[] = () => [],
): Promise<Outcome> {
  const view = input.view ?? 'entries';
  const limit = input.limit ?? ROWS_DEFAULT;
  const filter = filterOf(agent, input);
  if (view === 'entries') {
    const page = await ledger.listAttempts(filter, limit, input.cursor ?? null);
    const entries = page.attempts.map(viewEntry);
    const more = page.nextCursor === null ? '' : ' There are more: pass cursor.';
    return outcome({
      status: 'ok',
      code: 'ok',
      message: `${entries.length} ${entries.length === 1 ? 'payment' : 'payments'}${filter.host === undefined ? '' : ` to ${hostText(filter)}`}, newest first.${more}`,
      entries,
      next_cursor: page.nextCursor,
      ...elsewhere(input, entries.length),
    });
  }
  const found = isLabelView(view)
    ? await ledger.groupByLabel(view.slice(BY_LABEL.length), filter, limit)
    : view === 'by_category'
      ? await groupByOwn(ledger, await config(), filter, limit)
      : view === 'lost'
        ? await ledger.groupPayments('by_host', { ...filter, undelivered: true }, limit)
        : await ledger.groupPayments(view, filter, limit);
  const isByHost = view === 'by_host' || view === 'lost';
  const titles = found.map(({ key }) => (isByHost ? titlesOf(key) : []));
  const isTitled = titles.some(({ length }) => length > 0);
  const groups = found.map((group, at): GroupView => ({
    ...viewGroup(group),
    ...(isTitled ? { seller: sellerOf(titles[at] ?? []) } : {}),
  }));
  return outcome({
    status: 'ok',
    code: 'ok',
    message: totalsMessage(view, found),
    groups,
    ...elsewhere(input, groups.length),
  });
}

/** A total as it is told. */
export function viewGroup(group: ReportGroup): GroupView {
  return {
    key: group.key,
    payments: group.payments,
    delivered: group.delivered,
    captured_usd: formatUsd(group.capturedUsdMicros),
    held_usd: formatUsd(group.heldUsdMicros),
    lost_usd: formatUsd(group.lostUsdMicros),
    first: new Date(group.firstMs).toISOString(),
    last: new Date(group.lastMs).toISOString(),
  };
}

const BY_LABEL = 'by_label.';
/** Totals by the values of one label, such as `by_label.team`. */
export type LabelView = `${typeof BY_LABEL}${string}`;

/** Whether a view is of the values of one label, by the rule for its name. */
export function isLabelView(view: string): view is LabelView {
  return view.startsWith(BY_LABEL) && isLabelName(view.slice(BY_LABEL.length));
}

/** More names of a host's endpoints than that say no more of what it is. */
const SELLS_MAX = 3;

/** A host by its one name; where its endpoints have several, none of them is the host's. */
function sellerOf(titles: readonly string[]): NonNullable<GroupView['seller']> {
  const [title] = titles;
  if (title === undefined) return {};
  return titles.length === 1 ? { title } : { sells: titles.slice(0, SELLS_MAX) };
}

const GROUP_NAMES: Readonly<Record<string, readonly [one: string, many: string]>> = {
  by_host: ['host', 'hosts'],
  by_day: ['day', 'days'],
  by_session: ['session', 'sessions'],
  by_category: ['category', 'categories'],
  lost: ['host', 'hosts'],
};

const NOTHING = formatUsd(0n);

function totalsMessage(view: string, groups: readonly ReportGroup[]): string {
  const [one, many] = GROUP_NAMES[view] ?? (isLabelView(view) ? ['value', 'values'] : ['total', 'totals']);
  const sum = (amounts: readonly bigint[]): string => formatUsd(amounts.reduce((a, b) => a + b, 0n));
  const captured = sum(groups.map((group) => group.capturedUsdMicros));
  const held = sum(groups.map((group) => group.heldUsdMicros));
  const payments = groups.reduce((all, group) => all + group.payments, 0);
  const lost = sum(groups.map((group) => group.lostUsdMicros));
  if (view === 'lost')
    return groups.length === 0
      ? 'Nothing was lost: no payment that is known of brought nothing.'
      : `$${lost} lost to ${groups.length} ${groups.length === 1 ? one : many}: ${payments} ${payments === 1 ? 'payment' : 'payments'} that brought nothing, an empty answer or an error alone.`;
  return `${groups.length} ${groups.length === 1 ? one : many}: ${payments} payments, $${captured} captured, $${held} held${lost === NOTHING ? '' : `, $${lost} for what brought nothing`}.`;
}

function groupByOwn(
  ledger: Ledger,
  { categories }: Pick<Config, 'categories'>,
  filter: ReportFilter,
  limit: number,
): Promise<ReportGroup[]> {
  return ledger.groupByCategory((place) => categoryOf(categories.hosts, place), filter, limit);
}

/** One payment, after the chain was asked where its end is open. Throws `not_found`. */
export async function readPayment(engine: Engine, id: string, signal: AbortSignal): Promise<Outcome> {
  const { ledger } = engine;
  const found = (await ledger.findPayment(id)) ?? (await ledger.withdrawals.find(id));
  if (found === null || found.agent !== engine.agent) {
    throw new WalletError('not_found', 'There is no payment by that id.');
  }
  const asking = AbortSignal.any([signal, AbortSignal.timeout(ASK_CHAIN_MS)]);
  const { attempt: payment, message, retryAtMs, owner } = await reconcileAttempt(engine, found, asking);
  const open = isLive(payment.state);
  const { advice, next } = await adviceOn(engine, payment);
  // The transaction stands in `payment`.
  const shown = payment.tx === null ? message : message.replace(` in ${payment.tx}`, '');
  return outcome({
    status: 'ok',
    code: 'ok',
    message: `${payment.id} is ${payment.state}${payment.state === 'captured' && !payment.confirmed ? ' (not confirmed by the chain yet)' : ''}. ${[shown, advice, overchargeOf(payment) ?? ''].join(' ').trimEnd()}`,
    money: moneyOf(payment),
    payment: viewPayment(payment),
    retry: open ? 'after_delay' : 'never',
    retry_after_s:
      open && retryAtMs !== null ? Math.max(1, Math.ceil((retryAtMs - engine.now()) / 1000)) : null,
    next,
    tell_owner: owner,
    entries: [viewEntry(payment)],
  });
}

/** What to do about a payment as it now stands, and the way to what it brought. */
async function adviceOn(
  engine: Engine,
  { id, state, note }: AnyAttempt,
): Promise<{ readonly advice: string; readonly next: NextCall | null }> {
  if (state === 'released')
    return { advice: 'Nothing was spent for it; the same call can be made again.', next: null };
  if (state !== 'captured') {
    // What the call itself was told: its seller found fault with the request, and the chain shows nothing taken for it.
    const said =
      note === 'error_answer' ? await engine.ledger.findAnswer(engine.agent, { paymentId: id }) : null;
    if (said !== null && said.status >= 400 && said.status < 500)
      return {
        advice: `The endpoint turned the request away (HTTP ${said.status}): wallet_response reads what it said. A corrected call is a new purchase beside this one; nothing new is signed for the same call.`,
        next: null,
      };
    return {
      advice: 'Do not buy the same elsewhere meanwhile; nothing new is signed for the same call.',
      next: { tool: 'wallet_ledger', arguments: { payment_id: id } },
    };
  }
  const stored = await engine.ledger.findAnswer(engine.agent, { paymentId: id });
  if (stored === null)
    return {
      advice: 'No answer to it is stored. The money is spent; do not pay again for the same.',
      next: null,
    };
  if (isCleared(stored))
    return {
      advice: `The endpoint answered with HTTP ${stored.status}; that answer was cleared to make room for newer ones. The money is spent.`,
      next: null,
    };
  return {
    advice: `The endpoint answered with HTTP ${stored.status}; wallet_response reads that answer. The money is spent.`,
    // Without a note its own call told all of this.
    next: note === null ? null : { tool: 'wallet_response', arguments: { id } },
  };
}
