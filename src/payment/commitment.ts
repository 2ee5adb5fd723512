/** Money that is promised over and over: so much at most in each period, from the signing to the end. */
export interface Recurrence {
  readonly periodSec: number;
  /** When it was signed, s since 1970. */
  readonly fromSec: number;
  /** The first second in which nothing can be taken any more. */
  readonly endsSec: number;
}

/** The chain's clock may be behind ours by so much, and then a period more fits before the end. */
const CLOCK_SLACK_SEC = 60;

/**
 * How many periods' amounts any span of so many seconds can see taken; null for the whole life. The chain counts periods from
 * the moment that it learns of the promise, so that a span may touch one more than it is long.
 */
export function chargesWithin(windowSec: number | null, recurrence: Recurrence): bigint {
  const { periodSec, fromSec, endsSec } = recurrence;
  const lifeSec = endsSec - fromSec + CLOCK_SLACK_SEC;
  const inAll = lifeSec <= 0 ? 0n : BigInt(Math.ceil(lifeSec / periodSec));
  if (windowSec === null) return inAll;
  const touched = BigInt(Math.ceil(windowSec / periodSec)) + 1n;
  return touched < inAll ? touched : inAll;
}

/** Whom a promise lets take money, and by which of its challenges: together it is told from every other one. */
export interface CommitmentKey {
  readonly accessKey: `0x${string}`;
  readonly witness: `0x${string}`;
}

const COMMITMENT = 'commitment';

/** What every charge of a promise has before the slash of its nonce. */
export function commitmentSubject({ accessKey, witness }: CommitmentKey): string {
  return `${accessKey}:${witness}`;
}

/** The nonce of the row that is a promise: what it is known by, and its period, which no column has. */
export function writeCommitmentNonce(key: CommitmentKey, periodSec: number): string {
  return [COMMITMENT, commitmentSubject(key), periodSec].join(' ');
}

/** Reads one of {@link writeCommitmentNonce}. Throws for text that is none. */
export function readCommitmentNonce(
  nonce: string,
): CommitmentKey & { readonly subject: string; readonly periodSec: number } {
  const [word, subject = '', period = ''] = nonce.split(' ');
  const [accessKey = '', witness = ''] = subject.split(':');
  const periodSec = Number(period);
  if (word !== COMMITMENT || witness === '' || !Number.isSafeInteger(periodSec) || periodSec <= 0)
    throw new TypeError('no nonce of a commitment');
  return {
    ...{ accessKey: accessKey as `0x${string}`, witness: witness as `0x${string}` },
    ...{ subject, periodSec },
  };
}

/** The nonce of the charge that a promise begins with. */
export function firstChargeNonce(key: CommitmentKey): string {
  return chargeNonce(commitmentSubject(key), 'first');
}

/** The nonce of a charge, by the promise's subject and what tells it from the others: its transaction. */
export function chargeNonce(subject: string, which: string): string {
  return `${subject}/${which}`;
}
