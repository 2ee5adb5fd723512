import { HTTPFacilitatorClient } from '@x402/core/server';
import { ExactEvmScheme } from '@x402/evm/exact/server';
import { x402ResourceServer } from '@x402/express';
import type { Facilitator } from './facilitator.ts';

/** The published resource server for scheme `exact` on one chain of the EVM, over the sandbox's facilitator. */
export function exactResources({ url }: Pick<Facilitator, 'url'>, network: `eip155:${number}`) {
  return new x402ResourceServer(new HTTPFacilitatorClient({ url })).register(network, new ExactEvmScheme());
}
