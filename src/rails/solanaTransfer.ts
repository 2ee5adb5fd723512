import type { AtomicAmount } from '../money/unit.js';
import { randomInt } from 'node:crypto';
import type { SolanaSettlementQuery } from '../chain/chain.js';
import { WalletError } from '../errors/walletError.js';
import { marksOf, openedWallMs } from '../ledger/attempts/attempt.js';
import type { Attempt } from '../ledger/attempts/attempt.js';
import type { SignedPayload } from '../ledger/attempts/transition.js';
import { findAsset, type SvmAsset } from '../money/asset.js';
import type { Caip2, SvmNetwork } from '../money/network.js';
import type { SolanaTransferIntent } from '../payment/intent.js';
import { readOwnMessage, readTransaction } from '../protocols/solana/solanaMessage.js';
import type { RailPorts } from './ports.js';
import { COMPUTE_UNITS, newMemo, timed } from './x402ExactSvm/transfer.js';

/** The memo program reads its text letter by letter: more than this a byte it never takes. */
const COMPUTE_UNITS_PER_MEMO_BYTE = 350;
const MEMO_BYTES_INCLUDED = 32;
/**
 * Where the seller chooses the memo, or wants none, two payments could be one and the same message, and only one would land: the
 * price, in millionths of a lamport, tells them apart. At its highest the fee payer pays 0.1 % more.
 */
const PRICES = 4_096;
/** What an offer asks of a transfer on Solana whose fees its seller pays, in any protocol. */
export interface SponsoredTerms {
  readonly network: SvmNetwork;
  readonly asset: SvmAsset;
  readonly payTo: string;
  readonly amountAtomic: AtomicAmount;
  readonly feePayer: string;
  /** The seller's; undefined for a new one of ours, null where the protocol wants none. */
  readonly memo: string | null | undefined;
}

/**
 * The transfer that pays an offer, by a blockhash of our own RPC. Throws `malformed_offer` where this wallet would pay the fees,
 * or the payee cannot receive the token.
 */
export async function prepareSponsored(
  ports: RailPorts,
  offer: SponsoredTerms,
  nowMs: number,
): Promise<SolanaTransferIntent> {
  const chain = ports.chain(offer.network);
  const from = await ports.addressOn(offer.network);
  if (offer.feePayer === from)
    throw new WalletError(
      'malformed_offer',
      'The offer wants this wallet to pay the fees; nothing was signed.',
    );
  const [{ blockhash, lastValidBlockHeight }, canReceive] = await Promise.all([
    chain.blockhash(),
    chain.canReceive(offer.asset, offer.payTo),
  ]);
  if (!canReceive) {
    throw new WalletError(
      'malformed_offer',
      `The payee ${offer.payTo} has no ${offer.asset.symbol} account on ${offer.network.label}, so no payment could settle; nothing was signed.`,
    );
  }
  const memo = offer.memo === undefined ? newMemo() : offer.memo;
  const extraBytes = Math.max(0, Buffer.byteLength(memo ?? '') - MEMO_BYTES_INCLUDED);
  const parts = {
    asset: offer.asset,
    from,
    to: offer.payTo,
    amountAtomic: offer.amountAtomic,
    feePayer: offer.feePayer,
    blockhash,
    memo,
    computeUnitLimit: COMPUTE_UNITS + extraBytes * COMPUTE_UNITS_PER_MEMO_BYTE,
    computeUnitPriceMicroLamports: offer.memo === undefined ? 1 : randomInt(1, PRICES + 1),
  };
  return { kind: 'svm_transfer', ...parts, ...(await timed(parts, lastValidBlockHeight, nowMs)) };
}

/** What to ask Solana about a payment; `transactionIn` finds the signed transaction, in base64, in the header that was sent. */
export function sponsoredQuery(
  payment: Attempt,
  transactionIn: (header: string) => string | undefined,
): SolanaSettlementQuery | null {
  const asset = findAsset(payment.network as Caip2, payment.asset);
  const signed = payment.payload === null ? null : (JSON.parse(payment.payload) as SignedPayload);
  if (asset?.family !== 'svm' || signed?.validBeforeBlock === undefined) return null;
  const transaction = readTransaction(transactionIn(signed.value) ?? '');
  const transfer = transaction === undefined ? undefined : readOwnMessage(transaction.message);
  if (transfer === undefined) return null;
  return {
    asset,
    from: payment.payFrom,
    to: payment.payTo,
    amountAtomic: payment.heldAtomic,
    nonce: payment.nonce,
    memo: transfer.memo,
    blockhash: transfer.blockhash,
    validBeforeBlock: signed.validBeforeBlock,
    openedSec: Math.floor(openedWallMs(payment) / 1000),
    marks: marksOf(payment),
    claimedTx: payment.tx ?? claimedIn(payment.receipt),
  };
}

/** What the seller named in a receipt that claims no success, such as `settlement_pending`; or whoever took a withdrawal. */
function claimedIn(receipt: string | null): string | null {
  if (receipt === null) return null;
  const { transaction, tx } = JSON.parse(receipt) as { transaction?: string; tx?: string | null };
  return transaction ?? tx ?? null;
}
