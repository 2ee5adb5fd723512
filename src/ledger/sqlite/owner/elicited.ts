import type { LedgerContext } from '../file/context.js';
import type { JournalHead } from '../journal/journal.js';
import type { UsdMicros } from '../../../money/unit.js';

/** What a client's own prompts approve is added up over this span. */
const ELICITED_WINDOW_MS = 24 * 3_600_000;
/** More approvals by prompts alone than a person gives in a day; past it the factor is needed. */
export const ELICITED_COUNT_MAX = 200;

/** The register's key for what prompts alone approved lately for an agent: `ms:micros` pairs, oldest first. */
export function elicitedKey(agent: string): string {
  return `elicited ${agent}`;
}

/** Whether a key of the register is for what prompts approved. */
export function isElicitedKey(key: string): boolean {
  return key === ELICITED_BEFORE_KEY || key.startsWith(elicitedKey(''));
}

/** The key that Purser 0.1.0 kept for all agents together; what stands there counts for each of them. */
export const ELICITED_BEFORE_KEY = 'elicited';

/** What prompts alone approved for an agent in the last 24 hours. */
export function elicitedOf(
  { register }: LedgerContext,
  head: Pick<JournalHead, 'register'>,
  agent: string,
  nowMs: number,
): { readonly usdMicros: UsdMicros; readonly count: number } {
  const approved = [elicitedKey(agent), ELICITED_BEFORE_KEY].flatMap((key) =>
    elicitedSince(register.get(head.register, key), nowMs),
  );
  return {
    usdMicros: approved.reduce((sum, { usdMicros }) => sum + usdMicros, 0n),
    count: approved.length,
  };
}

/** One approval by a prompt alone, in ledger time. */
interface Elicited {
  readonly ms: number;
  readonly usdMicros: UsdMicros;
}

/** What prompts alone approved since {@link ELICITED_WINDOW_MS}, from the register's text. */
function elicitedSince(text: string | null, nowMs: number): Elicited[] {
  return readElicited(text).filter(({ ms }) => ms > nowMs - ELICITED_WINDOW_MS);
}

function readElicited(text: string | null): Elicited[] {
  return (text ?? '')
    .split(' ')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const [ms = '', micros = ''] = pair.split(':');
      return { ms: Number(ms), usdMicros: BigInt(micros) };
    });
}

/** The register's text with one more approval by a prompt. */
export function addElicited(text: string | null, nowMs: number, usdMicros: UsdMicros): string {
  return writeElicited([...elicitedSince(text, nowMs), { ms: nowMs, usdMicros }]);
}

/** The register's text after ledger time was set back to a moment: nothing was approved later than that. */
export function rebaseElicited(text: string, nowMs: number): string {
  return writeElicited(readElicited(text).map((one) => ({ ...one, ms: Math.min(one.ms, nowMs) })));
}

function writeElicited(approved: readonly Elicited[]): string {
  return approved.map(({ ms, usdMicros }) => `${ms}:${usdMicros}`).join(' ');
}
