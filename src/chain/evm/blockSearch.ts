import type { Block } from './answer.js';
import type { Operator } from './operator.js';

/** Blocks between the ends of a bracket that is narrow enough: searching this many more for a log costs nothing. */
const SLACK_BLOCKS = 128n;
/** How far beside the moment a probe aims, so that two of them close the bracket. */
const AIM_BLOCKS = SLACK_BLOCKS / 2n - 1n;
/** Enough for any honest chain to narrow down a year; past it the bracket is handed back as wide as it is. */
const PROBES_MAX = 40;
/** First guess of a chain's pace, Base's own; it only decides how many probes are needed. */
const BLOCK_SEC_GUESS = 2;

/**
 * Where a chain's clock passed a moment: every block up to `below` is earlier, every block from `above` on is not.
 * `above` is null where the chain has not come so far.
 */
export interface Bracket {
  readonly below: bigint;
  readonly above: Block | null;
}

interface KnownBlock {
  readonly number: bigint;
  /** Null for the block before the first, which nobody has asked about. */
  readonly timeSec: number | null;
}

/**
 * Finds the moment `timeSec` at or below the block `top`, by at most {@link PROBES_MAX} headers. The bracket is right
 * however soon the probes end, and about {@link SLACK_BLOCKS} wide where they sufficed. Throws RpcFault.
 */
export async function findMoment(
  operator: Pick<Operator, 'blockAt'>,
  timeSec: number,
  top: Block,
  signal?: AbortSignal,
): Promise<Bracket> {
  if (top.timeSec < timeSec) return { below: top.number, above: null };
  let above = top;
  let below: KnownBlock = { number: -1n, timeSec: null };
  for (let probe = 0; probe < PROBES_MAX && above.number - below.number > SLACK_BLOCKS; probe++) {
    const block = await operator.blockAt(chooseProbe(below, above, timeSec, probe), signal);
    if (block.timeSec >= timeSec) above = block;
    else below = block;
  }
  return { below: below.number, above };
}

/**
 * A block strictly between the two. While nothing earlier is known, ever further back; then by the pace between the
 * two, aimed a little past the moment from the end that is farther from it; and every third time in the middle, lest an
 * uneven pace mislead.
 */
function chooseProbe(below: KnownBlock, above: Block, timeSec: number, probe: number): bigint {
  const gap = above.number - below.number;
  let up: bigint;
  if (below.timeSec === null) {
    const guess = BigInt(Math.ceil((above.timeSec - timeSec) / BLOCK_SEC_GUESS)) << BigInt(probe);
    up = gap - guess - AIM_BLOCKS;
  } else if (probe % 3 === 2) {
    up = gap / 2n;
  } else {
    const elapsed = BigInt(timeSec - below.timeSec);
    const byPace = (gap * elapsed) / BigInt(above.timeSec - below.timeSec);
    // Whichever end is the farther one moves up to the moment.
    up = byPace * 2n < gap ? byPace + AIM_BLOCKS : byPace - AIM_BLOCKS;
  }
  const inside = up < 1n ? 1n : up > gap - 1n ? gap - 1n : up;
  return below.number + inside;
}
