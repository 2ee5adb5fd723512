import type { Network } from '../../money/network.js';
import { evmRail } from './evmRail.js';
import type { Rail } from './rail.js';
import { svmRail } from './svmRail.js';

const RAILS: Readonly<Record<Network['family'], Rail>> = { evm: evmRail, svm: svmRail };

/** The rail of a network. */
export function railOf({ family }: Pick<Network, 'family'>): Rail {
  return RAILS[family];
}
