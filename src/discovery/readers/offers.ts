import { isPaymentOffer, judgeOffer, readVersion } from '../../protocols/x402/challenge/offer.js';
import { findNetworkOnWire } from '../../money/network.js';
import { isJsonObject, statedField, type JsonObject, type JsonValue } from '../../text/json.js';
import { readNetworkName, readLine, type ListedOffer, type ListedPrice } from './listing.js';

/** Real records list one to six; the rest of more would only be noise. */
const OFFERS_MAX = 16;
const ADDRESS_MAX = 64;

/**
 * Who settles a payment: only a live demand has to say it, and a list often leaves it out. These stand in for it while the
 * rest of an offer is judged, and nothing is signed from a listing.
 */
const SETTLERS: JsonObject = {
  feePayer: '11111111111111111111111111111112',
  facilitatorAddress: '0x0000000000000000000000000000000000000001',
};

/** What the `accepts` of a record come to. */
export interface ListedOffers {
  readonly offers: readonly ListedOffer[];
  readonly price: ListedPrice | null;
}

/**
 * Reads the `accepts` of a list's record. Dollars come from our own asset table alone (T3): an offer in anything else
 * is listed without a price, and as one this wallet does not pay.
 */
export function readListedOffers(
  accepts: JsonValue | undefined,
  recordVersion: JsonValue | undefined,
): ListedOffers {
  const entries = Array.isArray(accepts) ? accepts : isJsonObject(accepts) ? [accepts] : [];
  const x402Version = readVersion(recordVersion);
  const offers = entries
    .slice(0, OFFERS_MAX)
    .filter(isJsonObject)
    .map((entry, index): ListedOffer => {
      const judged = judgeOffer(withSettler(entry), { index, x402Version, sharedEchoBytes: 0 });
      if (!isPaymentOffer(judged)) return unpayable(entry);
      const { network, asset, usdMicros, payTo } = judged;
      return { network: network.caip2, asset: asset.symbol, usdMicros, payTo, payable: true };
    });
  return { offers, price: priceOf(offers) };
}

function withSettler(entry: JsonObject): JsonObject {
  const extra = statedField(entry, 'extra');
  return { ...entry, extra: { ...SETTLERS, ...(isJsonObject(extra) ? extra : {}) } };
}

function unpayable(entry: JsonObject): ListedOffer {
  const onWire = statedField(entry, 'network');
  const known = typeof onWire === 'string' ? findNetworkOnWire(onWire) : undefined;
  return {
    network: known?.caip2 ?? readNetworkName(onWire),
    asset: null,
    usdMicros: null,
    payTo: readLine(statedField(entry, 'payTo'), ADDRESS_MAX),
    payable: false,
  };
}

/** The lowest and highest price among offers whose dollars are known; null if none is known. */
export function priceOf(offers: readonly ListedOffer[]): ListedPrice | null {
  const known = offers.flatMap(({ usdMicros }) => (usdMicros === null ? [] : [usdMicros]));
  const [first, ...rest] = known;
  if (first === undefined) return null;
  return {
    minUsdMicros: rest.reduce((least, usd) => (usd < least ? usd : least), first),
    maxUsdMicros: rest.reduce((most, usd) => (usd > most ? usd : most), first),
  };
}
