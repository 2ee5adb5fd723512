import type { AtomicAmount } from '../money/unit.js';
import type { PromiseOnChain, Settlement, UnknowableReason } from './settlement.js';
import type { RpcFault } from './rpcFault.js';

/**
 * Operators that must agree before a hold is released or a capture is final. One may lie (T28); two of different owners
 * do not lie the same way. An RPC that the owner named is trusted alone.
 */
export const OPERATORS_TO_AGREE = 2;

/** Who was asked, and how many must agree. */
export interface Bench {
  readonly label: string;
  /** How many operators the network has, whether or not they answered. */
  readonly operators: number;
  readonly quorum: number;
}

/** A {@link Settlement} without its times: those need a clock. */
export type Verdict =
  | Extract<Settlement, { kind: 'captured' | 'released' }>
  | {
      readonly kind: 'open';
      readonly isDeposited?: true;
      readonly depositAtomic?: AtomicAmount;
      readonly promise?: PromiseOnChain;
    }
  | { readonly kind: 'unknowable'; readonly reason: UnknowableReason; readonly message: string };

/** The verdict when no operator can prove anything. */
export function unknowable(reason: UnknowableReason, message: string): Verdict {
  return { kind: 'unknowable', reason, message };
}

/** The verdict over operators that contradict each other. */
export function disagreement(observations: readonly { readonly origin: string }[]): Verdict {
  const origins = observations.map(({ origin }) => origin).join(' and ');
  return unknowable('rpc_disagree', `${origins} contradict each other, so none is believed.`);
}

/** The verdict where too few operators can speak; `faults` are those of the ones that cannot. */
export function tooFew(faults: readonly RpcFault[], { label, operators, quorum }: Bench): Verdict {
  if (operators < quorum && (operators === 0 || faults.length < operators)) {
    const message = `A release on ${label} needs ${quorum} RPC operators that agree, or one that the owner named.`;
    return unknowable('rpc_missing', message);
  }
  return unknowable('rpc_down', `${faults.map(({ message }) => message).join('; ')}.`);
}
