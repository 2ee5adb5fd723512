import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { readInvoice } from '../../src/protocols/l402/invoice.ts';
import { nodeIdOf, writeInvoice } from './invoice.ts';

/** How the node meets the next invoice that it is asked to pay. */
export type PayBehaviour =
  | { readonly kind: 'pays'; readonly feeMsat?: bigint }
  /** It pays, whatever bound on the fee it was given. */
  | { readonly kind: 'overcharges'; readonly feeMsat: bigint; readonly isSilent?: true }
  /** It is under way, and a second copy of the request, which a relay brought, is answered first. */
  | { readonly kind: 'denies' }
  /** It says that it has too little, and begins nothing. */
  | { readonly kind: 'refuses' }
  /** No way to the payee is found. */
  | { readonly kind: 'fails' }
  /** The payee keeps it under way until {@link LightningNode.settle} or {@link LightningNode.cancel}. */
  | { readonly kind: 'holds'; readonly feeMsat?: bigint }
  /** It pays, and its answer never arrives. */
  | { readonly kind: 'pays_in_silence'; readonly feeMsat?: bigint }
  /** It does not act on the request, and says nothing. */
  | { readonly kind: 'deaf' }
  /** The request reaches it only after a while: it acts on it then, and its answer never arrives. */
  | { readonly kind: 'acts_late'; readonly afterMs: number }
  /** It says that it paid, with a proof of something else, and pays nothing. */
  | { readonly kind: 'lies' }
  /** It pays, and shows no proof of that. */
  | { readonly kind: 'hides_proof' }
  /** It says that it failed, and so do its books, until {@link LightningNode.settle} shows that it was under way. */
  | { readonly kind: 'calls_failed' };

/** A payment in the node's own books: what its owner's money did. */
export interface BookedPayment {
  readonly paymentHash: string;
  readonly amountMsat: bigint;
  state: 'paid' | 'failed' | 'in_flight';
  feeMsat: bigint;
  preimage: string | null;
  readonly createdSec: number;
  settledSec: number | null;
}

/** What came of asking the node to pay. */
export type NodeAnswer =
  | { readonly kind: 'paid'; readonly preimage: string; readonly feeMsat: bigint }
  | { readonly kind: 'failed'; readonly code: 'PAYMENT_FAILED' | 'INSUFFICIENT_BALANCE' }
  | { readonly kind: 'silent' };

/**
 * A Lightning node with its own books. Its invoices are really signed, and a payment hash is paid once, as by any node; the
 * network between payer and payee is simulated.
 */
export class LightningNode {
  readonly id: string;
  readonly #privateKey: string;
  readonly #now: () => number;
  /** Preimages of every invoice of this world's sellers: the payee's knowledge, given once it is paid. */
  readonly #preimages: Map<string, string>;
  readonly payments = new Map<string, BookedPayment>();
  /** Requests to pay that came, whatever became of them. */
  asked: string[] = [];
  balanceMsat: bigint;
  readonly #next: PayBehaviour[] = [];
  /** How requests are met that {@link behave} says nothing of. */
  otherwise: () => PayBehaviour = () => ({ kind: 'pays' });
  readonly #waiting = new Map<string, (answer: NodeAnswer) => void>();

  constructor(balanceMsat: bigint, preimages: Map<string, string>, now: () => number = Date.now) {
    this.#privateKey = randomBytes(32).toString('hex');
    this.id = nodeIdOf(this.#privateKey);
    this.balanceMsat = balanceMsat;
    this.#preimages = preimages;
    this.#now = now;
  }

  /** How the next requests are met, one each; then it pays with a fee of one satoshi. */
  behave(...next: readonly PayBehaviour[]): void {
    this.#next.push(...next);
  }

  /** Makes an invoice, signed by this node. */
  invoice(
    amountMsat: bigint,
    description = 'sandbox',
    expirySec = 600,
  ): { text: string; paymentHash: string } {
    const preimage = randomBytes(32).toString('hex');
    const paymentHash = createHash('sha256').update(Buffer.from(preimage, 'hex')).digest('hex');
    this.#preimages.set(paymentHash, preimage);
    const createdSec = Math.floor(this.#now() / 1000);
    const terms = { amountMsat, paymentHash, description, expirySec, createdSec };
    return { text: writeInvoice({ ...terms, privateKey: this.#privateKey }), paymentHash };
  }

  /** Pays an invoice, as it was told to behave. */
  async pay(text: string, feeMaxMsat?: bigint): Promise<NodeAnswer> {
    const invoice = readInvoice(text);
    if (typeof invoice === 'string') throw new Error(`an invoice that ${invoice}`);
    const { paymentHash, amountMsat, expiresSec } = invoice;
    const queued = this.#next[0];
    const how = queued ?? this.otherwise();
    const isMet = how.kind === 'deaf' || how.kind === 'acts_late';
    if (isMet && queued !== undefined) this.#next.shift();
    if (how.kind === 'deaf') return { kind: 'silent' };
    if (how.kind === 'acts_late') await delay(how.afterMs);
    this.asked.push(paymentHash);
    const known = this.payments.get(paymentHash);
    if (known?.state === 'paid') return { kind: 'failed', code: 'PAYMENT_FAILED' };
    if (known?.state === 'in_flight') return { kind: 'failed', code: 'PAYMENT_FAILED' };
    const nowSec = Math.floor(this.#now() / 1000);
    if (nowSec >= expiresSec) return { kind: 'failed', code: 'PAYMENT_FAILED' };
    if (!isMet && queued !== undefined) this.#next.shift();
    const feeMsat = 'feeMsat' in how && how.feeMsat !== undefined ? how.feeMsat : 1_000n;
    if (how.kind === 'refuses' || amountMsat + feeMsat > this.balanceMsat)
      return { kind: 'failed', code: 'INSUFFICIENT_BALANCE' };
    const row: BookedPayment = {
      ...{ paymentHash, amountMsat, feeMsat, createdSec: nowSec },
      ...{ state: 'in_flight', preimage: null, settledSec: null },
    };
    const tooDear = how.kind !== 'overcharges' && feeMaxMsat !== undefined && feeMsat > feeMaxMsat;
    if (how.kind === 'fails' || tooDear) {
      this.payments.set(paymentHash, { ...row, state: 'failed', feeMsat: 0n });
      return { kind: 'failed', code: 'PAYMENT_FAILED' };
    }
    if (how.kind === 'lies') {
      this.payments.set(paymentHash, { ...row, state: 'paid', preimage: '00'.repeat(31) + '01' });
      return { kind: 'paid', preimage: '00'.repeat(31) + '01', feeMsat };
    }
    this.payments.set(paymentHash, row);
    this.balanceMsat -= amountMsat + feeMsat;
    // The money has left its balance, whatever it says.
    if (how.kind === 'calls_failed') {
      this.payments.set(paymentHash, { ...row, state: 'failed', feeMsat: 0n });
      return { kind: 'failed', code: 'PAYMENT_FAILED' };
    }
    if (how.kind === 'hides_proof') {
      Object.assign(row, { state: 'paid', settledSec: nowSec });
      return { kind: 'paid', preimage: '', feeMsat };
    }
    if (how.kind === 'denies') return { kind: 'failed', code: 'INSUFFICIENT_BALANCE' };
    if (how.kind === 'holds') return new Promise((resolve) => this.#waiting.set(paymentHash, resolve));
    const answer = this.#settled(row);
    const isSilent =
      isMet || how.kind === 'pays_in_silence' || (how.kind === 'overcharges' && how.isSilent === true);
    return isSilent ? { kind: 'silent' } : answer;
  }

  /** The payee takes what it held. */
  settle(paymentHash: string): void {
    const row = this.#held(paymentHash);
    this.#answer(paymentHash, this.#settled(row));
  }

  /** Its books show as paid what they called failed, and for how much. */
  admit(paymentHash: string, feeMsat = 1_000n): void {
    const row = this.payments.get(paymentHash);
    if (row === undefined) throw new Error('nothing was asked for under this payment hash');
    row.feeMsat = feeMsat;
    this.#settled(row);
  }

  /** The payee lets go of what it held: the money is back. */
  cancel(paymentHash: string): void {
    const row = this.#held(paymentHash);
    this.balanceMsat += row.amountMsat + row.feeMsat;
    Object.assign(row, { state: 'failed', feeMsat: 0n });
    this.#answer(paymentHash, { kind: 'failed', code: 'PAYMENT_FAILED' });
  }

  /** What left this node for good. */
  get spentMsat(): bigint {
    return [...this.payments.values()]
      .filter(({ state, preimage }) => state === 'paid' && (preimage === null || this.#isProof(preimage)))
      .reduce((sum, { amountMsat, feeMsat }) => sum + amountMsat + feeMsat, 0n);
  }

  get inFlightMsat(): bigint {
    return [...this.payments.values()]
      .filter(({ state }) => state === 'in_flight')
      .reduce((sum, { amountMsat, feeMsat }) => sum + amountMsat + feeMsat, 0n);
  }

  #isProof(preimage: string | null): boolean {
    return preimage !== null && [...this.#preimages.values()].includes(preimage);
  }

  #settled(row: BookedPayment): NodeAnswer {
    const preimage = this.#preimages.get(row.paymentHash);
    if (preimage === undefined) throw new Error('an invoice of nobody in this world');
    Object.assign(row, { state: 'paid', preimage, settledSec: Math.floor(this.#now() / 1000) });
    return { kind: 'paid', preimage, feeMsat: row.feeMsat };
  }

  #held(paymentHash: string): BookedPayment {
    const row = this.payments.get(paymentHash);
    if (row?.state !== 'in_flight') throw new Error('nothing is held under this payment hash');
    return row;
  }

  #answer(paymentHash: string, answer: NodeAnswer): void {
    this.#waiting.get(paymentHash)?.(answer);
    this.#waiting.delete(paymentHash);
  }
}
