/** A shorter beginning says little of what was meant. */
const BEGINNING_CHARS_MIN = 5;

/**
 * The candidate that a mistyped word most likely means: within a third of its length in letters changed, added, left out or
 * swapped with their neighbour, or else the only one that it begins. Undefined if there is none such.
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const wanted = word.toLowerCase();
  let best: string | undefined;
  let fewest = Math.floor(Math.max(wanted.length, 3) / 3) + 1;
  for (const candidate of candidates) {
    // Lengths that differ by more cannot be closer; this also bounds the work for a word of any length.
    if (Math.abs(candidate.length - wanted.length) >= fewest) continue;
    const steps = stepsBetween(wanted, candidate.toLowerCase());
    if (steps < fewest) [best, fewest] = [candidate, steps];
  }
  return best ?? onlyOneWith(wanted, candidates);
}

/** The one candidate that goes on where a word, given a letter more or less, ends. */
function onlyOneWith(word: string, candidates: readonly string[]): string | undefined {
  if (word.length < BEGINNING_CHARS_MIN) return undefined;
  const found = candidates.filter((candidate) => {
    const begun = candidate.toLowerCase();
    if (begun.length <= word.length) return false;
    return [-1, 0, 1].some(
      (more) => stepsBetween(word, begun.slice(0, word.length + more)) <= Math.abs(more),
    );
  });
  return found.length === 1 ? found[0] : undefined;
}

/** Optimal string alignment distance: changes, insertions, deletions and swaps of neighbours. */
function stepsBetween(one: string, other: string): number {
  let before: number[] = [];
  let row = Array.from({ length: other.length + 1 }, (_, i) => i);
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= other.length; j += 1) {
      const same = one[i - 1] === other[j - 1];
      const swapped = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      next[j] = Math.min(
        (row[j] ?? 0) + 1,
        (next[j - 1] ?? 0) + 1,
        (row[j - 1] ?? 0) + (same ? 0 : 1),
        ...(swapped ? [(before[j - 2] ?? 0) + 1] : []),
      );
    }
    [before, row] = [row, next];
  }
  return row[other.length] ?? one.length;
}
