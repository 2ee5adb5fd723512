import { x402Facilitator } from '@x402/core/facilitator';
import type { FacilitatorClient } from '@x402/core/server';
import { BatchSettlementEvmScheme as FacilitatorScheme } from '@x402/evm/batch-settlement/facilitator';
import { BatchSettlementEvmScheme } from '@x402/evm/batch-settlement/server';
import { paymentMiddlewareFromHTTPServer, x402HTTPResourceServer, x402ResourceServer } from '@x402/express';
import express from 'express';
import type { ServerResponse } from 'node:http';
import type { Address } from 'viem';
import { baseSepolia } from 'viem/chains';
import { devAccount } from '../chain.ts';
import { createEvmSigner } from '../facilitator.ts';
import { listenLocal, type LocalServer } from '../localServer.ts';
import { Recording } from '../recording.ts';
import { decodeHeader } from '../shop/order.ts';
import { atomicFromUsd } from '../usd.ts';
import { USDC, USDC_DOMAIN } from '../usdc.ts';
import type { Sandbox } from '../world.ts';
import { deployChannels } from './contracts.ts';

const NETWORK = 'eip155:84532';
const TIMEOUT_SEC = 60;
/** Who signs for the payee what is taken and given back: a key that holds nothing. */
const AUTHORIZER = devAccount(7);

/** A payment as it came. */
export interface ChannelOrder {
  readonly path: string;
  readonly payload: {
    readonly type: 'deposit' | 'voucher' | 'refund';
    readonly voucher: { readonly channelId: string; readonly maxClaimableAmount: string };
    readonly deposit?: { readonly amount: string };
  };
}

/** A shop that is paid out of channels. */
export interface ChannelShop extends LocalServer {
  readonly payTo: Address;
  /** Payments that came, oldest first. */
  readonly orders: Recording<ChannelOrder>;
  /** Takes what vouchers say, and has the contract pay it out. */
  claim(): Promise<void>;
}

/**
 * Starts it, on the published server and facilitator of `batch-settlement` and the real contracts. Any path sells for `?usd=`,
 * by default a cent, and `?fault=` of a payment is `deaf` (not heard), `lost` (served, and no answer comes) or `fails` (500,
 * and nothing is charged).
 */
export async function startChannelShop(
  { chain }: Sandbox,
  { withdrawDelaySec, payTo }: { readonly withdrawDelaySec?: number; readonly payTo: Address },
): Promise<ChannelShop> {
  await deployChannels(chain.rpc, devAccount(0).address);
  const facilitator = new x402Facilitator().register(
    NETWORK,
    new FacilitatorScheme(createEvmSigner(chain.url, baseSepolia)),
  );
  const client: FacilitatorClient = {
    verify: (payload, requirements) => facilitator.verify(payload, requirements),
    settle: (payload, requirements) => facilitator.settle(payload, requirements),
    getSupported: () => Promise.resolve(facilitator.getSupported() as never),
  };
  const scheme = new BatchSettlementEvmScheme(payTo, {
    receiverAuthorizerSigner: AUTHORIZER as never,
    ...(withdrawDelaySec === undefined ? {} : { withdrawDelay: withdrawDelaySec }),
  });
  const http = new x402HTTPResourceServer(new x402ResourceServer(client).register(NETWORK, scheme), {
    '/*': {
      accepts: [
        {
          ...{ scheme: 'batch-settlement', network: NETWORK, payTo, maxTimeoutSeconds: TIMEOUT_SEC },
          price: ({ adapter }: { adapter: { getUrl(): string } }) => ({
            amount: String(atomicFromUsd(new URL(adapter.getUrl()).searchParams.get('usd') ?? '0.01')),
            asset: USDC,
            extra: { name: USDC_DOMAIN.name, version: USDC_DOMAIN.version },
          }),
        },
      ],
    },
  } as never);
  await http.initialize();
  const orders = new Recording<ChannelOrder>();
  const app = express();
  app.use((request, response, next) => {
    const value = request.headers['payment-signature'];
    const { searchParams } = new URL(request.url ?? '/', 'http://shop.invalid');
    if (typeof value !== 'string') return next();
    const { payload } = decodeHeader(value) as Pick<ChannelOrder, 'payload'>;
    orders.add({ path: request.url ?? '', payload });
    const fault = payload.type === 'refund' ? null : searchParams.get('fault');
    if (fault === 'deaf') return void response.destroy();
    if (fault === 'lost') losing(response as unknown as ServerResponse);
    next();
  });
  app.use(paymentMiddlewareFromHTTPServer(http, undefined, undefined, false));
  app.use((request, response) => {
    const fails = new URL(request.url ?? '/', 'http://shop.invalid').searchParams.get('fault') === 'fails';
    response.statusCode = fails ? 500 : 200;
    response.setHeader('content-type', 'application/json');
    response.end(fails ? '{"error":"out of order"}' : '{"sold":true}');
  });
  const server = await listenLocal(app);
  const manager = scheme.createChannelManager(client, NETWORK, USDC);
  return { ...server, payTo, orders, claim: async () => void (await manager.claimAndSettle()) };
}

/** The answer is made, and never comes. */
function losing(response: ServerResponse): void {
  response.end = ((): ServerResponse => {
    response.destroy();
    return response;
  }) as ServerResponse['end'];
}
