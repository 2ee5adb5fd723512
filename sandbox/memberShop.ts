import { HTTPFacilitatorClient } from '@x402/core/server';
import { paymentMiddlewareFromHTTPServer, x402HTTPResourceServer, x402ResourceServer } from '@x402/express';
import { ExactEvmScheme } from '@x402/evm/exact/server';
import {
  createSIWxResourceServerExtension,
  declareSIWxExtension,
  InMemorySIWxStorage,
} from '@x402/extensions/sign-in-with-x';
import { ExactSvmScheme } from '@x402/svm/exact/server';
import express from 'express';
import { listenLocal, type LocalServer } from './localServer.ts';
import { SOLANA_DEVNET } from './solana/chain.ts';
import { USDC_MINT } from './solana/token.ts';
import { USDC, USDC_DOMAIN } from './usdc.ts';
import type { Sandbox } from './world.ts';

const AMOUNT = '20000';

/** A shop that gives a page again to who paid for it, and signs in. */
export interface MemberShop extends LocalServer {
  /** Values of `SIGN-IN-WITH-X` that came, oldest first. */
  readonly signIns: readonly { readonly path: string; readonly value: string }[];
}

/**
 * Starts it, on the published middleware with its extension `sign-in-with-x`: `/page/*` is sold once to an address,
 * `/call/*` by the call though it asks to sign in, and `/members` costs a signature and no money.
 */
export async function startMemberShop({ facilitator, shop }: Sandbox): Promise<MemberShop> {
  const signIns: { path: string; value: string }[] = [];
  const app = express();
  app.use((request, _response, next) => {
    const value = request.headers['sign-in-with-x'];
    if (typeof value === 'string') signIns.push({ path: request.url ?? '', value });
    next();
  });
  // The published check of a sign-in goes by the machine's own time.
  const server = await listenLocal(app);
  const storage = new InMemorySIWxStorage();
  const sold = new InMemorySIWxStorage();
  storage.recordPayment = (resource, address) => {
    if (resource.startsWith('/page/')) sold.recordPayment(resource, address);
  };
  storage.hasPaid = (resource, address) => sold.hasPaid(resource, address);
  const extension = createSIWxResourceServerExtension({ origin: server.url, storage });
  const resources = new x402ResourceServer(new HTTPFacilitatorClient({ url: facilitator.url }))
    .register('eip155:84532', new ExactEvmScheme())
    .register(SOLANA_DEVNET, new ExactSvmScheme())
    .registerExtension(extension);
  const onBase = {
    scheme: 'exact',
    network: 'eip155:84532',
    payTo: shop.payTo,
    maxTimeoutSeconds: 60,
    price: { amount: AMOUNT, asset: USDC, extra: { name: USDC_DOMAIN.name, version: USDC_DOMAIN.version } },
  } as const;
  const onSolana = {
    scheme: 'exact',
    network: SOLANA_DEVNET,
    payTo: shop.payToSolana,
    maxTimeoutSeconds: 60,
    price: { amount: AMOUNT, asset: USDC_MINT },
  } as const;
  const asks = declareSIWxExtension({ statement: 'Sign in to read it again.', expirationSeconds: 300 });
  const only = declareSIWxExtension({ network: ['eip155:84532', SOLANA_DEVNET] });
  const http = new x402HTTPResourceServer(resources, {
    '/page/*': { accepts: [onBase, onSolana], extensions: asks },
    '/call/*': { accepts: [onBase, onSolana], extensions: asks },
    '/members': { accepts: [], extensions: only },
  });
  await http.initialize();
  app.use(paymentMiddlewareFromHTTPServer(http, undefined, undefined, false));
  app.use((request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ page: request.url }));
  });
  return { ...server, signIns };
}
