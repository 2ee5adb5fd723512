import { randomInt } from 'node:crypto';
import { WalletError } from '../../errors/walletError.js';
import type { SignedPayload } from '../../ledger/sqlite/transition.js';
import { findAsset } from '../../money/asset.js';
import type { Caip2 } from '../../money/network.js';
import { readJsonHeader } from '../../protocols/x402/header.js';
import { isJsonObject, statedField, statedText } from '../../text/json.js';
import { readOwnMessage, readTransaction } from '../../protocols/solana/solanaMessage.js';
import { marksOf, openedWallMs } from '../../ledger/payment.js';
import type { Rail } from '../rail.js';
import { svmOfferOf, writePayment } from '../x402Offer.js';
import { COMPUTE_UNITS, newMemo, timed } from './transfer.js';

/** The memo program reads its text letter by letter: more than this a byte it never takes. */
const COMPUTE_UNITS_PER_MEMO_BYTE = 350;
const MEMO_BYTES_INCLUDED = 32;
/**
 * Where the seller chooses the memo, two payments could be one and the same message, and only one would land: the
 * price, in millionths of a lamport, tells them apart. At its highest the fee payer pays 0.1 % more.
 */
const PRICES = 4_096;
/** The header was written by this wallet and is read back whole. */
const HEADER_BYTES_MAX = 1_048_576;

/** Scheme `exact` on Solana: a transaction that the seller's facilitator signs as fee payer, and sends. */
export const x402ExactSvm: Rail = {
  id: 'x402.exact.svm',
  protocol: 'x402',
  scheme: 'exact',
  family: 'svm',

  async prepare(ports, wanted, nowMs) {
    const offer = svmOfferOf(wanted);
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
    const memo = offer.memo ?? newMemo();
    const extraBytes = Math.max(0, Buffer.byteLength(memo) - MEMO_BYTES_INCLUDED);
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
  },

  async sign(ports, { offer, intent, paymentId }) {
    if (intent.kind !== 'svm_transfer')
      throw new WalletError('internal', 'An intent came to a rail that does not sign it.');
    const transaction = await ports.keys.signSolanaTransfer(intent, ports.agentIndex);
    const { validBeforeBlock } = intent;
    return { ...writePayment(offer, { transaction }, paymentId), validBeforeBlock };
  },

  async settlementQuery(payment) {
    const asset = findAsset(payment.network as Caip2, payment.asset);
    const signed = payment.payload === null ? null : (JSON.parse(payment.payload) as SignedPayload);
    if (asset?.family !== 'svm' || signed?.validBeforeBlock === undefined) return null;
    const transaction = readTransaction(transactionIn(signed.value));
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
  },
};

/** The transaction in a payment header of either version, or in what was signed for money taken out. */
function transactionIn(header: string): string {
  const body = readJsonHeader(header, HEADER_BYTES_MAX);
  const payload = body === undefined ? undefined : statedField(body, 'payload');
  return isJsonObject(payload) ? (statedText(payload, 'transaction') ?? '') : '';
}

/** What the seller named in a receipt that claims no success, such as `settlement_pending`; or whoever took a withdrawal. */
function claimedIn(receipt: string | null): string | null {
  if (receipt === null) return null;
  const { transaction, tx } = JSON.parse(receipt) as { transaction?: string; tx?: string | null };
  return transaction ?? tx ?? null;
}
