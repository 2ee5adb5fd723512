import { NETWORKS } from '../../src/money/network.js';

/** URLs of RPC operators by network, CAIP-2. */
export type Operators = Readonly<Record<string, readonly string[]>>;

/**
 * Puts operators of a test's own in the place of those that the table names, in this process: of two, both must agree,
 * as with the public ones. It counts for wallets whose config names no RPC.
 */
export function nameOperators(operators: Operators): void {
  for (const network of NETWORKS) {
    const rpcUrls = operators[network.caip2];
    if (rpcUrls !== undefined) Object.assign(network, { rpcUrls });
  }
}
