import type { LightningSettlementQuery, PaidInvoice } from '../../chain/chain.js';
import { WalletError } from '../../errors/walletError.js';
import { marksOf, type Attempt } from '../../ledger/attempts/attempt.js';
import type { Payment } from '../../ledger/attempts/payment.js';
import type { SignedPayload } from '../../ledger/attempts/transition.js';
import { findAsset, type LightningAsset } from '../../money/asset.js';
import { bitcoinUsdMicros, isFreshRate, routingFeeMax, type BitcoinTerms } from '../../money/bitcoin.js';
import { formatUnits, formatUsd } from '../../money/decimal.js';
import { findNetwork, type Caip2, type LightningNetwork } from '../../money/network.js';
import type { AtomicAmount } from '../../money/unit.js';
import type { EndpointAnswer, Offer, RejectedOffer } from '../../payment/challenge.js';
import type { LightningIntent } from '../../payment/intent.js';
import { readInvoice, type Invoice } from '../../protocols/l402/invoice.js';
import type { RailPorts } from '../ports.js';
import type { Prepaid } from '../rail.js';

/** With less left, an invoice would run out while the wallet looks for a way to its payee. */
const LEFT_SEC_MIN = 10;
/** While an invoice lives nobody knows that it will not be paid, so a longer one only hurts the owner; sellers make them for an hour. */
const LIFE_SEC_MAX = 7 * 86_400;

/** What an offer of Lightning carries through the wallet. */
interface InvoiceTerms {
  readonly invoice: Invoice;
  readonly bitcoin: BitcoinTerms;
  /** The credential but for its proof. */
  readonly unproved: SignedPayload;
}

/** An offer of Lightning. */
export type InvoiceOffer = Offer & { readonly lightning: InvoiceTerms };

/** An offer as the wallet knows it, of an invoice that was read; why it is none where no rate can price it. */
export function toInvoiceOffer(
  { protocol, scheme, index }: Pick<Offer, 'protocol' | 'scheme' | 'index'>,
  place: { readonly network: LightningNetwork; readonly asset: LightningAsset },
  terms: { readonly invoice: Invoice; readonly unproved: SignedPayload; readonly facts?: Offer['facts'] },
  bitcoin: EndpointAnswer['bitcoin'],
): InvoiceOffer | RejectedOffer {
  if (bitcoin === undefined || 'off' in bitcoin)
    return { index, code: 'unsupported_network', reason: bitcoin?.off ?? 'Lightning is off.' };
  const { invoice, unproved, facts = {} } = terms;
  const feeMax = routingFeeMax(invoice.amountMsat, bitcoin);
  const amountAtomic = invoice.amountMsat + feeMax;
  const usdMicros = bitcoinUsdMicros(amountAtomic, bitcoin);
  const priceUsdMicros = bitcoinUsdMicros(invoice.amountMsat, bitcoin);
  const sats = (atomic: AtomicAmount): string => formatUnits(atomic, place.asset.decimals);
  return {
    ...{ protocol, scheme, index, ...place, payTo: invoice.payee, amountAtomic, usdMicros },
    feeUsdMicros: usdMicros - priceUsdMicros,
    facts: {
      ...facts,
      price_sat: sats(invoice.amountMsat),
      fee_sat_max: sats(feeMax),
      price_usd: formatUsd(priceUsdMicros),
      fee_usd_max: formatUsd(usdMicros - priceUsdMicros),
      btc_usd: formatUsd(BigInt(bitcoin.usdMicrosPerBtc)),
    },
    lightning: { invoice, bitcoin, unproved },
  };
}

/** The terms of an offer of {@link toInvoiceOffer}. Throws `internal` for any other. */
function invoiceTermsOf(offer: Offer): InvoiceTerms {
  const { lightning } = offer as Partial<InvoiceOffer>;
  if (lightning !== undefined) return lightning;
  throw new WalletError('internal', 'An offer came to a rail that does not pay it.');
}

/** Whether something that was judged is an offer. */
export function isInvoiceOffer(judged: InvoiceOffer | RejectedOffer): judged is InvoiceOffer {
  return 'lightning' in judged;
}

/**
 * The one invoice that would be paid. Throws `quote_expired` where it or the rate it was priced by has run out, and
 * `malformed_offer` where it lives for too long.
 */
export async function prepareInvoice(
  ports: RailPorts,
  offer: Offer,
  nowMs: number,
): Promise<LightningIntent> {
  const { invoice, bitcoin } = invoiceTermsOf(offer);
  const { asset, network, payTo, amountAtomic } = offer;
  if (asset.family !== 'lightning')
    throw new WalletError('internal', 'An invoice was to be paid with something else than bitcoin.');
  const nowSec = Math.floor(nowMs / 1000);
  if (invoice.expiresSec - nowSec < LEFT_SEC_MIN)
    throw new WalletError('quote_expired', "The seller's invoice has run out; nothing was paid.");
  if (invoice.expiresSec - nowSec > LIFE_SEC_MAX)
    throw new WalletError('malformed_offer', "The seller's invoice can be paid for more than seven days.");
  if (!isFreshRate(bitcoin.rateMs, nowMs))
    throw new WalletError(
      'quote_expired',
      'The rate of bitcoin that this was priced by is too old; nothing was paid.',
    );
  return {
    kind: 'lightning_invoice',
    asset,
    from: await ports.addressOn(network),
    to: payTo,
    amountAtomic,
    validAfterSec: 0,
    validBeforeSec: invoice.expiresSec,
    nonce: `0x${invoice.paymentHash}`,
  };
}

/** A wallet that reads the request later than this must not act on it: whoever brings it a second time has no longer. */
const ASK_LIFE_SEC = 90;

/** What is written down before the wallet is asked: the credential but for its proof, the invoice, and until when it may be asked. */
export function writeInvoicePayment(offer: Offer, nowMs: number): SignedPayload {
  const { invoice, unproved } = invoiceTermsOf(offer);
  return { ...unproved, invoice: invoice.text, askUntilSec: Math.floor(nowMs / 1000) + ASK_LIFE_SEC };
}

/** What to ask the connected wallet about a payment; null where nothing was written that it could be asked about. */
export function invoiceQuery(payment: Attempt): LightningSettlementQuery | null {
  const asset = findAsset(payment.network as Caip2, payment.asset);
  const signed = payment.payload === null ? null : (JSON.parse(payment.payload) as SignedPayload);
  const invoice = signed?.invoice === undefined ? null : readInvoice(signed.invoice);
  if (asset?.family !== 'lightning' || invoice === null || typeof invoice === 'string') return null;
  return {
    asset,
    from: payment.payFrom,
    amountAtomic: payment.heldAtomic,
    invoiceAtomic: invoice.amountMsat,
    paymentHash: invoice.paymentHash,
    invoiceEndsSec: invoice.expiresSec,
    // A row that never came to `sent` was never asked of any wallet.
    wasAsked: payment.state !== 'signed',
    wasRefused: payment.note === 'wallet_refused',
    ...(signed?.askUntilSec === undefined ? {} : { askUntilSec: signed.askUntilSec }),
    marks: marksOf(payment),
  };
}

/** How the two protocols of Lightning put a proof into what was written before. */
export interface InvoiceProof {
  readonly prove: (unproved: string, preimage: string) => string;
  readonly lastsUntilMs?: (unproved: string) => number | null;
}

/** Has the connected wallet pay the invoice of a payment, once. */
export async function payInvoice(
  ports: RailPorts,
  payment: Payment,
  payload: SignedPayload,
  { signal, ...proof }: InvoiceProof & { readonly signal: AbortSignal },
): Promise<Prepaid> {
  const query = queryOf(payment, payload);
  const paid = await ports
    .chain(networkOf(payment))
    .pay({ ...query, wasAsked: true, invoice: payload.invoice ?? '' }, signal);
  return prepaidOf(paid, query.paymentHash, payload, proof);
}

/** The proof of an invoice that was paid, from the connected wallet's own books. */
export async function proveInvoice(
  ports: RailPorts,
  payment: Payment,
  payload: SignedPayload,
  { signal, ...proof }: InvoiceProof & { readonly signal: AbortSignal },
): Promise<Prepaid> {
  const query = queryOf(payment, payload);
  const settlement = await ports.chain(networkOf(payment)).settlementOf(query, signal);
  if (settlement.kind !== 'captured' || settlement.preimage === undefined)
    return { kind: 'open', reason: 'the Lightning wallet does not show its proof now' };
  const { preimage, amountAtomic } = settlement;
  return prepaidOf({ kind: 'paid', preimage, amountAtomic }, query.paymentHash, payload, proof);
}

function prepaidOf(
  paid: PaidInvoice,
  paymentHash: string,
  { name, value }: SignedPayload,
  { prove, lastsUntilMs }: InvoiceProof,
): Prepaid {
  if (paid.kind === 'failed')
    return { kind: 'failed', reason: paid.why, ...(paid.isOtherNode === true ? { needsOwner: true } : {}) };
  if (paid.kind === 'open')
    return { kind: 'open', reason: paid.why, ...(paid.isRefused === true ? { isRefused: true } : {}) };
  return {
    kind: 'paid',
    credential: { name, value: prove(value, paid.preimage) },
    capturedAtomic: paid.amountAtomic,
    tx: paymentHash,
    ...(lastsUntilMs === undefined ? {} : { lastsUntilMs: lastsUntilMs(value) }),
  };
}

function queryOf(payment: Payment, payload: SignedPayload): LightningSettlementQuery {
  const query = invoiceQuery({ ...payment, payload: JSON.stringify(payload) });
  if (query !== null) return query;
  throw new WalletError('internal', 'A payment by Lightning has no invoice.');
}

function networkOf({ network }: Payment): LightningNetwork {
  const row = findNetwork(network);
  if (row?.family === 'lightning') return row;
  throw new WalletError('internal', 'A payment by Lightning is on another network.');
}
