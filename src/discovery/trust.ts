import type { ListedUse } from './readers/listing.js';

/** A hundred thousand calls, or a thousand payers, are as good as more: both are claims (T17). */
const CALLS_FULL_LOG10 = 5;
const PAYERS_FULL_LOG10 = 3;

/**
 * How much a catalogue's claims of use speak for an endpoint, from 0 to 1. Payers weigh more than calls: one program can
 * call a hundred thousand times. Curation is a catalogue's own word and weighs least.
 */
export function trustOf(use: ListedUse): number {
  const calls = share(use.calls30d, CALLS_FULL_LOG10);
  const payers = share(use.payers30d, PAYERS_FULL_LOG10);
  return 0.3 * calls + 0.6 * payers + (use.curated ? 0.1 : 0);
}

function share(count: number | null, fullLog10: number): number {
  return count === null ? 0 : Math.min(1, Math.log10(1 + count) / fullLog10);
}
