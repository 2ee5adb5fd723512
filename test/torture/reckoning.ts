import type { Payment } from '../../src/ledger/payment.js';
import type { Engine } from '../../src/wallet/engine.js';
import { reconcilePayment } from '../../src/wallet/reconcile.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { paymentsIn, type JournalLine } from '../support/books.js';
import type { TestWallet } from '../support/testWallet.js';
import { CHAINS, type Ground, type TestWorld } from '../support/world.js';
import type { Notebook } from './agent.js';
import type { Witness } from './exposure.js';

/** Rows reconciled at once at the end, and the rounds after which a row that is still open is a fault. */
const AT_ONCE = 8;
const ROUNDS_MAX = 20;
const OPEN_MAX = 1_000;

/** Gives every payment its final state. Returns sentences on those that have none. */
export async function settleForGood(engine: Engine): Promise<string[]> {
  const patient = new AbortController().signal;
  let open: Payment[] = [];
  for (let round = 0; round < ROUNDS_MAX; round++) {
    open = engine.ledger.openPayments(OPEN_MAX);
    if (open.length === 0) return [];
    const queue = [...open];
    const work = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        await reconcilePayment(engine, next, patient);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }
  return open.map(({ id, state, note }) => `${id} has no final state: ${state} (${note ?? 'no note'})`);
}

/** What the wallet has on a chain: where, and how much it was given there. */
export interface Purse {
  readonly ground: Ground;
  readonly address: string;
  readonly fundedAtomic: bigint;
}

/** What a wallet has on each chain that it was given so much on. */
export function pursesOf(world: TestWorld, mine: TestWallet, fundedAtomic: bigint): readonly Purse[] {
  const addresses = { base: mine.address, solana: mine.solanaAddress };
  return CHAINS.map((chain) => ({
    ground: world.on(chain).ground,
    address: addresses[chain],
    fundedAtomic,
  }));
}

/** The nonces of all that settled, and how many did on each chain, by its label. */
export async function readChains(purses: readonly Purse[]) {
  const settled = new Set<string>();
  const settledOn = new Map<string, number>();
  for (const { ground, address } of purses) {
    const shown = await ground.payments(address);
    settledOn.set(ground.label, shown.length);
    for (const { nonce } of shown) settled.add(nonce);
  }
  return { settled, settledOn };
}

/** Compares ledger and chains, payment by payment. */
export async function compareWithChains(purses: readonly Purse[], engine: Engine): Promise<string[]> {
  const payments = paymentsIn(engine);
  const known = new Set(purses.map(({ ground }) => ground.caip2));
  const strange = payments.filter(({ network }) => !known.has(network));
  const broken = strange.map(({ id, network }) => `${id} is on ${network}, where nothing was sold`);
  for (const purse of purses) {
    const here = payments.filter(({ network }) => network === purse.ground.caip2);
    broken.push(...(await compareOn(purse, here)));
  }
  for (const { where, id, says } of engine.ledger.audit().findings)
    broken.push(`audit: ${where} ${id}: ${says}`);
  return broken;
}

async function compareOn(
  { ground, address, fundedAtomic }: Purse,
  payments: readonly Payment[],
): Promise<string[]> {
  const broken: string[] = [];
  const onChain = new Map((await ground.payments(address)).map((payment) => [payment.nonce, payment]));
  let spent = 0n;
  for (const { id, nonce, state, confirmed, capturedAtomic, payTo, tx } of payments) {
    const shown = onChain.get(nonce);
    onChain.delete(nonce);
    if (state !== 'captured') {
      if (shown !== undefined) broken.push(`${id} is ${state}, and the chain shows it paid`);
      continue;
    }
    spent += capturedAtomic ?? 0n;
    const agrees =
      confirmed &&
      shown?.amountAtomic === capturedAtomic &&
      shown.to.toLowerCase() === payTo.toLowerCase() &&
      shown.transaction === tx;
    if (!agrees)
      broken.push(`${id} is captured, and the chain shows ${JSON.stringify(shown?.transaction ?? null)}`);
  }
  for (const nonce of onChain.keys())
    broken.push(`${ground.label} shows ${nonce}, and the ledger does not know it there`);
  const balance = await ground.balanceOf(address);
  if (balance !== fundedAtomic - spent)
    broken.push(`the buyer has ${balance} on ${ground.label}, and by the ledger ${fundedAtomic - spent}`);
  return broken;
}

/** One live payment for a request, one end for a hold, one signature for a payment, none while frozen. */
export function checkJournal(journal: readonly JournalLine[]): string[] {
  const broken: string[] = [];
  const liveByRequest = new Map<string, string>();
  const requestOf = new Map<string, string>();
  const signed = new Set<string>();
  const ended = new Set<string>();
  let frozen = false;
  for (const { seq, kind, subject, data } of journal) {
    if (kind === 'freeze' || kind === 'unfreeze') frozen = kind === 'freeze';
    if (frozen && (kind === 'hold' || kind === 'send')) broken.push(`entry ${seq}: a ${kind} while frozen`);
    if (kind === 'hold') {
      const request = String(data['request_hash']);
      const live = liveByRequest.get(request);
      if (live !== undefined) broken.push(`entry ${seq}: ${subject} was held while ${live} was open`);
      liveByRequest.set(request, subject);
      requestOf.set(subject, request);
    }
    if (kind === 'sign') {
      if (signed.has(subject)) broken.push(`entry ${seq}: ${subject} was signed twice`);
      signed.add(subject);
    }
    if (kind === 'release' || kind === 'capture') {
      if (kind === 'release' && ended.has(`released ${subject}`))
        broken.push(`entry ${seq}: ${subject} ended twice`);
      ended.add(`${kind}d ${subject}`);
      const request = requestOf.get(subject) ?? '';
      if (liveByRequest.get(request) === subject) liveByRequest.delete(request);
    }
  }
  return broken;
}

/** What agents were told, against what the chains show. */
export function checkWishes(notebook: Notebook, witness: Witness, settled: ReadonlySet<string>): string[] {
  const broken = [...notebook.broken];
  const paid = new Map<string, string[]>();
  for (const { nonce, wishId } of witness.arrivals.values()) {
    if (settled.has(nonce)) paid.set(wishId, [...(paid.get(wishId) ?? []), nonce]);
  }
  for (const [nonce, headers] of witness.presentations) {
    if (headers.size > 1) broken.push(`${nonce} was presented in ${headers.size} different headers`);
  }
  for (const { id, call } of notebook.wishes.values()) {
    const times = paid.get(id)?.length ?? 0;
    const isBound = 'idempotency_key' in call || (notebook.endedMs.get(id) ?? 0) < notebook.hourAheadMs;
    if (times > 1 && isBound) broken.push(`${id} was paid ${times} times`);
    const told = notebook.told.filter(({ wish }) => wish.id === id);
    const saidNone = told.length > 0 && told.every(({ outcome }) => outcome?.money === 'none');
    if (saidNone && times > 0) broken.push(`${id}: every answer said that no money moved, and it did`);
  }
  return broken;
}

/** Every signature that reached a seller is a payment of the ledger that was sent. */
export function checkArrivals(
  witness: Witness,
  payments: readonly Payment[],
  journal: readonly JournalLine[],
): string[] {
  const idOf = new Map(payments.map(({ nonce, id }) => [nonce, id]));
  const sent = new Set(journal.filter(({ kind }) => kind === 'send').map(({ subject }) => subject));
  return [...witness.arrivals.keys()]
    .filter((nonce) => !sent.has(idOf.get(nonce) ?? ''))
    .map((nonce) => `${nonce} reached a seller, and the ledger never sent it`);
}

/** A wallet that opens afterwards, checkpoint and all, and pays. */
export async function checkStillWorks(wallet: Wallet, url: string): Promise<string[]> {
  const outcome = await wallet.pay({ url, max_usd: '0.05' }, { signal: new AbortController().signal });
  return outcome.status === 'ok' ? [] : [`afterwards a call is ${outcome.status}: ${outcome.message}`];
}
