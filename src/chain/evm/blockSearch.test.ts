import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Block, Hex } from './answer.js';
import { findMoment } from './blockSearch.js';

const HASH: Hex = `0x${'0'.repeat(64)}`;

/** A chain of headers, with a count of how many were asked for. */
function chainOf(times: readonly number[]) {
  const blocks = times.map((timeSec, number): Block => ({
    number: BigInt(number),
    hash: HASH,
    timeSec,
  }));
  let probes = 0;
  return {
    top: blocks[blocks.length - 1] as Block,
    probes: () => probes,
    blockAt: (number: bigint): Promise<Block> => {
      probes++;
      const block = blocks[Number(number)];
      return block === undefined ? Promise.reject(new Error(`no block ${number}`)) : Promise.resolve(block);
    },
  };
}

function timesOf(gaps: readonly number[], startSec = 1_000_000): number[] {
  let timeSec = startSec;
  return gaps.map((gap) => (timeSec += gap));
}

describe('findMoment', () => {
  test('is right on any chain, and narrow', async () => {
    const gap = fc.oneof(
      { weight: 50, arbitrary: fc.integer({ min: 0, max: 3 }) },
      fc.constantFrom(0, 600, 40_000),
    );
    const gaps = fc.array(gap, { minLength: 1, maxLength: 3_000, size: 'max' });
    await fc.assert(
      fc.asyncProperty(gaps, fc.double({ min: -0.1, max: 1.1, noNaN: true }), async (someGaps, where) => {
        const times = timesOf(someGaps);
        const chain = chainOf(times);
        const [first, last] = [times[0] as number, chain.top.timeSec];
        const timeSec = Math.round(first + where * (last - first));
        const { below, above } = await findMoment(chain, timeSec, chain.top);
        const firstNotEarlier = times.findIndex((time) => time >= timeSec);
        expect(above === null).toBe(firstNotEarlier === -1);
        if (above === null) expect(below).toBe(chain.top.number);
        else {
          expect(below).toBeLessThan(BigInt(firstNotEarlier));
          expect(above.number).toBeGreaterThanOrEqual(BigInt(firstNotEarlier));
          expect(above.number - below).toBeLessThanOrEqual(128n);
        }
        expect(chain.probes()).toBeLessThanOrEqual(40);
      }),
      { numRuns: 200 },
    );
  });

  test.each([
    ['Base, an hour back', 2, 1_800],
    ['Base, a week back', 2, 302_400],
    ['Ethereum, a day back', 12, 7_200],
    ['a block a second, a day back', 1, 86_400],
  ])('%s: a handful of headers', async (_name, blockSec, blocksBack) => {
    const times = timesOf(Array.from({ length: 400_000 }, () => blockSec));
    const chain = chainOf(times);
    const { below, above } = await findMoment(chain, chain.top.timeSec - blocksBack * blockSec, chain.top);
    expect((above?.number ?? 0n) - below).toBeLessThanOrEqual(128n);
    expect(chain.probes()).toBeLessThanOrEqual(6);
  });

  test('an operator whose clock makes no sense is asked a bounded number of times', async () => {
    let asked = 0;
    const blockAt = (number: bigint): Promise<Block> => {
      asked++;
      return Promise.resolve({
        number,
        hash: HASH,
        timeSec: asked % 2 === 0 ? 0 : 2 ** 50,
      });
    };
    const top: Block = { number: 2n ** 63n, hash: HASH, timeSec: 2 ** 51 };
    await findMoment({ blockAt }, 1_000, top);
    expect(asked).toBeLessThanOrEqual(40);
  });
});
