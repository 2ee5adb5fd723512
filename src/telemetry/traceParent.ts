import { TraceFlags, type SpanContext } from '@opentelemetry/api';

/** Of version 00; a later version may go on behind it, and these fields stay (W3C Trace Context, 3.2.4). */
const FIELDS = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/;
/** A later version may be longer, and nobody needs more than this to be told that it is one. */
const LENGTH_MAX = 256;
const ZEROS = /^0+$/;

/**
 * The caller's span by its `traceparent`, or null where that is none. Two ids are taken and nothing else: whether the caller
 * records its own trace is no word on the owner's, so the flags are not.
 */
export function readTraceParent(text: unknown): SpanContext | null {
  if (typeof text !== 'string' || text.length > LENGTH_MAX) return null;
  const [, version, traceId, spanId, more] = FIELDS.exec(text.trim()) ?? [];
  if (version === undefined || traceId === undefined || spanId === undefined) return null;
  if (version === 'ff' || (version === '00' && more !== undefined)) return null;
  if (ZEROS.test(traceId) || ZEROS.test(spanId)) return null;
  return { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true };
}
