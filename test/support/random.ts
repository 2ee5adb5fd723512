/** A source of random choices that one seed repeats. */
export interface Random {
  /** An integer from 0, below `end`. */
  below(end: number): number;
  pick<T>(list: readonly T[]): T;
  /** True this often in a hundred. */
  percent(chance: number): boolean;
  /** A source of its own, for a stream of choices that must not depend on how others interleave. */
  fork(): Random;
}

const UINT32 = 2 ** 32;

/** Makes a source from a seed: SplitMix32, which is far more random than a schedule of faults needs. */
export function createRandom(seed: number): Random {
  let state = seed | 0;
  const next = (): number => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
  const below = (end: number): number => Math.floor((next() / UINT32) * end);
  return {
    below,
    pick(list) {
      if (list.length === 0) throw new RangeError('Nothing to pick from');
      return list[below(list.length)]!;
    },
    percent: (chance) => below(100) < chance,
    fork: () => createRandom(next()),
  };
}
