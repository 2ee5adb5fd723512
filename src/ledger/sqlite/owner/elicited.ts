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

/** What prompts alone approved since {@link ELICITED_WINDOW_MS}, from the register's text. */
function elicitedSince(
  text: string | null,
  nowMs: number,
): { readonly ms: number; readonly usdMicros: UsdMicros }[] {
  return (text ?? '')
    .split(' ')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const [ms = '', micros = ''] = pair.split(':');
      return { ms: Number(ms), usdMicros: BigInt(micros) };
    })
    .filter(({ ms }) => ms > nowMs - ELICITED_WINDOW_MS);
}

/** The register's text with one more approval by a prompt. */
export function addElicited(text: string | null, nowMs: number, usdMicros: UsdMicros): string {
  return [...elicitedSince(text, nowMs), { ms: nowMs, usdMicros }]
    .map((one) => `${one.ms}:${one.usdMicros}`)
    .join(' ');
}
