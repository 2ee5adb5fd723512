import { readFileSync } from 'node:fs';
import { x402Facilitator } from '@x402/core/facilitator';
import { ExactEvmScheme } from '@x402/evm/exact/facilitator';
import { createPublicClient, encodeFunctionData, numberToHex, parseAbi, type Address } from 'viem';
import { polygon } from 'viem/chains';
import { startAnvil } from '../anvil.ts';
import { createRpc, devAccount, readCommonCode } from '../chain.ts';
import { overLocalHttp } from '../evmTransport.ts';
import { createEvmSigner } from '../facilitator.ts';
import { createQueue } from '../queue.ts';
import { deployPermit2, PERMIT2 } from './contracts.ts';
import { receiptOf } from '../receipt.ts';

export const POLYGON = 'eip155:137';
/** USDT on Polygon. */
export const USDT: Address = '0xc2132D05D31c914a87C6611C10748AEb04B58e8F';

/** OldDollar.sol through solc 0.8.28: optimizer of 200 runs, for Cancun, without metadata. */
const CODE = readFileSync(new URL('oldDollar.hex', import.meta.url), 'utf8').trim();
const ABI = parseAbi([
  'function balanceOf(address) view returns (uint256)',
  'function allowance(address owner, address spender) view returns (uint256)',
  'function mint(address to, uint256 value)',
]);
const ANVIL_ARGUMENTS = ['--chain-id', '137', '--slots-in-an-epoch', '1'];
const FINALIZED_LAG = 2;
const GAS_WEI = 10n ** 18n;
const POLL_MS = 10;

/** Anvil as Polygon, with a token at USDT's address that takes no signature of its holder. */
export type PolygonChain = Awaited<ReturnType<typeof startPolygon>>;

/** Starts it, with the real contracts through which such a token is paid, and the published facilitator. */
export async function startPolygon() {
  const { permit2 } = await readCommonCode(undefined);
  const anvil = await startAnvil(ANVIL_ARGUMENTS);
  const rpc = createRpc(anvil.url);
  const minter = devAccount(0).address;
  try {
    await deployPermit2(rpc, minter, permit2);
    await rpc('anvil_setCode', [USDT, CODE]);
  } catch (cause) {
    await anvil.stop();
    throw cause;
  }
  const client = createPublicClient({
    ...{ chain: polygon, transport: overLocalHttp(anvil.url), pollingInterval: POLL_MS, cacheTime: 0 },
  });
  const inTurn = createQueue();
  return {
    url: anvil.url,
    rpc,
    client,
    facilitator: new x402Facilitator().register(
      POLYGON,
      new ExactEvmScheme(createEvmSigner(anvil.url, polygon)),
    ),
    stop: anvil.stop,
    balanceOf: (of: Address): Promise<bigint> =>
      client.readContract({ address: USDT, abi: ABI, functionName: 'balanceOf', args: [of] }),
    /** What Permit2 may move of an address's USDT. */
    allowance: (of: Address): Promise<bigint> =>
      client.readContract({ address: USDT, abi: ABI, functionName: 'allowance', args: [of, PERMIT2] }),
    /** Adds USDT, atomic, and gives ether for gas. */
    fund: (to: Address, atomic: bigint): Promise<void> =>
      inTurn(async () => {
        const data = encodeFunctionData({ abi: ABI, functionName: 'mint', args: [to, atomic] });
        const hash = await rpc('eth_sendTransaction', [{ from: minter, to: USDT, data }]);
        await receiptOf(client, hash as Address);
        await rpc('anvil_setBalance', [to, numberToHex(GAS_WEI)]);
      }),
    setGas: async (of: Address, wei: bigint): Promise<void> =>
      void (await rpc('anvil_setBalance', [of, numberToHex(wei)])),
    /** Mines until a `finalized` block is so many seconds ahead. */
    async increaseTime(seconds: number): Promise<void> {
      await rpc('evm_increaseTime', [seconds]);
      await rpc('anvil_mine', [numberToHex(FINALIZED_LAG + 1)]);
    },
  };
}
