import type { Code, MoneyState, Retry } from '../../errors/codes.js';
import type { OwnerStep } from '../../errors/ownerAction.js';
import { formatUsd } from '../../money/decimal.js';
import { findNetwork, type Caip2 } from '../../money/network.js';
import type { Payment } from '../../ledger/attempts/payment.js';
import { isUnderCeiling } from '../../protocols/protocol.js';
import { findAsset, toUsdMicros } from '../../money/asset.js';
import type { Attempt } from '../../ledger/attempts/attempt.js';

/** How a call ended, in one word. Only `refused` and `failed` are errors to an MCP client. */
export type Status = 'ok' | 'approval_required' | 'refused' | 'failed' | 'unknown';

/** Codes of calls that went well, beside the codes of errors. */
export type OutcomeCode = Code | 'ok' | 'paid' | 'quoted';

/** The call to make now. */
export interface NextCall {
  readonly tool: string;
  readonly arguments: Record<string, unknown>;
}

/** A payment as results show it. Dollars and amounts are text. */
export interface PaymentView {
  readonly id: string;
  readonly state: Attempt['state'];
  readonly usd: string;
  /** The most it could move, held until its end is known. */
  readonly held_usd: string;
  /** What counts as paid: all of it until the chain proves that less was charged. Null where nothing does. */
  readonly captured_usd: string | null;
  /** What the seller says that it charged, where that is less: a claim, which frees nothing. */
  readonly claimed_usd: string | null;
  readonly amount_atomic: string;
  readonly asset: string;
  readonly network: string;
  readonly pay_to: string;
  readonly tx: string | null;
  readonly confirmed: boolean;
  /** Until when the amount counts as held, ISO 8601; null once it is captured or released. */
  readonly held_until: string | null;
}

/** What a seller answered: data of a stranger, never instructions. */
export interface ResponseView {
  readonly untrusted: true;
  readonly status: number;
  /** By name, in lower case; a list where it came more than once. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** JSON as a value, text as text; absent where the body is binary or large. */
  readonly body?: unknown;
  /** The beginning of a large text. */
  readonly head?: string;
  readonly stored_id?: string;
  readonly path?: string;
  readonly bytes: number;
  readonly truncated: boolean;
}

/** Every result of every tool: the fields of docs/design.md, "Tools", whose meaning never changes. */
export type Outcome = OutcomeFor<OwnerStep>;

/** An outcome as a face tells it: what the owner can do is one text, with a command where there is one. */
export type ToldOutcome = OutcomeFor<string>;

interface OutcomeFor<Tell> {
  readonly status: Status;
  readonly money: MoneyState;
  readonly retry: Retry;
  readonly retry_after_s: number | null;
  readonly code: OutcomeCode;
  readonly message: string;
  readonly next: NextCall | null;
  readonly tell_owner: Tell | null;
  /** Dollars this call moved, by the ledger; what is only held is not in it. */
  readonly spent_usd: string;
  /** What the session's cap leaves; null where no wallet is open. */
  readonly session_left_usd: string | null;
  readonly payment: PaymentView | null;
  readonly response: ResponseView | null;
  /** Fields of one tool, such as `quote_id`. */
  readonly [field: string]: unknown;
}

/** An outcome's parts; what is left out has its harmless default. */
export type OutcomeParts = Partial<Omit<Outcome, 'status' | 'code' | 'message'>> &
  Pick<Outcome, 'status' | 'code' | 'message'>;

/** Fills in an outcome. */
export function outcome({ status, code, message, ...parts }: OutcomeParts): Outcome {
  const filled = {
    status,
    code,
    message,
    money: 'none',
    retry: 'never',
    retry_after_s: null,
    next: null,
    tell_owner: null,
    spent_usd: formatUsd(0n),
    session_left_usd: null,
    payment: null,
    response: null,
    ...parts,
  };
  // The loose index signature hides that every field is there.
  return filled as Outcome;
}

/**
 * How long after an authorization expired its release can be proved: the chain's safe block must pass it. Some
 * minutes on Base (docs/design.md, "Release proof"); an estimate for people and agents, never a rule.
 */
const SAFE_LAG_ESTIMATE_SEC = 180;
/** The same on Solana, whose blocks are final after some 32 others, and on Tempo, whose blocks are final at once. */
const FINALITY_ESTIMATE_SEC = 20;

/** When a payment's amount is expected to be free again if it never settles, in ms. */
export function heldUntilMs({
  network,
  validBeforeSec,
}: Pick<Attempt, 'network' | 'validBeforeSec'>): number {
  const family = findNetwork(network)?.family;
  const isQuick = family === 'svm' || family === 'tempo';
  return (validBeforeSec + (isQuick ? FINALITY_ESTIMATE_SEC : SAFE_LAG_ESTIMATE_SEC)) * 1000;
}

/** The payment as results show it. */
export function viewPayment(payment: Attempt): PaymentView {
  const network = findNetwork(payment.network);
  const asset = network === undefined ? undefined : findAsset(network.caip2, payment.asset);
  const open = payment.state !== 'captured' && payment.state !== 'released';
  return {
    id: payment.id,
    state: payment.state,
    usd: formatUsd(payment.capturedUsdMicros ?? payment.heldUsdMicros),
    held_usd: formatUsd(payment.heldUsdMicros),
    captured_usd: payment.capturedUsdMicros === null ? null : formatUsd(payment.capturedUsdMicros),
    claimed_usd: claimedCharge(payment),
    amount_atomic: (payment.capturedAtomic ?? payment.heldAtomic).toString(),
    asset: asset?.symbol ?? payment.asset,
    network: payment.network,
    pay_to: payment.payTo,
    tx: payment.tx,
    confirmed: payment.confirmed,
    held_until: open ? new Date(heldUntilMs(payment)).toISOString() : null,
  };
}

/**
 * What the seller says that it charged of a ceiling, in dollars, where that is less than what counts; null where it says
 * nothing of the kind. A claim, which frees nothing.
 */
export function claimedCharge(attempt: Attempt): string | null {
  const { receipt, capturedAtomic, network, asset, confirmed } = attempt;
  if (receipt === null || capturedAtomic === null || confirmed || !mayChargeLess(attempt)) return null;
  const { amountAtomic } = JSON.parse(receipt) as { amountAtomic?: string };
  const row = findAsset(network as Caip2, asset);
  if (amountAtomic === undefined || row === undefined || BigInt(amountAtomic) >= capturedAtomic) return null;
  return formatUsd(toUsdMicros(row, BigInt(amountAtomic)));
}

/** A fixed price moves whole or not at all, whatever its seller says. */
function mayChargeLess(attempt: Attempt): boolean {
  return 'protocol' in attempt && isUnderCeiling(attempt as Payment);
}

/**
 * Notes of open payments that were never in anybody's hands, or that whoever has them turned away in verifying them while
 * the chain showed them unused. Every other claim that a payment failed leaves its money unknown.
 */
const HELD_NOTES: readonly (string | null)[] = ['not_sent', 'verify_failed'];

/** What a payment's state says of its money. */
export function moneyOf({ state, note }: Pick<Attempt, 'state' | 'note'>): MoneyState {
  switch (state) {
    case 'captured':
      return 'captured';
    case 'released':
      return 'none';
    case 'held':
    case 'signed':
      return 'held';
    case 'sent':
    case 'unknown':
      return HELD_NOTES.includes(note) ? 'held' : 'unknown';
  }
}
