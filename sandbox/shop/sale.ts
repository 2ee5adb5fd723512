import type { ServerResponse } from 'node:http';
import type { SettleResponse } from '@x402/core/types';
import type { PaidFault, TermsFault, UnpaidFault } from '../faults.ts';
import { sendGoods, sendHalf } from './answer.ts';
import type { Counter, Goods } from './goods.ts';
import { encodeHeader, type Order, type PaymentSeen } from './order.ts';
import type { TermsBook } from './terms.ts';
import { failedReceipt, WIRES, type OfferOptions, type Requirements } from './wire.ts';

/** What a sale draws on. */
export interface SaleParts {
  terms: TermsBook;
  counter: Counter;
  /** The shop's other origin, where its redirects lead. */
  otherOrigin: () => string;
  /** Who pays the fees on Solana. */
  feePayer: string;
}

/** What there is to answer with, once a payment has been dealt with. */
export interface Sold {
  goods: Goods | undefined;
  receipt: SettleResponse | undefined;
}

const JSON_TYPE = { 'content-type': 'application/json' };
const UNREADABLE = '%%%not base64%%%';

/** One request at the till, under the terms it meets, and the ways to answer it. */
export class Sale {
  readonly #parts: SaleParts;
  readonly #order: Order;
  readonly #version: 1 | 2;
  readonly #response: ServerResponse;
  readonly #termsFault: TermsFault | undefined;

  constructor(
    parts: SaleParts,
    order: Order,
    version: 1 | 2,
    response: ServerResponse,
    termsFault: TermsFault | undefined,
  ) {
    this.#parts = parts;
    this.#order = order;
    this.#version = version;
    this.#response = response;
    this.#termsFault = termsFault;
  }

  /** The offer that a payment accepts, under the terms of this instant. */
  match(payment: PaymentSeen): Requirements | undefined {
    const terms = this.#parts.terms.draw(this.#order, this.#termsFault, payment);
    return this.#wire.match(this.#wire.writeOffer(this.#order, terms, this.#options).accepts, payment);
  }

  /** The buyer's payment identifier: undefined where none was asked for or given, null where a required one lacks. */
  paymentId(payment: PaymentSeen): string | undefined | null {
    const { paymentId } = this.#options;
    if (paymentId === undefined) return undefined;
    type Echo = { extensions?: { 'payment-identifier'?: { info?: { id?: unknown } } } } | null;
    const id = (payment.payload as Echo)?.extensions?.['payment-identifier']?.info?.id;
    if (typeof id === 'string' && /^[\w-]{16,128}$/.test(id)) return id;
    return paymentId === 'required' ? null : undefined;
  }

  /** Runs the handler that the path names. */
  makeGoods(): Promise<Goods> {
    return this.#parts.counter.make(this.#order);
  }

  /** Answers with an error of the seller's own, outside x402. */
  refuse(status: number, error: string): Promise<void> {
    return this.#send({ status, headers: JSON_TYPE, body: Buffer.from(JSON.stringify({ error })) });
  }

  /** Answers 402 with the terms of this instant, and a receipt where there is one to give. */
  offer(error?: string, receipt?: SettleResponse): Promise<void> {
    return this.#offer(
      error,
      receipt === undefined ? {} : { [this.#wire.receiptHeader]: encodeHeader(receipt) },
    );
  }

  /** Answers a request that carries no payment. */
  async answerUnpaid(fault: UnpaidFault | undefined): Promise<void> {
    switch (fault?.answer) {
      case undefined:
      case 'offer':
        return this.#offer(undefined, {});
      case 'goods':
        return this.#send(await this.makeGoods());
      case 'garbled': {
        const headers = { ...JSON_TYPE, 'PAYMENT-REQUIRED': UNREADABLE };
        return this.#send({ status: 402, headers, body: Buffer.from('{"x402Version":2,"accepts":[') });
      }
      case 'hang':
      case 'drop':
      case 'error':
      case 'redirect':
        return this.#fail(fault.answer, {});
    }
  }

  /** Answers a paid request the way its fault says, or honestly. */
  async answerPaid(fault: PaidFault, requirements: Requirements, sold: Sold): Promise<void> {
    const receipt = this.#receiptHeaders(fault, requirements, sold.receipt);
    switch (fault.answer) {
      case 'goods':
        return this.#send(sold.goods ?? (await this.makeGoods()), receipt);
      case 'cut':
        return sendHalf(this.#response, sold.goods ?? (await this.makeGoods()), receipt);
      case 'offer':
        return this.#offer(fault.reason, receipt);
      case 'hang':
      case 'drop':
      case 'error':
      case 'redirect':
        return this.#fail(fault.answer, receipt);
    }
  }

  get #wire() {
    return WIRES[this.#version];
  }

  get #options(): OfferOptions {
    const query = this.#order.url.searchParams;
    const paymentId = query.get('payment_id');
    return {
      paymentId: paymentId === 'offered' || paymentId === 'required' ? paymentId : undefined,
      many: query.get('offers') === 'many',
      only: query.get('chain') === 'base' ? 'base' : query.get('chain') === 'solana' ? 'solana' : undefined,
      feePayer: query.get('fee_payer') ?? this.#parts.feePayer,
      solanaExtra: JSON.parse(query.get('solana_extra') ?? '{}') as Record<string, unknown>,
    };
  }

  #send(goods: Goods, headers?: Record<string, string>): Promise<void> {
    return sendGoods(this.#response, goods, headers);
  }

  #offer(error: string | undefined, receipt: Record<string, string>): Promise<void> {
    const terms = this.#parts.terms.draw(this.#order, this.#termsFault);
    const { headers, body } = this.#wire.writeOffer(this.#order, terms, this.#options, error);
    return this.#send({ status: 402, headers, body: Buffer.from(body) }, receipt);
  }

  #receiptHeaders(fault: PaidFault, requirements: Requirements, real: SettleResponse | undefined) {
    const name = this.#wire.receiptHeader;
    const of = (value: SettleResponse): Record<string, string> => ({ [name]: encodeHeader(value) });
    switch (fault.receipt) {
      case 'none':
        return {};
      case 'garbled':
        return { [name]: UNREADABLE };
      case 'refused':
      case 'denied':
        return of(failedReceipt(requirements, fault.reason ?? 'settle_failed'));
      case 'true':
      case 'pending':
      case 'false':
      case 'borrowed':
        return real === undefined ? {} : of(real);
    }
  }

  async #fail(
    answer: 'hang' | 'drop' | 'error' | 'redirect',
    receipt: Record<string, string>,
  ): Promise<void> {
    switch (answer) {
      case 'hang':
        return;
      case 'drop':
        this.#response.destroy();
        return;
      case 'redirect': {
        const { pathname, searchParams } = this.#order.url;
        const location = searchParams.get('to') ?? `${this.#parts.otherOrigin()}${pathname}`;
        return this.#send({ status: 307, headers: { location }, body: Buffer.alloc(0) }, receipt);
      }
      case 'error':
        return this.#send(
          { status: 500, headers: JSON_TYPE, body: Buffer.from('{"error":"Internal Server Error"}') },
          receipt,
        );
    }
  }
}
