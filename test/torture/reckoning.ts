import type { AnyAttempt } from '../../src/ledger/attempts/withdrawal.js';
import type { Engine } from '../../src/wallet/engine.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { attemptsIn, type JournalLine } from '../support/books.js';
import type { TestWallet } from '../support/testWallet.js';
import type { TestWorld } from '../support/world.js';
import type { LightningWay } from './sellers/lightning.js';
import type { Notebook } from './agent.js';
import type { Stage } from './blows/blow.js';
import { followJournal, type Moved, type Witness } from './exposure.js';
import { readChains, type Purse } from './purse.js';
import { checkRebuilt } from './rebuilt.js';
import type { TortureReport } from './report.js';
import { settleForGood } from './settle.js';
import type { SeenLine, Watch } from './watch.js';

/**
 * Past every expiry, and the longest that any clock may have been believed. What a wallet over Nostr has no record of may be
 * under way for fifteen days.
 */
const ADVANCE_SEC: Readonly<Record<LightningWay, number>> = { lnd: 2 * 3600, nwc: 16 * 86_400 };

/** The cap under test. */
export interface Caps {
  /** By the version of the config that had it. */
  readonly byVersion: Map<number, bigint>;
  readonly current: () => bigint;
  readonly raise: () => Promise<void>;
}

/** What is left when the torture is over. */
interface Remains {
  readonly world: TestWorld;
  readonly mine: TestWallet;
  readonly purses: readonly Purse[];
  readonly witness: Witness;
  readonly watch: Watch;
  readonly notebook: Notebook;
  readonly caps: Caps;
  readonly stage: Stage;
  readonly faults: ReadonlyMap<string, number>;
  readonly seed: number;
  readonly slowness: number;
  readonly way: LightningWay;
  /** Where a wallet that still works buys something in the end. */
  readonly afterwards: readonly string[];
}

/** Lets time pass, gives every payment its end, and holds ledger, chains, and what agents were told, together. */
export async function reckon(remains: Remains): Promise<TortureReport> {
  const { world, mine, purses, witness, watch, notebook, caps, stage } = remains;
  await world.advance(ADVANCE_SEC[remains.way]);
  const wallet = mine.open();
  const engine = await wallet.engine();
  await engine.ledger.unfreeze(world.now());
  const open = await settleForGood(engine);
  const payments = await attemptsIn(engine);
  watch.start();
  await watch.lookNow();
  watch.stop();
  const { settled, settledOn } = await readChains(purses, world, witness);
  const byLedger = followJournal(watch.lines, caps.byVersion);
  const byWitness = witness.follow(settled);
  const broken = [
    ...open,
    ...byLedger.broken,
    ...byWitness.broken,
    ...watch.broken,
    ...stage.broken,
    ...stage.crew.broken,
    ...checkJournal(watch.lines),
    ...checkArrivals(witness, payments, watch.lines),
    ...checkTimes(payments, watch.lines),
    ...checkWishes(notebook, witness, settled),
    ...(await compareWithChains(purses, engine, watch.lines)),
  ];
  await mine.set('limits.per_day_usd', '2000');
  for (const url of remains.afterwards) broken.push(...(await checkStillWorks(wallet, url)));
  await wallet.close();
  broken.push(
    ...(await checkRebuilt({
      world,
      mine,
      purses,
      old: stage.oldLedger?.file ?? null,
      shared: stage.shared,
    })),
  );
  const inState = (...states: string[]): number =>
    payments.filter(({ state }) => states.includes(state)).length;
  return {
    seed: remains.seed,
    slowness: remains.slowness,
    calls: notebook.told.length,
    callsByStatus: countCalls(notebook),
    faults: new Map([...remains.faults].sort()),
    signed: watch.lines.filter(({ kind }) => kind === 'sign').length,
    reachedSellers: witness.arrivals.size,
    settledOn,
    captured: inState('captured'),
    released: inState('released'),
    unknown: payments.length - inState('captured', 'released'),
    peakByLedger: byLedger.peak,
    peakByWitness: byWitness.peak,
    capUsdMicros: caps.current(),
    broken,
  };
}

function countCalls({ told }: Notebook): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { outcome } of told) {
    const status = outcome === null ? 'process ended' : `${outcome.status} ${outcome.code}`;
    counts.set(status, (counts.get(status) ?? 0) + 1);
  }
  return new Map([...counts].sort());
}

/** Compares ledger and chains, payment by payment. */
async function compareWithChains(
  purses: readonly Purse[],
  engine: Engine,
  journal: readonly SeenLine[],
): Promise<string[]> {
  const payments = await attemptsIn(engine);
  const isFrom = ({ network, payFrom }: AnyAttempt, { ground, address }: Purse): boolean =>
    network === ground.caip2 && payFrom.toLowerCase() === address.toLowerCase();
  const strange = payments.filter((payment) => !purses.some((purse) => isFrom(payment, purse)));
  const broken = strange.map(
    ({ id, network, payFrom }) => `${id} is from ${payFrom} on ${network}, no purse of ours`,
  );
  for (const purse of purses) {
    const here = payments.filter((payment) => isFrom(payment, purse));
    broken.push(...(await compareOn(purse, here, journal)));
  }
  for (const { where, id, says } of (await engine.ledger.audit()).findings)
    broken.push(`audit: ${where} ${id}: ${says}`);
  return broken;
}

async function compareOn(
  { ground, address, fundedAtomic }: Purse,
  payments: readonly AnyAttempt[],
  journal: readonly SeenLine[],
): Promise<string[]> {
  const broken: string[] = [];
  const onChain = new Map((await ground.payments(address)).map((payment) => [payment.nonce, payment]));
  let spent = 0n;
  for (const { id, nonce, state, confirmed, capturedAtomic, payTo, tx } of payments) {
    const shown = onChain.get(nonce);
    onChain.delete(nonce);
    if (state !== 'captured') {
      if (shown !== undefined)
        broken.push(
          `${id} is ${state}, and the chain shows it paid in ${shown.transaction}; ${lifeOf(id, journal)}`,
        );
      continue;
    }
    spent += capturedAtomic ?? 0n;
    const agrees =
      confirmed &&
      shown?.amountAtomic === capturedAtomic &&
      shown.to.toLowerCase() === payTo.toLowerCase() &&
      // Where no operator showed by which transaction, the spent nonce is the proof.
      (tx === null || shown.transaction === tx);
    if (!agrees)
      broken.push(
        `${id} is captured${confirmed ? '' : ', not confirmed,'} in ${tx} with ${capturedAtomic}, and the chain shows ${shown?.transaction ?? 'none'} with ${shown?.amountAtomic}`,
      );
  }
  for (const nonce of onChain.keys())
    broken.push(`${ground.label} shows ${nonce}, and the ledger does not know it there`);
  const balance = await ground.balanceOf(address);
  if (balance !== fundedAtomic - spent)
    broken.push(`${address} has ${balance} on ${ground.label}, and by the ledger ${fundedAtomic - spent}`);
  return broken;
}

/** What the journal says of a payment, in order, each with its time by the world's clock. */
function lifeOf(id: string, journal: readonly SeenLine[]): string {
  const lines = journal.filter(({ subject }) => subject === id);
  return lines
    .map(({ kind, data, atMs }) => `${kind} at ${new Date(atMs).toISOString()} ${JSON.stringify(data)}`)
    .join('; ');
}

/** One live payment for a request, one end for a hold, one signature for a payment, none while frozen. */
function checkJournal(journal: readonly JournalLine[]): string[] {
  const broken: string[] = [];
  const liveByRequest = new Map<string, string>();
  const requestOf = new Map<string, string>();
  const signed = new Set<string>();
  const ended = new Set<string>();
  const withdrawals = new Set<string>();
  let frozen = false;
  for (const { seq, kind, subject, data } of journal) {
    if (kind === 'freeze' || kind === 'unfreeze') frozen = kind === 'freeze';
    if (kind === 'withdraw') withdrawals.add(subject);
    // A freeze stops agents; the owner's own money stays theirs to take out.
    if (frozen && (kind === 'hold' || kind === 'send') && !withdrawals.has(subject))
      broken.push(`entry ${seq}: a ${kind} while frozen`);
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
function checkWishes(notebook: Notebook, witness: Witness, settled: ReadonlyMap<string, Moved>): string[] {
  const broken = [...notebook.broken];
  const confused = notebook.told.filter(({ outcome }) => outcome?.code === 'internal');
  for (const { wish, outcome } of confused)
    broken.push(`${wish.id}: a fault of our own: ${outcome?.message}`);
  const paid = new Map<string, string[]>();
  for (const { nonce, wishId } of witness.arrivals.values()) {
    if (settled.has(nonce)) paid.set(wishId, [...(paid.get(wishId) ?? []), nonce]);
  }
  for (const [nonce, headers] of witness.presentations) {
    if (headers.size > 1) broken.push(`${nonce} was presented in ${headers.size} different headers`);
  }
  for (const { id, call } of notebook.wishes.values()) {
    const times = paid.get(id)?.length ?? 0;
    const isBound = 'idempotency_key' in call || !notebook.torn.has(id);
    if (times > 1 && isBound) broken.push(`${id} was paid ${times} times`);
    const told = notebook.told.filter(({ wish }) => wish.id === id);
    const saidNone = told.length > 0 && told.every(({ outcome }) => outcome?.money === 'none');
    if (saidNone && times > 0) broken.push(`${id}: every answer said that no money moved, and it did`);
  }
  return broken;
}

/** Every signature that reached a seller is a payment of the ledger that was sent. */
function checkArrivals(
  witness: Witness,
  payments: readonly AnyAttempt[],
  journal: readonly JournalLine[],
): string[] {
  const idOf = new Map(payments.map(({ nonce, id }) => [nonce, id]));
  const sent = new Set(journal.filter(({ kind }) => kind === 'send').map(({ subject }) => subject));
  return [...witness.arrivals.keys()]
    .filter((nonce) => !sent.has(idOf.get(nonce) ?? ''))
    .map((nonce) => `${nonce} reached a seller, and the ledger never sent it`);
}

/** What true time and the chain's may differ by, in ms. */
const TIME_SLACK_MS = 120_000;

/**
 * Ledger time is never ahead of true time, and what was captured counts from no earlier than it was held: nothing leaves its
 * windows before it should (T30).
 */
function checkTimes(payments: readonly AnyAttempt[], journal: readonly SeenLine[]): string[] {
  const heldMs = new Map(
    journal.filter(({ kind }) => kind === 'hold').map(({ subject, atMs }) => [subject, atMs]),
  );
  const early = journal.find(({ ledgerMs, atMs }) => ledgerMs > atMs + TIME_SLACK_MS);
  const ahead =
    early === undefined
      ? []
      : [
          `entry ${early.seq}, ${early.kind} of ${early.subject}: ledger time was ${Math.round((early.ledgerMs - early.atMs) / 60_000)} min ahead`,
        ];
  const counted = payments.flatMap(({ id, countedMs }) => {
    const held = heldMs.get(id);
    if (countedMs === null || held === undefined || countedMs >= held - TIME_SLACK_MS) return [];
    const minutes = Math.round((held - countedMs) / 60_000);
    return [`${id} counts from ${minutes} min before it was held; ${lifeOf(id, journal)}`];
  });
  return [...ahead, ...counted];
}

/** A wallet that opens afterwards, checkpoint and all, and pays. */
async function checkStillWorks(wallet: Wallet, url: string): Promise<string[]> {
  const outcome = await wallet.pay({ url, max_usd: '0.05' }, { signal: new AbortController().signal });
  return outcome.status === 'ok' ? [] : [`afterwards a call is ${outcome.status}: ${outcome.message}`];
}
