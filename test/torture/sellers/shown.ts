import type { IncomingHttpHeaders } from 'node:http';
import { decodeFunctionData, numberToHex, parseAbi } from 'viem';
import { Transaction } from 'viem/tempo';
import { decodeHeader, readTransaction } from '../../../sandbox/shop/order.ts';
import type { Place } from '../exposure.js';

/** A signed payment as a seller is shown it, whatever protocol brought it. */
export interface Shown {
  readonly nonce: string;
  readonly header: string;
  /** The most that it can take, in units of a token whose unit is a micro-dollar. */
  readonly usdMicros: bigint;
  /** Whether less may be taken. */
  readonly isCeiling: boolean;
  /** The last second of its chain at which it can settle, or on Solana the blockhash that it expires with. */
  readonly ends:
    { readonly place: Exclude<Place, 'solana' | 'lightning'>; readonly lastSec: number } | string;
}

const TIP20 = parseAbi(['function transferWithMemo(address to, uint256 amount, bytes32 memo)']);

interface Authorization {
  readonly nonce: string;
  readonly value: string;
  readonly validBefore: string;
}
interface Permit2 {
  readonly permitted: { readonly amount: string };
  readonly nonce: string;
  readonly deadline: string;
}

/** The payment in a request; null where it has none, or a proof of one that was made before. */
export function readShown(headers: IncomingHttpHeaders): Shown | null {
  const x402 = headers['payment-signature'];
  if (typeof x402 === 'string') return readX402(x402);
  const mpp = headers['payment-authorization'] ?? headers.authorization;
  return typeof mpp === 'string' && mpp.startsWith('Payment ') ? readMpp(mpp) : null;
}

function readX402(header: string): Shown | null {
  const { accepted, payload } = decodeHeader(header) as {
    accepted: { scheme: string };
    payload: { permit2Authorization?: Permit2 };
  };
  const permit2 = payload.permit2Authorization;
  if (permit2 === undefined) return null;
  return {
    nonce: numberToHex(BigInt(permit2.nonce), { size: 32 }),
    header,
    usdMicros: BigInt(permit2.permitted.amount),
    isCeiling: accepted.scheme === 'upto',
    ends: { place: 'base', lastSec: Number(permit2.deadline) },
  };
}

function readMpp(header: string): Shown | null {
  const text = Buffer.from(header.slice('Payment '.length), 'base64url').toString('utf8');
  const { challenge, payload } = JSON.parse(text) as {
    challenge: { method: string };
    payload: Partial<Authorization & { signature: string; transaction: string }>;
  };
  if (challenge.method === 'evm')
    return {
      nonce: payload.nonce ?? '',
      header,
      usdMicros: BigInt(payload.value ?? 0),
      isCeiling: false,
      ends: { place: 'base', lastSec: Number(payload.validBefore) - 1 },
    };
  if (challenge.method === 'solana') {
    const { nonce = '', value, blockhash = '' } = readTransaction(payload.transaction ?? '');
    return { nonce, header, usdMicros: BigInt(value ?? 0), isCeiling: false, ends: blockhash };
  }
  return challenge.method === 'tempo' ? readTempo(header, payload.signature ?? '') : null;
}

function readTempo(header: string, transaction: string): Shown {
  const { calls, validBefore } = Transaction.deserialize(transaction as never) as unknown as {
    calls: readonly { data: `0x${string}` }[];
    validBefore: number;
  };
  const { args } = decodeFunctionData({ abi: TIP20, data: calls[0]!.data });
  const [, usdMicros, nonce] = args;
  // What the fee adds is the chain's to say: until then this is the least that can leave.
  return { nonce, header, usdMicros, isCeiling: false, ends: { place: 'tempo', lastSec: validBefore - 1 } };
}
