/** People mistype; this many wrong tries in a row cost nothing. */
const FREE_TRIES = 3;
/** The wait after the first try that is not free; it doubles with each further one. */
const FIRST_WAIT_SEC = 5;
/**
 * The longest wait: some thirteen tries in the first hours, then 24 a day, which finds no passphrase; and an owner whose
 * agent has been guessing is back within an hour of stopping it.
 */
const WAIT_SEC_MAX = 3600;

/** The wrong tries since the last right one, over all processes. */
export interface Tries {
  readonly wrong: number;
  /** 0 where there was none. */
  readonly lastWrongMs: number;
  readonly nowMs: number;
}

/** Whether a passphrase may be tried now. */
export type TryVerdict =
  { readonly allowed: true } | { readonly allowed: false; readonly retryAfterSec: number };

/**
 * Judges whether one more passphrase may be tried: the first few at once, then ever slower (T20).
 *
 * Count a try as wrong before it is stretched, and set the count back when it was right: tries side by side then
 * slip past nothing. A clock set back waits the whole time again. Never ask this for a passkey: a signature cannot be
 * guessed, and an agent that guesses must not lock out an owner who has one.
 */
export function judgeTries({ wrong, lastWrongMs, nowMs }: Tries): TryVerdict {
  if (wrong < FREE_TRIES) return { allowed: true };
  const waitSec = Math.min(FIRST_WAIT_SEC * 2 ** (wrong - FREE_TRIES), WAIT_SEC_MAX);
  const passedMs = Math.max(0, nowMs - lastWrongMs);
  const leftMs = waitSec * 1000 - passedMs;
  return leftMs <= 0 ? { allowed: true } : { allowed: false, retryAfterSec: Math.ceil(leftMs / 1000) };
}
