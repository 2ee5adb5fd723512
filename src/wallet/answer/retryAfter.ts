import { headerValue, type HeaderList } from '../../net/headers.js';

/** Sooner than this nobody asks again, whatever the seller says. */
const AFTER_SEC_MIN = 1;
/** A seller that says "tomorrow" is told as an hour: an agent's work is over by then, and a lie costs no more. */
const AFTER_SEC_MAX = 3_600;

/** When a seller wants to be asked again, in seconds from now, within bounds; null where it does not say (RFC 9110, 10.2.3). */
export function retryAfterSec(headers: HeaderList, nowMs = Date.now()): number | null {
  const stated = headerValue(headers, 'retry-after')?.trim() ?? '';
  const seconds = /^\d{1,9}$/.test(stated) ? Number(stated) : (Date.parse(stated) - nowMs) / 1000;
  if (!/^\d|[A-Za-z]{3},/.test(stated) || Number.isNaN(seconds)) return null;
  return Math.min(AFTER_SEC_MAX, Math.max(AFTER_SEC_MIN, Math.ceil(seconds)));
}
