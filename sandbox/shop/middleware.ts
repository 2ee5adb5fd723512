import { paymentMiddlewareFromHTTPServer, x402HTTPResourceServer, x402ResourceServer } from '@x402/express';
import { HTTPFacilitatorClient } from '@x402/core/server';
import { ExactEvmScheme } from '@x402/evm/exact/server';
import type { RequestHandler } from 'express';
import type { Address } from 'viem';
import { USDC, USDC_DOMAIN } from '../usdc.ts';
import { priceOf, TIMEOUT_SEC } from './terms.ts';

/** The published `@x402/express` middleware in front of everything under `/v2`, priced as the till prices it. */
export async function createPublishedMiddleware(
  facilitatorUrl: string,
  payTo: Address,
): Promise<RequestHandler> {
  const facilitator = new HTTPFacilitatorClient({ url: facilitatorUrl });
  const resources = new x402ResourceServer(facilitator).register('eip155:84532', new ExactEvmScheme());
  const server = new x402HTTPResourceServer(resources, {
    '/v2/*': {
      accepts: {
        scheme: 'exact',
        network: 'eip155:84532',
        payTo,
        maxTimeoutSeconds: TIMEOUT_SEC,
        price: ({ adapter }) => ({
          amount: String(priceOf(new URL(adapter.getUrl()))),
          asset: USDC,
          extra: { name: USDC_DOMAIN.name, version: USDC_DOMAIN.version },
        }),
      },
    },
  });
  await server.initialize();
  return paymentMiddlewareFromHTTPServer(server, undefined, undefined, false);
}
