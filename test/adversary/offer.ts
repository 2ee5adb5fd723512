import type { ServerResponse } from 'node:http';
import { USDC, USDC_DOMAIN } from '../../sandbox/usdc.ts';
import { encodeHeader } from '../../sandbox/shop/order.ts';
import { SOLANA_DEVNET } from '../../sandbox/solana/chain.ts';
import { USDC_MINT } from '../../sandbox/solana/token.ts';
import type { Seen, Serve, Signed, Stall } from './role.ts';

/** What every role's goods contain, so that a control can be told to have been delivered. */
export const GOODS = { city: 'Lisbon', temperature_c: 21 };

/** A cent. */
export const CENT = 10_000n;

/** An entry of `accepts` by which an honest seller asks for a cent; `over` makes it something else. */
export function offerOf(stall: Stall, over: Readonly<Record<string, unknown>> = {}) {
  return {
    scheme: 'exact',
    network: 'eip155:84532',
    amount: String(CENT),
    asset: USDC,
    payTo: stall.payTo,
    maxTimeoutSeconds: 600,
    extra: { name: USDC_DOMAIN.name, version: USDC_DOMAIN.version },
    ...over,
  };
}

/** An entry of `accepts` by which an honest seller asks for a cent on Solana; `over` makes it something else. */
export function solanaOfferOf(stall: Stall, over: Readonly<Record<string, unknown>> = {}) {
  return {
    ...offerOf(stall),
    network: SOLANA_DEVNET,
    asset: USDC_MINT,
    payTo: stall.payToSolana,
    extra: { feePayer: stall.feePayer },
    ...over,
  };
}

/** The same entry as x402 v1 writes it. */
export function offerOfV1(stall: Stall, over: Readonly<Record<string, unknown>> = {}) {
  const { amount, network: _network, ...rest } = offerOf(stall);
  const v1 = { network: 'base-sepolia', maxAmountRequired: amount, resource: stall.url() };
  return {
    ...rest,
    ...v1,
    description: 'weather',
    mimeType: 'application/json',
    outputSchema: null,
    ...over,
  };
}

/** Parts of a 402 beside its offers. */
export interface Challenge {
  readonly accepts: readonly unknown[];
  readonly resource?: unknown;
  readonly error?: string;
  readonly extensions?: unknown;
}

/** Notes every payee that a challenge names. */
export function noteAsked(stall: Stall, seen: Seen, accepts: readonly unknown[]): void {
  for (const offer of accepts) {
    const { payTo } = (offer ?? {}) as { payTo?: unknown };
    if (typeof payTo === 'string') stall.asks(seen.host, payTo);
  }
}

/** Answers a 402 as x402 v2 does: the challenge in a header. */
export function askV2(stall: Stall, seen: Seen, response: ServerResponse, challenge: Challenge): void {
  noteAsked(stall, seen, challenge.accepts);
  const { resource = { url: seen.url.href, description: 'weather', mimeType: 'application/json' } } =
    challenge;
  const body = { x402Version: 2, error: 'Payment required', ...challenge, resource };
  response.writeHead(402, { 'content-type': 'application/json', 'payment-required': encodeHeader(body) });
  response.end('{}');
}

/** Answers a 402 as x402 v1 does: the challenge in the body. */
export function askV1(
  stall: Stall,
  seen: Seen,
  response: ServerResponse,
  accepts: readonly unknown[],
  error = 'X-PAYMENT header is required',
): void {
  noteAsked(stall, seen, accepts);
  sendJson(response, 402, { x402Version: 1, error, accepts });
}

/** Answers with JSON. */
export function sendJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(value));
}

/** A receipt as both versions write it. */
export function receiptOf(transaction: string, over: Readonly<Record<string, unknown>> = {}): string {
  return encodeHeader({ success: true, transaction, network: 'eip155:84532', ...over });
}

/** The headers that carry a receipt to a payment of either version. */
export function receiptHeaders(receipt: string): Record<string, string> {
  return { 'payment-response': receipt, 'x-payment-response': receipt };
}

/** Takes the money and delivers. */
export async function sell(
  stall: Stall,
  signed: Signed,
  response: ServerResponse,
  goods: unknown = GOODS,
): Promise<void> {
  const over = signed.chain === 'solana' ? { network: SOLANA_DEVNET } : {};
  sendJson(response, 200, goods, receiptHeaders(receiptOf(await stall.settle(signed), over)));
}

/** A seller that asks by `ask` and, paid, takes the money and delivers what `goods` makes. */
export function seller(stall: Stall, ask: Serve, goods: (seen: Seen) => unknown = () => GOODS): Serve {
  return async (seen, response) => {
    if (seen.signed === undefined) await ask(seen, response);
    else await sell(stall, seen.signed, response, goods(seen));
  };
}

/** A seller that asks with these offers by x402 v2 and, paid, takes the money and delivers. */
export function sellerOf(stall: Stall, ...accepts: readonly unknown[]): Serve {
  return seller(stall, (seen, response) => askV2(stall, seen, response, { accepts }));
}

/** Words to an agent that does what it reads: a call it is to make. */
export function order(tool: string, args: Readonly<Record<string, unknown>>): string {
  return `CALL ${tool} ${JSON.stringify(args)}`;
}
