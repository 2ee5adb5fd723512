import type { Notice, PlannedSend } from '../../ledger/books/notice.js';
import type { Channel } from './channel.js';
import { isAlarm, isWaiting } from './words.js';

const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;

/** The first wait after a send that failed; it doubles up to the last. */
const FIRST_WAIT_MS = 5_000;
const WAIT_MS_MAX = 15 * MINUTE_MS;
/** A channel that has been dead for so long is told nothing of what came then: the owner's screens have it all. */
const GIVEN_UP_MS = 24 * 60 * MINUTE_MS;

/** What a machine's clock on the wall shows at a time, in minutes since midnight. */
export type MinuteOfDay = (ms: number) => number;

/**
 * When a notice goes out, and by which channels. Questions and alarms wait for no digest; alarms for no quiet hours either, nor
 * for whether somebody sees them: whoever guesses in a terminal can mark them as seen there, too (T20).
 */
export function planSends(
  notice: Notice,
  channels: readonly Channel[],
  quietHours: string,
  minuteOfDay: MinuteOfDay,
): PlannedSend[] {
  return channels
    .filter(({ tells }) => tells === null || tells.includes(notice.kind))
    .map(({ name, kind, escalateMinutes, digestMinutes }): PlannedSend => {
      const waitMinutes = isAlarm(notice) ? null : escalateMinutes;
      const atMs = notice.atMs + (waitMinutes ?? 0) * MINUTE_MS;
      const isUrgent = isAlarm(notice) || isWaiting(notice);
      // A program reads one event a message, in order.
      const isCollected = digestMinutes !== null && !isUrgent && kind !== 'webhook';
      const collectedMs = isCollected ? nextDigestMs(atMs, digestMinutes) : atMs;
      const dueMs =
        isAlarm(notice) || kind === 'webhook'
          ? collectedMs
          : afterQuietMs(collectedMs, quietHours, minuteOfDay);
      return {
        channel: name,
        dueMs,
        isBundled: kind !== 'webhook' && (isCollected || dueMs > collectedMs),
        isEscalation: waitMinutes !== null,
      };
    });
}

/** All digests of a length fall on the same minutes, so that what is collected goes out together. */
function nextDigestMs(ms: number, digestMinutes: number): number {
  const spanMs = digestMinutes * MINUTE_MS;
  return Math.ceil(ms / spanMs) * spanMs;
}

/** The same moment, or the end of the quiet hours that it falls into. */
function afterQuietMs(ms: number, quietHours: string, minuteOfDay: MinuteOfDay): number {
  const [from, to] = quietHours.split('-').map(minutesIn);
  if (from === undefined || to === undefined) return ms;
  const now = minuteOfDay(ms);
  const isQuiet = from <= to ? now >= from && now < to : now >= from || now < to;
  if (!isQuiet) return ms;
  const leftMinutes = (to - now + DAY_MINUTES) % DAY_MINUTES;
  return Math.floor(ms / MINUTE_MS) * MINUTE_MS + leftMinutes * MINUTE_MS;
}

function minutesIn(text: string): number {
  const [hours = 0, minutes = 0] = text.split(':').map(Number);
  return hours * 60 + minutes;
}

/** When a send that failed is tried again; null where it is given up. `tries` is how often it failed before. */
export function nextTryMs(tries: number, madeMs: number, nowMs: number): number | null {
  if (nowMs - madeMs >= GIVEN_UP_MS) return null;
  return nowMs + Math.min(FIRST_WAIT_MS * 2 ** Math.min(tries, 16), WAIT_MS_MAX);
}
