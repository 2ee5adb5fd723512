/** What a change does to what an agent can spend, reach or trust. Only the owner loosens; anybody may tighten. */
export type Direction = 'same' | 'tightens' | 'loosens';

/** Judges a change of one value. What is not provably tighter is looser. */
export type Compare<Value> = (before: Value, after: Value) => Direction;

/** The direction of several changes together: one that loosens is not made good by others that tighten. */
export function together(directions: Iterable<Direction>): Direction {
  const seen = new Set(directions);
  return seen.has('loosens') ? 'loosens' : seen.has('tightens') ? 'tightens' : 'same';
}

/** A bound: more is looser. */
export function boundDirection(before: bigint | number, after: bigint | number): Direction {
  return before === after ? 'same' : after > before ? 'loosens' : 'tightens';
}

/** Bounds by name: a name without one is unbounded. */
export function boundsDirection(
  before: ReadonlyMap<string, bigint | number>,
  after: ReadonlyMap<string, bigint | number>,
): Direction {
  const names = new Set([...before.keys(), ...after.keys()]);
  return together([...names].map((name) => oneBoundDirection(before.get(name), after.get(name))));
}

function oneBoundDirection(
  before: bigint | number | undefined,
  after: bigint | number | undefined,
): Direction {
  if (before === undefined) return after === undefined ? 'same' : 'tightens';
  return after === undefined ? 'loosens' : boundDirection(before, after);
}

/**
 * Bounds by name over a default that depends on more than the config: one that is given or taken away may be either,
 * so it counts as looser, but for a bound of nothing.
 */
export function overridesDirection(
  before: ReadonlyMap<string, bigint>,
  after: ReadonlyMap<string, bigint>,
): Direction {
  const names = new Set([...before.keys(), ...after.keys()]);
  return together(
    [...names].map((name) => {
      const [was, is] = [before.get(name), after.get(name)];
      if (was === undefined && is === 0n) return 'tightens';
      return was === undefined || is === undefined ? 'loosens' : boundDirection(was, is);
    }),
  );
}

/** Amounts by name that something may go up to, where no amount lets least of all: more is looser. */
export function grantsDirection(
  before: ReadonlyMap<string, bigint>,
  after: ReadonlyMap<string, bigint>,
): Direction {
  const names = new Set([...before.keys(), ...after.keys()]);
  return together([...names].map((name) => boundDirection(before.get(name) ?? -1n, after.get(name) ?? -1n)));
}

/** Days by name up to which something may be done, as text of the calendar: later is looser, and none has no end. */
export function lastDaysDirection(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): Direction {
  const inNumbers = (days: ReadonlyMap<string, string>): ReadonlyMap<string, number> =>
    new Map([...days].map(([name, day]) => [name, Date.parse(day)]));
  return boundsDirection(inNumbers(before), inNumbers(after));
}

/** What is counted in something that bounds it: to be put there first is tighter, and to be moved or taken out is looser. */
export function countedInDirection(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): Direction {
  if ([...before].some(([name, place]) => after.get(name) !== place)) return 'loosens';
  return after.size > before.size ? 'tightens' : 'same';
}

/** A list of what is permitted: fewer is tighter. */
export function permittedDirection(before: readonly string[], after: readonly string[]): Direction {
  if (!after.every((entry) => before.includes(entry))) return 'loosens';
  return before.every((entry) => after.includes(entry)) ? 'same' : 'tightens';
}

/** A list of what is forbidden: more is tighter. */
export function forbiddenDirection(before: readonly string[], after: readonly string[]): Direction {
  return permittedDirection(after, before);
}

/** A list of what alone is permitted, where an empty one permits everything. */
export function allowedDirection(before: readonly string[], after: readonly string[]): Direction {
  if (before.length === 0) return after.length === 0 ? 'same' : 'tightens';
  return after.length === 0 ? 'loosens' : permittedDirection(before, after);
}

/** A list of what is permitted in order of preference: another order pays elsewhere, so it is looser. */
export function preferredDirection(before: readonly string[], after: readonly string[]): Direction {
  const kept = before.filter((entry) => after.includes(entry));
  if (kept.length !== after.length || kept.some((entry, index) => entry !== after[index])) return 'loosens';
  return kept.length === before.length ? 'same' : 'tightens';
}

/** What is the owner's word whichever way it changes: it tells them of what others do. */
export function ownerOnly<Value extends bigint | string>(before: Value, after: Value): Direction {
  return before === after ? 'same' : 'loosens';
}

/** The same of values by name. */
export function ownerOnlyByName(
  before: ReadonlyMap<string, unknown>,
  after: ReadonlyMap<string, unknown>,
): Direction {
  const text = (map: ReadonlyMap<string, unknown>): string => JSON.stringify([...map].sort());
  return text(before) === text(after) ? 'same' : 'loosens';
}

/** What is permitted by name: to take one away is tighter, and any other change is looser. */
export function permittedByName(
  before: ReadonlyMap<string, unknown>,
  after: ReadonlyMap<string, unknown>,
): Direction {
  const kept = [...after].every(
    ([name, value]) => JSON.stringify(before.get(name)) === JSON.stringify(value),
  );
  if (!kept) return 'loosens';
  return after.size < before.size ? 'tightens' : 'same';
}

/** Values that are trusted by name: any other one is looser. */
export function trustedDirection(
  before: ReadonlyMap<string, readonly string[]>,
  after: ReadonlyMap<string, readonly string[]>,
): Direction {
  const same =
    before.size === after.size && [...before].every(([name, value]) => isSameList(value, after.get(name)));
  return same ? 'same' : 'loosens';
}

/** Places by name that something is sent to: another place is looser, and none is tighter. */
export function sentToDirection(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): Direction {
  if ([...after].some(([name, place]) => before.get(name) !== place)) return 'loosens';
  return after.size < before.size ? 'tightens' : 'same';
}

function isSameList(before: readonly string[], after: readonly string[] | undefined): boolean {
  return before.length === after?.length && before.every((entry, index) => entry === after[index]);
}

/**
 * Hosts of a category: one more is tighter, since caps of the category then count it too. But a `host:port` takes that
 * one port out of the category its host may be in, and one less leaves a cap.
 */
export function categoryDirection(
  before: ReadonlyMap<string, readonly string[]>,
  after: ReadonlyMap<string, readonly string[]>,
): Direction {
  const names = new Set([...before.keys(), ...after.keys()]);
  return together(
    [...names].map((name) => {
      const [was, is] = [before.get(name) ?? [], after.get(name) ?? []];
      const added = is.filter((host) => !was.includes(host));
      if (!was.every((host) => is.includes(host)) || added.some((host) => /:\d+$/.test(host)))
        return 'loosens';
      return added.length === 0 ? 'same' : 'tightens';
    }),
  );
}

/** What is fixed when it is first written: any other value is the owner's word. */
export function fixedDirection(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): Direction {
  const same = before.size === after.size && [...before].every(([name, value]) => after.get(name) === value);
  return same ? 'same' : 'loosens';
}
