import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CONFIG_FILE } from '../../src/config/home.js';
import type { CommitPoint } from '../../src/ledger/commitPoint.js';
import type { ClientAsks, ClientPrompt } from '../../src/wallet/call/callDeadline.js';
import type { Outcome } from '../../src/wallet/answer/outcome.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { addAgents } from '../http/served.js';
import { paymentsIn } from '../support/books.js';
import { anyCall, type TestWallet } from '../support/testWallet.js';
import { callOf, startTestWorld, type TestWorld } from '../support/world.js';
import { addOwner, answerAs } from './owner.js';

let world: TestWorld;
let mine: TestWallet;
let wallet: Wallet;

beforeAll(async () => {
  world = await startTestWorld();
});
afterAll(() => world.stop());

beforeEach(async () => {
  const settings = { 'limits.per_call_usd': '0.02', 'approvals.wait_s': '0' };
  mine = await world.wallet({ settings });
  wallet = mine.open({ ownClient: true });
});

type Answer = (choices: ClientPrompt['choices']) => object;

const pays: Answer = ([, yes]) => ({ action: 'accept', content: { answer: yes } });
const refuses: Answer = ([no]) => ({ action: 'accept', content: { answer: no } });
const declines: Answer = () => ({ action: 'decline' });
const escapes: Answer = () => ({ action: 'cancel' });

/** A client that can ask, and what is at it: a person who takes some seconds, or a program that takes none. */
class AskingClient {
  readonly prompts: ClientPrompt[] = [];
  readonly name: string;
  answer: Answer;
  tookMs: number;

  constructor(answer: Answer, { name = 'codex', tookMs = 5_000 } = {}) {
    this.name = name;
    this.answer = answer;
    this.tookMs = tookMs;
  }

  async pay(input: Record<string, unknown>, by = wallet): Promise<Outcome> {
    let prompt = null as ClientPrompt | null;
    const asks: ClientAsks = {
      form: true,
      url: false,
      client: this.name,
      put: (next) => (prompt = next),
    };
    const outcome = await by.pay(input, { ...anyCall(), asks });
    if (prompt === null) return outcome;
    const asked: ClientPrompt = prompt;
    this.prompts.push(asked);
    if (this.tookMs >= 1_000) await world.advance(this.tookMs / 1_000);
    const answered = { state: asked.state, response: this.answer(asked.choices) };
    return by.pay(input, { ...anyCall(), asks: { ...asks, answered } });
  }
}

const dear = (usd = '0.05'): Record<string, unknown> => callOf(world.url(`/v2/price/${usd}`));
const spent = (outcomes: readonly Outcome[]): number =>
  outcomes.reduce((sum, { spent_usd: usd }) => sum + Number(usd), 0);

async function expectWhole(): Promise<void> {
  expect((await (await wallet.engine()).ledger.audit()).findings).toEqual([]);
}

async function payOften(client: AskingClient, times: number, by = wallet): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (let i = 0; i < times; i++) outcomes.push(await client.pay(dear(), by));
  return outcomes;
}

describe('a client that says yes to everything (T34)', () => {
  test('spends up to the line and no further, and the text says why nothing is asked any more', async () => {
    await mine.set('approvals.elicitation_max_usd', '0.12');
    const client = new AskingClient(pays, { tookMs: 2 });
    const outcomes = await payOften(client, 5);
    expect(spent(outcomes)).toBeCloseTo(0.1);
    expect(client.prompts).toHaveLength(2);
    const last = outcomes.at(-1);
    const why = "clients' prompts may approve $0.12 in 24 hours, of which $0.10 is used";
    expect(last).toMatchObject({ status: 'approval_required', money: 'none' });
    expect(last?.message).toContain(why);
    expect(JSON.stringify(last?.tell_owner)).toContain(why);
    expect(last?.message).toContain('approvals.elicitation_max_usd');
    await expectWhole();
  });

  test('has $2 in 24 hours where its owner set nothing', async () => {
    const client = new AskingClient(pays, { tookMs: 2 });
    const outcomes: Outcome[] = [];
    for (let i = 0; i < 6; i++) outcomes.push(await client.pay(dear('0.45')));
    expect(spent(outcomes)).toBeCloseTo(1.8);
    await world.advance(24 * 3_600 + 60);
    expect(await client.pay(dear('0.45'))).toMatchObject({ status: 'ok', spent_usd: '0.45' });
    expect(client.prompts).toHaveLength(5);
  });

  test('uses up the line of its own agent and no other', async () => {
    await mine.set('approvals.elicitation_max_usd', '0.05');
    await addAgents(world.sandbox, wallet, ['other'], 1_000_000n);
    const other = mine.open({ ownClient: true, agent: 'other' });
    const client = new AskingClient(pays);
    expect(spent(await payOften(client, 2))).toBeCloseTo(0.05);
    expect(spent(await payOften(client, 2, other))).toBeCloseTo(0.05);
    await mine.set('agents.other.elicitation_max_usd', '0.10');
    expect(spent(await payOften(client, 2, other))).toBeCloseTo(0.05);
    expect(spent(await payOften(client, 1))).toBe(0);
    await expectWhole();
  });

  test.each([
    ['per_call_usd', '0.01'],
    ['per_session_usd', '0.04'],
    ['per_day_usd', '0.04'],
    ['per_month_usd', '0.04'],
  ])('is not asked where the agent’s own %s would be passed', async (key, usd) => {
    const name = `agents.default.limits.${key}`;
    await mine.set(name, usd);
    const client = new AskingClient(pays);
    const outcome = await client.pay(dear());
    expect(outcome).toMatchObject({ status: 'approval_required', money: 'none' });
    expect(outcome.message).toContain(`no client's prompt passes the agent's own cap, ${name}`);
    expect(client.prompts).toEqual([]);
    await addOwner(await wallet.engine());
    await answerAs(await wallet.engine(), String(outcome['approval_id']), { kind: 'once' });
    expect(await wallet.pay({ approval_id: outcome['approval_id'] }, anyCall())).toMatchObject({
      spent_usd: '0.05',
    });
    await expectWhole();
  });

  test('stays within the agent’s own day, however many it was asked about at once', async () => {
    await mine.set('agents.default.limits.per_day_usd', '0.12');
    const client = new AskingClient(pays);
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => client.pay(dear())));
    expect(spent(outcomes)).toBeLessThanOrEqual(0.12);
    expect(spent(outcomes)).toBeGreaterThan(0);
    const stopped = outcomes.find(({ code }) => code === 'above_cap');
    expect(stopped?.message).toContain('agents.default.limits.per_day_usd');
    await expectWhole();
  });

  test('has a yes of before refused once its owner gave the agent a cap of its own', async () => {
    const engine = await wallet.engine();
    const input = dear();
    let prompt = null as ClientPrompt | null;
    const asks: ClientAsks = { form: true, url: false, client: 'x', put: (next) => (prompt = next) };
    await wallet.pay(input, { ...anyCall(), asks });
    const { state, choices } = prompt as unknown as ClientPrompt;
    await mine.set('agents.default.limits.per_day_usd', '0.04');
    const answered = { state, response: pays(choices) };
    expect(await wallet.pay(input, { ...anyCall(), asks: { ...asks, answered } })).toMatchObject({
      money: 'none',
      spent_usd: '0.00',
    });
    expect(await paymentsIn(engine)).toEqual([]);
  });

  test('has a yes refused in the step that sends where its owner gave the agent such a cap meanwhile', async () => {
    const file = join(mine.home, CONFIG_FILE);
    const before = readFileSync(file);
    await mine.set('agents.default.limits.per_call_usd', '0.01');
    const tightened = readFileSync(file);
    writeFileSync(file, before);
    const afterCommit = (reached: CommitPoint): void => {
      if (reached === 'held') writeFileSync(file, tightened);
    };
    const outcome = await new AskingClient(pays).pay(
      dear(),
      mine.open({ ownClient: true, observer: { afterCommit } }),
    );
    expect(outcome).toMatchObject({ status: 'refused', code: 'above_cap', money: 'none' });
    expect(await paymentsIn(await wallet.engine())).toMatchObject([{ note: 'never_signed', payload: null }]);
  });
});

describe('a client that the owner does not run (T34)', () => {
  beforeEach(() => {
    wallet = mine.open();
  });

  test.each<[string, () => Promise<Record<string, unknown>>]>([
    ['a price above a cap', () => Promise.resolve(dear())],
    [
      'a payee that changed',
      async () => {
        for (let i = 0; i < 3; i++) await wallet.pay(callOf(world.url('/v2/json')), anyCall());
        return callOf(world.url('/v2/json', { fault: 'payto_fresh' }));
      },
    ],
    [
      'a price that rose',
      async () => {
        await mine.set('limits.per_call_usd', '0.50');
        for (let i = 0; i < 3; i++)
          await wallet.pay(callOf(world.url('/v2/text', { usd: '0.02' })), anyCall());
        return callOf(world.url('/v2/text', { usd: '0.20' }));
      },
    ],
  ])('is never asked about %s, and an answer that it makes up counts for nothing', async (_what, make) => {
    const input = await make();
    const before = (await paymentsIn(await wallet.engine())).length;
    const client = new AskingClient(pays, { tookMs: 2 });
    const outcome = await client.pay(input);
    expect(outcome).toMatchObject({ status: 'approval_required', money: 'none' });
    expect(outcome.message).toContain('agents.default.elicitation_max_usd');
    expect(client.prompts).toEqual([]);
    expect(await paymentsIn(await wallet.engine())).toHaveLength(before);
  });

  test('counts for what the owner set for that agent, and no more', async () => {
    await mine.set('agents.default.elicitation_max_usd', '0.10');
    const client = new AskingClient(pays);
    expect(spent(await payOften(client, 4))).toBeCloseTo(0.1);
    expect(client.prompts).toHaveLength(2);
  });

  test('cannot use an answer that it got while it was the owner’s', async () => {
    const asked = mine.open({ ownClient: true });
    const input = dear();
    let prompt = null as ClientPrompt | null;
    const asks: ClientAsks = { form: true, url: false, client: 'x', put: (next) => (prompt = next) };
    await asked.pay(input, { ...anyCall(), asks });
    const { state, choices } = prompt as unknown as ClientPrompt;
    const answered = { state, response: pays(choices) };
    expect(await wallet.pay(input, { ...anyCall(), asks: { ...asks, answered } })).toMatchObject({
      status: 'approval_required',
      money: 'none',
    });
  });
});

describe('a no in the client', () => {
  test.each([
    ['a decline', declines],
    ['the entry that refuses', refuses],
  ])('by %s is that client’s own, and is told as such', async (_how, answer) => {
    const input = dear();
    const codex = new AskingClient(answer);
    const refused = await codex.pay(input);
    expect(refused).toMatchObject({
      status: 'refused',
      code: 'approval_denied',
      state: 'denied',
      money: 'none',
    });
    expect(refused.message).toContain('The client answered no');
    expect(await codex.pay(input)).toMatchObject({ status: 'refused', code: 'approval_denied' });
    expect(codex.prompts).toHaveLength(1);
    const claude = new AskingClient(pays, { name: 'claude-code' });
    expect(await claude.pay(input)).toMatchObject({ status: 'ok', spent_usd: '0.05' });
    await expectWhole();
  });

  test.each([
    ['a decline', declines],
    ['the entry that refuses', refuses],
  ])('by %s sooner than a person reads is no answer', async (_how, answer) => {
    const input = dear();
    const codex = new AskingClient(answer, { tookMs: 27 });
    const outcome = await codex.pay(input);
    expect(outcome).toMatchObject({ status: 'approval_required', state: 'pending', money: 'none' });
    expect(outcome.message).toContain('The client answered no after');
    const claude = new AskingClient(pays, { name: 'claude-code' });
    expect(await claude.pay(input)).toMatchObject({ status: 'ok', spent_usd: '0.05' });
  });

  test('does not end the question for another client that waits for it', async () => {
    await addOwner(await wallet.engine());
    await mine.set('approvals.wait_s', '30');
    await mine.set('approvals.elicitation_max_usd', '0.05');
    const input = dear();
    // No form: it waits for the owner elsewhere.
    const asks: ClientAsks = { form: false, url: false, client: 'zed', put: () => undefined };
    const waiting = wallet.pay(input, { ...anyCall(), asks });
    const { ledger } = await wallet.engine();
    await expect.poll(async () => (await ledger.approvals.pending(5, world.now())).length).toBe(1);
    await new AskingClient(declines).pay(input);
    expect(await waiting).toMatchObject({ status: 'approval_required', retry: 'same_call', money: 'none' });
  });

  test('at the owner’s own inbox still ends it for every client', async () => {
    const input = dear();
    const escaped = await new AskingClient(escapes).pay(input);
    const engine = await wallet.engine();
    await engine.ledger.approvals.decide(String(escaped['approval_id']), {
      state: 'denied',
      answer: '{"kind":"no"}',
      how: 'nothing',
      by: 'somebody at this computer',
      nowMs: engine.now(),
    });
    const outcome = await new AskingClient(pays, { name: 'claude-code' }).pay(input);
    expect(outcome).toMatchObject({ status: 'refused', code: 'approval_denied' });
    expect(outcome.message).toContain('The owner was asked');
  });
});

describe('where nobody answered', () => {
  test('after Esc, next asks in the client once more', async () => {
    const client = new AskingClient(escapes);
    const outcome = await client.pay(dear());
    expect(outcome).toMatchObject({ status: 'approval_required', next: { tool: 'wallet_pay' } });
    expect(outcome.message).toContain('Nobody answered in the client');
    client.answer = pays;
    expect(await client.pay(outcome.next?.arguments ?? {})).toMatchObject({
      status: 'ok',
      spent_usd: '0.05',
    });
    expect(client.prompts).toHaveLength(2);
  });

  test('after Esc twice, or without a client that asks, no call is named; its id pays what the owner approved meanwhile', async () => {
    const client = new AskingClient(escapes);
    const first = await client.pay(dear());
    const second = await client.pay(first.next?.arguments ?? {});
    const third = await client.pay({ approval_id: second['approval_id'] });
    expect(client.prompts).toHaveLength(2);
    expect(third.message).toContain('This client shows no further prompt for it');
    const without = await wallet.pay(dear(), anyCall());
    await addOwner(await wallet.engine());
    for (const outcome of [third, without]) {
      expect(JSON.stringify(outcome.tell_owner)).toContain('first adds an owner passphrase');
      expect(outcome).toMatchObject({ status: 'approval_required', next: null });
      const id = outcome['approval_id'];
      await answerAs(await wallet.engine(), String(id), { kind: 'once' });
      expect(await wallet.pay({ approval_id: id }, anyCall())).toMatchObject({ spent_usd: '0.05' });
    }
  });

  test('with a factor, next waits for the owner elsewhere', async () => {
    await addOwner(await wallet.engine());
    const outcome = await new AskingClient(escapes).pay(dear());
    expect(outcome).toMatchObject({
      next: { tool: 'wallet_approval', arguments: { id: outcome['approval_id'] } },
    });
  });
});

test('a prompt begins with what is paid to whom and why it is asked, and its first entry refuses', async () => {
  const client = new AskingClient(pays);
  const input = dear();
  await client.pay(input);
  const [prompt] = client.prompts;
  const [first, second, third] = prompt?.message.split('\n') ?? [];
  expect(first).toBe(`Pay $0.05 (USDC on Base Sepolia) to ${new URL(String(input['url'])).host}?`);
  expect(second).toBe(
    'Why you are asked: The agent wants to pay $0.05 for one call; your cap is $0.02 a call.',
  );
  expect(third).toBe(`GET ${String(input['url'])}`);
  expect(prompt?.choices).toEqual(['Do not pay', 'Pay $0.05 once']);
});
