import type { SettlementReceipt } from '../../payment/challenge.js';
import type { Asset } from '../../money/asset.js';
import type { Network } from '../../money/network.js';
import { isBase58 } from '../../money/base58.js';
import { isJsonObject, parseJson, statedField, statedText, type JsonValue } from '../../text/json.js';
import { readSettlement } from './receipt.js';
import type { ExactEvmPayload, ExactSvmPayload, X402Version } from './types.js';
import type { AtomicAmount } from '../../money/unit.js';

/** A signed transfer for a facilitator to settle; it can pay its own payee alone, whoever holds it. */
export interface Settlement {
  readonly network: Network;
  readonly asset: Asset;
  readonly payTo: string;
  readonly amountAtomic: AtomicAmount;
  readonly payload: ExactEvmPayload | ExactSvmPayload;
  /** Who pays the fee on Solana, as it was signed; null on the EVM. */
  readonly feePayer: string | null;
  /** How long what was signed lives from now. */
  readonly maxTimeoutSeconds: number;
}

/** v1 wants a resource named; a withdrawal buys nothing. */
const NO_RESOURCE = 'https://withdrawal.invalid/';

/** How a facilitator settles on a network. */
export interface Supported {
  readonly version: X402Version;
  /** The key that it pays fees by on Solana; null on the EVM. */
  readonly feePayer: string | null;
}

/** How a facilitator settles `exact` on a network, the newer version first; null where it does not. */
export function readSupported(answer: string, network: Network): Supported | null {
  const stated = parseJson(answer);
  const kinds = isJsonObject(stated) ? statedField(stated, 'kinds') : undefined;
  if (!Array.isArray(kinds)) return null;
  const takes = (version: X402Version): Supported | undefined =>
    kinds
      .filter((kind) => isKind(kind, version, version === 1 ? network.v1Name : network.caip2))
      .map((kind) => ({ version, feePayer: feePayerOf(kind) }))
      .find(({ feePayer }) => network.family === 'evm' || feePayer !== null);
  return takes(2) ?? takes(1) ?? null;
}

function feePayerOf(kind: JsonValue): string | null {
  const extra = isJsonObject(kind) ? statedField(kind, 'extra') : undefined;
  const stated = isJsonObject(extra) ? statedText(extra, 'feePayer') : undefined;
  return stated !== undefined && isBase58(stated, 'address') ? stated : null;
}

function isKind(kind: JsonValue, version: X402Version, name: string | undefined): boolean {
  return (
    isJsonObject(kind) &&
    statedField(kind, 'x402Version') === version &&
    statedText(kind, 'scheme') === 'exact' &&
    name !== undefined &&
    statedText(kind, 'network') === name
  );
}

/** The body of a POST to `/settle` (x402 facilitator API, v1 and v2). */
export function settleBody(version: X402Version, settlement: Settlement): string {
  const { network, asset, payload, payTo, maxTimeoutSeconds, feePayer } = settlement;
  const value = settlement.amountAtomic.toString();
  const terms = {
    scheme: 'exact',
    asset: asset.address,
    payTo,
    maxTimeoutSeconds,
    extra: asset.family === 'evm' ? { ...(asset.eip712 ?? {}) } : { feePayer },
  };
  if (version === 1) {
    const { v1Name } = network;
    return JSON.stringify({
      x402Version: 1,
      paymentPayload: { x402Version: 1, scheme: 'exact', network: v1Name, payload },
      paymentRequirements: {
        ...terms,
        network: v1Name,
        maxAmountRequired: value,
        resource: NO_RESOURCE,
        description: '',
        mimeType: '',
      },
    });
  }
  const requirements = { ...terms, network: network.caip2, amount: value };
  return JSON.stringify({
    x402Version: 2,
    paymentPayload: { x402Version: 2, accepted: requirements, payload },
    paymentRequirements: requirements,
  });
}

/** What a facilitator says of a settlement: a claim, as a seller's receipt is (T28). Null where it says nothing. */
export function readSettleAnswer(answer: string): SettlementReceipt | null {
  const stated = parseJson(answer);
  return isJsonObject(stated) ? readSettlement(stated) : null;
}
