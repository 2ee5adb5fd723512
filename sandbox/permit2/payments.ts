import {
  PERMIT2_ADDRESS,
  x402ExactPermit2ProxyABI,
  x402ExactPermit2ProxyAddress,
  x402UptoPermit2ProxyABI,
  x402UptoPermit2ProxyAddress,
} from '@x402/evm';
import { decodeFunctionData, numberToHex, type Abi, type Address, type Hex } from 'viem';
import type { ChainPayment } from '../chain.ts';
import { PERMIT2 } from './contracts.ts';

/** A transfer as it was logged. */
export interface TransferSeen {
  readonly transactionHash: Hex;
  readonly blockNumber: bigint;
  readonly args: { readonly from?: Address; readonly to?: Address; readonly value?: bigint };
}

/** Read by the published ABIs, which the wallet does not read. */
const ABIS = new Map<string, Abi>([
  [x402ExactPermit2ProxyAddress.toLowerCase(), x402ExactPermit2ProxyABI],
  [x402UptoPermit2ProxyAddress.toLowerCase(), x402UptoPermit2ProxyABI],
]);
if (PERMIT2_ADDRESS !== PERMIT2) throw new Error('Permit2 is at another address');

/** What tells of a transaction. */
interface Transactions {
  getTransaction(asked: { hash: Hex }): Promise<{ to: Address | null; input: Hex }>;
}

/** What a transaction is does not change, and a test asks for all of a payer's again and again. */
const knownNonces = new WeakMap<Transactions, Map<Hex, Promise<Hex | null>>>();

/** The transfers among these that a call of one of x402's contracts made, with the nonce of each in 32 bytes. */
export async function permit2Payments(
  client: Transactions,
  transfers: readonly TransferSeen[],
): Promise<ChainPayment[]> {
  const payments = await Promise.all(
    transfers.map(async ({ transactionHash: hash, blockNumber, args }): Promise<ChainPayment[]> => {
      const nonce = await nonceOf(client, hash);
      if (nonce === null) return [];
      return [{ nonce, to: args.to!, amountAtomic: args.value!, transaction: hash, blockNumber }];
    }),
  );
  return payments.flat();
}

/** The nonce in a call of one of x402's contracts; null for any other transaction. */
function nonceOf(client: Transactions, hash: Hex): Promise<Hex | null> {
  const known = knownNonces.get(client) ?? new Map<Hex, Promise<Hex | null>>();
  knownNonces.set(client, known);
  const nonce = known.get(hash) ?? readNonce(client, hash);
  known.set(hash, nonce);
  nonce.catch(() => known.delete(hash));
  return nonce;
}

async function readNonce(client: Transactions, hash: Hex): Promise<Hex | null> {
  const { to, input } = await client.getTransaction({ hash });
  const abi = ABIS.get(to?.toLowerCase() ?? '');
  if (abi === undefined) return null;
  const call = decodeFunctionData({ abi, data: input }) as { functionName: string; args: readonly unknown[] };
  const permit = call.args[call.functionName === 'settle' ? 0 : 1] as { nonce: bigint };
  return numberToHex(permit.nonce, { size: 32 });
}
