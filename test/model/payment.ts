import type { Family, Process } from './world.js';

/** A payment as the chain can come to know it, once its bytes have left. */
export interface OnChain {
  mayLand(): boolean;
  hasLanded(): boolean;
  /** Whether it landed, and can be undone no more. */
  isSettled(): boolean;
  /** Whether a block that it is in may be undone, and it may land again after that. */
  mayLandAgain(): boolean;
  landedSec(): number | null;
  /** Lands it; gives the true time, in ms, by which the block is there, or null where it may land no more. */
  land(): number | null;
  /** Lands it in a reorganisation, in a block of before now; false where no block that may be undone can take it. */
  landInFork(): boolean;
  transaction(): string | null;
}

/** A call that is busy with a payment, in the process that it runs in. */
export interface Call {
  readonly process: Process;
  stage: 'held' | 'sent';
  /** Signs for the hold, and makes the signature durable. */
  readonly sign: () => Promise<void>;
  /** Ends the call: nobody drives the payment any more. */
  readonly end: () => void;
}

/** A payment, or money taken out, as the model knows it beside its row. */
export interface ModelPayment {
  readonly id: string;
  readonly family: Family;
  readonly usdMicros: bigint;
  /** What it moves where it lands; less than that under a ceiling. */
  readonly movesUsdMicros: bigint;
  readonly isWithdrawal: boolean;
  /** The owner said yes to it: it counts toward ceilings alone. */
  readonly approved: boolean;
  /** When its time is over, by what was signed: true seconds on the EVM, an estimate on Solana. */
  readonly validBeforeSec: number;
  readonly memo: string | null;
  readonly account: string | null;
  onChain: OnChain | null;
  /** Whether somebody else has its bytes. */
  left: boolean;
  /** Both operators of its network lied at some time: what they say of it together is beyond what is promised. */
  excused: boolean;
  call: Call | null;
}

/** What a payment moved, or may still move. */
export function isExposed({ left, onChain }: ModelPayment): boolean {
  return left && onChain !== null && (onChain.hasLanded() || onChain.mayLand());
}
