/**
 * The candidate that a mistyped word most likely means: within a third of its length in letters changed, added, left out or
 * swapped with their neighbour. Undefined if none is that close.
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
  return best;
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
