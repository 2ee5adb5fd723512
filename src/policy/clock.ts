/** A wall clock that is off by more than this signs nothing. ms */
export const CLOCK_OFF_MS_MAX = 60_000;
/** Two witnesses must agree: whoever gives a wrong time alone decides nothing (T30). */
const WITNESSES_TO_AGREE = 2;
/** `Date` counts whole seconds. */
const DATE_STEP_MS = 1_000;
/** Two looks at a chain tell whether it goes on by itself only where they are this far apart. */
const PACE_MS_MIN = 30_000;
/** How far a chain's own time may run apart from ours between two looks: some blocks of any network here. */
const PACE_OFF_MS_MAX = 5_000;

/** What this machine's clocks say at one moment. */
export interface Clocks {
  /** The clock that a person or a service can set, ms since 1970. */
  readonly wallMs: number;
  /** The one that nobody can; it may stand still while the machine sleeps. ms */
  readonly monotonicMs: number;
}

/** A time that somebody else gave, and what this machine's clocks said when it came. */
export interface TimeReading extends Clocks {
  /** ms since 1970. */
  readonly givenMs: number;
  /** How long the answer took: the time given is of some moment within. */
  readonly tookMs: number;
}

/** One who gives the time: an RPC operator, the facilitator, or all sellers together, for anybody can be many of them. */
export interface ClockWitness {
  readonly name: string;
  /** Whether the owner named it: its word is enough where nobody is against it. */
  readonly trusted: boolean;
  /** From the newest `Date` of its answers. */
  readonly date: TimeReading | null;
  /** Its newest block, and the first one that was seen of late; both null for those that show no chain. */
  readonly block: TimeReading | null;
  readonly earlierBlock: TimeReading | null;
}

/** What the witnesses come to. */
export type ClockVerdict =
  | { readonly kind: 'right'; readonly by: readonly string[] }
  /** By how much the clock is ahead of those that agree; negative where it is behind. ms */
  | { readonly kind: 'wrong'; readonly aheadMs: number; readonly by: readonly string[] }
  /** Fewer than two that agree, or as many against as for it. */
  | { readonly kind: 'unchecked'; readonly witnesses: number };

/** How far the clock is ahead of one witness, at least and at most. ms */
interface Offset {
  readonly name: string;
  readonly trusted: boolean;
  readonly leastMs: number;
  readonly mostMs: number;
}

/**
 * Whether the wall clock is right. Each witness has one voice, and the larger party of at least two decides; so one
 * that lies neither stops the wallet nor lets a wrong clock pass.
 */
export function judgeClock(witnesses: readonly ClockWitness[], now: Clocks): ClockVerdict {
  const voices = witnesses.flatMap((witness) => offsetBy(witness, now) ?? []);
  const right = voices.filter(isRight);
  const others = voices.filter((voice) => !right.includes(voice));
  const wrong = others
    .map((voice) => others.filter((other) => agree(voice, other)))
    .reduce<Offset[]>((most, party) => (party.length > most.length ? party : most), []);
  const names = (party: readonly Offset[]): string[] => party.map(({ name }) => name);
  const enough = right.length >= WITNESSES_TO_AGREE || right.some(({ trusted }) => trusted);
  if (enough && right.length > others.length) return { kind: 'right', by: names(right) };
  if (wrong.length >= WITNESSES_TO_AGREE && wrong.length > right.length)
    return { kind: 'wrong', aheadMs: middle(wrong), by: names(wrong) };
  return { kind: 'unchecked', witnesses: voices.length };
}

/** What one witness says; null where it says nothing, or contradicts itself. */
function offsetBy({ name, trusted, date, block, earlierBlock }: ClockWitness, now: Clocks): Offset | null {
  const who = { name, trusted };
  const dated = date === null ? null : offset(who, date, now);
  const built = block === null ? null : offset(who, block, now);
  if (block === null || built === null) return dated;
  // A block is never of a time to come, and may be old: alone it shows only that the clock is behind.
  const isBehind = built.mostMs < -CLOCK_OFF_MS_MAX;
  if (dated !== null) return isBehind && !agree(dated, built) ? null : dated;
  const isTold = isBehind || keepsPace(earlierBlock, block);
  return isTold ? built : null;
}

/** Whether a chain went on by itself between two looks: then its newest block is of now, or shortly before. */
function keepsPace(earlier: TimeReading | null, newest: TimeReading): boolean {
  if (earlier === null) return false;
  const passedMs = newest.monotonicMs - earlier.monotonicMs;
  return passedMs >= PACE_MS_MIN && Math.abs(newest.givenMs - earlier.givenMs - passedMs) <= PACE_OFF_MS_MAX;
}

/**
 * How far the clock is ahead of what was given. Where the wall clock has left the monotonic one since, it was set, or
 * the machine slept: null where the clock is right by the one and wrong by the other.
 */
function offset(
  who: Pick<Offset, 'name' | 'trusted'>,
  { givenMs, wallMs, monotonicMs, tookMs }: TimeReading,
  now: Clocks,
): Offset | null {
  const slept = { ...who, leastMs: wallMs - tookMs - givenMs - DATE_STEP_MS, mostMs: wallMs - givenMs };
  const leftMs = now.wallMs - wallMs - (now.monotonicMs - monotonicMs);
  const set = { ...who, leastMs: slept.leastMs + leftMs, mostMs: slept.mostMs + leftMs };
  if (isRight(slept) !== isRight(set)) return null;
  return {
    ...who,
    leastMs: Math.min(slept.leastMs, set.leastMs),
    mostMs: Math.max(slept.mostMs, set.mostMs),
  };
}

function isRight({ leastMs, mostMs }: Pick<Offset, 'leastMs' | 'mostMs'>): boolean {
  return leastMs <= CLOCK_OFF_MS_MAX && mostMs >= -CLOCK_OFF_MS_MAX;
}

function agree(one: Offset, other: Offset): boolean {
  return isRight({ leastMs: one.leastMs - other.mostMs, mostMs: one.mostMs - other.leastMs });
}

function middle(party: readonly Offset[]): number {
  const all = party.map(({ leastMs, mostMs }) => (leastMs + mostMs) / 2).sort((a, b) => a - b);
  return Math.round(all[Math.floor(all.length / 2)] ?? 0);
}
