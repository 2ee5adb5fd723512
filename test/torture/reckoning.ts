import type { Payment } from '../../src/ledger/payment.js';
import type { Engine } from '../../src/wallet/engine.js';
import { reconcilePayment } from '../../src/wallet/reconcile.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { paymentsIn, type JournalLine } from '../support/books.js';
import type { TestWallet } from '../support/testWallet.js';
import type { TestWorld } from '../support/world.js';
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

/** Compares ledger and chain, payment by payment. */
export async function compareWithChain(
  world: TestWorld,
  mine: TestWallet,
  engine: Engine,
): Promise<string[]> {
  const broken: string[] = [];
  const onChain = new Map(
    (await world.sandbox.chain.payments(mine.address)).map((payment) => [payment.nonce as string, payment]),
  );
  let spent = 0n;
  for (const { id, nonce, state, confirmed, capturedAtomic, payTo, tx } of paymentsIn(engine)) {
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
    broken.push(`the chain shows ${nonce}, and the ledger does not know it`);
  const balance = await world.sandbox.chain.balanceOf(mine.address);
  if (balance !== mine.fundedAtomic - spent)
    broken.push(`the buyer has ${balance}, and by the ledger ${mine.fundedAtomic - spent}`);
  for (const { where, id, says } of engine.ledger.audit().findings)
    broken.push(`audit: ${where} ${id}: ${says}`);
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

/** What agents were told, against what the chain shows. */
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
