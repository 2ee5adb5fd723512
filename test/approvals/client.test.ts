import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startSandbox, type Sandbox } from '../../sandbox/world.ts';
import type { ToldOutcome } from '../../src/wallet/answer/outcome.js';
import { ERAS, RawServer, type Place } from '../mcp/purser.js';
import { AskingAgent, choose, type Declared, type Person } from './client.js';
import { OWNER_PASSPHRASE } from './owner.js';
import { askingPlace } from './place.js';

let sandbox: Sandbox;
let place: Place;
let factorFile: string;
let calls = 0;

beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.stop());

/** A place with a wallet whose cap is two cents; `factor` gives it an owner passphrase. */
async function makePlace(factor: boolean, settings: Record<string, string> = {}): Promise<void> {
  place = await askingPlace(sandbox, factor, settings);
  factorFile = join(place.folder, 'factor');
  writeFileSync(factorFile, OWNER_PASSPHRASE, { mode: 0o600 });
}

const dear = (): Record<string, unknown> => ({
  url: `${sandbox.shop.url}/v2/price/0.05?id=a${++calls}`,
  max_usd: '0.10',
});

async function asking<T>(
  mode: (typeof ERAS)[number]['mode'],
  elicitation: Declared | undefined,
  person: Person,
  work: (agent: AskingAgent) => Promise<T>,
): Promise<T> {
  const agent = await AskingAgent.connect(place.env, mode, elicitation, person);
  try {
    return await work(agent);
  } finally {
    await agent.close();
  }
}

const yes: Person = (asked) => choose(asked, 'last');
const never: Person = () => {
  throw new Error('Nobody was to be asked.');
};

async function expectAudited(payments: number): Promise<void> {
  const report = JSON.parse(await place.run('audit', '--json')) as Record<string, unknown>;
  expect(report).toMatchObject({ status: 'ok', findings: [], payments });
}

describe.each(ERAS)('in $era', ({ mode }) => {
  beforeAll(() => makePlace(false));
  afterAll(() => place.remove());

  test.each([
    ['form, as elicitation: {}', {}],
    ['form, by name', { form: {} }],
  ])('a client that declares %s asks, and the yes pays', async (_what, elicitation) => {
    await asking(mode, elicitation, yes, async (agent) => {
      const input: Record<string, unknown> = { ...dear(), reason: 'to look \u202eit up' };
      expect(await agent.call('wallet_pay', input)).toMatchObject({
        status: 'ok',
        code: 'paid',
        spent_usd: '0.05',
      });
      expect(agent.asked).toHaveLength(1);
      const { message } = agent.asked[0] ?? { message: '' };
      expect(message).toContain('Pay $0.05 (USDC on ');
      expect(message).toContain(String(input['url']));
      expect(message).toContain(sandbox.shop.payTo);
      expect(message).toContain('The agent says: "to look it up"');
    });
  });

  describe('a person or client that', () => {
    let agent: AskingAgent;
    beforeAll(async () => {
      agent = await AskingAgent.connect(place.env, mode, {}, never);
    });
    afterAll(() => agent.close());

    test.each([
      ['declines at once', { action: 'decline' }],
      ['cancels', { action: 'cancel' }],
      ['takes the first entry', 'first'],
      ['accepts without content', { action: 'accept' }],
      ['accepts with a switch', { action: 'accept', content: { answer: true } }],
      ['accepts by the name of a switch of before', { action: 'accept', content: { approve: true } }],
      ['accepts another amount', { action: 'accept', content: { answer: 'Pay $0.04 once' } }],
    ] as const)('%s pays nothing', async (_what, answer) => {
      const before = sandbox.shop.payments().length;
      const signed = (await ledgerOf()).length;
      const asked = agent.asked.length;
      agent.person = (question) => (answer === 'first' ? choose(question, 'first') : answer);
      const outcome = await agent.call('wallet_pay', dear());
      expect(outcome).toMatchObject({ status: 'approval_required', state: 'pending', money: 'none' });
      expect(agent.asked).toHaveLength(asked + 1);
      expect(sandbox.shop.payments()).toHaveLength(before);
      expect(await ledgerOf()).toHaveLength(signed);
    });
  });

  test('a person who is still thinking when the call ends has lost nothing, and nothing was paid', async () => {
    const signed = (await ledgerOf()).length;
    const thinking = Promise.withResolvers<Awaited<ReturnType<Person>>>();
    const waiting: Person = () => thinking.promise;
    const input = dear();
    await asking('legacy', {}, waiting, async (agent) => {
      // Whose time was over before the price was known has asked nobody, and gets twice as long.
      const ask = async (timeout_ms: number): Promise<ToldOutcome> => {
        const outcome = await agent.call('wallet_pay', { ...input, timeout_ms });
        return outcome.code === 'timed_out' ? ask(2 * timeout_ms) : outcome;
      };
      const outcome = await ask(3_000);
      expect(outcome).toMatchObject({ status: 'approval_required', retry: 'after_approval', money: 'none' });
      // What comes after the call has ended is no answer to anything.
      thinking.resolve({ action: 'accept', content: { answer: 'Pay $0.05 once' } });
      const read = await agent.call('wallet_approval', { id: outcome['approval_id'], wait_s: 0 });
      expect(read).toMatchObject({ status: 'approval_required', state: 'pending' });
    });
    expect(await ledgerOf()).toHaveLength(signed);
  });

  test('without a capability nobody is asked in the client, and what to do is said', async () => {
    await asking(mode, undefined, never, async (agent) => {
      const outcome = await agent.call('wallet_pay', dear());
      expect(outcome).toMatchObject({ status: 'approval_required', retry: 'after_approval', money: 'none' });
      expect(outcome.tell_owner).toMatch(/the owner first adds an owner passphrase or a passkey/);
    });
  });

  test('the books are whole', async () => {
    await expectAudited(2);
  });
});

async function ledgerOf(): Promise<unknown[]> {
  const list = JSON.parse(await place.run('ledger', '--json')) as { entries: unknown[] };
  return list.entries;
}

describe.each(ERAS)('with a factor, in $era', ({ mode }) => {
  beforeAll(() => makePlace(true, { 'approvals.wait_s': '45', 'approvals.elicitation_max_usd': '0.07' }));
  afterAll(() => place.remove());

  test('prompts alone approve no more than the owner set, then the owner answers elsewhere', async () => {
    await asking(mode, {}, yes, async (agent) => {
      expect(await agent.call('wallet_pay', dear())).toMatchObject({ status: 'ok' });
      const paying = agent.call('wallet_pay', dear());
      const id = await pendingId();
      await place.run('approvals', 'approve', id, '--factor-file', factorFile, '--json');
      expect(await paying).toMatchObject({ status: 'ok', spent_usd: '0.05' });
      expect(agent.asked).toHaveLength(1);
    });
    await expectAudited(2);
  });

  test('URL mode points to the page, which alone approves nothing', async () => {
    const opened: Person = () => ({ action: 'accept' });
    await asking(mode, { url: {} }, opened, async (agent) => {
      const paying = agent.call('wallet_pay', dear());
      const id = await pendingId();
      await expect.poll(() => agent.asked.length).toBe(1);
      expect(agent.asked[0]?.mode).toBe('url');
      expect(agent.asked[0]?.url).toMatch(new RegExp(`^http://localhost:\\d+/approvals/${id}`));
      await place.run('approvals', 'deny', id);
      expect(await paying).toMatchObject({ status: 'refused', code: 'approval_denied' });
    });
    await expectAudited(2);
  });
});

async function pendingId(): Promise<string> {
  let id = '';
  await expect
    .poll(async () => {
      const { approvals } = JSON.parse(await place.run('approvals', '--json')) as {
        approvals: { approval_id: string }[];
      };
      id = approvals[0]?.approval_id ?? '';
      return id;
    })
    .not.toBe('');
  return id;
}

describe('forged and replayed answers of the newer era', () => {
  let server: RawServer;
  let ids = 100;

  beforeAll(async () => {
    await makePlace(false);
    server = new RawServer(place.env);
  });
  afterAll(async () => {
    server.child.stdin.end();
    await server.ended;
    place.remove();
  });

  /** One call as a client of the newer era sends it, with whatever a forger adds. */
  async function call(args: Record<string, unknown>, more: Record<string, unknown> = {}) {
    const id = ++ids;
    server.send({
      id,
      method: 'tools/call',
      params: {
        name: 'wallet_pay',
        arguments: args,
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientInfo': { name: 'forger', version: '1.0.0' },
          'io.modelcontextprotocol/clientCapabilities': { elicitation: {} },
        },
        ...more,
      },
    });
    const { result } = (await server.answer(id)) as {
      result: { resultType?: string; requestState?: string; structuredContent?: ToldOutcome };
    };
    return result;
  }
  const approve = { approval: { action: 'accept', content: { answer: 'Pay $0.05 once' } } };

  test('a yes counts for the very call it was asked for, once', async () => {
    const input = dear();
    const asked = await call(input);
    expect(asked.resultType).toBe('input_required');
    const state = asked.requestState ?? '';
    const other = (await call(dear())).requestState ?? '';
    const forged: [string, Record<string, unknown>, Record<string, unknown>][] = [
      ['no state', input, { inputResponses: approve }],
      [
        'made-up state',
        input,
        { inputResponses: approve, requestState: `${state.slice(0, -64)}${'0'.repeat(64)}` },
      ],
      ['the state of another question', input, { inputResponses: approve, requestState: other }],
      [
        'its id with the other code',
        input,
        {
          inputResponses: approve,
          requestState: `${state.split('.').slice(0, 2).join('.')}.${other.split('.')[2]}`,
        },
      ],
      [
        'another time at which it was put',
        input,
        { inputResponses: approve, requestState: state.replace(/\.\d+\./, '.1.') },
      ],
      ['another URL', dear(), { inputResponses: approve, requestState: state }],
      ['a higher max_usd', { ...input, max_usd: '0.50' }, { inputResponses: approve, requestState: state }],
      ['a body', { ...input, method: 'POST', body: {} }, { inputResponses: approve, requestState: state }],
    ];
    for (const [what, args, more] of forged) {
      const { structuredContent } = await call(args, more);
      expect(structuredContent, what).toMatchObject({
        status: 'refused',
        code: 'approval_changed',
        money: 'none',
      });
    }
    expect(await ledgerOf()).toEqual([]);
    const answered = { inputResponses: approve, requestState: state };
    const twice = await Promise.all([call(input, answered), call(input, answered)]);
    expect(twice.filter(({ structuredContent: one }) => one?.spent_usd === '0.05')).toHaveLength(1);
    const replayed = await call(input, answered);
    expect(replayed.structuredContent).toMatchObject({ status: 'refused', code: 'approval_closed' });
    expect(await ledgerOf()).toHaveLength(1);
    await expectAudited(1);
  });

  test('a client that asks again and again gets a question twice, and no more', async () => {
    const input = dear();
    for (let i = 0; i < 2; i++) expect((await call(input)).resultType).toBe('input_required');
    expect((await call(input)).structuredContent).toMatchObject({ status: 'approval_required' });
  });
});
