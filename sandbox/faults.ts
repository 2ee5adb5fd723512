/** What the seller does with the money of a paid request. */
export type Settle = 'yes' | 'no' | 'later';

/**
 * What the buyer sees: `goods` as if all were well, `offer` a 402 with a fresh offer, `error` a 500, `redirect` a 307 to
 * `?to=` or to the shop's other origin, `hang` no answer ever, `drop` a destroyed socket, `cut` half of the body and
 * then a destroyed socket.
 */
export type Answer = 'goods' | 'offer' | 'error' | 'redirect' | 'hang' | 'drop' | 'cut';

/**
 * The receipt beside it: `true` the facilitator's own, `refused` a failure, `pending` `settlement_pending` with a hash,
 * `false` success with an invented hash, `borrowed` success with the hash of somebody else's payment, `denied` a failure
 * whatever became of the money, `garbled` no JSON, `none` no header.
 */
export type Receipt = 'true' | 'refused' | 'pending' | 'false' | 'borrowed' | 'denied' | 'garbled' | 'none';

/** A way for a paid request to go. */
export interface PaidFault {
  leg: 'paid';
  settle: Settle;
  answer: Answer;
  receipt: Receipt;
  /** `errorReason` of the receipt, and `error` of the offer. */
  reason?: string;
}

/** A way for the request without a payment to go; `garbled` is a 402 that nobody can read. */
export interface UnpaidFault {
  leg: 'unpaid';
  answer: Exclude<Answer, 'cut'> | 'garbled';
}

/**
 * A seller who changes terms. `price_moves`: each 402 costs one base price more, and what was signed is too little by the
 * time it comes. `payto_moves`: the same with the payee. `payto_fresh`: each 402 names a new payee, and a payment to any
 * of them is good.
 */
export interface TermsFault {
  leg: 'terms';
  moves: 'price_moves' | 'payto_moves' | 'payto_fresh';
}

/** Any way in which the shop can misbehave. */
export type Fault = PaidFault | UnpaidFault | TermsFault;

const paid = (settle: Settle, answer: Answer, receipt: Receipt, reason?: string): PaidFault => ({
  leg: 'paid',
  settle,
  answer,
  receipt,
  ...(reason === undefined ? {} : { reason }),
});

/** Every fault by name, for `?fault=NAME` and `shop.setFault(path, NAME)`. */
export const FAULTS = {
  // Nothing is settled; the authorization stays live in the seller's hands.
  reject: paid('no', 'offer', 'refused', 'payment_rejected'),
  insufficient_funds: paid('no', 'offer', 'refused', 'insufficient_funds'),
  verify_refused: paid('no', 'offer', 'none', 'insufficient_funds'),
  receipt_failed: paid('no', 'goods', 'denied', 'fetch failed'),
  hang: paid('no', 'hang', 'none'),
  drop: paid('no', 'drop', 'none'),
  error_before_settle: paid('no', 'error', 'none'),
  unsettled: paid('no', 'goods', 'none'),
  false_receipt: paid('no', 'goods', 'false'),
  borrowed_receipt: paid('no', 'goods', 'borrowed'),
  redirect_paid: paid('no', 'redirect', 'none'),
  // The money moved.
  hang_after_settle: paid('yes', 'hang', 'none'),
  drop_after_settle: paid('yes', 'drop', 'none'),
  error_after_settle: paid('yes', 'error', 'none'),
  error_with_receipt: paid('yes', 'error', 'true'),
  second_402: paid('yes', 'offer', 'none'),
  denied_receipt: paid('yes', 'offer', 'denied', 'settle_failed'),
  // What the reference server says where it did not hear the facilitator's answer.
  settle_unheard: paid('yes', 'offer', 'denied', 'fetch failed'),
  settle_unheard_delivered: paid('yes', 'goods', 'denied', 'fetch failed'),
  verify_refused_falsely: paid('yes', 'offer', 'denied', 'invalid_exact_evm_signature'),
  no_receipt: paid('yes', 'goods', 'none'),
  garbled_receipt: paid('yes', 'goods', 'garbled'),
  cut_body: paid('yes', 'cut', 'true'),
  redirect_after_settle: paid('yes', 'redirect', 'none'),
  // The money moves once `shop.releasePending()` says so.
  settlement_pending: paid('later', 'offer', 'pending', 'settlement_pending'),
  fails_then_settles: paid('later', 'offer', 'denied', 'fetch failed'),
  fails_then_settles_delivered: paid('later', 'goods', 'denied', 'fetch failed'),
  settles_later: paid('later', 'goods', 'none'),
  hang_settles_later: paid('later', 'hang', 'none'),
  // Before any payment.
  hang_unpaid: { leg: 'unpaid', answer: 'hang' },
  drop_unpaid: { leg: 'unpaid', answer: 'drop' },
  error_unpaid: { leg: 'unpaid', answer: 'error' },
  redirect_unpaid: { leg: 'unpaid', answer: 'redirect' },
  garbled_unpaid: { leg: 'unpaid', answer: 'garbled' },
  // Terms that change.
  price_moves: { leg: 'terms', moves: 'price_moves' },
  payto_moves: { leg: 'terms', moves: 'payto_moves' },
  payto_fresh: { leg: 'terms', moves: 'payto_fresh' },
} as const satisfies Record<string, Fault>;

/** The name of a fault. */
export type FaultName = keyof typeof FAULTS;

/** Throws a RangeError that lists the names, unless `text` is one. */
export function faultNamed(text: string): FaultName {
  if (Object.hasOwn(FAULTS, text)) return text as FaultName;
  throw new RangeError(`No fault is named ${JSON.stringify(text)}: ${Object.keys(FAULTS).join(', ')}`);
}

interface SetFault {
  name: string;
  fault: Fault;
  timesLeft: number;
}

/** A fault that a request is to meet. */
export interface ChosenFault {
  name: string;
  fault: Fault;
}

/** The faults that are switched on, by path. */
export class FaultBoard {
  readonly #set = new Map<string, SetFault>();
  readonly #spent = new Map<string, number>();

  /** Switches a fault on for a path, for the next `times` requests of its leg (default: until cleared). */
  set(path: string, fault: FaultName | Fault, times = Number.POSITIVE_INFINITY): void {
    const chosen =
      typeof fault === 'string'
        ? { name: faultNamed(fault), fault: FAULTS[fault] }
        : { name: 'custom', fault };
    this.#set.set(path, { ...chosen, timesLeft: times });
  }

  /** Switches faults off: of one path, or all. */
  clear(path?: string): void {
    if (path === undefined) this.#set.clear();
    else this.#set.delete(path);
  }

  /** Whether a fault could meet some request for this URL, now. */
  has(url: URL): boolean {
    return url.searchParams.has('fault') || (this.#set.get(url.pathname)?.timesLeft ?? 0) > 0;
  }

  /**
   * The fault that this request meets, counted as met: one switched on for the path, else that of `?fault=` (the first
   * `?times=` requests of its leg, by whole URL).
   */
  take(url: URL, leg: 'paid' | 'unpaid'): ChosenFault | undefined {
    const set = this.#set.get(url.pathname);
    if (set !== undefined && set.timesLeft > 0 && meets(set.fault, leg)) {
      set.timesLeft -= 1;
      return set;
    }
    const text = url.searchParams.get('fault');
    if (text === null) return undefined;
    const name = faultNamed(text);
    if (!meets(FAULTS[name], leg)) return undefined;
    const spent = this.#spent.get(url.href) ?? 0;
    if (spent >= Number(url.searchParams.get('times') ?? Number.POSITIVE_INFINITY)) return undefined;
    this.#spent.set(url.href, spent + 1);
    return { name, fault: FAULTS[name] };
  }
}

function meets(fault: Fault, leg: 'paid' | 'unpaid'): boolean {
  return fault.leg === 'terms' || fault.leg === leg;
}
