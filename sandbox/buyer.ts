import type { Network } from '@x402/core/types';
import { ExactEvmScheme } from '@x402/evm/exact/client';
import { ExactEvmSchemeV1 } from '@x402/evm/exact/v1/client';
import { wrapFetchWithPayment, x402Client, x402HTTPClient } from '@x402/fetch';
import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts';
import type { Sandbox } from './world.ts';
import { atomicFromUsd } from './usd.ts';

/** A buyer with nothing but the published client: what a wallet is measured against. */
export interface Buyer {
  account: PrivateKeyAccount;
  /** The published client's `fetch`: pays what it is asked, v1 and v2. */
  pay: typeof fetch;
  /** Asks once, signs the offer it gets, and returns the headers that pay for it; sends nothing more. */
  sign(url: string, init?: RequestInit): Promise<Record<string, string>>;
  /** USDC on chain, atomic. */
  balance(): Promise<bigint>;
}

/** Makes a buyer with a fresh key and this much USDC. */
export async function createBuyer(sandbox: Pick<Sandbox, 'chain'>, usd = '10'): Promise<Buyer> {
  const account = privateKeyToAccount(generatePrivateKey());
  await sandbox.chain.fund(account.address, atomicFromUsd(usd));
  const client = x402Client.fromConfig({
    schemes: [
      { network: 'eip155:84532', client: new ExactEvmScheme(account) },
      { network: 'base-sepolia' as Network, client: new ExactEvmSchemeV1(account), x402Version: 1 },
    ],
    // Its own cap is a dollar a payment; what is measured here is the wallet's.
    spendControls: false,
  });
  const http = new x402HTTPClient(client);
  return {
    account,
    pay: wrapFetchWithPayment(fetch, client),
    async sign(url, init) {
      const response = await fetch(url, init);
      const text = await response.text();
      const offer = http.getPaymentRequiredResponse(
        (name) => response.headers.get(name),
        text === '' ? undefined : JSON.parse(text),
      );
      return http.encodePaymentSignatureHeader(await client.createPaymentPayload(offer));
    },
    balance: () => sandbox.chain.balanceOf(account.address),
  };
}
