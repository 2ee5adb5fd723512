import { readFileSync } from 'node:fs';
import { BATCH_SETTLEMENT_ADDRESS, ERC3009_DEPOSIT_COLLECTOR_ADDRESS } from '@x402/evm';
import { concat, pad, type Address, type Hex } from 'viem';
import { deployAt } from '../permit2/contracts.ts';
import type { Rpc } from '../usdc.ts';

/**
 * The contracts of x402's batch settlement, as they are on real chains (MIT, x402-foundation/x402, contracts/evm): their source
 * through solc 0.8.28 (optimizer of 200 runs, for Cancun, without metadata) and @openzeppelin/contracts 5.5.0. That each comes
 * to be at its address proves every byte of it.
 */
const SETTLEMENT = {
  file: new URL('batchSettlement.hex', import.meta.url),
  salt: '0x000000000000000000000000000000000000000000000000e000000005be885c',
  address: BATCH_SETTLEMENT_ADDRESS,
} as const;
const COLLECTOR = {
  file: new URL('depositCollector.hex', import.meta.url),
  salt: '0x0000000000000000000000000000000000000000000000001800000007a95284',
  address: ERC3009_DEPOSIT_COLLECTOR_ADDRESS,
} as const;

/** Puts them on a chain; `from` is unlocked there. */
export async function deployChannels(rpc: Rpc, from: Address): Promise<void> {
  const code = (file: URL): Hex => readFileSync(file, 'utf8').trim() as Hex;
  await deployAt(rpc, from, { ...SETTLEMENT, code: code(SETTLEMENT.file) });
  // It is told whom it serves.
  await deployAt(rpc, from, {
    ...COLLECTOR,
    code: concat([code(COLLECTOR.file), pad(BATCH_SETTLEMENT_ADDRESS)]),
  });
}
