import type { AtomicAmount, UsdMicros } from '../../money/unit.js';
import { newId } from '../newId.js';
import type { FactorUse } from './factor.js';

/** A client's own prompt comes back this often to one question; then it is answered elsewhere or not at all. */
export const PROMPTS_MAX = 2;

/** A question as it is put; the ledger gives it its state. */
export type Ask = Omit<
  ApprovalRecord,
  'state' | 'prompts' | 'answer' | 'answeredHow' | 'answeredBy' | 'answeredMs' | 'paymentId'
>;

/** What asking came to. `joined`: the same question was open already. Nothing is asked for the others. */
export type AskResult =
  | { readonly kind: 'asked' | 'joined' | 'denied'; readonly approval: ApprovalRecord }
  | { readonly kind: 'limited'; readonly scope: 'session' | 'origin'; readonly retryAfterSec: number };

/** A fresh id for a question, which its digest covers. */
export function newApprovalId(): string {
  return newId('apv');
}

/** Something an answer makes lasting, by the key it is looked up by; see {@link Ledger.grant}. */
export interface Grant {
  readonly key: string;
  readonly value: string;
}

/** An answer to be stored. */
export interface Decision {
  readonly state: 'approved' | 'denied';
  readonly answer: string;
  readonly how: AnsweredHow;
  readonly by: string;
  /** The factor that proved the owner, looked at again in this step. */
  readonly factor?: FactorUse;
  readonly grants?: readonly Grant[];
  /** The most that prompts alone may approve for the question's agent in 24 hours; only for `elicitation`. */
  readonly elicitedUsdMicrosMax?: UsdMicros;
  /** The wall clock, by which questions run out; what prompts approve is added up by ledger time. */
  readonly nowMs: number;
}

/** What an answer came to: stored only where `done`. */
export type DecisionResult =
  | { readonly kind: 'done' | 'closed' | 'expired'; readonly approval: ApprovalRecord }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'factor_gone' }
  | { readonly kind: 'above_elicited' };

/** Why an approval does not pay for a hold. */
export type ApprovalProblem = 'unknown' | 'pending' | 'denied' | 'expired' | 'consumed' | 'changed';

/** Where an approval stands. It leaves `pending` once; only `approved` goes on, to `consumed` or `expired`. */
export type ApprovalState = 'pending' | 'approved' | 'denied' | 'expired' | 'consumed';

/** What told the person from an agent: a factor, their client's own prompt, or nothing, which is enough for a no. */
export type AnsweredHow = 'factor' | 'elicitation' | 'nothing';

/** A question to the owner as the ledger keeps it. `question`, `request`, `challenge` and `answer` are JSON of wallet's. */
export interface ApprovalRecord {
  readonly id: string;
  readonly agent: string;
  readonly sessionId: string;
  /** Which questions are one: equal keys join. */
  readonly askKey: string;
  readonly requestHash: string;
  readonly origin: string;
  readonly network: string;
  readonly asset: string;
  readonly payTo: string;
  readonly amountAtomic: AtomicAmount;
  readonly usdMicros: UsdMicros;
  readonly digest: string;
  readonly question: string;
  readonly request: string;
  readonly challenge: string;
  readonly offerIndex: number;
  readonly createdMs: number;
  readonly expiresMs: number;
  readonly state: ApprovalState;
  /** How often a client was handed it to ask. */
  readonly prompts: number;
  readonly answer: string | null;
  readonly answeredHow: AnsweredHow | null;
  readonly answeredBy: string | null;
  readonly answeredMs: number | null;
  readonly paymentId: string | null;
}

/** What was paid to an origin, as a person is shown it: nothing is decided by it. */
export interface PaidBefore {
  readonly payments: number;
  /** Where the newest payment went. */
  readonly lastPayTo: string | null;
  /** The amounts that were paid most often. */
  readonly prices: readonly { readonly usdMicros: UsdMicros; readonly payments: number }[];
}
