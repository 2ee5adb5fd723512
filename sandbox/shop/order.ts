import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { getCompiledTransactionMessageDecoder, getTransactionDecoder } from '@solana/kit';
import { readBody } from '../jsonHttp.ts';
import { readTransfer } from '../solana/chain.ts';

/** The two headers that carry a payment, lower case, by protocol version. */
export const PAYMENT_HEADERS = { 1: 'x-payment', 2: 'payment-signature' } as const;

/** A payment as it reached the seller: signed, and from then on in the seller's hands. */
export interface PaymentSeen {
  version: 1 | 2;
  /** The header's value. */
  header: string;
  /** The header decoded, whatever it is; null where it is no base64 JSON. */
  payload: unknown;
  /** EIP-3009 fields, where the payload has them, or what a transaction of Solana has in their places. */
  signature: string | undefined;
  from: string | undefined;
  to: string | undefined;
  value: string | undefined;
  nonce: string | undefined;
  validBefore: string | undefined;
  /** What a transaction of Solana expires with. */
  blockhash: string | undefined;
}

/** One HTTP request as it reached the shop. */
export interface Order {
  /** The origin that was called: the shop's first or its other one. */
  origin: string;
  method: string;
  url: URL;
  path: string;
  headers: IncomingMessage['headers'];
  body: Buffer;
  payment: PaymentSeen | undefined;
  /** The fault that this request met, once it has. */
  fault: string | undefined;
}

/** Reads a whole request. */
export async function readOrder(request: IncomingMessage): Promise<Order> {
  const { localPort } = request.socket;
  const origin = `http://127.0.0.1:${localPort}`;
  const url = new URL(request.url ?? '/', origin);
  return {
    origin,
    method: request.method ?? 'GET',
    url,
    path: url.pathname,
    headers: request.headers,
    body: await readBody(request),
    payment: readPayment(request.headers),
    fault: undefined,
  };
}

function readPayment(headers: IncomingMessage['headers']): PaymentSeen | undefined {
  for (const version of [2, 1] as const) {
    const header = headers[PAYMENT_HEADERS[version]];
    if (typeof header !== 'string') continue;
    const payload = decodeHeader(header);
    type Exact = { signature?: string; authorization?: Record<string, string>; transaction?: string };
    const exact = (payload as { payload?: Exact } | null)?.payload;
    if (typeof exact?.transaction === 'string') {
      return { version, header, payload, ...readTransaction(exact.transaction) };
    }
    const authorization = exact?.authorization;
    return {
      version,
      header,
      payload,
      signature: exact?.signature,
      from: authorization?.['from'],
      to: authorization?.['to'],
      value: authorization?.['value'],
      nonce: authorization?.['nonce'],
      validBefore: authorization?.['validBefore'],
      blockhash: undefined,
    };
  }
  return undefined;
}

/** The transfer in a payment on Solana: `to` is the token account that is paid, `nonce` the hash of the message. */
export function readTransaction(base64: string): Omit<PaymentSeen, 'version' | 'header' | 'payload'> {
  const nothing = { signature: undefined, from: undefined, to: undefined, value: undefined };
  try {
    const { messageBytes } = getTransactionDecoder().decode(Buffer.from(base64, 'base64'));
    const message = messageBytes as unknown as Uint8Array;
    const transfer = readTransfer(message);
    return {
      signature: base64,
      from: transfer?.from,
      to: transfer?.destination,
      value: transfer?.amountAtomic.toString(),
      nonce: `0x${createHash('sha256').update(message).digest('hex')}`,
      validBefore: undefined,
      blockhash: getCompiledTransactionMessageDecoder().decode(message).lifetimeToken,
    };
  } catch {
    return { ...nothing, nonce: undefined, validBefore: undefined, blockhash: undefined };
  }
}

/** Decodes a base64 JSON header; null where it is none. */
export function decodeHeader(header: string): unknown {
  try {
    return JSON.parse(Buffer.from(header, 'base64').toString('utf8')) as unknown;
  } catch {
    return null;
  }
}

/** Encodes a value as a base64 JSON header. */
export function encodeHeader(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64');
}
