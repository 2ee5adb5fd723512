import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SOLANA_DEVNET } from '../../sandbox/solana/chain.ts';
import { formatUsd, parseUsd } from '../../src/money/decimal.js';
import type { Outcome } from '../../src/wallet/answer/outcome.js';
import { STILL_MS } from '../../src/wallet/leaseKeeper.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { journalOf, paymentsIn, signaturesIn } from '../support/books.js';
import { Patience } from '../support/patience.js';
import { anyCall, type TestWallet } from '../support/testWallet.js';
import { expectLedgerIsChain, PAST_CAP, settleAll } from '../support/truth.js';
import { startWalletProcess, type WalletProcess } from '../support/walletProcess.js';
import { callOf, startTestWorld, type TestWorld } from '../support/world.js';

const CENT = 10_000n;
/** Whoever waits no longer than this sees no lease stand still for long enough to take a payment over, however slow all is. */
const SHORTER_THAN_A_LEASE_MS = STILL_MS - 500;
const BOTH = JSON.stringify(['eip155:84532', SOLANA_DEVNET]);

let world: TestWorld;
let mine: TestWallet;
/** This process's own wallet over the same home. */
let wallet: Wallet;
let one: WalletProcess;
let two: WalletProcess;
const patience = new Patience();

beforeAll(async () => {
  world = await startTestWorld();
  mine = await world.wallet();
  wallet = mine.open();
  [one, two] = await Promise.all([start(), start()]);
  await one.pay(callOf(world.url('/v2/json')));
  await two.pay(callOf(world.url('/v2/json')));
  await patience.measure(() => one.pay(callOf(world.url('/v2/json'))));
});

beforeEach(async () => {
  await Promise.all(
    [one, two].map((process) => process.ask({ do: 'clock', aheadMs: world.now() - Date.now() })),
  );
});

afterAll(async () => {
  await settleAll(world, wallet);
  await expectLedgerIsChain(world, mine, wallet);
  await Promise.all([one.kill(), two.kill()]);
  await world.stop();
});

const startIn = (home: string): Promise<WalletProcess> =>
  startWalletProcess(home, { aheadMs: world.now() - Date.now() });
const start = (): Promise<WalletProcess> => startIn(mine.home);
/** What a session's cap leaves, in micro-dollars. */
const leftOf = ({ session_left_usd }: Outcome): bigint =>
  parseUsd(session_left_usd ?? '', 'session_left_usd');

/** The payment headers that reached the shop for one URL, in order. */
const headersFor = (url: string): string[] =>
  world.sandbox.shop.requests.entries
    .filter((order) => order.url.href === url)
    .flatMap(({ payment }) => payment?.header ?? []);
const paidRequest = (url: string) =>
  world.sandbox.shop.requests.waitFor((order) => order.url.href === url && order.payment !== undefined);

describe('caps', () => {
  test('forty calls of two processes spend exactly what is left', async () => {
    const used = 2_000n * CENT - leftOf(await one.pay(callOf(world.url('/v2/json'))));
    await mine.set('limits.per_session_usd', formatUsd(used + 20n * CENT));
    const before = await world.sandbox.chain.balanceOf(mine.address);
    const outcomes = await Promise.all(
      Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? one : two).pay(callOf(world.url('/v1/json')))),
    );
    await mine.set('limits.per_session_usd', '20');
    expect(outcomes.filter(({ status }) => status === 'ok')).toHaveLength(20);
    for (const outcome of outcomes.filter(({ status }) => status !== 'ok'))
      expect(outcome).toMatchObject(PAST_CAP);
    expect(before - (await world.sandbox.chain.balanceOf(mine.address))).toBe(20n * CENT);
  });

  test('two processes that pay on two chains spend exactly what one cap leaves', async () => {
    const both = await world.wallet({
      settings: { 'networks.enabled': BOTH, 'limits.per_session_usd': '0.20' },
    });
    await world.sandbox.solana.fund(both.solanaAddress, 1_000_000n);
    const crew = await Promise.all([1, 2].map(() => startIn(both.home)));
    // What Solana needs is loaded at the first call there; without it, the other chain would come first in every race.
    const first = crew.map((process) => process.pay(callOf(world.url('/v2/json', { chain: 'solana' }))));
    for (const outcome of await Promise.all(first)) expect(outcome).toMatchObject({ status: 'ok' });
    const outcomes = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        crew[i % 2]!.pay(callOf(world.url('/v2/json', { chain: i % 4 < 2 ? 'base' : 'solana' }))),
      ),
    );
    await Promise.all(crew.map((process) => process.kill()));
    const paid = outcomes.filter(({ status }) => status === 'ok');
    expect(paid).toHaveLength(18);
    for (const outcome of outcomes.filter(({ status }) => status !== 'ok'))
      expect(outcome).toMatchObject(PAST_CAP);
    const { chain, solana } = world.sandbox;
    const onBase = 10_000_000n - (await chain.balanceOf(both.address));
    const onSolana = 1_000_000n - (await solana.balanceOf(both.solanaAddress));
    expect(onBase + onSolana).toBe(20n * CENT);
    expect([onBase, onSolana].every((spent) => spent > 0n)).toBe(true);
    // Each chain has every payment that the ledger tells of on it, once.
    const rows = (await paymentsIn(await both.open().engine())).filter(({ state }) => state === 'captured');
    const nonces = [...(await chain.payments(both.address)), ...solana.payments(both.solanaAddress)];
    expect(rows.map(({ nonce }) => nonce).sort()).toEqual(nonces.map(({ nonce }) => nonce).sort());
  });

  test('calls per minute are one count', async () => {
    await world.advance(61);
    await Promise.all([one, two].map((it) => it.ask({ do: 'clock', aheadMs: world.now() - Date.now() })));
    await mine.set('limits.calls_per_minute', '5');
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? one : two).pay(callOf(world.url('/v2/json')))),
    );
    await mine.set('limits.calls_per_minute', '10000');
    expect(outcomes.filter(({ status }) => status === 'ok')).toHaveLength(5);
    expect(outcomes.filter(({ code }) => code === 'rate_limited')).toHaveLength(15);
  });

  test('what one process holds, the other counts', async () => {
    const { payment } = await one.pay(callOf(world.url('/v2/json', { fault: 'reject' })));
    expect(payment?.state).toBe('unknown');
    const balance = (await two.ask({ do: 'balance', input: {} })) as Outcome;
    expect(balance['balances']).toMatchObject([{ held_atomic: '10000' }]);
    await settleAll(world, wallet);
    expect((await two.ask({ do: 'balance', input: {} })) as Outcome).toMatchObject({
      balances: [{ held_atomic: '0' }],
    });
  });

  test('a tightened config is obeyed by every process at its next call', async () => {
    await mine.set('limits.per_call_usd', '0.005');
    const outcomes = await Promise.all([one, two].map((it) => it.pay(callOf(world.url('/v2/json')))));
    await mine.set('limits.per_call_usd', '0.50');
    for (const outcome of outcomes) expect(outcome).toMatchObject(PAST_CAP);
  });
});

describe('the session', () => {
  test('is one, whichever process calls, and outlives them all', async () => {
    const first = await one.pay(callOf(world.url('/v2/json')));
    const second = await two.pay(callOf(world.url('/v2/json')));
    expect(leftOf(first) - leftOf(second)).toBe(CENT);
    for (let i = 0; i < 3; i++) {
      const passing = await start();
      const outcome = await passing.pay(callOf(world.url('/v2/json')));
      expect(leftOf(second) - leftOf(outcome)).toBe(BigInt(i + 1) * CENT);
      await passing.kill();
    }
    const sessions = journalOf(mine.home).filter(({ kind }) => kind === 'session');
    expect(sessions).toHaveLength(1);
  });
});

describe('freeze', () => {
  test('in one process stops the other at once', async () => {
    expect(await one.ask({ do: 'freeze' })).toBe(true);
    const signatures = signaturesIn(mine.home);
    const outcomes = await Promise.all([one, two].map((it) => it.pay(callOf(world.url('/v2/json')))));
    for (const outcome of outcomes) expect(outcome).toMatchObject({ code: 'frozen', money: 'none' });
    expect(signaturesIn(mine.home)).toBe(signatures);
    await two.ask({ do: 'unfreeze' });
    expect(await one.pay(callOf(world.url('/v2/json')))).toMatchObject({ status: 'ok' });
  });

  test('in the middle of many calls leaves none that was sent after it', async () => {
    const calls = Array.from({ length: 30 }, (_, i) =>
      (i % 2 === 0 ? one : two).pay(callOf(world.url('/v2/json'))),
    );
    await calls[0];
    await one.ask({ do: 'freeze' });
    const outcomes = await Promise.all(calls);
    const journal = journalOf(mine.home);
    const frozen = journal.findLast(({ kind }) => kind === 'freeze')!;
    const later = journal.filter(({ seq, kind }) => seq > frozen.seq && ['hold', 'send'].includes(kind));
    expect(later).toEqual([]);
    for (const { code } of outcomes) expect(['paid', 'frozen']).toContain(code);
    await one.ask({ do: 'unfreeze' });
  });
});

describe('the same request in two processes', () => {
  test('is paid once: the second waits for the first and shares its answer', async () => {
    const url = world.url('/v2/slow', { ms: '600' });
    const first = one.pay(callOf(url, { method: 'POST', body: { a: 1 } }));
    await paidRequest(url);
    const second = await two.pay(callOf(url, { method: 'POST', body: { a: 1 } }));
    expect(second).toMatchObject({
      status: 'ok',
      replayed: true,
      spent_usd: '0.00',
      message: expect.stringMatching(/^NOT sent again/),
      response: { body: { slow: true } },
      payment: { id: (await first).payment?.id },
    });
    expect(headersFor(url)).toHaveLength(1);
    expect(world.sandbox.shop.runs(new URL(url).searchParams.get('id')!)).toBe(1);
  });

  test('waits for the whole answer, not for its receipt', async () => {
    const url = world.url('/v2/stream', { events: '20', ms: '30' });
    const first = one.pay(callOf(url));
    await paidRequest(url);
    const second = await two.pay(callOf(url));
    expect(second).toMatchObject({ status: 'ok', replayed: true });
    expect(second.response?.body).toContain('[DONE]');
    expect(second.response).toEqual((await first).response);
  });

  test('twenty at once in each sign once', async () => {
    const url = world.url('/v1/slow', { ms: '200' });
    const outcomes = await Promise.all(
      Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? one : two).pay(callOf(url))),
    );
    for (const outcome of outcomes) expect(outcome).toMatchObject({ status: 'ok', money: 'captured' });
    expect(new Set(outcomes.map(({ payment }) => payment?.id)).size).toBe(1);
    expect(outcomes.filter(({ spent_usd }) => spent_usd === '0.01')).toHaveLength(1);
    expect(headersFor(url)).toHaveLength(1);
  });

  test('retried at once in both after a fault, its bytes go out once more', async () => {
    const url = world.url('/v2/slow', { ms: '300', fault: 'error_before_settle', times: '1' });
    expect(await one.pay(callOf(url))).toMatchObject({ status: 'unknown' });
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? one : two).pay(callOf(url))),
    );
    for (const outcome of outcomes) expect(outcome).toMatchObject({ status: 'ok', money: 'captured' });
    expect(headersFor(url)).toHaveLength(2);
    expect(new Set(headersFor(url)).size).toBe(1);
  });

  test('is taken over when the first process dies over it: the same bytes, and the answer', async () => {
    const dying = await start();
    const url = world.url('/v2/json', { fault: 'hang', times: '1' });
    const lost = dying.pay(callOf(url)).catch((error: unknown) => error);
    await paidRequest(url);
    const waiting = two.pay(callOf(url));
    await dying.kill();
    await lost;
    expect(await waiting).toMatchObject({ status: 'ok', money: 'captured', presented_again: true });
    expect(headersFor(url)).toHaveLength(2);
    expect(new Set(headersFor(url)).size).toBe(1);
  });

  test('left open by one process is looked after by the other', async () => {
    const url = world.url('/v2/json', { fault: 'hang_settles_later', times: '1' });
    const first = await patience.lose((bound) => one.pay(callOf(url, bound)));
    expect(first).toMatchObject({ status: 'unknown' });
    await world.sandbox.shop.releasePending();
    expect(await two.pay(callOf(url))).toMatchObject({
      code: 'paid_not_delivered',
      payment: { id: first.payment?.id },
    });
  });

  test('stopped in its tracks in one process is not taken from it by the other', async () => {
    let url = '';
    let first: Promise<Outcome>;
    let second: Outcome;
    // A machine on which the other one does not even come to look in that time is given another try.
    do {
      url = world.url('/v2/slow', { ms: '700' });
      first = one.pay(callOf(url));
      await paidRequest(url);
      one.pause();
      second = await two.pay(callOf(url, { timeout_ms: SHORTER_THAN_A_LEASE_MS }));
      one.resume();
      expect(await first).toMatchObject({ status: 'ok' });
    } while (second.money === 'none');
    expect(second).toMatchObject({ status: 'unknown', code: 'payment_unresolved', retry: 'after_delay' });
    expect(headersFor(url)).toHaveLength(1);
  });
});

describe('a quote', () => {
  test('made in one process is paid in the other', async () => {
    const quoted = (await one.ask({ do: 'quote', input: { url: world.url('/v2/json') } })) as Outcome;
    expect(await two.pay({ quote_id: quoted['quote_id'] })).toMatchObject({
      status: 'ok',
      spent_usd: '0.01',
    });
  });

  test('made with a credential needs it named again elsewhere, since it was never written down', async () => {
    const url = world.url('/v2/echo');
    const headers = { authorization: 'Bearer sk-canary-77' };
    const quoted = (await one.ask({ do: 'quote', input: { url, headers } })) as Outcome;
    expect(await two.pay({ quote_id: quoted['quote_id'] })).toMatchObject({
      code: 'quote_mismatch',
      money: 'none',
    });
    expect(await two.pay({ quote_id: quoted['quote_id'], headers })).toMatchObject({ status: 'ok' });
    expect(headersFor(url)).toHaveLength(1);
  });
});

test('a payment of one process is in the ledger of the other', async () => {
  const { payment } = await one.pay(callOf(world.url('/v2/json')));
  const rows = await paymentsIn(await wallet.engine());
  expect(rows.at(-1)).toMatchObject({ id: payment?.id, state: 'captured' });
  expect((await two.ask({ do: 'ledger', input: { payment_id: payment?.id } })) as Outcome).toMatchObject({
    payment: { id: payment?.id, confirmed: true },
  });
  expect(await wallet.ledger({ limit: 1 }, anyCall())).toMatchObject({ entries: [{ id: payment?.id }] });
});
