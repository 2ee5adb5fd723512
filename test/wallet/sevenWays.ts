import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { FaultName } from '../../sandbox/faults.ts';
import type { Payment } from '../../src/ledger/attempts/payment.js';
import type { Outcome } from '../../src/wallet/answer/outcome.js';
import { endPauses, listPauses } from '../../src/owner/ownerPauses.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { journalOf, paymentsIn, signaturesIn } from '../support/books.js';
import { Patience } from '../support/patience.js';
import { anyCall, TEST_PASSPHRASE, type TestWallet } from '../support/testWallet.js';
import { expectLedgerIsChain, settleAll } from '../support/truth.js';
import { callOf, startTestWorld, type ChainName, type TestWorld } from '../support/world.js';
import { told } from '../support/told.js';

/** What is in the facilitator's hands of a payment: the nonce, or the whole transaction. */
function signedIn({ nonce, payload }: Payment): string {
  const { value } = JSON.parse(payload ?? '{}') as { value: string };
  const body = JSON.parse(Buffer.from(value, 'base64').toString()) as { payload: { transaction?: string } };
  return body.payload.transaction ?? nonce;
}

/** Each way a payment can go on this chain, with one seller, one wallet and one ledger over all of them. */
export function testSevenWays(chain: ChainName): void {
  let world: TestWorld;
  let mine: TestWallet;
  let wallet: Wallet;
  const patience = new Patience();

  beforeAll(async () => {
    world = await startTestWorld(chain);
    mine = await world.wallet();
    wallet = mine.open();
    await pay(world.url('/v2/json'));
    await patience.measure(() => pay(world.url('/v2/json')));
  });

  afterEach(async () => {
    await world.ground.rpc.setFault(null);
    await settleAll(world, wallet);
    await expectLedgerIsChain(world, mine, wallet);
    // An origin that took money and asked for more is paused; it delivers again, and its slate is clean.
    await world.advance(1_300);
    expect(await patience.measure(() => pay(world.url('/v2/json')))).toMatchObject({ status: 'ok' });
  });

  afterAll(() => world.stop());

  const pay = (url: string, more: Record<string, unknown> = {}): Promise<Outcome> =>
    wallet.pay(callOf(url, more), anyCall());

  /** Pays a seller who hangs until the caller leaves. */
  const payShort = (url: string): Promise<Outcome> => patience.lose((bound) => pay(url, bound));

  /** What the ledger says of one payment, the chain asked first. */
  const look = (outcome: Outcome): Promise<Outcome> =>
    wallet.ledger({ payment_id: outcome.payment?.id }, anyCall());

  async function rowOf(outcome: Outcome) {
    return (await paymentsIn(await wallet.engine())).find(({ id }) => id === outcome.payment?.id);
  }

  /** An outcome that leaves the money's end open and says where to ask. */
  const OPEN = { retry: 'after_delay', spent_usd: '0.00', payment: { state: 'unknown', tx: null } };
  const UNKNOWN = { ...OPEN, status: 'unknown', code: 'payment_unknown', money: 'unknown' };
  const REJECTED = { ...OPEN, status: 'failed', code: 'payment_rejected', money: 'held' };
  /** An outcome that says the money is gone for good. */
  const GONE = {
    retry: 'never',
    money: 'captured',
    spent_usd: '0.01',
    next: null,
    payment: { confirmed: true },
  };
  const LOST = {
    ...{ ...GONE, status: 'failed', code: 'paid_not_delivered', response: null },
    next: { tool: 'wallet_discover' },
  };
  const ERROR = { ...GONE, status: 'failed', code: 'paid_error_answer' };
  /** A seller's claim, and an answer beside it. */
  const CLAIMED = {
    status: 'ok',
    code: 'paid',
    money: 'captured',
    retry: 'never',
    payment: { confirmed: false },
  };
  const GIVEN = { status: 'ok', code: 'paid', money: 'unknown', retry: 'never', response: { status: 200 } };

  type Final = 'captured' | 'expired_unused' | 'receipt_false';

  /** Each way a paid leg can go: what the call says, and what the chain makes of it in the end. */
  const WAYS: readonly [FaultName, object, Final][] = [
    // Its reason is none of verification: nothing shows that it will not settle what it has.
    ['reject', { ...UNKNOWN, response: { status: 402 } }, 'expired_unused'],
    ['insufficient_funds', { ...REJECTED, response: { status: 402 } }, 'expired_unused'],
    ['verify_refused', { ...REJECTED, response: { status: 402 } }, 'expired_unused'],
    ['receipt_failed', GIVEN, 'expired_unused'],
    ['hang', { ...UNKNOWN, response: null }, 'expired_unused'],
    ['drop', { ...UNKNOWN, response: null }, 'expired_unused'],
    ['error_before_settle', { ...UNKNOWN, response: { status: 500 } }, 'expired_unused'],
    ['redirect_paid', { ...UNKNOWN, response: { status: 307 } }, 'expired_unused'],
    ['unsettled', GIVEN, 'expired_unused'],
    ['false_receipt', CLAIMED, 'receipt_false'],
    ['borrowed_receipt', CLAIMED, 'receipt_false'],
    ['hang_after_settle', LOST, 'captured'],
    ['drop_after_settle', LOST, 'captured'],
    ['error_after_settle', { ...ERROR, response: { status: 500 } }, 'captured'],
    [
      'error_with_receipt',
      { ...ERROR, payment: { confirmed: false }, response: { status: 500 } },
      'captured',
    ],
    ['second_402', { ...ERROR, response: { status: 402 } }, 'captured'],
    [
      'redirect_after_settle',
      {
        ...{ status: 'ok', code: 'paid', delivery: 'pending', money: 'captured', spent_usd: '0.01' },
        // The result is there already, at another address: nothing is to be waited for.
        ...{ retry: 'never', next: { tool: 'wallet_quote' }, response: { status: 307 } },
      },
      'captured',
    ],
    ['denied_receipt', { ...ERROR, response: { status: 402 } }, 'captured'],
    ['settle_unheard', { ...ERROR, response: { status: 402 } }, 'captured'],
    ['settle_unheard_delivered', { ...GIVEN, ...GONE }, 'captured'],
    ['verify_refused_falsely', { ...ERROR, response: { status: 402 } }, 'captured'],
    ['no_receipt', { ...GIVEN, ...GONE }, 'captured'],
    ['garbled_receipt', { ...GIVEN, ...GONE }, 'captured'],
    [
      'cut_body',
      { status: 'failed', code: 'paid_not_delivered', money: 'captured', response: { truncated: true } },
      'captured',
    ],
    ['settlement_pending', { ...UNKNOWN, response: { status: 402 } }, 'expired_unused'],
    ['fails_then_settles', { ...UNKNOWN, response: { status: 402 } }, 'expired_unused'],
    ['fails_then_settles_delivered', GIVEN, 'expired_unused'],
    ['settles_later', GIVEN, 'expired_unused'],
    ['hang_settles_later', UNKNOWN, 'expired_unused'],
  ];

  describe.each([1, 2] as const)('over x402 v%i', (version) => {
    test('clean: paid, answered, confirmed by the chain', async () => {
      const outcome = await pay(world.url(`/v${version}/json`));
      expect(outcome).toMatchObject(CLAIMED);
      expect(await look(outcome)).toMatchObject({
        status: 'ok',
        money: 'captured',
        retry: 'never',
        payment: { confirmed: true, tx: outcome.payment?.tx },
      });
    });

    test.each(WAYS)('%s', async (fault, expected, final) => {
      const signatures = signaturesIn(mine.home);
      const url = world.url(`/v${version}/json`, { fault });
      const outcome = await (fault.startsWith('hang') ? payShort(url) : pay(url));
      expect(outcome).toMatchObject(expected);
      expect(signaturesIn(mine.home)).toBe(signatures + 1);
      if (outcome.money !== 'captured') {
        expect(outcome.next).toEqual({
          tool: 'wallet_ledger',
          arguments: { payment_id: outcome.payment!.id },
        });
        expect(Date.parse(outcome.payment!.held_until!)).toBeGreaterThan(world.now());
      }
      world.sandbox.shop.dropPending();
      await settleAll(world, wallet);
      expect(await rowOf(outcome)).toMatchObject(
        final === 'captured' ? { state: 'captured', confirmed: true } : { state: 'released', note: final },
      );
      expect(await look(outcome)).toMatchObject({
        status: 'ok',
        money: final === 'captured' ? 'captured' : 'none',
        retry: 'never',
      });
    });

    test.each([
      'settlement_pending',
      'settles_later',
      'hang_settles_later',
      'fails_then_settles',
      'fails_then_settles_delivered',
    ] as const)('%s, and it does settle: captured as soon as the chain shows it', async (fault) => {
      const outcome = await payShort(world.url(`/v${version}/json`, { fault }));
      expect(outcome.money).toBe('unknown');
      expect(await look(outcome)).toMatchObject({ money: 'unknown', retry: 'after_delay' });
      const [tx] = await world.sandbox.shop.releasePending();
      expect(await look(outcome)).toMatchObject({
        money: 'captured',
        retry: 'never',
        payment: { state: 'captured', confirmed: true, tx },
      });
    });

    test('a slow answer is waited for, and paid once', async () => {
      const url = world.url(`/v${version}/slow`, { ms: '1200' });
      expect(await pay(url)).toMatchObject({ ...CLAIMED, response: { body: { slow: true } } });
      expect(world.sandbox.shop.runs(new URL(url).searchParams.get('id')!)).toBe(1);
    });

    test('an answer slower than the caller is unknown, then found out', async () => {
      // The seller settles after its work: when the caller leaves, nothing has moved yet.
      const bound = patience.short();
      const url = world.url(`/v${version}/slow`, { ms: String(bound.timeout_ms) });
      const outcome = await pay(url, bound);
      expect(outcome).toMatchObject(UNKNOWN);
      const signed = signedIn((await rowOf(outcome))!);
      await world.sandbox.facilitator.log.waitFor(
        ({ kind, payload }) => kind === 'settle' && JSON.stringify(payload).includes(signed),
      );
      expect(await pay(url)).toMatchObject({ ...LOST, spent_usd: '0.00', replayed: true });
    });

    test('a chain that cannot be reached leaves it open, and says so with a time', async () => {
      await world.ground.rpc.setFault({ kind: 'down' });
      const outcome = await pay(world.url(`/v${version}/json`, { fault: 'drop_after_settle' }));
      expect(outcome).toMatchObject(UNKNOWN);
      const asked = await look(outcome);
      expect(asked).toMatchObject({ status: 'ok', money: 'unknown', retry: 'after_delay' });
      expect(asked.message).toMatch(/amount stays held/);
      expect(asked.retry_after_s).toBeGreaterThan(0);
      // Not even long after its expiry does silence free it.
      await world.advance(3_600);
      expect(await look(outcome)).toMatchObject({ money: 'unknown', payment: { state: 'unknown' } });
      await world.ground.rpc.setFault(null);
      expect(await look(outcome)).toMatchObject({ money: 'captured', payment: { confirmed: true } });
    });

    test('a lagging chain frees nothing', async () => {
      const outcome = await payShort(world.url(`/v${version}/json`, { fault: 'hang_settles_later' }));
      await world.ground.rpc.setFault({ kind: 'stuck' });
      await world.sandbox.shop.releasePending();
      await world.advance(120);
      expect(await look(outcome)).toMatchObject({ money: 'unknown' });
      await world.ground.rpc.setFault(null);
      expect(await look(outcome)).toMatchObject({ money: 'captured' });
    });
  });

  test('a seller that takes a payment identifier works once, however often it is asked', async () => {
    const url = world.url('/v2/json', { payment_id: 'required', fault: 'drop', times: '2' });
    const first = await pay(url);
    expect(first).toMatchObject(UNKNOWN);
    expect(await pay(url)).toMatchObject(UNKNOWN);
    expect(await pay(url)).toMatchObject({
      status: 'ok',
      presented_again: true,
      payment: { id: first.payment?.id },
    });
    expect(world.sandbox.shop.runs(new URL(url).searchParams.get('id')!)).toBe(1);
  });

  test('an origin that took money and asked for more is paused (T12)', async () => {
    expect(await pay(world.url('/v2/json', { fault: 'second_402' }))).toMatchObject({ money: 'captured' });
    const signatures = signaturesIn(mine.home);
    const paused = await pay(world.url('/v2/text'));
    expect(paused).toMatchObject({
      status: 'refused',
      code: 'origin_paused',
      money: 'none',
      retry: 'after_delay',
    });
    expect(paused.retry_after_s).toBeGreaterThan(500);
    expect(signaturesIn(mine.home)).toBe(signatures);
  });

  test('the owner alone ends a pause, and it is written down', async () => {
    await pay(world.url('/v2/json', { fault: 'second_402' }));
    const paused = await pay(world.url('/v2/text'));
    expect(told(paused)).toContain('pauses end 127.0.0.1:');
    const options = {
      home: mine.home,
      now: world.now,
      passphrase: async () => TEST_PASSPHRASE,
      auth: { passphrase: async () => null as string | null, atTerminal: false },
    };
    const owner = { ...options, auth: { ...options.auth, passphrase: options.passphrase } };
    const { url: origin, hostPort } = world.sandbox.shop;
    expect(await listPauses(options)).toEqual([{ origin, failures: 1, untilMs: expect.any(Number) }]);
    await expect(endPauses(options, hostPort)).rejects.toMatchObject({ code: 'owner_proof_needed' });
    expect(await endPauses(owner, 'shop.example.com')).toEqual([]);
    expect(await pay(world.url('/v2/text'))).toMatchObject({ code: 'origin_paused' });

    expect(await endPauses(owner, hostPort)).toEqual([origin]);
    expect(await listPauses(options)).toEqual([]);
    expect(journalOf(mine.home).filter(({ kind }) => kind === 'resume')).toMatchObject([{ subject: origin }]);
    expect(await pay(world.url('/v2/text'))).toMatchObject({ status: 'ok', money: 'captured' });
  });

  test('an honest seller whose price moved under a payment is not paused for it (T12)', async () => {
    const url = world.url('/v2/json', { fault: 'price_moves', timeout: '60' });
    expect(await pay(url)).toMatchObject({ money: 'unknown', payment: { state: 'unknown' } });
    expect(await pay(world.url('/v2/text'))).toMatchObject({ status: 'ok', money: 'captured' });
  });

  test('a redirect is never followed with a payment (T9)', async () => {
    const { shop } = world.sandbox;
    const before = shop.requests.entries.filter(({ origin }) => origin === shop.other.url).length;
    const outcome = await pay(world.url('/v2/json', { fault: 'redirect_paid' }));
    expect(outcome.response).toMatchObject({
      status: 307,
      headers: { location: expect.stringContaining('http') },
    });
    expect(shop.requests.entries.filter(({ origin }) => origin === shop.other.url)).toHaveLength(before);
  });
}
