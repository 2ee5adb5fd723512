import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { concat, type Address, type Hex } from 'viem';
import type { Rpc } from '../usdc.ts';

/** Uniswap's Permit2, at the same address on every chain. */
export const PERMIT2: Address = '0x000000000022D473030F116dDEE9F6B43aC78BA3';

/** It makes a contract at an address that follows from the contract's own code; anvil has it from its first block on. */
const CREATE2_DEPLOYER: Address = '0x4e59b44847b379578588920cA78FbF26c0B4956C';

/**
 * The contracts of x402 that use what is signed for Permit2, as they are on real chains (Apache-2.0, x402-foundation/x402,
 * contracts/evm). `exactProxy.hex` is the repository's own file; `uptoProxy.hex` is its source through solc 0.8.28 and
 * @openzeppelin/contracts 5.5.0. That each comes to be at its address proves every byte of it.
 */
const PROXIES: readonly { file: string; salt: Hex; address: Address }[] = [
  {
    file: 'exactProxy.hex',
    salt: '0x0000000000000000000000000000000000000000000000003000000007263b0e',
    address: '0x402085c248EeA27D92E8b30b2C58ed07f9E20001',
  },
  {
    file: 'uptoProxy.hex',
    salt: '0x000000000000000000000000000000000000000000000000b000000001db633d',
    address: '0x4020A4f3b7b90ccA423B9fabCc0CE57C6C240002',
  },
];

/** Puts Permit2 and x402's contracts on a chain. `permit2`: its code, from a chain that has it; `from` is unlocked. */
export async function deployPermit2(rpc: Rpc, from: Address, permit2: unknown): Promise<void> {
  await rpc('anvil_setCode', [PERMIT2, permit2]);
  for (const { file, ...place } of PROXIES) {
    const code = readFileSync(new URL(file, import.meta.url), 'utf8').trim() as Hex;
    await deployAt(rpc, from, { ...place, code });
  }
}

/** Makes a contract, and throws where it comes to be at another address than it has on real chains. */
export async function deployAt(
  rpc: Rpc,
  from: Address,
  { salt, address, code }: { readonly salt: Hex; readonly address: Address; readonly code: Hex },
): Promise<void> {
  const data = concat([salt, code]);
  const hash = await rpc('eth_sendTransaction', [{ from, to: CREATE2_DEPLOYER, data, gas: '0x5b8d80' }]);
  // Anvil answers a send before it has mined the block.
  while ((await rpc('eth_getTransactionReceipt', [hash])) === null) await delay(1);
  if ((await rpc('eth_getCode', [address, 'latest'])) === '0x')
    throw new Error(`The code is not the one of ${address}`);
}
