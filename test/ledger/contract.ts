import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hashToken, tokenOf } from '../../src/money/agent.js';
import { isStopped } from '../../src/wallet/call/ownerRules.js';
import { LEASE_MS } from '../../src/ledger/attempts/lease.js';
import type { NewBudget } from '../../src/ledger/books/budget.js';
import type { FactorUse } from '../../src/ledger/books/factor.js';
import { WalletError } from '../../src/errors/walletError.js';
import { PROPOSAL_LIFE_MS, PROPOSALS_MAX, type ProvedAct } from '../../src/ledger/books/ownersAct.js';
import type { HoldRequest } from '../../src/ledger/attempts/hold.js';
import type { Ledger } from '../../src/ledger/ledger.js';
import type { LedgerOptions, LedgerStore } from '../../src/ledger/ledgerStore.js';
import { findAsset } from '../../src/money/asset.js';
import type { CapLine } from '../../src/money/cap.js';
import {
  addAgent,
  approve,
  bearer,
  capLine,
  captured,
  captureFacts,
  CENT,
  held,
  holdRequest,
  sent,
  T0,
  testMac,
} from '../../src/ledger/sqlite/fixtures.js';
import {
  done,
  LIFE,
  MOVES,
  PLACES,
  placeOf,
  type Move,
  type Place,
} from '../../src/ledger/sqlite/lifeFixtures.js';

const SEND = { configVersion: 1, capLines: [], nowMs: T0 };
const BYTES = { name: 'X-PAYMENT', value: 'bytes' };
/** A dollar for an hour. */
const BUDGET: NewBudget = {
  ...{ parentId: null, kind: 'run', agent: 'default', name: 'claude' },
  amountUsdMicros: 100n * CENT,
  expiresMs: T0 + 3_600_000,
};

async function openBudget(ledger: Ledger, over: Partial<NewBudget> = {}): Promise<string> {
  const opened = await ledger.budgets.open({ ...BUDGET, ...over }, T0);
  if (opened.kind !== 'open') throw new Error(`The budget was not opened: ${opened.kind}`);
  return opened.node.id;
}

const entries = <Key extends string>(record: Record<Key, unknown>): Key[] => Object.keys(record) as Key[];

/**
 * What every store behind the ledger's interfaces keeps to. `storeIn` gives the store of one wallet by its folder, as the
 * product gets it: each call of it is another process's.
 */
export function describeLedgerContract(name: string, storeIn: (home: string) => LedgerStore): void {
  describe(`the ledger in ${name}`, () => {
    let home: string;
    let opened: Ledger[];

    async function open(options: Partial<LedgerOptions> = {}): Promise<Ledger> {
      const ledger = await storeIn(home).open({ mac: testMac(), ...options });
      opened.push(ledger);
      return ledger;
    }

    beforeEach(async () => {
      home = mkdtempSync(join(tmpdir(), 'purser-contract-'));
      opened = [];
      await storeIn(home).create({ mac: testMac(), nowMs: T0, configVersion: 1 });
    });

    afterEach(async () => {
      await Promise.all(opened.map((ledger) => ledger.close()));
      rmSync(home, { recursive: true, force: true });
    });

    test.each(entries(PLACES))(
      'moves a payment that is %s as its life allows, and no other way',
      async (place: Place) => {
        const ledger = await open();
        for (const move of entries(MOVES) as Move[]) {
          const payment = await PLACES[place](ledger);
          const result = await MOVES[move](ledger, payment);
          const next = LIFE[place][move];
          expect(result.kind, move).toBe(next === undefined ? 'conflict' : 'done');
          const now = await ledger.findPayment(payment.id);
          expect(now === null ? null : placeOf(now), move).toBe(next ?? place);
        }
        expect((await ledger.audit()).findings).toEqual([]);
      },
    );

    test('has what it promised after it was closed and opened again', async () => {
      const ledger = await open();
      const payment = await captured(ledger);
      const checkpoint = await ledger.checkpoint();
      expect(await ledger.durableCheckpoint()).toEqual(checkpoint);
      await ledger.close();
      const again = await open();
      expect(await again.findPayment(payment.id)).toEqual(payment);
      await again.verifyCheckpoint(checkpoint);
      await held(again);
      await again.verifyCheckpoint(checkpoint);
    });

    test('never lets two processes pass a cap together', async () => {
      const ledgers = await Promise.all([open({ holder: 'one' }), open({ holder: 'two' })]);
      const day = capLine({ usdMicrosMax: 5n * CENT });
      const holds = await Promise.all(
        Array.from({ length: 20 }, async (_, i) =>
          ledgers[i % 2]?.openHold(holdRequest({ capLines: [day] })),
        ),
      );
      expect(holds.filter((hold) => hold?.kind === 'held')).toHaveLength(5);
      expect(holds.filter((hold) => hold?.kind === 'exceeded')).toHaveLength(15);
      for (const ledger of ledgers) expect(await ledger.usage([day], T0)).toEqual([5n * CENT]);
    });

    test('holds one request, one idempotency key and one nonce once', async () => {
      const [one, two] = [await open({ holder: 'one' }), await open({ holder: 'two' })];
      const { requestHash, nonce } = await held(one, { idempotencyKey: 'key' });
      expect((await two.openHold(holdRequest({ requestHash }))).kind).toBe('duplicate');
      expect((await two.openHold(holdRequest({ idempotencyKey: 'key' }))).kind).toBe('key_reused');
      expect((await two.openHold(holdRequest({ nonce }))).kind).toBe('nonce_used');
    });

    test('lets the holder of a lease alone sign, send and write down the end', async () => {
      const [one, two] = [await open({ holder: 'one' }), await open({ holder: 'two' })];
      const { id } = await held(one);
      const lease = await two.findLease(id);
      expect(lease).toEqual({ holder: 'one', untilMs: T0 + LEASE_MS });
      expect((await two.recordSigned(id, BYTES, T0)).kind).toBe('conflict');
      expect(await two.renewLease(id, T0)).toBe(false);
      expect(await one.renewLease(id, T0 + 1)).toBe(true);
      expect(await two.takeLease(id, lease, T0)).toBe(false);
      expect(await two.takeLease(id, await two.findLease(id), T0)).toBe(true);
      expect((await one.signAndSend(id, BYTES, SEND)).sent.kind).toBe('conflict');
      expect((await two.signAndSend(id, BYTES, SEND)).sent.kind).toBe('done');
      expect((await one.markUnknown(id, 'timed_out', T0)).kind).toBe('conflict');
      await one.endLease(id);
      expect(await two.findLease(id)).not.toBeNull();
      done(await two.markUnknown(id, 'timed_out', T0));
      expect(await two.findLease(id)).toBeNull();
    });

    test('obeys a freeze, a suspension and a newer config in the step that sends', async () => {
      const [ledger, other] = [await open(), await open({ mac: null })];
      await addAgent(ledger);
      const signed = async (agent: string) => {
        const { id } = await held(ledger, { agent });
        done((await ledger.recordSigned(id, BYTES, T0)) as Awaited<ReturnType<Ledger['release']>>);
        return id;
      };
      const [first, second] = [await signed('default'), await signed('other')];
      expect(await other.freeze(T0)).toBe(true);
      expect((await ledger.markSent(first, SEND)).kind).toBe('frozen');
      expect((await ledger.openHold(holdRequest())).kind).toBe('frozen');
      expect(await ledger.unfreeze(T0)).toBe(true);
      await ledger.agents.change('other', { act: 'suspend' }, T0);
      expect((await ledger.markSent(second, SEND)).kind).toBe('barred');
      await ledger.noteConfigVersion(2, T0);
      expect((await ledger.markSent(first, SEND)).kind).toBe('config_changed');
      const send = { ...SEND, configVersion: 2, capLines: [capLine({ usdMicrosMax: 0n })] };
      expect((await ledger.markSent(first, send)).kind).toBe('exceeded');
    });

    test('lets one withdrawal leave an address, beside all that is held, and counts it in no cap', async () => {
      const ledger = await open();
      const payment = await sent(ledger);
      const asset = findAsset('eip155:84532', payment.asset);
      if (asset === undefined) throw new Error('The asset is not known');
      const { seq } = await ledger.head();
      const request = {
        ...{ agent: 'default', network: payment.network, asset, payFrom: payment.payFrom, payTo: '0xowner' },
        ...{ scheme: 'exact', nonce: '0x01', validAfterSec: 0, validBeforeSec: T0 / 1000 + 300 },
        ...{ onChainAtomic: 10n * CENT, readSeq: seq, takesHeld: false, nowMs: T0 },
      };
      const short = await ledger.withdrawals.open({ ...request, amountAtomic: 10n * CENT });
      expect(short).toEqual({ kind: 'short', spendableAtomic: 9n * CENT, heldAtomic: CENT });
      expect((await ledger.withdrawals.open({ ...request, amountAtomic: 9n * CENT })).kind).toBe('held');
      expect((await ledger.withdrawals.open({ ...request, amountAtomic: CENT })).kind).toBe('open');
      expect(await ledger.usage([capLine()], T0)).toEqual([CENT]);
      const funds = { onChainAtomic: 10n * CENT, atMs: T0 };
      expect((await ledger.openHold(holdRequest({ funds }))).kind).toBe('withdrawn');
    });

    test('answers a question once, and lets its approval pay once', async () => {
      const [ledger, other] = [await open({ holder: 'one' }), await open({ holder: 'two' })];
      const over = { capLines: [capLine({ usdMicrosMax: 0n })] };
      const grant = { ...over, ...(await approve(ledger, over)) };
      const both = await Promise.all([
        ledger.openHold(holdRequest(grant)),
        other.openHold(holdRequest(grant)),
      ]);
      expect(both.map(({ kind }) => kind).sort()).toEqual(['duplicate', 'held']);
      const id = grant.approvalId ?? '';
      const no = {
        state: 'denied',
        answer: '{"kind":"no"}',
        how: 'nothing',
        by: 'owner',
        nowMs: T0,
      } as const;
      expect((await other.approvals.decide(id, no)).kind).toBe('closed');
      expect((await other.approvals.find(id))?.state).toBe('consumed');
    });

    test('keeps agents apart by name, key and token', async () => {
      const ledger = await open();
      const token = tokenOf('other', 'a'.repeat(43));
      const add = { act: 'add', index: 1, tokenHash: hashToken(token) } as const;
      await ledger.agents.change('other', add, T0);
      expect(await ledger.agents.ofToken(token, T0)).toBe('other');
      const again = { act: 'add', index: 2, tokenHash: hashToken('x') } as const;
      await expect(ledger.agents.change('other', again, T0)).rejects.toMatchObject({ code: 'bad_input' });
      await ledger.agents.change('other', { act: 'remove' }, T0);
      expect(await ledger.agents.ofToken(token, T0)).toBeNull();
      await expect(ledger.agents.change('other', again, T0)).rejects.toMatchObject({ code: 'bad_input' });
    });

    test('lets an agent pay, sign and send until its end, by whichever clock is later, and prolongs it', async () => {
      const ledger = await open();
      const token = tokenOf('other', 'a'.repeat(43));
      const untilMs = T0 + 60_000;
      const add = { act: 'add', index: 1, tokenHash: hashToken(token), untilMs } as const;
      await expect(ledger.agents.change('other', { ...add, untilMs: T0 }, T0)).rejects.toMatchObject({
        code: 'bad_input',
      });
      await ledger.agents.change('other', add, T0);
      const agent = 'other';
      const late = { nowMs: untilMs };
      const [toSign, toSend, again] = [
        await held(ledger, { agent }),
        await held(ledger, { agent }),
        await sent(ledger, { agent }),
      ];
      await ledger.recordSigned(toSend.id, BYTES, untilMs - 1);
      await ledger.markUnknown(again.id, 'timed_out', T0);
      // Its run ends with it: what that set aside is then the budget's again.
      const run = await openBudget(ledger, { agent, expiresMs: untilMs + 3_600_000 });
      expect((await ledger.budgets.use(run, T0))?.node.expiresMs).toBe(untilMs);
      expect(await ledger.agents.ofToken(token, untilMs - 1)).toBe('other');
      expect(await ledger.agents.ofToken(token, untilMs)).toBeNull();
      expect(await ledger.agents.barOfToken(token, untilMs)).toBe('expired');
      const barred = { kind: 'barred', bar: 'expired' };
      expect(await ledger.openHold(holdRequest({ agent, ...late }))).toEqual(barred);
      expect(await ledger.recordSigned(toSign.id, BYTES, untilMs)).toEqual(barred);
      expect(await ledger.markSent(toSend.id, { ...SEND, ...late })).toEqual(barred);
      expect(await ledger.markSent(again.id, { ...SEND, ...late })).toEqual(barred);
      // T30: a clock that is set back after the ledger has seen the end gives it no more time.
      await captured(ledger, late);
      expect(await ledger.openHold(holdRequest({ agent }))).toEqual(barred);
      expect(await ledger.agents.ofToken(token, T0)).toBeNull();
      expect(await ledger.agents.barOf('other', T0)).toBe('expired');
      expect(await isStopped({ ledger, now: () => T0 }, { agent, budgetPath: null })).toBe(true);
      // What was sent before is told its end.
      expect((await ledger.release(toSign.id, 'never_signed', untilMs)).kind).toBe('done');
      expect((await ledger.release(again.id, 'expired_unused', untilMs)).kind).toBe('done');
      const prolong = (ms: number) => ledger.agents.change('other', { act: 'prolong', untilMs: ms }, untilMs);
      await expect(prolong(untilMs - 1)).rejects.toMatchObject({ code: 'bad_input' });
      await prolong(untilMs + 60_000);
      expect(await ledger.agents.ofToken(token, untilMs)).toBe('other');
      expect((await ledger.markSent(toSend.id, { ...SEND, ...late })).kind).toBe('done');
      const endless = ledger.agents.change('default', { act: 'prolong', untilMs }, T0);
      await expect(endless).rejects.toMatchObject({ code: 'bad_input' });
      expect((await ledger.audit()).findings).toEqual([]);
    });

    test('adds no more agents of a template than its owner allows, whoever asks at once', async () => {
      const [ledger, other] = [await open({ holder: 'one' }), await open({ holder: 'two' })];
      const template = { name: 'crawler', agentsMax: 2 };
      const add = (on: Ledger, index: number, over: object = {}) =>
        on.agents.change(
          `c-${index}`,
          { act: 'add', index, tokenHash: hashToken(`${index}`), template, untilMs: T0 + 1_000, ...over },
          T0,
        );
      const made = await Promise.allSettled([add(ledger, 1), add(other, 2), add(ledger, 3), add(other, 4)]);
      const refused = made.filter(({ status }) => status === 'rejected');
      expect(refused).toHaveLength(2);
      for (const one of refused) expect(one).toMatchObject({ reason: { code: 'agents_full' } });
      // The owner's own count like any, and are bounded by nothing.
      await add(ledger, 5, { template: { name: 'crawler', agentsMax: null } });
      expect((await ledger.agents.list()).filter((one) => one.template === 'crawler')).toHaveLength(3);
      expect((await ledger.audit()).findings).toEqual([]);
    });

    test('counts the agents that a template made in a day by the later clock: one that was set back makes no room', async () => {
      const ledger = await open();
      const DAY_MS = 24 * 3_600_000;
      const template = { name: 'crawler', agentsMax: 1 };
      // What the ledger knows of time is three days on; who adds believes that it is today.
      await captured(ledger, { nowMs: T0 + 3 * DAY_MS });
      const add = (index: number, untilMs: number) =>
        ledger.agents.change(
          `c-${index}`,
          { act: 'add', index, tokenHash: hashToken(`${index}`), template, untilMs },
          T0,
        );
      await add(1, T0 + 3 * DAY_MS + 1_000);
      await captured(ledger, { nowMs: T0 + 3 * DAY_MS + 2_000 });
      expect(await ledger.agents.barOf('c-1', T0)).toBe('expired');
      await expect(add(2, T0 + 4 * DAY_MS)).rejects.toMatchObject({ code: 'agents_full' });
    });

    test('keeps one live entitlement of a place, until it is used up', async () => {
      const [{ entitlements: one }, { entitlements: two }] = [
        await open({ holder: 'one' }),
        await open({ holder: 'two' }),
      ];
      const first = await one.save(bearer(), T0);
      const other = await one.save(bearer({ path: '/other/' }), T0);
      const second = await two.save(bearer({ valueLeft: '9' }), T0 + 1);
      const usable = (atMs: number) => one.usable(first.agent, first.origin, atMs);
      expect(await usable(T0 + 1)).toEqual([second, other]);
      expect(await one.find(first.id)).toMatchObject({ state: 'spent', secret: null });
      // Another agent's and another origin's are not there, and time ends what has a time.
      expect(await one.usable('other', first.origin, T0)).toEqual([]);
      expect(await one.usable(first.agent, 'https://api.example.com:8443', T0)).toEqual([]);
      expect(await usable(second.expiresMs ?? 0)).toEqual([]);

      const changed = await one.update(second, { valueLeft: '8' }, T0 + 2);
      expect(changed).toMatchObject({ valueLeft: '8', revision: 2 });
      expect(await two.update(second, { valueLeft: '7' }, T0 + 3)).toBeNull();
      const ends = await Promise.all([
        one.end(second.id, 'spent', T0 + 4),
        two.end(second.id, 'spent', T0 + 4),
      ]);
      expect(ends.sort()).toEqual([false, true]);
      expect(await one.update(changed ?? second, { valueLeft: '6' }, T0 + 5)).toBeNull();
      expect(await one.list({ agent: 'default', isLive: false }, 10)).toMatchObject([
        { id: second.id, state: 'spent', secret: null },
        { id: first.id },
      ]);
    });

    test('keeps the labels of a payment, and knows by them what each model cost last', async () => {
      const [one, two] = [await open({ holder: 'one' }), await open({ holder: 'two' })];
      const tagged = (model: string, usd: bigint) =>
        captured(one, { labels: { model, team: 'search' }, heldUsdMicros: usd * CENT });
      const first = await tagged('small', 1n);
      await captured(one, {});
      await tagged('large', 5n);
      await tagged('small', 2n);
      expect((await two.findPayment(first.id))?.labels).toEqual({ model: 'small', team: 'search' });
      const priced = (agent: string, atMs = T0) => two.modelPrices(agent, 'https://api.example.com', atMs);
      const seen = new Map((await priced('default')).map(({ model, usdMicros }) => [model, usdMicros]));
      expect([seen.size, seen.get('large')]).toEqual([2, 5n * CENT]);
      // What others bought is not told, nor what was bought long ago.
      expect(await priced('other')).toEqual([]);
      expect(await priced('default', T0 + 31 * 86_400_000)).toEqual([]);
      const [labelled] = (await two.listAttempts({ words: 'search' }, 10, null)).attempts;
      expect(labelled).toMatchObject({ labels: { team: 'search' } });
      expect((await two.audit()).findings).toEqual([]);
    });

    test('holds no more under a budget than it has, whichever process asks, and gives back what is released', async () => {
      const [one, two] = [await open({ holder: 'one' }), await open({ holder: 'two' })];
      const budgetId = await openBudget(one, { amountUsdMicros: 5n * CENT });
      const all = await Promise.all(
        Array.from({ length: 8 }, (_, i) => (i % 2 === 0 ? one : two).openHold(holdRequest({ budgetId }))),
      );
      expect(all.filter(({ kind }) => kind === 'held')).toHaveLength(5);
      const refused = all.filter(({ kind }) => kind !== 'held');
      for (const result of refused)
        expect(result).toMatchObject({ kind: 'budget', problem: 'spent', leftUsdMicros: 0n });
      const [first] = all.flatMap((result) => (result.kind === 'held' ? [result.payment] : []));
      expect(first?.budgetPath).toBe(budgetId);
      await one.release(first?.id ?? '', 'never_signed', T0);
      expect((await two.openHold(holdRequest({ budgetId }))).kind).toBe('held');
      const paid = await captured(one, { budgetId: null });
      expect(paid.budgetPath).toBeNull();
      const use = await one.budgets.use(budgetId, T0);
      expect(use).toMatchObject({ capturedUsdMicros: 0n, liveUsdMicros: 5n * CENT, leftUsdMicros: 0n });
      // An approval passes caps, and no budget.
      const asked = { budgetId, requestHash: 'asked' };
      const approved = holdRequest({ ...asked, ...(await approve(one, asked)) });
      expect(await one.openHold(approved)).toMatchObject({ kind: 'budget', problem: 'spent' });
      expect((await one.audit()).findings).toEqual([]);
    });

    test('takes a budget out of the one above when it is opened, and gives back what it did not use', async () => {
      const ledger = await open();
      const parentId = await openBudget(ledger, { amountUsdMicros: 10n * CENT });
      const left = async (id: string, nowMs = T0): Promise<bigint | undefined> =>
        (await ledger.budgets.use(id, nowMs))?.leftUsdMicros;
      const childId = await openBudget(ledger, { parentId, amountUsdMicros: 6n * CENT });
      expect(await left(parentId)).toBe(4n * CENT);
      const more = { ...BUDGET, parentId, amountUsdMicros: 5n * CENT };
      expect(await ledger.budgets.open(more, T0)).toMatchObject({
        problem: 'spent',
        leftUsdMicros: 4n * CENT,
      });
      const over = await ledger.openHold(holdRequest({ budgetId: parentId, heldUsdMicros: 5n * CENT }));
      expect(over).toMatchObject({ kind: 'budget', problem: 'spent' });
      const paid = await captured(ledger, { budgetId: childId, heldUsdMicros: 2n * CENT });
      expect(paid.budgetPath).toBe(`${childId} ${parentId}`);
      expect([await left(parentId), await left(childId)]).toEqual([4n * CENT, 4n * CENT]);
      expect(await ledger.budgets.end(childId, T0)).toBe(true);
      expect(await ledger.budgets.end(childId, T0)).toBe(false);
      expect([await left(parentId), await left(childId)]).toEqual([8n * CENT, 0n]);
      await openBudget(ledger, { parentId, amountUsdMicros: 8n * CENT, expiresMs: T0 + 1_000 });
      expect([await left(parentId), await left(parentId, T0 + 1_000)]).toEqual([0n, 8n * CENT]);
      expect((await ledger.audit()).findings).toEqual([]);
    });

    test('counts what agents spend in each budget of the owner’s that a line bounds, and what a run was given', async () => {
      const ledger = await open();
      const lineOf = (budget: string, cents: bigint, windowSec: number | null): CapLine => ({
        ...{ name: `budgets.${budget}`, kind: 'ceiling', windowSec, usdMicrosMax: cents * CENT },
        scope: { kind: 'budget', budget, below: budget === 'company' ? ['company', 'field'] : [budget] },
      });
      const capLines = [lineOf('field', 10n, 60), lineOf('company', 12n, null)];
      const used = async (nowMs = T0): Promise<bigint[]> =>
        (await ledger.usage(capLines, nowMs)).map((usdMicros) => usdMicros / CENT);
      const first = await captured(ledger, { capLines, heldUsdMicros: 3n * CENT });
      expect(first.budgetPath).toBe('field company');
      expect(await used()).toEqual([3n, 3n]);
      const budgetId = await openBudget(ledger, { parentId: 'field', amountUsdMicros: 5n * CENT, capLines });
      // The run has set its five aside: they are used for everybody else, in every budget above it.
      expect(await used()).toEqual([8n, 8n]);
      expect(await ledger.usage(capLines, T0, budgetId)).toEqual([3n * CENT, 3n * CENT]);
      const beside = holdRequest({ capLines, heldUsdMicros: 3n * CENT });
      expect(await ledger.openHold(beside)).toMatchObject({ kind: 'exceeded' });
      const tooMuch = { ...BUDGET, parentId: 'field', amountUsdMicros: 3n * CENT, capLines };
      expect(await ledger.budgets.open(tooMuch, T0)).toMatchObject({ kind: 'exceeded' });
      const under = await captured(ledger, { capLines, budgetId, heldUsdMicros: 4n * CENT });
      expect(under.budgetPath).toBe(`${budgetId} field company`);
      expect(await used()).toEqual([8n, 8n]);
      expect(await ledger.openHold(holdRequest({ capLines, heldUsdMicros: 2n * CENT }))).toMatchObject({
        kind: 'held',
      });
      await ledger.budgets.end(budgetId, T0);
      // What it did not use is free again, and what it used counts on: in a window as long as that, in a whole life for good.
      expect(await used()).toEqual([9n, 9n]);
      expect(await used(T0 + 200_000)).toEqual([2n, 9n]);
      // No approval passes a budget.
      const asked = { requestHash: 'asked', capLines, heldUsdMicros: 4n * CENT };
      const approved = holdRequest({ ...asked, ...(await approve(ledger, asked)) });
      expect(await ledger.openHold(approved)).toMatchObject({ kind: 'exceeded' });
      expect((await ledger.audit()).findings).toEqual([]);
    });

    test('measures what is held against a budget that its agent was put in meanwhile, and counts in it what it sends', async () => {
      const ledger = await open();
      const lineOf = (budget: string, cents: bigint): CapLine => ({
        ...{ name: `budgets.${budget}`, kind: 'ceiling', windowSec: 60, usdMicrosMax: cents * CENT },
        scope: { kind: 'budget', budget, below: [budget] },
      });
      const [field, lab] = [lineOf('field', 10n), lineOf('lab', 5n)];
      const used = async (nowMs = T0): Promise<bigint[]> =>
        (await ledger.usage([field, lab], nowMs)).map((usdMicros) => usdMicros / CENT);
      const [large, small] = [
        await held(ledger, { capLines: [field], heldUsdMicros: 6n * CENT }),
        await held(ledger, { capLines: [field], heldUsdMicros: 3n * CENT }),
      ];
      const moved = { configVersion: 2, capLines: [lab], nowMs: T0 };
      const refused = await ledger.signAndSend(large.id, BYTES, moved);
      expect(refused.sent).toMatchObject({ kind: 'exceeded', exceeded: [{ line: { name: 'budgets.lab' } }] });
      const { sent: done } = await ledger.signAndSend(small.id, BYTES, moved);
      expect(done).toMatchObject({ kind: 'done', attempt: { budgetPath: 'field lab' } });
      expect(await used()).toEqual([9n, 3n]);
      const next = { capLines: [lab], configVersion: 2, heldUsdMicros: 3n * CENT };
      expect(await ledger.openHold(holdRequest(next))).toMatchObject({ kind: 'exceeded' });
      await ledger.capture(small.id, captureFacts(small), T0);
      expect(await used()).toEqual([9n, 3n]);
      expect(await used(T0 + 200_000)).toEqual([6n, 0n]);
      expect((await ledger.audit()).findings).toEqual([]);
    });

    test('neither holds nor sends under a budget that ended, whose time is over, or that is another agent’s (T42)', async () => {
      const ledger = await open();
      await addAgent(ledger);
      const budgetId = await openBudget(ledger, { expiresMs: T0 + 1_000 });
      const before = await held(ledger, { budgetId });
      await ledger.recordSigned(before.id, BYTES, T0);
      const hold = (over: Partial<HoldRequest>) => ledger.openHold(holdRequest({ budgetId, ...over }));
      expect(await hold({ agent: 'other' })).toMatchObject({ kind: 'budget', problem: 'unknown' });
      expect(await hold({ nowMs: T0 + 1_000 })).toMatchObject({ kind: 'budget', problem: 'expired' });
      const late = { ...SEND, nowMs: T0 + 1_000 };
      expect(await ledger.markSent(before.id, late)).toMatchObject({ kind: 'budget', problem: 'expired' });
      await ledger.budgets.end(budgetId, T0);
      expect(await hold({})).toMatchObject({ kind: 'budget', problem: 'ended' });
      expect(await ledger.markSent(before.id, SEND)).toMatchObject({ kind: 'budget', problem: 'ended' });
      expect(await hold({ budgetId: 'run_none' })).toMatchObject({ kind: 'budget', problem: 'unknown' });
      const opened = await ledger.budgets.open({ ...BUDGET, parentId: budgetId }, T0);
      expect(opened).toMatchObject({ kind: 'budget', problem: 'ended' });
      expect((await ledger.audit()).findings).toEqual([]);
    });

    test('gives its payments page by page, each once', async () => {
      const ledger = await open();
      const ids = [];
      for (let i = 0; i < 5; i++) ids.unshift((await held(ledger, { nowMs: T0 + i })).id);
      const seen: string[] = [];
      let cursor: string | null = null;
      do {
        const page: Awaited<ReturnType<Ledger['listPayments']>> = await ledger.listPayments({}, 2, cursor);
        seen.push(...page.payments.map(({ id }) => id));
        cursor = page.nextCursor;
      } while (cursor !== null);
      expect(seen).toEqual(ids);
    });

    test('keeps what clients of the admin API asked for in its journal, for each process', async () => {
      const [one, two] = [await open(), await open()];
      const acts = ['freeze', 'suspendAgent'].map((act) => ({
        ...{ client: 'ops', role: 'operator', act, subject: act === 'freeze' ? '' : 'ada' },
      }));
      for (const act of acts) await one.adminActs.note(act, T0);
      expect(await two.adminActs.list(9)).toEqual(acts.map((act) => ({ ...act, atMs: T0 })).reverse());
      expect(await two.adminActs.list(1)).toHaveLength(1);
      expect((await two.audit()).findings).toEqual([]);
    });

    const people = ['alice', 'bob', 'carol'] as const;
    /** A wallet of three owners, of whom a loosening takes two. */
    async function withOwners(): Promise<Ledger> {
      const ledger = await open();
      for (const [at, name] of people.entries()) {
        const use = at === 0 ? null : useOf('alice');
        await ledger.factors.add({ id: name, record: `{"of":"${name}"}`, addedMs: T0 }, use, T0);
      }
      await ledger.owners.setQuorum(2, { by: [], factorIds: people }, T0);
      return ledger;
    }
    const useOf = (name: string): FactorUse => ({
      ...{ id: name, before: `{"of":"${name}"}`, record: `{"of":"${name}"}`, clearsTries: null },
    });
    const word = (owner: string, over: Partial<ProvedAct> = {}, digest = 'd1'): ProvedAct => ({
      ...{ act: { what: 'Raise it', details: ['from 1 to 2'], digest, action: '{"kind":"unfreeze"}' } },
      ...{ by: { owner, factor: `${owner}’s key` }, use: useOf(owner), needsQuorum: true, confirms: null },
      owners: people,
      ...over,
    });

    test('takes the words of two owners for one act, and does it once', async () => {
      const ledger = await withOwners();
      const first = await ledger.owners.allow(word('alice'), T0);
      expect(first).toMatchObject({
        kind: 'proposed',
        proposal: { by: { owner: 'alice' }, expiresMs: T0 + PROPOSAL_LIFE_MS },
      });
      // The same owner twice is one, another act another one, and what only tightens waits for nobody.
      expect(await ledger.owners.allow(word('alice'), T0)).toEqual(first);
      expect(await ledger.owners.allow(word('bob', {}, 'd2'), T0)).toMatchObject({ kind: 'proposed' });
      expect(await ledger.owners.allow(word('bob', { needsQuorum: false }), T0)).toMatchObject({
        ...{ kind: 'allowed', by: [{ owner: 'bob' }] },
      });
      const [proposal] = await ledger.owners.proposals(T0);
      expect(proposal).toMatchObject({ what: 'Raise it', details: ['from 1 to 2'], digest: 'd1' });
      const id = proposal?.id ?? '';
      await expect(ledger.owners.allow(word('bob', { confirms: id }, 'd3'), T0)).rejects.toMatchObject({
        code: 'approval_changed',
      });
      expect(await ledger.owners.allow(word('bob', { confirms: id }), T0)).toEqual({
        ...{ kind: 'allowed', by: [{ owner: 'alice', factor: 'alice’s key' }, word('bob').by] },
      });
      await expect(ledger.owners.allow(word('carol', { confirms: id }), T0)).rejects.toMatchObject({
        code: 'approval_changed',
      });
      expect(await ledger.owners.allow(word('carol'), T0)).toMatchObject({ kind: 'proposed' });
      expect(
        (await ledger.owners.entries(9)).map(({ act, by }) => [act, by.map(({ owner }) => owner)]),
      ).toEqual([
        ['proposed', ['carol']],
        ['allowed', ['alice', 'bob']],
        ['allowed', ['bob']],
        ['proposed', ['bob']],
        ['proposed', ['alice']],
        ['quorum', []],
      ]);
      expect((await ledger.audit()).findings).toEqual([]);
    });

    test('lets one of two second owners go on who confirm at the same moment, in two processes', async () => {
      const [one, two] = [await withOwners(), await open()];
      await one.owners.allow(word('alice'), T0);
      const both = await Promise.all([
        one.owners.allow(word('bob'), T0),
        two.owners.allow(word('carol'), T0),
      ]);
      expect(both.map(({ kind }) => kind).sort()).toEqual(['allowed', 'proposed']);
      expect((await two.audit()).findings).toEqual([]);
    });

    test('ends a proposal with its time, whatever a clock says, with a freeze, and by a word', async () => {
      const ledger = await withOwners();
      await ledger.owners.allow(word('alice'), T0);
      expect(await ledger.owners.proposals(T0 + PROPOSAL_LIFE_MS - 1)).toHaveLength(1);
      expect(await ledger.owners.allow(word('bob'), T0 + PROPOSAL_LIFE_MS)).toMatchObject({
        kind: 'proposed',
      });
      // A clock that was set back does not bring back what was over by the journal's time.
      expect((await ledger.owners.proposals(T0)).map(({ by }) => by.owner)).toEqual(['bob']);
      // Where ledger time does not go on, the clock ends it; one that says a time from before tells nothing.
      const still = await open({ clock: { latestMs: (newestMs) => newestMs } });
      expect(await still.owners.proposals(T0 + 2 * PROPOSAL_LIFE_MS)).toEqual([]);
      await ledger.freeze(T0);
      expect(await ledger.owners.proposals(T0)).toEqual([]);
      expect(await ledger.owners.allow(word('carol'), T0)).toMatchObject({ kind: 'proposed' });
      const [last] = await ledger.owners.proposals(T0);
      expect(await ledger.owners.withdraw(last?.id ?? '', null, T0)).toBe(true);
      expect(await ledger.owners.withdraw(last?.id ?? '', null, T0)).toBe(false);
      expect(await ledger.owners.allow(word('alice'), T0)).toMatchObject({ kind: 'proposed' });
      // Ledger time that was ahead would have let it wait for longer.
      await ledger.rebase(T0);
      expect(await ledger.owners.proposals(T0)).toEqual([]);
      expect((await ledger.audit()).findings).toEqual([]);
    });

    test('holds no more proposals than a bound, and none by a factor that went or a quorum of other factors', async () => {
      const ledger = await withOwners();
      for (let at = 0; at < PROPOSALS_MAX; at++) await ledger.owners.allow(word('alice', {}, `d${at}`), T0);
      await expect(ledger.owners.allow(word('alice', {}, 'one more'), T0)).rejects.toMatchObject({
        code: 'bad_input',
      });
      // Who has no factor any more has no word that waits.
      const left = { owners: ['bob', 'carol'] };
      expect(await ledger.owners.allow(word('bob', left, 'd0'), T0)).toMatchObject({ kind: 'proposed' });
      await ledger.factors.remove('bob', useOf('alice'), () => undefined, T0);
      await expect(ledger.owners.allow(word('bob'), T0)).rejects.toMatchObject({ code: 'factor_needed' });
      await expect(ledger.owners.setQuorum(1, { by: [], factorIds: people }, T0)).rejects.toMatchObject({
        code: 'factor_needed',
      });
      expect(await ledger.owners.quorum()).toBe(2);
    });

    test('judges in the step that removes a factor what it leaves, so that of two at once one is kept', async () => {
      const [one, two] = [await withOwners(), await open()];
      const enough = (left: readonly { readonly id: string }[], quorum: number): void => {
        if (left.length < quorum) throw new WalletError('bad_input', 'Too few are left.');
      };
      const removed = await Promise.allSettled([
        one.factors.remove('bob', useOf('alice'), enough, T0),
        two.factors.remove('carol', useOf('alice'), enough, T0),
      ]);
      expect(removed.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      expect(await one.factors.list()).toHaveLength(2);
      expect(await two.factors.remove('nobody', useOf('alice'), enough, T0)).toBe(false);
      expect((await two.audit()).findings).toEqual([]);
    });

    test('wakes who waits for an end that another process writes', async () => {
      const [one, two] = [await open({ holder: 'one' }), await open({ holder: 'two' })];
      const { id } = await sent(one);
      const end = two.waitForEnd(id, new AbortController().signal);
      await one.markUnknown(id, 'timed_out', T0);
      expect((await end).state).toBe('unknown');
    });

    test('refuses other keys, and a ledger that is older than the keystore remembers', async () => {
      const ledger = await open();
      await expect(open({ mac: testMac('other keys') })).rejects.toMatchObject({ code: 'ledger_foreign' });
      const { ledgerId, seq, headHash } = await ledger.checkpoint();
      const ahead = ledger.verifyCheckpoint({ ledgerId, seq: seq + 1, headHash });
      await expect(ahead).rejects.toMatchObject({ code: 'ledger_older' });
      const foreign = ledger.verifyCheckpoint({ ledgerId: 'led_other', seq, headHash });
      await expect(foreign).rejects.toMatchObject({ code: 'ledger_foreign' });
    });
  });
}
