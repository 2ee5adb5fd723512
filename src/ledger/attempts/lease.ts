import { randomBytes } from 'node:crypto';

/**
 * Who is busy with a payment, and until when they are taken to be unless they say so again. It is no fact about money, so
 * the journal does not tell of it: to lose one costs a wait or a second look, and a signature never.
 */
export interface Lease {
  /** Whose it is: another for each process. It begins with the process's pid, for people to read. */
  readonly holder: string;
  /** By the wall clock, ms since 1970. */
  readonly untilMs: number;
}

/**
 * How long a lease lasts that is not renewed, and so how long the same call waits after a process was killed. A process
 * that lives but stands still for longer loses what it has not signed.
 */
export const LEASE_MS = 3_000;
/** How often its holder renews it: two renewals may be late before it ends. */
export const LEASE_RENEW_MS = 1_000;

/** This process, as the holder of its leases. */
export const THIS_HOLDER = `${process.pid}-${randomBytes(8).toString('hex')}`;
