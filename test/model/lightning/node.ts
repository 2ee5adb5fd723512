import { createHash, randomBytes } from 'node:crypto';
import { nodeIdOf, writeInvoice } from '../../../sandbox/lightning/invoice.ts';
import {
  LightningFault,
  type LightningBackend,
  type NodePayment,
  type PayReport,
} from '../../../src/chain/lightning/backend.js';

/** How the node meets the next request to pay. `twice`: a relay keeps a copy of the request, which comes later. */
export const MOODS = [
  'pays',
  'pays, and its answer is lost',
  'is never reached',
  'cannot be reached',
  'is reached late',
  'holds',
  'fails',
  'fails, twice',
  'refuses',
  'refuses, twice',
] as const;
export type Mood = (typeof MOODS)[number];

/** What the model asks the node for beside what the wallet does. */
interface Booked {
  state: 'paid' | 'failed' | 'in_flight';
  readonly amountMsat: bigint;
  readonly feeMsat: bigint;
  settledSec: number | null;
}

/** A request that is still on its way, and until when it is acted on. */
interface Copy {
  readonly paymentHash: string;
  readonly amountMsat: bigint;
  readonly untilSec: number;
}

const KEY = '5b'.repeat(32);
const INVOICE_SEC = 600;

/** A node of Lightning that knows nothing but payments, reached by Nostr or by REST, with all that may go wrong on the way. */
export class NodeSim implements LightningBackend {
  readonly place = 'node.example';
  readonly #way: 'nwc' | 'lnd';
  readonly #nowSec: () => number;
  readonly books = new Map<string, Booked>();
  /** Requests of the wallet's, by payment hash. */
  readonly asked = new Map<string, number>();
  #copies: Copy[] = [];
  readonly #preimages = new Map<string, string>();
  readonly #amounts = new Map<string, bigint>();
  readonly #ends = new Map<string, number>();
  mood: Mood = 'pays';
  feeMsat = 0n;
  /** Whether its books cannot be read now. */
  isAway = false;

  constructor(way: 'nwc' | 'lnd', nowSec: () => number) {
    this.#way = way;
    this.#nowSec = nowSec;
  }

  /** An invoice of a seller's, signed. */
  invoice(amountMsat: bigint): { readonly text: string; readonly hash: string; readonly endsSec: number } {
    const preimage = randomBytes(32).toString('hex');
    const hash = createHash('sha256').update(Buffer.from(preimage, 'hex')).digest('hex');
    const createdSec = Math.floor(this.#nowSec());
    this.#preimages.set(hash, preimage);
    this.#amounts.set(hash, amountMsat);
    this.#ends.set(hash, createdSec + INVOICE_SEC);
    const terms = { amountMsat, paymentHash: hash, createdSec, expirySec: INVOICE_SEC, privateKey: KEY };
    return { text: writeInvoice(terms), hash, endsSec: createdSec + INVOICE_SEC };
  }

  get payee(): string {
    return nodeIdOf(KEY);
  }

  /** What has left, or may still leave, for a payment hash. */
  exposureOf(hash: string): bigint {
    const row = this.books.get(hash);
    if (row !== undefined && row.state !== 'failed') return row.amountMsat + row.feeMsat;
    const mayCome = this.#copies.some(
      ({ paymentHash, untilSec }) => paymentHash === hash && this.#nowSec() <= untilSec,
    );
    return mayCome ? (this.#amounts.get(hash) ?? 0n) + this.feeMsat : 0n;
  }

  /** A copy that is on its way arrives, and is acted on where it still may be. */
  bringCopy(which: number): boolean {
    const copy = this.#copies[which % Math.max(1, this.#copies.length)];
    if (copy === undefined) return false;
    this.#copies = this.#copies.filter((one) => one !== copy);
    if (this.#nowSec() > copy.untilSec) return false;
    const known = this.books.get(copy.paymentHash);
    if (known !== undefined && known.state !== 'failed') return false;
    this.#book(copy.paymentHash, copy.amountMsat, 'paid');
    return true;
  }

  /** A payee takes what it holds, or lets it go. */
  endHeld(which: number, isTaken: boolean): boolean {
    const held = [...this.books.values()].filter(({ state }) => state === 'in_flight');
    const row = held[which % Math.max(1, held.length)];
    if (row === undefined) return false;
    row.state = isTaken ? 'paid' : 'failed';
    row.settledSec = isTaken ? Math.floor(this.#nowSec()) : null;
    return true;
  }

  pay({ paymentHash, askUntilSec }: Parameters<LightningBackend['pay']>[0]): Promise<PayReport> {
    return Promise.resolve().then(() => this.#meet(paymentHash, askUntilSec ?? Infinity));
  }

  #meet(paymentHash: string, askUntilSec: number): PayReport {
    if (this.mood === 'cannot be reached') throw new LightningFault('no way', false);
    this.asked.set(paymentHash, (this.asked.get(paymentHash) ?? 0) + 1);
    const amountMsat = this.#amounts.get(paymentHash) ?? 0n;
    const endSec = this.#ends.get(paymentHash) ?? 0;
    const untilSec = this.#way === 'nwc' ? Math.min(askUntilSec, endSec) : endSec;
    const lost = new LightningFault('no answer', true);
    if (this.mood.endsWith('twice') && this.#way === 'nwc')
      this.#copies.push({ paymentHash, amountMsat, untilSec });
    switch (this.mood) {
      case 'pays':
        this.#book(paymentHash, amountMsat, 'paid');
        return { kind: 'told', payment: this.#told(paymentHash) };
      case 'pays, and its answer is lost':
        this.#book(paymentHash, amountMsat, 'paid');
        throw lost;
      case 'is never reached':
        throw lost;
      case 'is reached late':
        this.#copies.push({ paymentHash, amountMsat, untilSec });
        throw lost;
      case 'holds':
        this.#book(paymentHash, amountMsat, 'in_flight');
        throw lost;
      case 'fails':
      case 'fails, twice':
        this.#book(paymentHash, amountMsat, 'failed');
        if (this.#way === 'lnd') return { kind: 'told', payment: this.#told(paymentHash) };
        return { kind: 'unclear', why: 'PAYMENT_FAILED' };
      case 'refuses':
      case 'refuses, twice':
        return { kind: 'refused', why: 'too little', ...(this.#way === 'nwc' ? { asksBooks: true } : {}) };
    }
  }

  #book(paymentHash: string, amountMsat: bigint, state: Booked['state']): void {
    const settledSec = state === 'paid' ? Math.floor(this.#nowSec()) : null;
    this.books.set(paymentHash, { state, amountMsat, feeMsat: this.feeMsat, settledSec });
  }

  #told(paymentHash: string): NodePayment {
    const { state, amountMsat, feeMsat, settledSec } = this.books.get(paymentHash)!;
    const preimage = state === 'paid' ? (this.#preimages.get(paymentHash) ?? null) : null;
    return { paymentHash, state, preimage, amountMsat, feeMsat, settledSec, failure: null };
  }

  lookup(paymentHash: string): Promise<NodePayment | null> {
    if (this.isAway) return Promise.reject(new LightningFault('no answer', false));
    return Promise.resolve(this.books.has(paymentHash) ? this.#told(paymentHash) : null);
  }

  info(): never {
    throw new Error('The model asks for none');
  }
  balanceMsat(): Promise<bigint> {
    return Promise.resolve(10n ** 12n);
  }
  payments(): Promise<readonly NodePayment[]> {
    return Promise.resolve([...this.books.keys()].map((hash) => this.#told(hash)));
  }
  makeInvoice(): never {
    throw new Error('The model makes none here');
  }
  close(): void {
    return undefined;
  }
}
