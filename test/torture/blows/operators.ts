import { setTimeout as delay } from 'node:timers/promises';
import type { RpcFault } from '../../../sandbox/rpcProxy.ts';
import type { GroundName, TestWorld } from '../../support/world.js';
import type { Random } from '../../support/random.js';
import type { Blow } from './blow.js';

/** Draws a fault; `head` is the chain's newest block or slot. */
type DrawFault = (random: Random, head: number) => RpcFault;
const always =
  (fault: RpcFault): DrawFault =>
  () =>
    fault;

/** How far behind the head history that was pruned begins, and how far an operator lags, in blocks, at most. */
const PRUNED_BLOCKS_MAX = 60;
const LAG_BLOCKS_MAX = 60;

const pruned =
  (silent: boolean): DrawFault =>
  (random, head) => ({ kind: 'pruned', before: Math.max(0, head - random.below(PRUNED_BLOCKS_MAX)), silent });

/** How an operator can be of no use: it says nothing, or what was true before. */
const POOR: readonly DrawFault[] = [
  always({ kind: 'down' }),
  always({ kind: 'hang' }),
  always({ kind: 'slow', ms: 300 }),
  always({ kind: 'refusing', status: 503 }),
  always({ kind: 'garbled' }),
  always({ kind: 'stuck' }),
  always({ kind: 'other_chain', chainId: 8453 }),
  (random) => ({ kind: 'lagging', blocks: 1 + random.below(LAG_BLOCKS_MAX) }),
  pruned(false),
];
/** And how one can lie. */
const LIES_ON: Readonly<Record<GroundName, readonly DrawFault[]>> = {
  base: [
    always({ kind: 'lying', used: true }),
    always({ kind: 'lying', used: false }),
    always({ kind: 'lying', aheadSec: 3_600 }),
    always({ kind: 'lying', used: false, aheadSec: 3_600 }),
    always({ kind: 'lying', balanceAtomic: 0n }),
    always({ kind: 'lying', hides: 'events' }),
    always({ kind: 'lying', hides: 'transfers' }),
    pruned(true),
  ],
  solana: [
    always({ kind: 'lying', used: false }),
    always({ kind: 'lying', aheadSec: 1_000 }),
    always({ kind: 'lying', used: false, aheadSec: 1_000 }),
    always({ kind: 'lying', balanceAtomic: 0n }),
    always({ kind: 'lying', lastBlock: 1 }),
    always({ kind: 'lying', dead: true }),
    always({ kind: 'lying', used: false, dead: true }),
    pruned(true),
  ],
  tempo: [
    always({ kind: 'lying', used: false }),
    always({ kind: 'lying', aheadSec: 3_600 }),
    always({ kind: 'lying', used: false, aheadSec: 3_600 }),
    always({ kind: 'lying', balanceAtomic: 0n }),
    always({ kind: 'lying', hides: 'events' }),
    pruned(true),
  ],
};
const LYING_PERCENT = 40;
const BOTH_PERCENT = 35;

/**
 * Breaks one operator of a chain, or both. At most one of the two lies at a time: that is what a release that both must
 * prove is safe against (T28, T31). Two that fail may stop payments and leave them open, and break no cap.
 */
export function breakOperators(chain: GroundName): Blow {
  return async ({ operators, world }, random) => {
    const head = await headOf(world, chain);
    const [first, second] = random.percent(50) ? operators[chain] : operators[chain].toReversed();
    const isLie = random.percent(LYING_PERCENT);
    const fault = random.pick(isLie ? LIES_ON[chain] : POOR)(random, head);
    const other = random.percent(BOTH_PERCENT) ? random.pick(POOR)(random, head) : null;
    await Promise.all([first?.setFault(fault), second?.setFault(other)]);
    await delay(200 + random.below(3_000));
    await Promise.all([first?.setFault(null), second?.setFault(null)]);
    return `rpc of ${chain} ${wordOf(fault)}${other === null ? '' : ', the other one broken too'}`;
  };
}

async function headOf({ sandbox, tempo }: TestWorld, chain: GroundName): Promise<number> {
  if (chain === 'solana') return sandbox.solana.blocks.slot('confirmed');
  const { client } = chain === 'tempo' ? tempo!.chain : sandbox.chain;
  return Number(await client.getBlockNumber());
}

function wordOf(fault: RpcFault): string {
  if (fault.kind === 'pruned') return fault.silent === true ? 'pruned in silence' : 'pruned';
  if (fault.kind !== 'lying') return fault.kind;
  const { kind: _kind, ...about } = fault;
  return `lying about ${Object.keys(about).join(' and ')}`;
}

/** The owner's Lightning node is out of reach for a while. */
export const hideNode: Blow = async ({ lightning }, random) => {
  lightning.setDown(true);
  await delay(200 + random.below(2_000));
  lightning.setDown(false);
  return 'lightning node out of reach';
};
