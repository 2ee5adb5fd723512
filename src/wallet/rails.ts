import type { Network } from '../money/network.js';
import { evmRail } from './evmRail.js';
import type { Rail } from './rail.js';

const RAILS: Readonly<Record<Network['family'], Rail>> = { evm: evmRail };

/** The rail of a network. */
export function railOf({ family }: Pick<Network, 'family'>): Rail {
  return RAILS[family];
}
