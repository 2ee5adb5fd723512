import { createHash, randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { getBase58Decoder } from '@solana/kit';
import { HTTPFacilitatorClient } from '@x402/core/server';
import type { SettleResponse } from '@x402/core/types';
import type { FaultBoard, PaidFault } from '../faults.ts';
import type { Order, PaymentSeen } from './order.ts';
import type { PendingSettlements } from './pending.ts';
import { Sale, type SaleParts, type Sold } from './sale.ts';
import { failedReceipt, type FacilitatorArguments, type Requirements } from './wire.ts';

/** What the till works with. */
export interface TillParts extends SaleParts {
  facilitatorUrl: string;
  faults: FaultBoard;
  pending: PendingSettlements;
}

/** All well: what a paid request meets when it meets no fault. */
const HONEST: PaidFault = { leg: 'paid', settle: 'yes', answer: 'goods', receipt: 'true' };

/** How a payment fared: goods handed over, or the facilitator's refusal. */
type Outcome = Sold | { refused: string; receipt?: SettleResponse };

/** A purchase kept by its `payment-identifier`, so that a retry is answered without a second settlement. */
interface Kept {
  digest: string;
  outcome: Promise<Outcome>;
}

/**
 * A seller's end of x402, v1 and v2, over the real facilitator, whose every step on the wire can be made to go wrong.
 */
export class Till {
  readonly #parts: TillParts;
  readonly #facilitator: HTTPFacilitatorClient;
  readonly #kept = new Map<string, Kept>();
  readonly #lastTransactions = new Map<string, string>();

  constructor(parts: TillParts) {
    this.#parts = parts;
    this.#facilitator = new HTTPFacilitatorClient({ url: parts.facilitatorUrl });
  }

  /** Answers one request at a price. */
  async serve(order: Order, version: 1 | 2, response: ServerResponse): Promise<void> {
    const payment = order.payment?.version === version ? order.payment : undefined;
    const chosen = this.#parts.faults.take(order.url, payment === undefined ? 'unpaid' : 'paid');
    order.fault = chosen?.name;
    const fault = chosen?.fault;
    const sale = new Sale(this.#parts, order, version, response, fault?.leg === 'terms' ? fault : undefined);
    if (payment === undefined) await sale.answerUnpaid(fault?.leg === 'unpaid' ? fault : undefined);
    else await this.#sell(sale, payment, fault?.leg === 'paid' ? fault : HONEST);
  }

  async #sell(sale: Sale, payment: PaymentSeen, fault: PaidFault): Promise<void> {
    const requirements = sale.match(payment);
    if (requirements === undefined) return sale.offer('No matching payment requirements');
    const id = sale.paymentId(payment);
    if (id === null) return sale.refuse(400, 'payment-identifier is required');
    if (fault.settle === 'no')
      return sale.answerPaid(fault, requirements, this.#sellNothing(fault, requirements));
    const outcome = await this.#once(id, payment, () => this.#handOver(sale, payment, requirements, fault));
    if (outcome === undefined) return sale.refuse(409, 'payment-identifier was used with another payment');
    if ('refused' in outcome) return sale.offer(outcome.refused, outcome.receipt);
    await sale.answerPaid(fault, requirements, outcome);
  }

  /** Nothing is settled; what a false receipt is to say. */
  #sellNothing(fault: PaidFault, requirements: Requirements): Sold {
    const network = requirements.network as SettleResponse['network'];
    const onSolana = requirements.network.startsWith('solana');
    const invented = onSolana
      ? getBase58Decoder().decode(randomBytes(64))
      : `0x${randomBytes(32).toString('hex')}`;
    const borrowed = this.#lastTransactions.get(requirements.network);
    const transaction = fault.receipt === 'borrowed' ? (borrowed ?? invented) : invented;
    return { goods: undefined, receipt: { success: true, transaction, network } };
  }

  /** Runs a sale once for each identifier, or each time without one; undefined where it was another payment's. */
  async #once(
    id: string | undefined,
    payment: PaymentSeen,
    run: () => Promise<Outcome>,
  ): Promise<Outcome | undefined> {
    if (id === undefined) return run();
    const digest = createHash('sha256').update(payment.header).digest('hex');
    const kept = this.#kept.get(id);
    if (kept !== undefined) return kept.digest === digest ? kept.outcome : undefined;
    const outcome = run().then(gathered);
    this.#kept.set(id, { digest, outcome });
    if ('refused' in (await outcome)) this.#kept.delete(id);
    return outcome;
  }

  /** Verify, run the handler, settle: the order of the reference middleware. */
  async #handOver(
    sale: Sale,
    payment: PaymentSeen,
    requirements: Requirements,
    fault: PaidFault,
  ): Promise<Outcome> {
    const call = [payment.payload, requirements] as unknown as FacilitatorArguments;
    const verified = await this.#facilitator.verify(...call);
    if (!verified.isValid) return { refused: verified.invalidReason ?? 'invalid_payment' };
    const goods = await sale.makeGoods();
    if (goods.status >= 400) return { goods, receipt: undefined };
    if (fault.settle === 'later') {
      const transaction = await this.#parts.pending.add(payment);
      return { goods, receipt: failedReceipt(requirements, 'settlement_pending', transaction) };
    }
    const receipt = await this.#facilitator.settle(...call);
    if (!receipt.success) return { refused: receipt.errorReason ?? 'settle_failed', receipt };
    this.#lastTransactions.set(requirements.network, receipt.transaction);
    return { goods, receipt };
  }
}

/** Keeps a body that comes in pieces whole, so that it can be given twice. */
async function gathered(outcome: Outcome): Promise<Outcome> {
  if ('refused' in outcome || outcome.goods === undefined || Buffer.isBuffer(outcome.goods.body))
    return outcome;
  const pieces: Buffer[] = [];
  for await (const piece of outcome.goods.body) pieces.push(piece);
  return { ...outcome, goods: { ...outcome.goods, body: Buffer.concat(pieces) } };
}
