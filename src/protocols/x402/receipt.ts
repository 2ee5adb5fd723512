import type { HeaderList, SettlementReceipt } from '../../payment/challenge.js';
import { isBase58 } from '../../money/base58.js';
import { headerValues, readJsonHeader } from './header.js';
import {
  isJsonObject,
  nestsDeeperThan,
  statedField,
  statedLine,
  statedText,
  type JsonObject,
} from '../../text/json.js';

/** A receipt is five short fields and what extensions add; one longer than this is not read (T15). */
const RECEIPT_BYTES_MAX = 65_536;

const ERROR_REASON_CODE_POINTS_MAX = 120;
const NETWORK_CODE_POINTS_MAX = 64;

/** A signed receipt is some ten short fields and a signature. */
const SIGNED_CHARS_MAX = 8_192;
const SIGNED_DEPTH_MAX = 8;

const TRANSACTION = /^0x[0-9a-f]{64}$/i;

/** Zero is an amount here: under some schemes a seller may charge nothing. */
const AMOUNT = /^(?:0|[1-9][0-9]{0,77})$/;

/**
 * Reads what the seller says about the settlement, from `PAYMENT-RESPONSE` (v2) or `X-PAYMENT-RESPONSE` (v1); null
 * where neither can be read or neither says whether it succeeded.
 *
 * A claim, nothing more (T28). A field that does not have its form is left out; a `success: false` with a
 * transaction, as in `settlement_pending`, is no end. Never throws.
 */
export function readReceipt(headers: HeaderList): SettlementReceipt | null {
  for (const name of ['payment-response', 'x-payment-response']) {
    for (const value of headerValues(headers, name)) {
      const stated = readJsonHeader(value, RECEIPT_BYTES_MAX);
      const receipt = stated === undefined ? null : readSettlement(stated);
      if (receipt !== null) return receipt;
    }
  }
  return null;
}

/** A hash of the EVM in one spelling, or a signature of Solana, which has one alone. */
function readTransaction(text: string): string | undefined {
  if (TRANSACTION.test(text)) return text.toLowerCase();
  return isBase58(text, 'signature') ? text : undefined;
}

/** Reads a settlement as a facilitator answers it or a receipt header carries it; null where it says nothing. */
export function readSettlement(stated: JsonObject): SettlementReceipt | null {
  const success = statedField(stated, 'success');
  if (typeof success !== 'boolean') return null;
  const transaction = statedText(stated, 'transaction') ?? '';
  const amount = statedText(stated, 'amount') ?? '';
  return {
    success,
    transaction: readTransaction(transaction),
    networkOnWire: statedLine(stated, 'network', NETWORK_CODE_POINTS_MAX),
    errorReason: statedLine(stated, 'errorReason', ERROR_REASON_CODE_POINTS_MAX),
    amountAtomic: AMOUNT.test(amount) ? BigInt(amount) : undefined,
    ...signedPart(stated),
  };
}

/** The signed receipt of the extension `offer-receipt`; one that is too large or nests too deep is not kept. */
function signedPart(stated: JsonObject): { readonly signedReceipt?: JsonObject } {
  const extensions = statedField(stated, 'extensions');
  const part = isJsonObject(extensions) ? statedField(extensions, 'offer-receipt') : undefined;
  const info = isJsonObject(part) ? statedField(part, 'info') : undefined;
  const receipt = isJsonObject(info) ? statedField(info, 'receipt') : undefined;
  if (!isJsonObject(receipt) || nestsDeeperThan(receipt, SIGNED_DEPTH_MAX)) return {};
  return JSON.stringify(receipt).length > SIGNED_CHARS_MAX ? {} : { signedReceipt: receipt };
}
