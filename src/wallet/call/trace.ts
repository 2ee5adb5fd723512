import type { Payment } from '../../ledger/attempts/payment.js';
import type { Outcome } from '../answer/outcome.js';

/** The steps of a call that its trace shows, in the order that a payment takes them. */
export type CallStep = 'ask' | 'probe' | 'select' | 'hold' | 'sign' | 'commit' | 'send' | 'read' | 'settle';

/** One call, as the owner's tracing hears of it. No method throws, waits, or keeps what it is given. */
export interface CallTrace {
  /** A step begins; what is answered ends it. */
  step(name: CallStep): (isFailed: boolean) => void;
  /** The payment that the call is about; `isNew` where the call itself held it. */
  payment(payment: Payment, isNew: boolean): void;
}

/** A call's trace, in the hands of the face that it came in by. */
export interface OpenTrace extends CallTrace {
  /** The call has ended, and is told. */
  end(outcome: Outcome): void;
}

/** What is known of a call when it comes in. */
export interface TracedCall {
  /** Our own name for what was called: a tool, or the proxy. */
  readonly name: string;
  readonly agent: string;
  /** The caller's `traceparent`, as it came: it is a stranger's until it is read. */
  readonly traceparent: unknown;
  /** When it came, by `performance.now()`. */
  readonly startedMs: number;
  /** The run that it is paid under; null or left out for none. */
  readonly budgetId?: string | null;
}

/** Begins the traces of calls. */
export interface CallTracer {
  begin(call: TracedCall): OpenTrace;
}

/** Does a step of a call, within its trace where there is one. */
export async function traced<Result>(
  { trace }: { readonly trace?: CallTrace | undefined },
  name: CallStep,
  work: () => Promise<Result>,
): Promise<Result> {
  if (trace === undefined) return work();
  const end = trace.step(name);
  try {
    const result = await work();
    end(false);
    return result;
  } catch (error) {
    end(true);
    throw error;
  }
}
