import { Buffer } from 'node:buffer';
import { isBase58 } from '../../money/base58.js';
import type { HeaderList, SettlementReceipt } from '../../payment/challenge.js';
import { isJsonObject, parseJson, statedText } from '../../text/json.js';

/** A receipt is a handful of short fields; one longer than this is not read (T15). */
const RECEIPT_BYTES_MAX = 65_536;
const BASE64URL = /^[A-Za-z0-9_-]+={0,2}$/;
const HASH = /^0x[0-9a-f]{64}$/i;

/** Problems that a seller finds before it hands anything to a chain (draft-httpauth-payment, "Error Codes"). */
const REJECTIONS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'malformed-credential': 'it cannot read the payment',
    'payment-insufficient': 'it finds the amount too low',
    'method-unsupported': 'it cannot take a payment of this form',
  }),
);
const PROBLEMS = 'https://paymentauth.org/problems/';

/**
 * Reads what the seller says about the settlement from `Payment-Receipt` (draft-httpauth-payment); null where there is none,
 * or where it says anything but success. A claim, nothing more (T28). Never throws.
 */
export function readReceipt(headers: HeaderList): SettlementReceipt | null {
  const value = headers.find(([name]) => name === 'payment-receipt')?.[1].trim();
  if (value === undefined || value.length > RECEIPT_BYTES_MAX || !BASE64URL.test(value)) return null;
  const receipt = parseJson(Buffer.from(value, 'base64url').toString('utf8'));
  if (!isJsonObject(receipt) || statedText(receipt, 'status') !== 'success') return null;
  // A session's reference is its channel: what may have gone to the chain for it has a field of its own.
  const isSession = statedText(receipt, 'intent') === 'session';
  const reference = statedText(receipt, isSession ? 'txHash' : 'reference') ?? '';
  return {
    success: true,
    transaction: readReference(reference),
    networkOnWire: undefined,
    errorReason: undefined,
    amountAtomic: undefined,
  };
}

function readReference(text: string): string | undefined {
  if (HASH.test(text)) return text.toLowerCase();
  return isBase58(text, 'signature') ? text : undefined;
}

/**
 * Why the seller says it turned a payment away before settling it, from the problem details of its answer (RFC 9457); null
 * where it says anything else. `verification-failed` is none: the reference server also says so of what it could not settle.
 * Never throws.
 */
export function readRejection(_headers: HeaderList, bodyText: string): string | null {
  const problem = parseJson(bodyText);
  const type = isJsonObject(problem) ? statedText(problem, 'type') : undefined;
  if (type?.startsWith(PROBLEMS) !== true) return null;
  return REJECTIONS.get(type.slice(PROBLEMS.length)) ?? null;
}
