import { Mppx, tempo } from 'mppx/client';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import type { TempoChain } from './tempo/chain.ts';

/** The bare published client of MPP with a funded key on Tempo. */
export interface MppBuyer {
  /** Its `fetch`: pays what is asked, once. */
  readonly pay: (url: string) => Promise<Response>;
}

/** Makes a buyer that holds `atomic` of pathUSD; the chain may be that of another process. */
export async function createMppBuyer(
  chain: Pick<TempoChain, 'fund' | 'client'>,
  atomic: bigint,
): Promise<MppBuyer> {
  const account = privateKeyToAccount(generatePrivateKey());
  await chain.fund(account.address, atomic);
  const mppx = Mppx.create({
    methods: [tempo.charge({ account, getClient: () => chain.client })],
    polyfill: false,
    maxPaymentRetries: 1,
  });
  return { pay: (url) => mppx.fetch(url) };
}
