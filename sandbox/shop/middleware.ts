import { paymentMiddlewareFromHTTPServer, x402HTTPResourceServer, x402ResourceServer } from '@x402/express';
import { HTTPFacilitatorClient } from '@x402/core/server';
import { ExactEvmScheme } from '@x402/evm/exact/server';
import { ExactSvmScheme } from '@x402/svm/exact/server';
import type { RequestHandler } from 'express';
import { SOLANA_DEVNET } from '../solana/chain.ts';
import { USDC_MINT } from '../solana/token.ts';
import { USDC, USDC_DOMAIN } from '../usdc.ts';
import { priceOf, TIMEOUT_SEC, type PayTo } from './terms.ts';

/** The published `@x402/express` middleware in front of everything under `/v2`, priced as the till prices it. */
export async function createPublishedMiddleware(
  facilitatorUrl: string,
  payTo: PayTo,
): Promise<RequestHandler> {
  const facilitator = new HTTPFacilitatorClient({ url: facilitatorUrl });
  const resources = new x402ResourceServer(facilitator)
    .register('eip155:84532', new ExactEvmScheme())
    .register(SOLANA_DEVNET, new ExactSvmScheme());
  const server = new x402HTTPResourceServer(resources, {
    '/v2/*': {
      accepts: [
        {
          scheme: 'exact',
          network: 'eip155:84532',
          payTo: payTo.evm,
          maxTimeoutSeconds: TIMEOUT_SEC,
          price: ({ adapter }) => ({
            amount: String(priceOf(new URL(adapter.getUrl()))),
            asset: USDC,
            extra: { name: USDC_DOMAIN.name, version: USDC_DOMAIN.version },
          }),
        },
        {
          scheme: 'exact',
          network: SOLANA_DEVNET,
          payTo: payTo.solana,
          maxTimeoutSeconds: TIMEOUT_SEC,
          price: ({ adapter }) => ({
            amount: String(priceOf(new URL(adapter.getUrl()))),
            asset: USDC_MINT,
          }),
        },
      ],
    },
  });
  await server.initialize();
  return paymentMiddlewareFromHTTPServer(server, undefined, undefined, false);
}
