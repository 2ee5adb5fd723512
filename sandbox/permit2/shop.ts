import { HTTPFacilitatorClient } from '@x402/core/server';
import {
  paymentMiddlewareFromHTTPServer,
  setSettlementOverrides,
  x402HTTPResourceServer,
  x402ResourceServer,
} from '@x402/express';
import { ExactEvmScheme } from '@x402/evm/exact/server';
import { UptoEvmScheme } from '@x402/evm/upto/server';
import {
  declareEip2612GasSponsoringExtension,
  declareErc20ApprovalGasSponsoringExtension,
} from '@x402/extensions';
import express from 'express';
import { listenLocal, type LocalServer } from '../localServer.ts';
import { decodeHeader } from '../shop/order.ts';
import { atomicFromUsd } from '../usd.ts';
import { USDC, USDC_DOMAIN } from '../usdc.ts';
import type { Sandbox } from '../world.ts';

const NETWORK = 'eip155:84532';
const TIMEOUT_SEC = 60;

/** A shop that is paid through Permit2. */
export interface Permit2Shop extends LocalServer {
  /** Payment headers that came, decoded, oldest first. */
  readonly payments: readonly { readonly path: string; readonly payload: unknown }[];
}

/**
 * Starts it, on the published middleware. `/upto/*` sells for up to `?usd=` and charges `?charge=` dollars, or all;
 * `/exact/*` sells for `?usd=`. Under `/upto/sponsored/` and `/exact/sponsored/` its facilitator brings a permit along,
 * and under `/exact/full/` it would an approval of all there is.
 */
export async function startPermit2Shop({ facilitator, shop }: Sandbox): Promise<Permit2Shop> {
  const payments: { path: string; payload: unknown }[] = [];
  const app = express();
  app.use((request, _response, next) => {
    const value = request.headers['payment-signature'];
    if (typeof value === 'string') payments.push({ path: request.url ?? '', payload: decodeHeader(value) });
    next();
  });
  const resources = new x402ResourceServer(new HTTPFacilitatorClient({ url: facilitator.url }))
    .register(NETWORK, new ExactEvmScheme())
    .register(NETWORK, new UptoEvmScheme());
  const terms = (scheme: 'exact' | 'upto') =>
    ({
      scheme,
      network: NETWORK,
      payTo: shop.payTo,
      maxTimeoutSeconds: TIMEOUT_SEC,
      price: ({ adapter }: { adapter: { getUrl(): string } }) => ({
        amount: String(atomicFromUsd(new URL(adapter.getUrl()).searchParams.get('usd') ?? '0.01')),
        asset: USDC,
        extra: { name: USDC_DOMAIN.name, version: USDC_DOMAIN.version, assetTransferMethod: 'permit2' },
      }),
    }) as const;
  const sponsored = declareEip2612GasSponsoringExtension();
  const http = new x402HTTPResourceServer(resources, {
    '/upto/sponsored/*': { accepts: [terms('upto')], extensions: sponsored },
    '/exact/sponsored/*': { accepts: [terms('exact')], extensions: sponsored },
    '/exact/full/*': { accepts: [terms('exact')], extensions: declareErc20ApprovalGasSponsoringExtension() },
    '/upto/*': { accepts: [terms('upto')] },
    '/exact/*': { accepts: [terms('exact')] },
  });
  await http.initialize();
  app.use(paymentMiddlewareFromHTTPServer(http, undefined, undefined, false));
  app.use((request, response) => {
    const charge = new URL(request.url ?? '/', 'http://shop.invalid').searchParams.get('charge');
    if (charge !== null)
      setSettlementOverrides(response as never, {
        amount: charge === '0' ? '0' : String(atomicFromUsd(charge)),
      });
    response.setHeader('content-type', 'application/json');
    response.end('{"sold":true}');
  });
  const server = await listenLocal(app);
  return { ...server, payments };
}
