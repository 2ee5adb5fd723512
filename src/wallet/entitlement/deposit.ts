import type { DepositFacts, Entitlement } from '../../ledger/books/entitlement.js';
import { readDrawNonce } from '../../ledger/attempts/drawNonce.js';
import type { Payment } from '../../ledger/attempts/payment.js';
import { findAsset, toUsdMicros, type Asset } from '../../money/asset.js';
import type { Caip2 } from '../../money/network.js';
import type { AtomicAmount, UsdMicros } from '../../money/unit.js';
import { isDrawn } from '../../protocols/protocol.js';
import type { SignedDeposit } from '../../rails/rail.js';
import type { Engine } from '../engine.js';

/** A seller that took so many vouchers in a row and served nothing gets no more. */
export const REFUSALS_MAX = 2;

/** What the wallet itself keeps of a deposit, beside what its rail does. */
export interface KeptDeposit extends DepositFacts {
  readonly protocol: string;
  readonly network: string;
  readonly pay_to: string;
  readonly pay_from: string;
  readonly operator: string;
  /** The channel's id on its chain, where that is not what the deposit itself is known by. */
  readonly channel_id?: string;
  /** How long its rest stays there, where the payee said; s. */
  readonly withdraw_delay_sec?: number;
  /** The run whose budget it was made under; null for none. Another's budget never pays for it. */
  readonly budget: string | null;
  /** Where it was made: the endpoint that closes it. */
  readonly url: string;
  readonly method: string;
  /** Whether the seller has yet to say that it took it. */
  readonly opening: boolean;
  /** Vouchers in a row that brought nothing. */
  readonly refusals: number;
  /** What its payee had of it, once it is closed; atomic. */
  readonly settled_atomic?: string;
  /** All that was ever signed to be in it, atomic; absent where nothing was added. It counts, whether it came there or not. */
  readonly bound_atomic?: string;
  /** What is being added, until it shows: atomic, and when that can come there no more, s since 1970. */
  readonly top_up?: { readonly atomic: string; readonly valid_before_sec: number } | undefined;
  /** When it was used no more, to be closed; ms since 1970. */
  readonly close_requested_ms?: number;
  /** When the chain was asked to close it without its payee; ms since 1970. */
  readonly end_asked_ms?: number | undefined;
  /** When the rest was asked back after that; ms since 1970. */
  readonly rest_asked_ms?: number | undefined;
  /** Our own transactions to that end. */
  readonly end_txs?: readonly string[];
}

/** What is kept of a deposit. */
export function keptOf({ facts }: Pick<Entitlement, 'facts'>): KeptDeposit {
  return JSON.parse(facts) as KeptDeposit;
}

/** What of a deposit no voucher says yet, and all that vouchers say; atomic. */
export function amountsOf(deposit: Entitlement) {
  const depositAtomic = BigInt(keptOf(deposit).deposit_atomic);
  const leftAtomic = BigInt(deposit.valueLeft ?? 0);
  return { depositAtomic, leftAtomic, drawnAtomic: depositAtomic - leftAtomic };
}

/**
 * What an agent has in open deposits with one seller, whatever payee, operator, token or budget each is for: a seller that
 * names others with each call has no more of them than the owner's bound.
 */
export async function openWith(
  { entitlements }: Pick<Engine['ledger'], 'entitlements'>,
  agent: string,
  origin: string,
): Promise<UsdMicros> {
  const live = await entitlements.usable(agent, origin, 0);
  return live
    .filter(({ kind }) => kind === 'channel')
    .map((one) => {
      const { network, deposit_atomic, bound_atomic } = keptOf(one);
      const asset = findAsset(network as Caip2, one.unit ?? '');
      return asset === undefined ? 0n : dollarsOf(asset, BigInt(bound_atomic ?? deposit_atomic));
    })
    .reduce((sum, one) => sum + one, 0n);
}

/** An amount of a token in dollars; nothing for one that no deposit is made in. */
export function dollarsOf(asset: Asset, atomic: AtomicAmount): UsdMicros {
  return asset.family === 'lightning' ? 0n : toUsdMicros(asset, atomic);
}

/** What was signed of a deposit so far: the highest voucher that was ever given to its seller. */
export async function signedOf(engine: Pick<Engine, 'ledger'>, deposit: Entitlement): Promise<SignedDeposit> {
  const { network, pay_from } = keptOf(deposit);
  const drawn = await engine.ledger.drawnFrom(network, pay_from, deposit.subject);
  const signedAtomic = drawn
    .filter(({ payload }) => payload !== null)
    .map(({ nonce }) => readDrawNonce(nonce).cumulativeAtomic)
    .reduce((most, one) => (one > most ? one : most), 0n);
  const { depositAtomic } = amountsOf(deposit);
  return { facts: deposit.facts, depositAtomic, signedAtomic, expiresMs: deposit.expiresMs ?? 0 };
}

/** The deposit that a payment was drawn on; null for one that the ledger lost. */
export function depositOf(
  engine: Pick<Engine, 'ledger'>,
  { agent, nonce }: Pick<Payment, 'agent' | 'nonce'>,
): Promise<Entitlement | null> {
  return engine.ledger.entitlements.findDeposit(agent, readDrawNonce(nonce).subject);
}

/** Changes what is kept of a live deposit, whatever changed it meanwhile; does nothing where it has ended. */
export async function changeKept(
  engine: Pick<Engine, 'ledger' | 'now'>,
  id: string,
  change: (kept: KeptDeposit) => Partial<KeptDeposit>,
): Promise<void> {
  for (;;) {
    const deposit = await engine.ledger.entitlements.find(id);
    if (deposit?.state !== 'live') return;
    const kept = keptOf(deposit);
    const facts = JSON.stringify({ ...kept, ...change(kept) });
    if (facts === deposit.facts) return;
    if ((await engine.ledger.entitlements.update(deposit, { facts }, engine.now())) !== null) return;
  }
}

/**
 * Notes whether a call out of a deposit was served. A seller that took vouchers in a row and served nothing gets no more of
 * them: what they say is lost at most, and the owner closes the deposit.
 */
export async function noteServed(
  engine: Pick<Engine, 'ledger' | 'now'>,
  held: Pick<Payment, 'id' | 'agent' | 'nonce' | 'protocol' | 'scheme'>,
): Promise<void> {
  if (!isDrawn(held)) return;
  const [after, deposit] = await Promise.all([engine.ledger.findPayment(held.id), depositOf(engine, held)]);
  if (deposit === null || after === null) return;
  const isRefused = after.state === 'unknown' && after.note !== 'not_sent';
  if (isRefused) await changeKept(engine, deposit.id, ({ refusals }) => ({ refusals: refusals + 1 }));
  else if (after.state === 'captured') await changeKept(engine, deposit.id, () => ({ refusals: 0 }));
}

/** What is kept of a deposit that so much is being added to, until the time is over in which it can come there. */
export function raisedFacts(deposit: Entitlement, addedAtomic: AtomicAmount, validBeforeSec: number): string {
  const kept = keptOf(deposit);
  const boundAtomic = BigInt(kept.bound_atomic ?? kept.deposit_atomic) + addedAtomic;
  return JSON.stringify({
    ...kept,
    bound_atomic: boundAtomic.toString(),
    top_up: { atomic: addedAtomic.toString(), valid_before_sec: validBeforeSec },
  });
}
