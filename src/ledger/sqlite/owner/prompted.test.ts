import { type Ask, newApprovalId } from '../../books/approval.js';
import { expect, test } from 'vitest';
import type { CapLine } from '../../../money/cap.js';
import { addAgent, approve, capLine, CENT, held, holdRequest, newLedger, T0 } from '../fixtures.js';
import type { Ledger } from '../../ledger.js';

const DAY_MS = 24 * 3_600_000;

function question(over: Partial<Ask> = {}): Ask {
  const { agent, sessionId, origin, network, asset, payTo, requestHash } = holdRequest();
  const id = newApprovalId();
  return {
    ...{ id, agent, sessionId, requestHash, origin, network, asset, payTo },
    ...{ askKey: 'one question', digest: 'd', question: '{}', request: '{}', challenge: '{}', offerIndex: 0 },
    amountAtomic: 1n,
    usdMicros: CENT,
    createdMs: T0,
    expiresMs: T0 + 600_000,
    ...over,
  };
}

async function sayYes(ledger: Ledger, agent: string, maxCents: bigint, nowMs = T0): Promise<string> {
  const asked = question({
    agent,
    askKey: `yes ${newApprovalId()}`,
    createdMs: nowMs,
    expiresMs: nowMs + 1_000,
  });
  await ledger.approvals.ask(asked);
  const decision = { state: 'approved', answer: '{}', how: 'elicitation', by: 'the client x' } as const;
  const max = { elicitedUsdMicrosMax: maxCents * CENT };
  return (await ledger.approvals.decide(asked.id, { ...decision, ...max, nowMs })).kind;
}

test('what prompts approve is added up for each agent by itself, over 24 hours', async () => {
  using world = newLedger();
  const { ledger } = world;
  await addAgent(ledger, 'other');
  expect(await sayYes(ledger, 'default', 2n)).toBe('done');
  expect(await sayYes(ledger, 'default', 2n)).toBe('done');
  expect(await sayYes(ledger, 'default', 2n)).toBe('above_elicited');
  expect(await sayYes(ledger, 'other', 1n)).toBe('done');
  expect(await sayYes(ledger, 'other', 1n)).toBe('above_elicited');
  expect(await ledger.approvals.elicitedUsdMicros('default', T0)).toBe(2n * CENT);
  expect(await ledger.approvals.elicitedUsdMicros('other', T0)).toBe(CENT);
  expect(await ledger.approvals.elicitedUsdMicros('default', T0 + DAY_MS)).toBe(0n);
  expect(await sayYes(ledger, 'default', 2n, T0 + DAY_MS)).toBe('done');
  expect((await ledger.audit()).findings).toEqual([]);
});

test('a yes in a prompt passes the wallet’s caps, and no cap of the agent’s own, by hold or by send (T34)', async () => {
  using world = newLedger();
  const { ledger } = world;
  const own: CapLine = capLine({
    name: 'agents.default.limits.per_day_usd',
    scope: { kind: 'agent', agent: 'default' },
    usdMicrosMax: 10n * CENT,
    isAgentsOwn: true,
  });
  const wallets = capLine({ name: 'limits.per_day_usd', usdMicrosMax: CENT });
  const capLines = [wallets, own];
  const buy = async (cents: bigint) => {
    const wanted = { heldUsdMicros: cents * CENT, capLines };
    return { ...wanted, ...(await approve(ledger, wanted)) };
  };
  const first = await held(ledger, await buy(6n));
  expect(await ledger.openHold(holdRequest(await buy(6n)))).toMatchObject({
    kind: 'exceeded',
    exceeded: [{ line: { name: own.name }, usedUsdMicros: 6n * CENT }],
  });
  await held(ledger, await buy(4n));
  await ledger.recordSigned(first.id, { name: 'PAYMENT-SIGNATURE', value: 'c2lnbmVk' }, T0);
  await ledger.noteConfigVersion(2, T0);
  const tighter = [wallets, { ...own, usdMicrosMax: 9n * CENT }];
  expect(await ledger.markSent(first.id, { configVersion: 2, capLines: tighter, nowMs: T0 })).toMatchObject({
    kind: 'exceeded',
  });
});

test('a no in a prompt binds the client that gave it, and the owner’s binds all', async () => {
  using world = newLedger();
  const { ledger } = world;
  const no = { state: 'denied', answer: '{"kind":"no"}', nowMs: T0 } as const;
  const first = question();
  await ledger.approvals.ask(first, 'the client codex');
  await ledger.approvals.decide(first.id, { ...no, how: 'elicitation', by: 'the client codex' });
  expect(await ledger.approvals.ask(question(), 'the client codex')).toMatchObject({ kind: 'denied' });
  const second = question();
  expect(await ledger.approvals.ask(second, 'the client zed')).toMatchObject({ kind: 'asked' });
  expect(await ledger.approvals.ask(question(), null)).toMatchObject({ kind: 'joined' });
  await ledger.approvals.decide(second.id, { ...no, how: 'nothing', by: 'somebody at this computer' });
  for (const client of ['the client codex', 'the client zed', null])
    expect(await ledger.approvals.ask(question(), client)).toMatchObject({ kind: 'denied' });
  expect((await ledger.audit()).findings).toEqual([]);
});

test('one no closes the endpoint for its session, whatever parameter is added; another session may ask', async () => {
  using world = newLedger();
  const { ledger } = world;
  const asking = (url: string, over: Partial<Ask> = {}): Ask =>
    question({ askKey: url, request: JSON.stringify({ call: { method: 'GET', url } }), ...over });
  const first = asking('https://shop.example/a?x=1');
  await ledger.approvals.ask(first);
  const no = { state: 'denied', answer: '{}', how: 'page', by: null, nowMs: T0 } as const;
  expect((await ledger.approvals.decide(first.id, no as never)).kind).toBe('done');
  expect(await ledger.approvals.ask(asking('https://shop.example/a?x=1&try=1'))).toMatchObject({
    ...{ kind: 'denied', approval: { id: first.id } },
  });
  expect((await ledger.approvals.ask(asking('https://shop.example/b?x=1'))).kind).toBe('asked');
  const elsewhere = asking('https://shop.example/a?x=2', { sessionId: 'ses_other' });
  expect((await ledger.approvals.ask(elsewhere)).kind).toBe('asked');
});
