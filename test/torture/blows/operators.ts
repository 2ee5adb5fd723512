import { setTimeout as delay } from 'node:timers/promises';
import type { RpcFault } from '../../../sandbox/rpcProxy.ts';
import type { ChainName } from '../../support/world.js';
import type { Random } from '../../support/random.js';
import type { Blow } from './blow.js';

/** How an operator can be of no use: it says nothing, or what was true before. */
const POOR: readonly RpcFault[] = [
  { kind: 'down' },
  { kind: 'hang' },
  { kind: 'slow', ms: 300 },
  { kind: 'refusing', status: 503 },
  { kind: 'garbled' },
  { kind: 'stuck' },
  { kind: 'other_chain', chainId: 8453 },
];
const POOR_ON: Readonly<Record<ChainName, readonly RpcFault[]>> = {
  base: [...POOR, { kind: 'lagging', blocks: 30 }],
  solana: POOR,
};
/** And how one can lie. */
const LIES_ON: Readonly<Record<ChainName, readonly RpcFault[]>> = {
  base: [
    { kind: 'lying', used: true },
    { kind: 'lying', used: false },
    { kind: 'lying', aheadSec: 3_600 },
    { kind: 'lying', used: false, aheadSec: 3_600 },
    { kind: 'lying', balanceAtomic: 0n },
  ],
  solana: [
    { kind: 'lying', used: false },
    { kind: 'lying', aheadSec: 1_000 },
    { kind: 'lying', used: false, aheadSec: 1_000 },
    { kind: 'lying', balanceAtomic: 0n },
  ],
};
const LYING_PERCENT = 40;
const BOTH_PERCENT = 35;

/**
 * Breaks one operator of a chain, or both. At most one of the two lies at a time: that is what a release that both must
 * prove is safe against (T28, T31). Two that fail may stop payments and leave them open, and break no cap.
 */
export function breakOperators(chain: ChainName): Blow {
  return async ({ operators }, random) => {
    const [first, second] = random.percent(50) ? operators[chain] : operators[chain].toReversed();
    const isLie = random.percent(LYING_PERCENT);
    const fault = random.pick((isLie ? LIES_ON : POOR_ON)[chain]);
    const other = random.percent(BOTH_PERCENT) ? random.pick(POOR_ON[chain]) : null;
    await Promise.all([first?.setFault(fault), second?.setFault(other)]);
    await delay(200 + random.below(3_000));
    await Promise.all([first?.setFault(null), second?.setFault(null)]);
    return `rpc of ${chain} ${wordOf(fault, random)}${other === null ? '' : ', the other one broken too'}`;
  };
}

function wordOf(fault: RpcFault, _random: Random): string {
  if (fault.kind !== 'lying') return fault.kind;
  const { kind: _kind, ...about } = fault;
  return `lying about ${Object.keys(about).join(' and ')}`;
}
