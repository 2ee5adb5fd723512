import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  addAgent,
  approve,
  capLine,
  captureFacts,
  CENT,
  held,
  holdRequest,
  newLedger,
  sent,
  T0,
} from '../../src/ledger/sqlite/fixtures.js';
import type { Ledger } from '../../src/ledger/ledger.js';
import { readLedger, type EntryView } from '../../src/wallet/ledgerView.js';

const AGENTS = ['default', 'a', 'b'] as const;
type Name = (typeof AGENTS)[number];
const ENDS = ['held', 'sent', 'unknown', 'captured', 'released'] as const;
const HOSTS = ['one.example.com', 'two.example.com'];
const NO_CATEGORIES = { categories: { hosts: new Map<string, readonly string[]>() } };

/** One thing that one agent does; `end` is how far a payment comes. */
const STEP = fc.record({
  agent: fc.constantFrom(...AGENTS),
  act: fc.constantFrom('pay', 'pay', 'pay', 'quote', 'ask', 'free'),
  end: fc.constantFrom(...ENDS),
  cents: fc.integer({ min: 1, max: 5 }),
  host: fc.constantFrom(...HOSTS),
});
type Step = typeof STEP extends fc.Arbitrary<infer One> ? One : never;

/** What an agent did, by what it should be shown. */
class Own {
  readonly payments: { id: string; host: string; cents: number; end: Step['end'] }[] = [];
  readonly quotes: string[] = [];
  readonly approvals: Awaited<ReturnType<typeof approve>>[] = [];
  readonly stored: string[] = [];
}

async function pay(ledger: Ledger, { agent, end, cents, host }: Step, nowMs: number): Promise<string> {
  const { id: sessionId } = await ledger.touchSession(agent, nowMs);
  const over = { agent, sessionId, host, nowMs, heldUsdMicros: BigInt(cents) * CENT };
  const payment = end === 'held' || end === 'released' ? await held(ledger, over) : await sent(ledger, over);
  const { id } = payment;
  if (end === 'released') await ledger.release(id, 'never_signed', nowMs);
  if (end === 'unknown') await ledger.markUnknown(id, 'timed_out', nowMs);
  if (end === 'captured') await ledger.capture(id, captureFacts(payment), nowMs);
  const answer = { agent, status: 200, headers: [], body: new Uint8Array([1]), storedId: `res_of_${id}` };
  await ledger.saveAnswer({ ...answer, paymentId: id, bytes: 1, truncated: false, storedMs: nowMs });
  return id;
}

async function take(ledger: Ledger, step: Step, own: Own, nowMs: number, n: number): Promise<void> {
  const { agent, act, host, cents, end } = step;
  if (act === 'pay') own.payments.push({ id: await pay(ledger, step, nowMs), host, cents, end });
  if (act === 'ask') own.approvals.push(await approve(ledger, { agent, nowMs, sessionId: `ses_${n}` }));
  if (act === 'quote') {
    const { id } = await ledger.saveQuote({
      ...{ agent, sessionId: 'ses', requestHash: `${n}`, request: '{}', challenge: '{}', offerIndex: 0 },
      ...{ usdMicros: CENT, createdMs: nowMs, expiresMs: nowMs + 60_000 },
    });
    own.quotes.push(id);
  }
  if (act === 'free') {
    const storedId = `res_${agent}_${n}`;
    const answer = { agent, status: 200, headers: [], bytes: 1, truncated: false, storedMs: nowMs };
    await ledger.saveFreeAnswer({ ...answer, storedId });
    own.stored.push(storedId);
  }
}

/** All of an agent's entries, page by page. */
async function entriesOf(ledger: Ledger, agent: Name): Promise<EntryView[]> {
  const found: EntryView[] = [];
  let cursor: string | undefined;
  do {
    const page = await readLedger(ledger, async () => NO_CATEGORIES, agent, { limit: 2, cursor });
    found.push(...(page['entries'] as EntryView[]));
    cursor = (page['next_cursor'] as string | null) ?? undefined;
  } while (cursor !== undefined);
  return found;
}

const isLive = (end: Step['end']): boolean => end !== 'captured' && end !== 'released';
const centsOf = (payments: Own['payments'], counts: (end: Step['end']) => boolean): number =>
  payments.filter(({ end }) => counts(end)).reduce((sum, { cents }) => sum + cents, 0);
const usdOf = (cents: number): string => (cents / 100).toFixed(2);

async function expectTotals(ledger: Ledger, agent: Name, { payments }: Own): Promise<void> {
  for (const view of ['by_host', 'by_day', 'by_session', 'by_category'] as const) {
    const { groups } = (await readLedger(ledger, async () => NO_CATEGORIES, agent, { view })) as unknown as {
      groups: { key: string; payments: number; captured_usd: string; held_usd: string }[];
    };
    const ofHost = (key: string) => payments.filter(({ host }) => view !== 'by_host' || host === key);
    expect(groups.reduce((sum, group) => sum + group.payments, 0)).toBe(payments.length);
    for (const { key, captured_usd, held_usd } of groups)
      expect([captured_usd, held_usd]).toEqual([
        usdOf(centsOf(ofHost(key), (end) => end === 'captured')),
        usdOf(centsOf(ofHost(key), isLive)),
      ]);
  }
}

/** Everything that an agent is shown is its own, and all of it. */
async function expectOwn(ledger: Ledger, agent: Name, all: ReadonlyMap<Name, Own>): Promise<void> {
  for (const [name, { payments, quotes, approvals, stored }] of all) {
    const mine = name === agent;
    for (const id of quotes) expect((await ledger.findQuote(agent, id)) !== null).toBe(mine);
    for (const storedId of stored) expect((await ledger.findAnswer(agent, { storedId })) !== null).toBe(mine);
    for (const { id } of payments) {
      expect((await ledger.findAnswer(agent, { paymentId: id })) !== null).toBe(mine);
      expect((await ledger.findAnswer(agent, { storedId: `res_of_${id}` })) !== null).toBe(mine);
    }
    // Another's yes opens no hold; whether this one's does is not asked here, for that would use it up.
    if (mine) continue;
    for (const yes of approvals)
      expect(await ledger.openHold(holdRequest({ agent, nowMs: T0, ...yes }))).toEqual({
        kind: 'approval',
        problem: 'unknown',
      });
  }
}

test('whatever agents do in between, each is shown its own and counts for its own', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(STEP, { minLength: 3, maxLength: 14 }), async (steps) => {
      using world = newLedger();
      const ledgers = [world.ledger, world.open()];
      for (const [i, name] of ['a', 'b'].entries()) await addAgent(world.ledger, name, i + 1);
      const all = new Map<Name, Own>(AGENTS.map((name) => [name, new Own()]));
      for (const [n, step] of steps.entries())
        await take(ledgers[n % 2]!, step, all.get(step.agent)!, T0 + n * 1000, n);
      const nowMs = T0 + steps.length * 1000;
      const lineOf = (agent: string) => capLine({ scope: { kind: 'agent', agent } });
      for (const [agent, own] of all) {
        const entries = await entriesOf(world.ledger, agent);
        expect(entries.map(({ id }) => id)).toEqual(own.payments.map(({ id }) => id).reverse());
        expect(new Set(entries.map((entry) => entry.agent)).size).toBeLessThan(2);
        await expectTotals(world.ledger, agent, own);
        await expectOwn(world.ledger, agent, all);
        const counted = BigInt(centsOf(own.payments, (end) => end !== 'released')) * CENT;
        expect(await world.ledger.usage([lineOf(agent)], nowMs)).toEqual([counted]);
      }
      const [whole] = await world.ledger.usage([capLine()], nowMs);
      const each = await world.ledger.usage(AGENTS.map(lineOf), nowMs);
      expect(whole).toBe(each.reduce((sum, one) => sum + one, 0n));
      expect((await world.ledger.audit()).findings).toEqual([]);
    }),
    { numRuns: 30 },
  );
});
