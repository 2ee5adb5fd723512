import { COMMIT_POINTS } from '../../src/ledger/commitPoint.js';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FaultName } from '../../sandbox/faults.ts';
import type { Payment } from '../../src/ledger/attempts/payment.js';
import { reconcileAll } from '../../src/wallet/settle/reconcile.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { journalOf, paymentsIn } from '../support/books.js';
import { createRandom } from '../support/random.js';
import { anyCall, type TestWallet } from '../support/testWallet.js';
import { expectLedgerIsChain, settleAll } from '../support/truth.js';
import type { Death, Order } from '../support/walletChild.js';
import { ProcessEnded, startWalletProcess, type WalletProcess } from '../support/walletProcess.js';
import { callOf, CHAINS, startTestWorld, type ChainName, type TestWorld } from '../support/world.js';

let world: TestWorld;
let mine: TestWallet;
/** A wallet in a process of its own, unlocked and waiting for its last call. */
let spare: Promise<WalletProcess>;

async function unlocked(): Promise<WalletProcess> {
  const process = await startWalletProcess(mine.home, { aheadMs: world.now() - Date.now() });
  await process.ask({ do: 'balance', input: {} });
  return process;
}

/** Takes the spare process, and has another one made ready. */
async function takeProcess(): Promise<WalletProcess> {
  const taken = await spare;
  await taken.ask({ do: 'clock', aheadMs: world.now() - Date.now() });
  spare = unlocked();
  return taken;
}

async function openWorld(chain: ChainName): Promise<void> {
  world = await startTestWorld(chain);
  mine = await world.wallet();
  spare = unlocked();
}

async function closeWorld(): Promise<void> {
  await (await spare).kill();
  await world.stop();
}

const paymentOf = (wallet: Wallet, url: string): Promise<Payment | undefined> =>
  wallet
    .engine()
    .then(async (engine) => (await paymentsIn(engine)).findLast((payment) => payment.url === url));

/** The distinct nonces that reached the shop for one URL. */
function noncesFor(url: string): Set<string | undefined> {
  const { pathname, search } = new URL(url);
  return new Set(
    world.sandbox.shop.requests.entries
      .filter((order) => order.path === pathname && order.url.search === search)
      .flatMap(({ payment }) => (payment === undefined ? [] : [payment.nonce])),
  );
}

/** Has a process die at a commit point while it obeys an order, and reopens the wallet. */
async function dieWhile(
  order: Order,
  death: Death,
  taken: WalletProcess | Promise<WalletProcess> = takeProcess(),
): Promise<Wallet> {
  const process = await taken;
  await process.dieAt(death);
  await expect(process.ask(order)).rejects.toThrow(ProcessEnded);
  expect(await process.exit).toBe('SIGKILL');
  return mine.open();
}

/** Settles everything and asserts that ledger and chain agree. */
async function expectTruth(wallet: Wallet): Promise<void> {
  await reconcileAll(await wallet.engine(), new AbortController().signal);
  await settleAll(world, wallet);
  await expectLedgerIsChain(world, mine, wallet);
}

interface Case {
  readonly death: Death;
  readonly path: string;
  readonly fault?: FaultName;
  /** What the row says when the dead process's wallet is opened again; null: there is none. */
  readonly row: Partial<Payment> | null;
  /** What a retry of the same request comes to. */
  readonly retry: object;
  /** Whether the retry settles what was signed, or signs anew because nothing had been. */
  readonly signs: 'again' | 'never';
}

const PAID_NOW = { status: 'ok', money: 'captured', spent_usd: '0.01' };
const SAME_BYTES = { ...PAID_NOW, presented_again: true };
const LOST = { status: 'failed', code: 'paid_not_delivered', money: 'captured', replayed: true };
const REPLAYED = { status: 'ok', code: 'paid', money: 'captured', spent_usd: '0.00', replayed: true };

/** The receipt of a stream comes well before its end, so that each has a commit of its own. */
const STREAM = '/v2/stream?events=4&ms=30';
const at = (when: Death['when'], point: Death['point']): Death => ({ when, point });

const CASES: readonly Case[] = [
  { death: at('before', 'held'), path: '/v2/json', row: null, retry: PAID_NOW, signs: 'again' },
  { death: at('after', 'held'), path: '/v2/json', row: { state: 'held' }, retry: PAID_NOW, signs: 'again' },
  {
    death: at('before', 'signed'),
    path: '/v1/json',
    row: { state: 'held' },
    retry: PAID_NOW,
    signs: 'again',
  },
  {
    // The first send shares its commit with the signature: there is no moment in which only one of them is durable.
    death: at('after', 'signed'),
    path: '/v1/json',
    row: { state: 'sent' },
    retry: SAME_BYTES,
    signs: 'never',
  },
  {
    death: at('before', 'sent'),
    path: '/v2/json',
    row: { state: 'held' },
    retry: PAID_NOW,
    signs: 'again',
  },
  { death: at('after', 'sent'), path: '/v2/json', row: { state: 'sent' }, retry: SAME_BYTES, signs: 'never' },
  { death: at('before', 'captured'), path: STREAM, row: { state: 'sent' }, retry: LOST, signs: 'never' },
  {
    death: at('after', 'captured'),
    path: STREAM,
    row: { state: 'captured', confirmed: false },
    retry: LOST,
    signs: 'never',
  },
  {
    death: at('before', 'answered'),
    path: STREAM,
    row: { state: 'captured', confirmed: false },
    retry: LOST,
    signs: 'never',
  },
  {
    death: at('after', 'answered'),
    path: STREAM,
    row: { state: 'captured', confirmed: false },
    retry: REPLAYED,
    signs: 'never',
  },
  {
    death: at('before', 'unknown'),
    path: '/v2/json',
    fault: 'drop_after_settle',
    row: { state: 'sent' },
    retry: LOST,
    signs: 'never',
  },
  {
    death: at('after', 'unknown'),
    path: '/v1/json',
    fault: 'drop_after_settle',
    row: { state: 'unknown', note: 'connection_lost' },
    retry: LOST,
    signs: 'never',
  },
  {
    death: at('before', 'unknown'),
    path: '/v1/json',
    fault: 'error_before_settle',
    row: { state: 'sent' },
    retry: SAME_BYTES,
    signs: 'never',
  },
  {
    death: at('after', 'unknown'),
    path: '/v2/json',
    fault: 'error_before_settle',
    row: { state: 'unknown', note: 'error_answer' },
    retry: SAME_BYTES,
    signs: 'never',
  },
  {
    death: at('before', 'confirmed'),
    path: '/v2/json',
    fault: 'no_receipt',
    row: { state: 'unknown', note: 'no_receipt' },
    retry: REPLAYED,
    signs: 'never',
  },
  {
    death: at('after', 'confirmed'),
    path: '/v1/json',
    fault: 'no_receipt',
    row: { state: 'captured', confirmed: true },
    retry: REPLAYED,
    signs: 'never',
  },
];

/** Deaths whose outcome the chain has a part in: elsewhere there is nothing of it to tell apart. */
const ON_EVERY_CHAIN: readonly string[] = [
  ...['after held clean', 'before sent clean', 'after sent clean', 'before captured clean'],
  ...['before unknown drop_after_settle', 'after unknown error_before_settle', 'before confirmed no_receipt'],
];
const casesOn = (chain: ChainName): readonly Case[] =>
  chain === 'base'
    ? CASES
    : CASES.filter(({ death, fault = 'clean' }) =>
        ON_EVERY_CHAIN.includes(`${death.when} ${death.point} ${fault}`),
      );

describe.each(CHAINS)('killed in the middle of a payment on %s', (chain) => {
  beforeAll(() => openWorld(chain));
  afterAll(closeWorld);

  test.each(
    casesOn(chain).map((one) => [`${one.death.when} ${one.death.point}`, one.fault ?? 'clean', one] as const),
  )(
    '%s (%s): the row says what is known, a retry signs no second time, chain and ledger agree',
    async (_name, _fault, { death, path, fault, row, retry, signs }) => {
      const url = world.url(path, fault === undefined ? {} : { fault, times: '1' });
      const wallet = await dieWhile({ do: 'pay', input: callOf(url) }, death);
      const left = await paymentOf(wallet, url);
      if (row === null) expect(left).toBeUndefined();
      else expect(left).toMatchObject(row);
      const sentOrLater = row?.state !== undefined && !['held', 'signed'].includes(row.state);
      if (!sentOrLater) expect(noncesFor(url).size).toBe(0);

      const outcome = await wallet.pay(callOf(url), anyCall());
      expect(outcome).toMatchObject(retry);
      expect(noncesFor(url).size).toBe(1);
      const settled = await paymentOf(wallet, url);
      if (signs === 'never') expect(settled?.id).toBe(left?.id);
      else expect(settled?.id).not.toBe(left?.id);
      expect(noncesFor(url)).toEqual(new Set([settled?.nonce]));
      await expectTruth(wallet);
      if (left !== undefined && signs === 'again') {
        const engine = await wallet.engine();
        expect(await engine.ledger.findPayment(left.id)).toMatchObject({
          state: 'released',
          note: 'never_signed',
        });
      }
    },
  );

  test.each(['before', 'after'] as const)(
    '%s a release: it is proven anew, and counts no more',
    async (when) => {
      const url = world.url('/v2/json', { fault: 'reject', times: '1' });
      const buyer = mine.open();
      // A process that unlocks looks at open payments: none may do so between the expiry and the look meant here.
      const process = await spare;
      const { payment } = await buyer.pay(callOf(url), anyCall());
      await world.advance(75);
      await process.ask({ do: 'clock', aheadMs: world.now() - Date.now() });
      const look: Order = { do: 'ledger', input: { payment_id: payment!.id } };
      const wallet = await dieWhile(look, at(when, 'released'), process);
      spare = unlocked();
      const { ledger } = await wallet.engine();
      expect((await ledger.findPayment(payment!.id))?.state).toBe(when === 'before' ? 'unknown' : 'released');
      const outcome = await wallet.pay(callOf(url), anyCall());
      expect(outcome).toMatchObject(PAID_NOW);
      expect(outcome.payment?.id).not.toBe(payment!.id);
      expect(await ledger.findPayment(payment!.id)).toMatchObject({
        state: 'released',
        note: 'expired_unused',
      });
      await expectTruth(wallet);
    },
  );

  test.each(['before', 'after'] as const)('%s the chain confirms what a seller claimed', async (when) => {
    const buyer = mine.open();
    const { payment } = await buyer.pay(callOf(world.url('/v2/json')), anyCall());
    const look: Order = { do: 'ledger', input: { payment_id: payment!.id } };
    const wallet = await dieWhile(look, at(when, 'confirmed'));
    const { ledger } = await wallet.engine();
    expect(await ledger.findPayment(payment!.id)).toMatchObject({
      state: 'captured',
      confirmed: when === 'after',
    });
    await expectTruth(wallet);
  });
});

const SEED = 20_261;
const ROUNDS = 12;
const FAULTS: readonly (FaultName | 'none')[] = [
  'none',
  'none',
  'drop_after_settle',
  'error_before_settle',
  'error_after_settle',
  'no_receipt',
  'settles_later',
  'false_receipt',
];
/** What the random moment is counted from: otherwise a slow machine would put all of them before the payment. */
const SINCE = ['ordered', 'asked', 'presented', 'answered'] as const;
const DELAY_MS_MAX = 30;

/** Resolves once a call has come so far, or has ended. */
async function reached(since: (typeof SINCE)[number], url: string, ended: Promise<unknown>): Promise<void> {
  const { requests } = world.sandbox.shop;
  const isPaid = since === 'presented';
  if (since === 'ordered') return;
  if (since === 'answered') await ended;
  else {
    const seen = requests.waitFor(
      (order) => order.url.href === url && (order.payment !== undefined) === isPaid,
    );
    await Promise.race([seen, ended]);
  }
}

describe('killed beside a payment', () => {
  beforeAll(() => openWorld('base'));
  afterAll(closeWorld);

  test.each(['before', 'after'] as const)('%s a quote was stored', async (when) => {
    const order: Order = { do: 'quote', input: { url: world.url('/v2/json') } };
    await expectTruth(await dieWhile(order, at(when, 'quote')));
  });

  test.each(['before', 'after'] as const)('%s its session was touched', async (when) => {
    await world.advance(61);
    const order: Order = { do: 'pay', input: callOf(world.url('/v2/json')) };
    await expectTruth(await dieWhile(order, at(when, 'session')));
  });

  test.each(['before', 'after'] as const)('%s a freeze: it holds from its commit on', async (when) => {
    const wallet = await dieWhile({ do: 'freeze' }, at(when, 'frozen'));
    const outcome = await wallet.pay(callOf(world.url('/v2/json')), anyCall());
    expect(outcome.code).toBe(when === 'after' ? 'frozen' : 'paid');
    await (await wallet.engine()).ledger.unfreeze(world.now());
    await expectTruth(wallet);
  });

  test.each(['before', 'after'] as const)('%s a new config was noted', async (when) => {
    const { ledger } = await mine.open().engine();
    const known = (await ledger.head()).configVersion;
    await mine.set('limits.per_call_usd', when === 'before' ? '0.49' : '0.50');
    const { version } = await (await mine.open().engine()).config();
    expect(version).toBeGreaterThan(known);
    const wallet = await dieWhile({ do: 'noteConfig', version }, at(when, 'config'));
    expect((await ledger.head()).configVersion).toBe(when === 'after' ? version : known);
    await expectTruth(wallet);
  });

  test(`killed at random moments, ${ROUNDS} times (seed ${SEED})`, async () => {
    const random = createRandom(SEED);
    const wallet = mine.open();
    const left = new Map<string, number>();
    const urls: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const fault = random.pick(FAULTS);
      const path = random.pick(['/v1/json', '/v2/json', STREAM]);
      const url = world.url(path, fault === 'none' ? {} : { fault, times: '1' });
      urls.push(url);
      const process = await takeProcess();
      const dying = process.pay(callOf(url)).catch((error: unknown) => error);
      await reached(random.pick(SINCE), url, dying);
      await delay(random.below(DELAY_MS_MAX));
      await process.kill();
      await dying;
      const state = (await paymentOf(wallet, url))?.state ?? 'none';
      left.set(state, (left.get(state) ?? 0) + 1);
      if (random.percent(50)) await world.sandbox.shop.releasePending();
      await wallet.pay(callOf(url), anyCall());
      // However often it is asked for: while its end is open it is one authorization, and afterwards one payment.
      expect(noncesFor(url).size).toBeLessThanOrEqual(1);
    }
    world.sandbox.shop.dropPending();
    await expectTruth(wallet);
    const paid = await world.sandbox.chain.payments(mine.address);
    const nonces = new Set(paid.map(({ nonce }) => nonce));
    for (const url of urls) {
      expect([...noncesFor(url)].filter((nonce) => nonces.has(nonce as `0x${string}`)).length).toBeLessThan(
        2,
      );
    }
    const signed = journalOf(mine.home).filter(({ kind }) => kind === 'sign');
    expect(new Set(signed.map(({ subject }) => subject)).size).toBe(signed.length);
    // The moments were spread over a payment's life: some before it was known of, some while it was open, some after.
    expect(left.get('captured')).toBeGreaterThan(0);
    expect((left.get('sent') ?? 0) + (left.get('unknown') ?? 0)).toBeGreaterThan(0);
    expect((left.get('none') ?? 0) + (left.get('held') ?? 0) + (left.get('signed') ?? 0)).toBeGreaterThan(0);
  });
});

test('every numbered commit point was died at', () => {
  const died = new Set([
    ...CASES.map(({ death }) => death.point),
    ...(['released', 'confirmed', 'quote', 'session', 'frozen', 'config'] as const),
  ]);
  expect([...died].sort()).toEqual(Object.keys(COMMIT_POINTS).sort());
});
