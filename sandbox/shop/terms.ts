import { randomBytes } from 'node:crypto';
import type { Address } from 'viem';
import { nobodysAddress, type SolanaChain } from '../solana/chain.ts';
import { tokenAccountOf } from '../solana/token.ts';
import type { TermsFault } from '../faults.ts';
import { atomicFromUsd } from '../usd.ts';
import type { Order, PaymentSeen } from './order.ts';

const DEFAULT_USD = '0.01';

/** How long an offered authorization may live, seconds, unless `?timeout=` says otherwise. */
export const TIMEOUT_SEC = 60;

/** A payee, on each chain. */
export interface PayTo {
  evm: Address;
  solana: string;
}

/** What one request costs, and to whom. */
export interface Terms {
  amountAtomic: bigint;
  payTo: PayTo;
  timeoutSec: number;
}

/** The price that a URL asks for: `/v2/price/0.002`, `?usd=0.002`, or one cent. Throws RangeError on a bad one. */
export function priceOf(url: URL): bigint {
  const [, , name, usd] = url.pathname.split('/');
  return atomicFromUsd(name === 'price' ? (usd ?? '') : (url.searchParams.get('usd') ?? DEFAULT_USD));
}

/** The terms of a shop that may change them from one 402 to the next. */
export class TermsBook {
  readonly #payTo: PayTo;
  readonly #solana: SolanaChain;
  readonly #offersMade = new Map<string, bigint>();
  /** By what a payment names: an address, or on Solana a token account. */
  readonly #fresh = new Map<string, PayTo>();

  constructor(payTo: PayTo, solana: SolanaChain) {
    this.#payTo = payTo;
    this.#solana = solana;
  }

  /** The terms of this request. For a fault of terms, each call is one 402 further, unless a payment is looked at. */
  draw(order: Order, fault: TermsFault | undefined, payment?: PaymentSeen): Terms {
    const base: Terms = {
      amountAtomic: priceOf(order.url),
      payTo: this.#payTo,
      timeoutSec: Number(order.url.searchParams.get('timeout') ?? TIMEOUT_SEC),
    };
    switch (fault?.moves) {
      case undefined:
        return base;
      case 'price_moves': {
        const made = this.#offersMade.get(order.path) ?? 0n;
        if (payment === undefined) this.#offersMade.set(order.path, made + 1n);
        return { ...base, amountAtomic: base.amountAtomic * (made + 1n) };
      }
      case 'payto_moves':
        return { ...base, payTo: this.#freshPayTo() };
      case 'payto_fresh': {
        const claimed = this.#fresh.get(payment?.to?.toLowerCase() ?? '');
        return { ...base, payTo: claimed ?? this.#freshPayTo() };
      }
    }
  }

  #freshPayTo(): PayTo {
    const bytes = randomBytes(20);
    const payTo: PayTo = { evm: `0x${bytes.toString('hex')}`, solana: nobodysAddress(bytes) };
    this.#fresh.set(payTo.evm, payTo);
    // Done long before a payment to it can come.
    void this.#solana.fund(payTo.solana, 0n);
    void tokenAccountOf(nobodysAddress(bytes)).then((account) =>
      this.#fresh.set(account.toLowerCase(), payTo),
    );
    return payTo;
  }
}
