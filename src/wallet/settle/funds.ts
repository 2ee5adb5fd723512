import type { FundsReading } from '../../ledger/attempts/withdrawal.js';
import type { Chain } from '../../chain/chain.js';
import type { Ledger } from '../../ledger/ledger.js';
import type { Payment } from '../../ledger/attempts/payment.js';
import type { Asset } from '../../money/asset.js';
import type { AtomicAmount } from '../../money/unit.js';

/** How long a balance read from the chain stands for a payment: a fresh one is being read behind it. */
const FRESH_MS = 30_000;
/** How long a payment waits for a first balance; past it the seller will judge. */
const WAIT_MAX_MS = 1_500;

/** Whether an address can pay; `unknown` where its chain did not answer in time. */
export type Solvency =
  | { readonly kind: 'enough' }
  | { readonly kind: 'short'; readonly spendableAtomic: AtomicAmount }
  | { readonly kind: 'unknown' };

interface Reading {
  readonly atomic: AtomicAmount;
  readonly atMs: number;
}

/**
 * What is on chain, remembered for moments, so that a payment rarely waits for an RPC. It only spares the owner a
 * pointless hold: the caps never rest on it.
 */
export class Funds {
  readonly #ledger: Ledger;
  readonly #readings = new Map<string, Reading>();
  readonly #pending = new Map<string, Promise<Reading>>();
  #changed: (address: string) => void = () => undefined;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Has a listener told of each address whose balance was read, or that paid. It must not throw, nor take its time. */
  onChange(listener: (address: string) => void): void {
    this.#changed = listener;
  }

  /** Starts reading a balance, unless a fresh one is there; never throws. */
  warm(chain: Chain, asset: Asset, address: string, nowMs: number): void {
    const reading = this.#readings.get(keyOf(asset, address));
    if (reading !== undefined && nowMs - reading.atMs < FRESH_MS) return;
    this.#read(chain, asset, address, nowMs).catch(() => undefined);
  }

  /** On-chain balance now; throws `rpc_unavailable`. */
  async onChain(chain: Chain, asset: Asset, address: string, nowMs: number): Promise<AtomicAmount> {
    return (await this.#read(chain, asset, address, nowMs)).atomic;
  }

  /** The balance that was last read, or null. */
  known(asset: Asset, address: string): FundsReading | null {
    const reading = this.#readings.get(keyOf(asset, address));
    return reading === undefined ? null : { onChainAtomic: reading.atomic, atMs: reading.atMs };
  }

  /** Takes a payment that was captured off what is remembered: it is held no more, and the reading may be older. */
  spent({ network, asset, payFrom, heldAtomic }: Payment): void {
    const key = `${network}/${asset}/${payFrom}`;
    const reading = this.#readings.get(key);
    if (reading !== undefined) this.#readings.set(key, { ...reading, atomic: reading.atomic - heldAtomic });
    this.#changed(payFrom);
  }

  /** Whether the address can pay `amountAtomic` beside what is held already. */
  async solvency(
    chain: Chain,
    asset: Asset,
    address: string,
    amountAtomic: AtomicAmount,
    nowMs: number,
  ): Promise<Solvency> {
    const known = this.#readings.get(keyOf(asset, address));
    if (known !== undefined && nowMs - known.atMs < FRESH_MS) {
      const judged = await this.#judge(known, asset, address, amountAtomic);
      if (judged.kind === 'enough') return judged;
    }
    // Short by what was remembered: the owner may have funded it since, so the chain is asked before refusing.
    const fresh = await within(this.#read(chain, asset, address, nowMs), WAIT_MAX_MS);
    return fresh === null ? { kind: 'unknown' } : await this.#judge(fresh, asset, address, amountAtomic);
  }

  async #judge(
    reading: Reading,
    asset: Asset,
    address: string,
    amountAtomic: AtomicAmount,
  ): Promise<Solvency> {
    const held = await this.#ledger.heldAtomic(asset.network, asset.address, address);
    const spendableAtomic = reading.atomic > held ? reading.atomic - held : 0n;
    return spendableAtomic >= amountAtomic ? { kind: 'enough' } : { kind: 'short', spendableAtomic };
  }

  #read(chain: Chain, asset: Asset, address: string, nowMs: number): Promise<Reading> {
    const key = keyOf(asset, address);
    const pending = this.#pending.get(key);
    if (pending !== undefined) return pending;
    const reading = chain
      .balanceOf(asset, address)
      .then((atomic) => {
        const read = { atomic, atMs: nowMs };
        this.#readings.set(key, read);
        this.#changed(address);
        return read;
      })
      .finally(() => this.#pending.delete(key));
    this.#pending.set(key, reading);
    return reading;
  }
}

function keyOf(asset: Asset, address: string): string {
  return `${asset.network}/${asset.address}/${address}`;
}

/** What a promise comes to, or null where it fails or takes longer. */
export async function within<T>(promise: Promise<T>, ms: number): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), ms);
  });
  try {
    return await Promise.race([promise.catch(() => null), late]);
  } finally {
    clearTimeout(timer);
  }
}
