import { evm, Mppx, tempo } from 'mppx/client';
import type { PublicClient } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { namedSigner } from './solana/chain.ts';
import { USDC } from './usdc.ts';

const BASE_SEPOLIA = 84532;

/** The methods of MPP that the sandbox sells by. */
export type MppMethod = 'evm' | 'solana' | 'tempo';

/** What of the world the buyer needs, by the method it pays by: it may stand in another process. */
export interface MppBuyerWorld {
  readonly fund: (address: string, atomic: bigint) => Promise<void>;
  /** Of the chain of Tempo; only that method asks it. */
  readonly client?: object;
  /** An RPC of Solana; only that method asks it. */
  readonly solanaUrl?: string;
}

/** The bare published client of MPP with a funded key. */
export interface MppBuyer {
  /** Its `fetch`: pays what is asked, once. */
  readonly pay: (url: string) => Promise<Response>;
}

/**
 * Makes a buyer that holds `atomic` of the method's token, and pays by that method alone. `mppx` has none of its own for Solana: there
 * it pays by that of `@solana/mpp`, which is made for it.
 */
export async function createMppBuyer(
  world: MppBuyerWorld,
  atomic: bigint,
  method: MppMethod = 'tempo',
): Promise<MppBuyer> {
  const mppx = Mppx.create({
    methods: [await fundedMethod(world, atomic, method)] as never,
    polyfill: false,
    maxPaymentRetries: 1,
  });
  return { pay: (url) => mppx.fetch(url) };
}

async function fundedMethod(
  { fund, client, solanaUrl = '' }: MppBuyerWorld,
  atomic: bigint,
  method: MppMethod,
) {
  const secret = generatePrivateKey();
  if (method === 'solana') {
    const signer = await namedSigner(secret);
    await fund(signer.address, atomic);
    const { solana } = await import('@solana/mpp/client');
    return solana.charge({ signer, rpcUrl: solanaUrl });
  }
  const account = privateKeyToAccount(secret);
  await fund(account.address, atomic);
  if (method === 'tempo') return tempo.charge({ account, getClient: () => client as PublicClient });
  const authorization = { name: 'USDC', version: '2' };
  return evm.charge({ account, authorization, networks: [BASE_SEPOLIA], currencies: [USDC] });
}
