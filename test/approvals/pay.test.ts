import { hash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { anyCall, type TestWallet } from '../support/testWallet.js';
import { paymentsIn, signaturesIn } from '../support/books.js';
import { expectLedgerIsChain, settleAll } from '../support/truth.js';
import { callOf, startTestWorld, type TestWorld } from '../support/world.js';
import type { Outcome } from '../../src/wallet/answer/outcome.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { startWalletProcess } from '../support/walletProcess.js';
import { setKey, withEntry } from '../../src/config/change.js';
import { storedFactor } from '../../src/owner/auth/ownerFactor.js';
import { actOfChange } from '../../src/owner/ownerConfig.js';
import { addOwner, answerAs, inboxOf, OWNER_PASSPHRASE, quickFactorOf } from './owner.js';
import { told } from '../support/told.js';

let world: TestWorld;
let mine: TestWallet;
let wallet: Wallet;

beforeAll(async () => {
  world = await startTestWorld();
});

beforeEach(async () => {
  mine = await world.wallet({ settings: { 'limits.per_call_usd': '0.02', 'approvals.wait_s': '0' } });
  wallet = mine.open();
  await addOwner(await wallet.engine());
});

afterAll(() => world.stop());

const dear = (more: Record<string, unknown> = {}): Record<string, unknown> =>
  callOf(world.url('/v2/price/0.05'), more);
const pay = (input: Record<string, unknown>, by = wallet): Promise<Outcome> => by.pay(input, anyCall());
const idOf = (outcome: Outcome): string => String(outcome['approval_id']);

/** Asserts that nothing was signed so far, and that the books are whole. */
async function expectNothingPaid(): Promise<void> {
  expect(signaturesIn(mine.home)).toBe(0);
  const engine = await wallet.engine();
  expect(await paymentsIn(engine)).toEqual([]);
  expect((await engine.ledger.audit()).findings).toEqual([]);
}

async function expectWhole(): Promise<void> {
  await settleAll(world, wallet);
  await expectLedgerIsChain(world, mine, wallet);
}

describe('a call above a cap', () => {
  test('asks, and the yes pays exactly that call once', async () => {
    const input = dear({ reason: 'the tide tables' });
    const asked = await pay(input);
    expect(asked).toMatchObject({
      status: 'approval_required',
      code: 'approval_required',
      money: 'none',
      retry: 'after_approval',
      payment: null,
    });
    const id = idOf(asked);
    expect(asked.next).toEqual({ tool: 'wallet_approval', arguments: { id } });
    // T20: nothing in it is a command, or lets anybody in, that an agent could follow itself.
    expect(told(asked)).toMatch(/The owner answers it in a terminal of their own/);
    expect(told(asked)).not.toMatch(/purser |npx |Run:|approve /);
    expect(Date.parse(String(asked['expires_at']))).toBeGreaterThan(world.now());
    await expectNothingPaid();

    const engine = await wallet.engine();
    const shown = await inboxOf(engine).show(id);
    expect(shown?.question).toMatchObject({
      usdMicros: 50_000n,
      agentSays: 'the tide tables',
      method: 'GET',
    });
    await answerAs(engine, id, { kind: 'once' });

    const read = await wallet.approval({ id, wait_s: 0 }, anyCall());
    expect(read).toMatchObject({ status: 'ok', state: 'approved', money: 'none' });
    const paid = await pay(read.next?.arguments ?? {});
    expect(paid).toMatchObject({ status: 'ok', code: 'paid', spent_usd: '0.05' });
    expect(await paymentsIn(engine)).toMatchObject([{ approvalId: id, state: 'captured' }]);

    expect(await wallet.approval({ id, wait_s: 0 }, anyCall())).toMatchObject({ state: 'consumed' });
    expect(await pay({ approval_id: id })).toMatchObject({ status: 'ok', replayed: true, spent_usd: '0.00' });
    expect(signaturesIn(mine.home)).toBe(1);
    await world.advance(90);
    expect(await pay({ approval_id: id })).toMatchObject({ status: 'refused', code: 'approval_closed' });
    await expectWhole();
  });

  test('waits inside the call, and goes on with a yes', async () => {
    await mine.set('approvals.wait_s', '30');
    const heard: string[] = [];
    const input = dear();
    const paying = wallet.pay(input, { ...anyCall(), progress: (message) => heard.push(message) });
    const engine = await wallet.engine();
    const inbox = inboxOf(engine);
    await expect.poll(async () => (await inbox.list('pending')).length).toBe(1);
    const [pending] = await inbox.list('pending');
    await answerAs(engine, pending?.question.approvalId ?? '', { kind: 'once' });
    expect(await paying).toMatchObject({ status: 'ok', code: 'paid', spent_usd: '0.05' });
    expect(heard.join()).toContain('Waiting for the owner');
    await expectWhole();
  });

  test('a yes that comes at the end of the call pays in the next one', async () => {
    const id = idOf(await pay(dear()));
    await answerAs(await wallet.engine(), id, { kind: 'once' });
    const late = { ...anyCall(), startedMs: performance.now() - 45_000 };
    expect(await wallet.pay({ approval_id: id }, late)).toMatchObject({
      status: 'approval_required',
      state: 'approved',
      money: 'none',
      next: { tool: 'wallet_pay', arguments: { approval_id: id } },
    });
    await expectNothingPaid();
    expect(await pay({ approval_id: id })).toMatchObject({ status: 'ok', spent_usd: '0.05' });
    await expectWhole();
  });

  test('is refused for good after a no, also when it is asked again', async () => {
    const input = dear();
    const id = idOf(await pay(input));
    const engine = await wallet.engine();
    const { digest } = (await inboxOf(engine).show(id)) ?? { digest: '' };
    await inboxOf(engine).answer(id, digest, { kind: 'no' }, null);
    for (const again of [input, { approval_id: id }])
      expect(await pay(again)).toMatchObject({ status: 'refused', code: 'approval_denied', retry: 'never' });
    await expectNothingPaid();
  });

  test('is never asked about above a ceiling', async () => {
    await mine.set('ceilings.per_call_usd', '0.04');
    expect(await pay(dear())).toMatchObject({ status: 'refused', code: 'above_ceiling' });
    expect(await inboxOf(await wallet.engine()).list('pending')).toEqual([]);
    await expectNothingPaid();
  });

  test('a ceiling, a deny list, a freeze that came after the yes are obeyed', async () => {
    const engine = await wallet.engine();
    const approvals: string[] = [];
    for (let i = 0; i < 3; i++) {
      const id = idOf(await pay(dear()));
      await answerAs(engine, id, { kind: 'once' });
      approvals.push(id);
    }
    const [one = '', two = '', three = ''] = approvals;
    await mine.set('hosts.deny', '["127.0.0.1"]');
    expect(await pay({ approval_id: one })).toMatchObject({ code: 'host_denied' });
    await mine.set('hosts.deny', '[]');
    await mine.set('ceilings.per_call_usd', '0.04');
    expect(await pay({ approval_id: two })).toMatchObject({ code: 'above_ceiling' });
    await mine.set('ceilings.per_call_usd', '0.40');
    await engine.ledger.freeze(world.now());
    expect(await pay({ approval_id: three })).toMatchObject({ code: 'frozen' });
    await engine.ledger.unfreeze(world.now());
    await expectNothingPaid();
    expect(await pay({ approval_id: three })).toMatchObject({ status: 'ok', spent_usd: '0.05' });
    await expectWhole();
  });

  test('runs out after ten minutes, answered or not, and pays nothing', async () => {
    const [asked, approved] = [idOf(await pay(dear())), idOf(await pay(dear()))];
    const engine = await wallet.engine();
    await answerAs(engine, approved, { kind: 'once' });
    await world.advance(601);
    for (const id of [asked, approved])
      expect(await pay({ approval_id: id })).toMatchObject({ status: 'refused', code: 'approval_expired' });
    await expect(answerAs(engine, asked, { kind: 'once' })).rejects.toMatchObject({
      code: 'approval_expired',
    });
    expect((await inboxOf(engine).show(asked))?.state).toBe('expired');
    // The next question writes down that they ran out.
    await pay(dear());
    await expectNothingPaid();
  });
});

describe('an approval pays nothing but what was asked', () => {
  test.each([
    ['another URL', () => ({ url: world.url('/v2/price/0.05') })],
    ['another method', () => ({ method: 'POST' })],
    ['a body', () => ({ method: 'POST', body: { more: true } })],
    ['another key', () => ({ idempotency_key: 'other' })],
    ['a quote', () => ({ quote_id: 'quo_1' })],
  ])('%s', async (_what, more) => {
    const id = idOf(await pay(dear()));
    await answerAs(await wallet.engine(), id, { kind: 'once' });
    expect(await pay({ approval_id: id, ...more() })).toMatchObject({
      code: 'approval_changed',
      money: 'none',
    });
    await expectNothingPaid();
  });

  test('a lower max_usd than the price', async () => {
    const id = idOf(await pay(dear()));
    await answerAs(await wallet.engine(), id, { kind: 'once' });
    expect(await pay({ approval_id: id, max_usd: '0.01' })).toMatchObject({ code: 'price_above_max' });
    await expectNothingPaid();
  });

  test('a price that rises after the yes is not paid: the seller gets the offer that was asked about', async () => {
    const id = idOf(await pay(dear()));
    const engine = await wallet.engine();
    await answerAs(engine, id, { kind: 'once' });
    const [approval] = [await engine.ledger.approvals.find(id)];
    await pay({ approval_id: id });
    expect(await paymentsIn(engine)).toMatchObject([
      { heldAtomic: approval?.amountAtomic, payTo: approval?.payTo, network: approval?.network },
    ]);
    await expectWhole();
  });
});

describe('an answer', () => {
  test('the unlock passphrase and guesses are no factor; wrong ones are counted and slowed', async () => {
    const id = idOf(await pay(dear()));
    const engine = await wallet.engine();
    const { TEST_PASSPHRASE } = await import('../support/testPassphrase.js');
    for (const guess of [TEST_PASSPHRASE, '', 'guess'])
      await expect(answerAs(engine, id, { kind: 'once' }, guess)).rejects.toMatchObject({
        code: 'factor_wrong',
      });
    const second = await mine.open().engine();
    await expect(answerAs(second, id, { kind: 'once' })).rejects.toMatchObject({
      code: 'factor_slowed',
      retryAfterSec: expect.any(Number) as number,
    });
    // Whoever guesses at the page locks nobody out of the terminal, whose right one leaves the page's count as it is.
    const other = idOf(await pay(dear()));
    const terminal = inboxOf(second, 'terminal');
    const shown = await terminal.show(other);
    const proof = { kind: 'passphrase', passphrase: OWNER_PASSPHRASE } as const;
    expect(await terminal.answer(other, shown?.digest ?? '', { kind: 'once' }, proof)).toMatchObject({
      state: 'approved',
    });
    await expect(answerAs(second, id, { kind: 'once' })).rejects.toMatchObject({ code: 'factor_slowed' });
    await world.advance(6);
    expect(await answerAs(second, id, { kind: 'once' })).toMatchObject({ state: 'approved' });
    const inbox = inboxOf(engine);
    const { digest } = (await inbox.show(id)) ?? { digest: '' };
    await expect(inbox.answer(id, digest, { kind: 'no' }, null)).rejects.toMatchObject({
      code: 'approval_closed',
    });
    expect((await engine.ledger.audit()).findings).toEqual([]);
  });

  test('without a factor nobody says yes at the inbox', async () => {
    const bare = await world.wallet({ settings: { 'limits.per_call_usd': '0.02' } });
    const other = bare.open();
    const asked = await pay(dear(), other);
    expect(asked).toMatchObject({ status: 'approval_required' });
    expect(told(asked)).toMatch(/the owner first adds an owner passphrase or a passkey/);
    // No call of the agent's brings an answer, so none is named.
    expect(asked.next).toBeNull();
    expect(asked.message).toMatch(/Nobody can answer it yet.*go on without it/);
    expect(told(asked)).not.toMatch(/purser |npx |Run:/);
    await expect(answerAs(await other.engine(), idOf(asked), { kind: 'once' })).rejects.toMatchObject({
      code: 'factor_needed',
    });
  });

  test('raises the cap of this session alone, up to its ceiling', async () => {
    await mine.set('limits.per_call_usd', '0.50');
    await mine.set('limits.per_session_usd', '0.08');
    await mine.set('ceilings.per_session_usd', '0.30');
    expect(await pay(dear())).toMatchObject({ status: 'ok' });
    const id = idOf(await pay(dear()));
    const engine = await wallet.engine();
    const shown = await inboxOf(engine).show(id);
    expect(shown?.choices).toEqual({
      session: { suggestedUsdMicros: 300_000n, maxUsdMicros: 300_000n },
      payee: false,
    });
    await expect(answerAs(engine, id, { kind: 'session', usdMicros: 300_001n })).rejects.toMatchObject({
      code: 'above_ceiling',
    });
    await answerAs(engine, id, { kind: 'session', usdMicros: 200_000n });
    expect(await pay({ approval_id: id })).toMatchObject({ status: 'ok', session_left_usd: '0.10' });
    expect(await pay(dear())).toMatchObject({ status: 'ok' });
    expect(await pay(dear())).toMatchObject({ status: 'ok', session_left_usd: '0.00' });
    expect(await pay(dear())).toMatchObject({ status: 'approval_required' });
    await world.advance(32 * 60);
    expect(await pay(dear())).toMatchObject({ status: 'ok', session_left_usd: '0.03' });
    await expectWhole();
  });

  test('past a cap uses up the other caps, and leaves that one as it was', async () => {
    await mine.set('limits.per_call_usd', '0.50');
    await mine.set('limits.per_session_usd', '0.04');
    const id = idOf(await pay(dear()));
    await answerAs(await wallet.engine(), id, { kind: 'once' });
    expect(await pay({ approval_id: id })).toMatchObject({ status: 'ok', session_left_usd: '0.04' });
    for (const left of ['0.03', '0.02', '0.01', '0.00'])
      expect(await pay(callOf(world.url('/v2/json')))).toMatchObject({
        status: 'ok',
        session_left_usd: left,
      });
    expect(await pay(callOf(world.url('/v2/json')))).toMatchObject({ status: 'approval_required' });
    const { limits } = (await wallet.balance({})) as unknown as {
      limits: { name: string; used_usd: string | null }[];
    };
    const used = (name: string) => limits.find((line) => line.name === name)?.used_usd;
    expect(used('limits.per_day_usd')).toBe('0.09');
    expect(used('ceilings.per_session_usd')).toBe('0.09');
    await expectWhole();
  });

  test('to a changed payee allows it once, or that payee at that origin from then on', async () => {
    for (let i = 0; i < 3; i++)
      expect(await pay(callOf(world.url('/v2/json')))).toMatchObject({ status: 'ok' });
    const engine = await wallet.engine();
    const asked = await pay(callOf(world.url('/v2/json', { fault: 'payto_fresh' })));
    expect(asked).toMatchObject({ status: 'approval_required' });
    const shown = await inboxOf(engine).show(idOf(asked));
    expect(shown?.choices).toEqual({ session: null, payee: true });
    await answerAs(engine, idOf(asked), { kind: 'payee' });
    expect(await pay({ approval_id: idOf(asked) })).toMatchObject({ status: 'ok', spent_usd: '0.01' });
    const grant = `payee ${new URL(world.url('/')).origin} ${shown?.question.network} ${shown?.question.payTo.toLowerCase()}`;
    expect(await engine.ledger.approvals.grant(grant)).toBe(idOf(asked));
    expect((await engine.ledger.audit()).findings).toEqual([]);
  });

  test('no and block the host denies it from then on', async () => {
    const id = idOf(await pay(dear()));
    const engine = await wallet.engine();
    const { digest } = (await inboxOf(engine).show(id)) ?? { digest: '' };
    await inboxOf(engine).answer(id, digest, { kind: 'block_host' }, null);
    expect(await pay(dear())).toMatchObject({ code: 'host_denied' });
    await expectNothingPaid();
  });

  test('a blocked host is unblocked by the factor alone, and nothing else is loosened', async () => {
    const call = dear();
    const id = idOf(await pay(call));
    const engine = await wallet.engine();
    const inbox = inboxOf(engine);
    const { digest } = (await inbox.show(id)) ?? { digest: '' };
    const unblock = (passphrase: string | null, given = digest) =>
      inbox.unblock(id, given, passphrase === null ? null : { kind: 'passphrase', passphrase });
    await expect(unblock(OWNER_PASSPHRASE)).rejects.toMatchObject({ code: 'bad_input' });
    await inbox.answer(id, digest, { kind: 'block_host' }, null);
    await expect(unblock(null)).rejects.toMatchObject({ code: 'factor_needed' });
    await expect(unblock('not it at all')).rejects.toMatchObject({ code: 'factor_wrong' });
    await expect(unblock(OWNER_PASSPHRASE, 'f'.repeat(64))).rejects.toMatchObject({
      code: 'approval_changed',
    });
    expect(await pay(dear())).toMatchObject({ code: 'host_denied' });
    expect(await unblock(OWNER_PASSPHRASE)).toMatchObject({ state: 'denied', isBlocking: false });
    // The answer itself stands: the same question is not asked again.
    expect(await pay(call)).toMatchObject({ status: 'refused', code: 'approval_denied' });
    expect(await pay(callOf(world.url('/v2/price/0.01')))).toMatchObject({ status: 'ok' });
    expect((await engine.ledger.audit()).findings).toEqual([]);
  });

  test('two owners unblock a host on two faces: the page and a terminal', async () => {
    const id = idOf(await pay(dear()));
    const engine = await wallet.engine();
    const { ledger } = engine;
    const inbox = inboxOf(engine);
    const { digest, question } = (await inbox.show(id)) ?? { digest: '', question: null };
    await inbox.answer(id, digest, { kind: 'block_host' }, null);
    const [first] = await ledger.factors.list();
    const use = { id: first?.id ?? '', before: first?.record ?? '', record: first?.record ?? '' };
    const bobs = quickFactorOf('bob says yes to it too', {
      id: `fac_${'b'.repeat(20)}`,
      owner: 'bob',
      label: 'bob’s own',
    });
    await ledger.factors.add(storedFactor(bobs), { ...use, clearsTries: null }, engine.now());
    await ledger.owners.setQuorum(2, { by: [], factorIds: [use.id, bobs.id] }, engine.now());
    const proof = { kind: 'passphrase', passphrase: OWNER_PASSPHRASE } as const;
    await expect(inbox.unblock(id, digest, proof)).rejects.toMatchObject({ code: 'second_owner_needed' });
    const [proposal] = await ledger.owners.proposals(engine.now());
    const host = question?.host ?? '';
    expect(proposal?.action).toBe(
      JSON.stringify({ kind: 'removeFromSetting', key: 'hosts.deny', entry: host }),
    );
    // The very digest that the command of this action has.
    const config = await engine.config();
    const change = setKey(config, 'hosts.deny', withEntry(config, 'hosts.deny', 'remove', host));
    const { what, details } = actOfChange([{ ...change, key: 'hosts.deny' }]);
    expect(proposal?.digest).toBe(hash('sha256', JSON.stringify(['purser proposal 1', what, ...details])));
  });

  test('a question that waits is shown as it stands now', async () => {
    const id = idOf(await pay(dear()));
    const inbox = inboxOf(await wallet.engine());
    const usedIn = async (name: string) =>
      (await inbox.show(id))?.question.caps.find((cap) => cap.name === name)?.usedUsdMicros;
    expect(await usedIn('limits.per_day_usd')).toBe(0n);
    for (let i = 0; i < 2; i += 1) await pay(callOf(world.url('/v2/price/0.01'), { repeat: true }));
    expect(await usedIn('limits.per_day_usd')).toBe(20_000n);
    expect((await inbox.show(id))?.question.paidBefore).toMatchObject({
      payments: 2,
      prices: [{ usdMicros: 10_000n, payments: 2 }],
    });
  });
});

describe('many questions', () => {
  test('fifty at once are a few questions, and the rest is told to wait', async () => {
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => pay(dear())));
    const asked = outcomes.filter(({ status }) => status === 'approval_required');
    const limited = outcomes.filter(({ code }) => code === 'asks_limited');
    expect([asked.length, limited.length]).toEqual([10, 40]);
    for (const { status, retry, retry_after_s: after } of limited)
      expect([status, retry, Number(after) > 0]).toEqual(['refused', 'after_delay', true]);
    await expectNothingPaid();
    await world.advance(31 * 60);
    expect(await pay(dear())).toMatchObject({ status: 'approval_required' });
  });

  test('fifty of the same are one, and one yes pays once', async () => {
    const input = dear();
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => pay(input)));
    const ids = new Set(outcomes.map(idOf));
    expect(ids.size).toBe(1);
    const [id = ''] = ids;
    await answerAs(await wallet.engine(), id, { kind: 'once' });
    const paid = await Promise.all(Array.from({ length: 10 }, () => pay({ approval_id: id })));
    expect(paid.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 'ok'));
    expect(signaturesIn(mine.home)).toBe(1);
    await expectWhole();
  });

  test('two processes that hold the same yes pay once', async () => {
    const id = idOf(await pay(dear({ repeat: true })));
    await answerAs(await wallet.engine(), id, { kind: 'once' });
    const others = await Promise.all(
      [0, 1].map(() => startWalletProcess(mine.home, { aheadMs: world.now() - Date.now() })),
    );
    try {
      const outcomes = await Promise.all(others.map((other) => other.pay({ approval_id: id })));
      expect(outcomes.filter(({ status }) => status === 'ok').length).toBeGreaterThan(0);
      expect(outcomes.filter(({ spent_usd: spent }) => spent !== '0.00')).toHaveLength(1);
    } finally {
      await Promise.all(others.map((other) => other.kill()));
    }
    expect(signaturesIn(mine.home)).toBe(1);
    await expectWhole();
  });
});
