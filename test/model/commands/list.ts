import fc from 'fast-check';
import type { World } from '../world.js';
import type { Command, Model } from './command.js';
import { broken, edges, forks, inventions, lastMoments, looks, oblivions, sieges } from './looks.js';
import { answers, opens, resends, signs, withdrawals } from './sales.js';
import { changes, clocks, commitKills, dusts, freezes, kills, landings, times, undos } from './weather.js';

/** The command lists of a run, each of at most so many. */
export function commandLists(maxCommands: number): fc.Arbitrary<Iterable<Command>> {
  const weighted: (readonly [number, fc.Arbitrary<Command>])[] = [
    [10, opens],
    [2, withdrawals],
    [5, signs],
    [7, answers],
    [6, landings],
    [3, times],
    [8, edges],
    [2, clocks],
    [1, undos],
    [2, dusts],
    [6, changes],
    [1, broken],
    [8, lastMoments],
    [4, forks],
    [2, inventions],
    [4, sieges],
    [2, oblivions],
    [2, kills],
    [3, commitKills],
    [8, looks],
    [2, resends],
    [2, freezes],
  ];
  return fc.commands<Model, World>(
    weighted.flatMap(([weight, one]) => Array.from({ length: weight }, () => one)),
    { maxCommands, size: 'max' },
  ) as fc.Arbitrary<Iterable<Command>>;
}
