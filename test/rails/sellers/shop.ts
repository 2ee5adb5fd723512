import type { IncomingMessage } from 'node:http';
import { listenLocal, type LocalServer } from '../../../sandbox/localServer.ts';
import { SOLANA_DEVNET } from '../../../sandbox/solana/chain.ts';
import { USDC_MINT } from '../../../sandbox/solana/token.ts';
import type { Sandbox } from '../../../sandbox/world.ts';
import { findAsset, type Asset } from '../../../src/money/asset.js';
import type { Caip2 } from '../../../src/money/network.js';

/** A payment as these sellers read it. */
interface Paid {
  readonly scheme?: string;
  readonly network?: string;
  readonly accepted: Readonly<Record<string, unknown>>;
}

const BASE = 'eip155:84532';
const USDC_ON_BASE = '0x036CbD53842c5426634e7929541eC2318f3dCF7e';
const AMOUNT = '20000';

/** Sellers of x402 v2 that read less than the rest, each at a path of its own. */
export interface OddShop extends LocalServer {
  /** The values of each header under which payments came, oldest first. */
  readonly payments: readonly { readonly path: string; readonly values: readonly string[] }[];
}

/**
 * Starts them: `/body` puts its challenge into the body and reads `X-PAYMENT` alone; `/top` goes by scheme and network
 * at the top of a payment; `/zero` sells on Solana within no seconds.
 */
export async function startOddShop({ facilitator, shop, solana, now }: Sandbox): Promise<OddShop> {
  const payments: { path: string; values: readonly string[] }[] = [];
  const onBase = offer(BASE, USDC_ON_BASE, { payTo: shop.payTo, maxTimeoutSeconds: 60 });
  const onSolana = offer(SOLANA_DEVNET, USDC_MINT, {
    payTo: shop.payToSolana,
    maxTimeoutSeconds: 0,
    extra: { feePayer: solana.feePayer.address },
  });
  const settle = async (paid: Paid, requirements: object): Promise<object> => {
    const body = JSON.stringify({ x402Version: 2, paymentPayload: paid, paymentRequirements: requirements });
    const headers = { 'content-type': 'application/json' };
    return (await (
      await fetch(`${facilitator.url}/settle`, { method: 'POST', headers, body })
    ).json()) as object;
  };
  const server = await listenLocal((request, response) => {
    const answer = async (): Promise<void> => {
      const path = request.url ?? '';
      const requirements = path === '/zero' ? onSolana : onBase;
      const header = path === '/body' ? 'x-payment' : 'payment-signature';
      const values = ['payment-signature', 'x-payment'].flatMap((name) => textOf(request, name) ?? []);
      const value = textOf(request, header);
      if (value === undefined) {
        const challenge = JSON.stringify({
          x402Version: 2,
          accepts: [requirements],
          resource: { url: path },
        });
        if (path !== '/body')
          response.setHeader('payment-required', Buffer.from(challenge).toString('base64'));
        response
          .writeHead(402, { 'content-type': 'application/json' })
          .end(path === '/body' ? challenge : '{}');
        return;
      }
      payments.push({ path, values });
      const paid = JSON.parse(Buffer.from(value, 'base64').toString()) as Paid;
      if (path === '/top' && (paid.scheme !== 'exact' || paid.network !== BASE)) {
        response.writeHead(500).end('no scheme, no network');
        return;
      }
      const receipt = Buffer.from(JSON.stringify(await settle(paid, requirements))).toString('base64');
      response.writeHead(200, { 'payment-response': receipt }).end('{"sold":true}');
    };
    answer().catch((error: unknown) => response.writeHead(500).end(String(error)));
  }, now);
  return { ...server, payments };
}

function textOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}

function offer(network: Caip2, address: string, more: Readonly<Record<string, unknown>>): object {
  const asset: Asset | undefined = findAsset(network, address);
  if (asset === undefined) throw new Error('the table lost a row');
  return { scheme: 'exact', network, asset: asset.address, amount: AMOUNT, ...withDomain(asset), ...more };
}

function withDomain(asset: Asset): object {
  return asset.family === 'evm' ? { extra: { ...asset.eip712 } } : {};
}
