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
import { decodeHeader, encodeHeader } from '../shop/order.ts';
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
    readonly voucher: {
      readonly channelId: string;
      readonly maxClaimableAmount: string;
      readonly signature: string;
    };
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
  /** Takes so much of one channel by a voucher of its own; whether the contract let it. */
  take(voucher: ChannelOrder['payload']['voucher'], atomic: bigint): Promise<boolean>;
  /** Gives back what was not charged, unasked: the channel is empty from then on. */
  giveBack(channelId: string): Promise<void>;
}

/**
 * Starts it, on the published server and facilitator of `batch-settlement` and the real contracts. Any path sells for `?usd=`,
 * by default a cent, and `?fault=` of a payment is `deaf` (not heard), `lost` (served, and no answer comes), `fails` (500,
 * and nothing is charged) or `again` (charged, nothing served, and payment asked for once more). `?lie=` names what its demands
 * say that is not so, see {@link LIES}.
 */
export async function startChannelShop(
  { chain }: Sandbox,
  {
    withdrawDelaySec,
    payTo,
    extra: more = {},
  }: {
    readonly withdrawDelaySec?: number;
    readonly payTo: Address;
    /** What else its terms say. */
    readonly extra?: Readonly<Record<string, unknown>>;
  },
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
            extra: { name: USDC_DOMAIN.name, version: USDC_DOMAIN.version, ...more },
          }),
        },
      ],
    },
  } as never);
  await http.initialize();
  const orders = new Recording<ChannelOrder>();
  const app = express();
  /** Each demand as it was last made, by path. */
  const asked = new Map<string, Demand>();
  app.use((request, response, next) => {
    const value = request.headers['payment-signature'];
    const { searchParams, pathname } = new URL(request.url ?? '/', 'http://shop.invalid');
    const lie = LIES[searchParams.get('lie') as keyof typeof LIES];
    asking(response as unknown as ServerResponse, (demand) => {
      asked.set(pathname, demand);
      return lie === undefined ? demand : { ...demand, accepts: demand.accepts.map(lie) };
    });
    if (typeof value !== 'string') return next();
    const { payload } = decodeHeader(value) as Pick<ChannelOrder, 'payload'>;
    orders.add({ path: request.url ?? '', payload });
    const fault = payload.type === 'refund' ? null : searchParams.get('fault');
    if (fault === 'deaf') return void response.destroy();
    if (fault === 'lost') losing(response as unknown as ServerResponse);
    if (fault === 'again') askingAgain(response as unknown as ServerResponse, payload, asked.get(pathname));
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
  const take: ChannelShop['take'] = async ({ channelId, signature }, atomic) => {
    const id = channelId.toLowerCase();
    const before = await scheme.getStorage().get(id);
    if (before === undefined) throw new Error(`There is no channel ${id}`);
    const says = { chargedCumulativeAmount: String(atomic), signedMaxClaimable: String(atomic), signature };
    await scheme.getStorage().updateChannel(id, () => ({ ...before, ...says, totalClaimed: '0' }));
    try {
      const claims = await manager.claim({
        selectClaimChannels: (all) => all.filter((one) => one.channelId === id),
      });
      if (claims.length === 0) return false;
      await manager.settle();
      return true;
    } catch {
      return false;
    } finally {
      await scheme
        .getStorage()
        .updateChannel(id, (now) =>
          now === undefined ? now : { ...before, totalClaimed: now.totalClaimed },
        );
    }
  };
  return {
    ...{ ...server, payTo, orders, take },
    claim: async () => void (await manager.claimAndSettle()),
    giveBack: async (channelId) => void (await manager.refund([channelId])),
  };
}

/** A demand for payment, as its header says it. */
interface Demand {
  readonly accepts: readonly Accept[];
}
interface Accept {
  readonly amount: string;
  readonly extra: Readonly<Record<string, unknown>>;
}

const STRANGER = devAccount(8).address;
const DAY_SEC = 86_400;
const state =
  (change: (charged: bigint) => bigint) =>
  (accept: Accept): Accept => {
    const stated = accept.extra['channelState'] as { readonly chargedCumulativeAmount: string } | undefined;
    if (stated === undefined) return accept;
    const charged = change(BigInt(stated.chargedCumulativeAmount)).toString();
    return {
      ...accept,
      extra: { ...accept.extra, channelState: { ...stated, chargedCumulativeAmount: charged } },
    };
  };
const extra =
  (more: Readonly<Record<string, unknown>>) =>
  (accept: Accept): Accept => ({
    ...accept,
    extra: { ...accept.extra, ...more },
  });

/** What a demand may say that is not so. */
const LIES = {
  payee: (accept: Accept) => ({ ...accept, payTo: STRANGER }),
  token: (accept: Accept) => ({ ...accept, asset: STRANGER }),
  chain: (accept: Accept) => ({ ...accept, network: 'eip155:8453' }),
  contract: extra({ verifyingContract: STRANGER, contract: STRANGER, channelContract: STRANGER }),
  /** Somebody else takes for it, so that it is another channel. */
  operator: extra({ receiverAuthorizer: STRANGER, minDeposit: '900000' }),
  /** Its rest stays there for longer than any contract lets it, and for as long as one does. */
  years: extra({ withdrawDelay: 400 * DAY_SEC }),
  month: extra({ withdrawDelay: 30 * DAY_SEC, minDeposit: '900000' }),
  /** It charged a thousand times as much of the channel, or nothing at all. */
  charged_more: state((charged) => 1_000n * charged + 50_000n),
  charged_nothing: state(() => 0n),
} as const;

/** Has each demand that is written say what this makes of it. */
function asking(response: ServerResponse, change: (demand: Demand) => Demand): void {
  const setHeader = response.setHeader.bind(response);
  response.setHeader = ((name: string, value: string) =>
    name.toLowerCase() === DEMAND_HEADER
      ? setHeader(name, encodeHeader(change(decodeHeader(value) as Demand)))
      : setHeader(name, value)) as ServerResponse['setHeader'];
}

const DEMAND_HEADER = 'payment-required';

/** It is paid, and asks again in the place of an answer, with what it says it charged. */
function askingAgain(
  response: ServerResponse,
  { voucher }: ChannelOrder['payload'],
  demand: Demand | undefined,
): void {
  const end = response.end.bind(response) as (body: string) => ServerResponse;
  response.end = ((): ServerResponse => {
    const { channelId, maxClaimableAmount: chargedCumulativeAmount } = voucher;
    const stated = extra({ channelState: { channelId, chargedCumulativeAmount } });
    response.statusCode = 402;
    response.removeHeader('content-length');
    response.removeHeader('payment-response');
    if (demand !== undefined)
      response.setHeader(DEMAND_HEADER, encodeHeader({ ...demand, accepts: demand.accepts.map(stated) }));
    return end('{}');
  }) as ServerResponse['end'];
}

/** The answer is made, and never comes. */
function losing(response: ServerResponse): void {
  response.end = ((): ServerResponse => {
    response.destroy();
    return response;
  }) as ServerResponse['end'];
}
