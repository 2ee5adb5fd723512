import type { Network } from '@x402/core/types';
import { ExactEvmScheme } from '@x402/evm/exact/client';
import { ExactEvmSchemeV1 } from '@x402/evm/exact/v1/client';
import type { KeyPairSigner } from '@solana/kit';
import { ExactSvmScheme } from '@x402/svm/exact/client';
import { ExactSvmSchemeV1 } from '@x402/svm/exact/v1/client';
import { wrapFetchWithPayment, x402Client, x402HTTPClient } from '@x402/fetch';
import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts';
import { namedSigner, SOLANA_DEVNET } from './solana/chain.ts';
import type { Chain } from './chain.ts';
import type { SolanaChain } from './solana/chain.ts';
import { atomicFromUsd } from './usd.ts';

/** What of the world a buyer needs: it may stand in another process. */
export interface BuyerWorld {
  chain: Pick<Chain, 'fund' | 'balanceOf'>;
  solana: Pick<SolanaChain, 'fund' | 'balanceOf' | 'url'>;
}

/** A buyer with nothing but the published client: what a wallet is measured against. */
export interface Buyer {
  account: PrivateKeyAccount;
  /** Its account on Solana. */
  solana: KeyPairSigner;
  /** The published client's `fetch`: pays what it is asked, v1 and v2. */
  pay: typeof fetch;
  /** Asks once, signs the offer it gets, and returns the headers that pay for it; sends nothing more. */
  sign(url: string, init?: RequestInit): Promise<Record<string, string>>;
  /** USDC on its chain, atomic. */
  balance(): Promise<bigint>;
}

/** Makes a buyer with fresh keys and this much USDC on one chain, Base unless named: it pays there only. */
export async function createBuyer(
  { chain, solana }: BuyerWorld,
  usd = '10',
  on: 'base' | 'solana' = 'base',
): Promise<Buyer> {
  const secret = generatePrivateKey();
  const account = privateKeyToAccount(secret);
  const signer = await namedSigner(secret);
  if (on === 'base') await chain.fund(account.address, atomicFromUsd(usd));
  else await solana.fund(signer.address, atomicFromUsd(usd));
  const rpc = { rpcUrl: solana.url };
  const client = x402Client.fromConfig({
    schemes:
      on === 'base'
        ? [
            { network: 'eip155:84532', client: new ExactEvmScheme(account) },
            { network: 'base-sepolia' as Network, client: new ExactEvmSchemeV1(account), x402Version: 1 },
          ]
        : [
            { network: SOLANA_DEVNET, client: new ExactSvmScheme(signer, rpc) },
            {
              network: 'solana-devnet' as Network,
              client: new ExactSvmSchemeV1(signer, rpc),
              x402Version: 1,
            },
          ],
    // Its own cap is a dollar a payment; what is measured here is the wallet's.
    spendControls: false,
  });
  const http = new x402HTTPClient(client);
  return {
    account,
    solana: signer,
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
    balance: () => (on === 'base' ? chain.balanceOf(account.address) : solana.balanceOf(signer.address)),
  };
}
