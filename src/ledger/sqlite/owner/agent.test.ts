import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { hashToken, tokenOf } from '../../../money/agent.js';
import { addAgent, captured, editBehind, held, holdRequest, newLedger, sent, T0 } from '../fixtures.js';
import type { Ledger } from '../../ledger.js';

const SIGNED = { name: 'PAYMENT-SIGNATURE', value: 'c2lnbmVk' };
const SEND = { configVersion: 1, capLines: [], nowMs: T0 };

const token = (name: string, letter = 'a') => tokenOf(name, letter.repeat(43));

async function addWithToken(ledger: Ledger, name: string, index: number, text = token(name)) {
  await ledger.agents.change(name, { act: 'add', index, tokenHash: hashToken(text) }, T0);
}

test('a new ledger has the first agent, active and without a token', async () => {
  using world = newLedger();
  expect(await world.ledger.agents.list()).toEqual([
    {
      name: 'default',
      index: 0,
      state: 'active',
      addedMs: 0,
      tokenHash: null,
      tokenMs: null,
      untilMs: null,
      template: null,
    },
  ]);
  expect(await world.ledger.agents.find('researcher')).toBeNull();
});

describe('a token', () => {
  test('is that of its agent alone, in every process', async () => {
    using world = newLedger();
    await addWithToken(world.ledger, 'one', 1);
    await addWithToken(world.ledger, 'two', 2);
    const other = world.open();
    expect(await other.agents.ofToken(token('one'), T0)).toBe('one');
    expect(await other.agents.ofToken(token('two'), T0)).toBe('two');
    for (const wrong of [
      '',
      'one',
      token('one', 'b'),
      token('three'),
      token('default'),
      `${token('one')} `,
      token('one').slice(0, -1),
      hashToken(token('one')),
    ])
      expect(await other.agents.ofToken(wrong, T0)).toBeNull();
    expect((await world.ledger.audit()).findings).toEqual([]);
  });

  test('dies with its replacement, with suspending and with removing', async () => {
    using world = newLedger();
    const { agents } = world.ledger;
    await addWithToken(world.ledger, 'one', 1);
    await agents.change('one', { act: 'rotate', tokenHash: hashToken(token('one', 'b')) }, T0);
    expect(await agents.ofToken(token('one'), T0)).toBeNull();
    expect(await agents.ofToken(token('one', 'b'), T0)).toBe('one');
    await agents.change('one', { act: 'suspend' }, T0);
    expect(await agents.ofToken(token('one', 'b'), T0)).toBeNull();
    expect(await agents.barOfToken(token('one'), T0)).toBeNull();
    await agents.change('one', { act: 'resume' }, T0);
    expect(await agents.ofToken(token('one', 'b'), T0)).toBe('one');
    await agents.change('one', { act: 'remove' }, T0);
    expect(await agents.ofToken(token('one', 'b'), T0)).toBeNull();
    expect((await world.ledger.audit()).findings).toEqual([]);
  });

  test('is stored nowhere', async () => {
    using world = newLedger();
    await addWithToken(world.ledger, 'one', 1);
    for (const suffix of ['', '-wal'])
      expect(readFileSync(world.path + suffix).includes(token('one'))).toBe(false);
  });
});

describe('what does not go', () => {
  test('a name is given once, removed or not', async () => {
    using world = newLedger();
    await addAgent(world.ledger, 'one', 1);
    await expect(addAgent(world.ledger, 'one', 2)).rejects.toMatchObject({ code: 'bad_input' });
    await expect(addAgent(world.ledger, 'default', 2)).rejects.toMatchObject({ code: 'bad_input' });
    await world.ledger.agents.change('one', { act: 'remove' }, T0);
    await expect(addAgent(world.ledger, 'one', 2)).rejects.toMatchObject({ code: 'bad_input' });
  });

  test('keys are given once, removed or not', async () => {
    using world = newLedger();
    await addAgent(world.ledger, 'one', 1);
    await world.ledger.agents.change('one', { act: 'remove' }, T0);
    for (const index of [0, 1])
      await expect(addAgent(world.ledger, 'two', index)).rejects.toMatchObject({ code: 'internal' });
  });

  test('an agent that is not there, or was removed, is not changed', async () => {
    using world = newLedger();
    await addAgent(world.ledger, 'one', 1);
    await world.ledger.agents.change('one', { act: 'remove' }, T0);
    for (const name of ['one', 'two'])
      for (const act of ['suspend', 'resume', 'remove'] as const)
        await expect(world.ledger.agents.change(name, { act }, T0)).rejects.toMatchObject({
          code: 'agent_unknown',
        });
  });

  test('an agent with an open payment is not removed; one whose payments ended is', async () => {
    using world = newLedger();
    await addAgent(world.ledger);
    await captured(world.ledger, { agent: 'other' });
    const open = await sent(world.ledger, { agent: 'other' });
    await expect(world.ledger.agents.change('other', { act: 'remove' }, T0)).rejects.toMatchObject({
      code: 'agent_busy',
    });
    await world.ledger.release(open.id, 'expired_unused', T0);
    expect((await world.ledger.agents.change('other', { act: 'remove' }, T0)).agent.state).toBe('removed');
  });
});

describe('an agent that may not act', () => {
  test.each(['suspended', 'removed', 'unknown'] as const)('%s: it holds nothing', async (bar) => {
    using world = newLedger();
    if (bar !== 'unknown') await addAgent(world.ledger);
    if (bar === 'suspended') await world.open().agents.change('other', { act: 'suspend' }, T0);
    if (bar === 'removed') await world.open().agents.change('other', { act: 'remove' }, T0);
    expect(await world.ledger.openHold(holdRequest({ agent: 'other' }))).toEqual({ kind: 'barred', bar });
    await held(world.ledger);
  });

  test('suspended: what is held is not signed, what is signed or unknown is not sent, and its end is still told', async () => {
    using world = newLedger();
    await addAgent(world.ledger);
    const { ledger } = world;
    const agent = 'other';
    const toSign = await held(ledger, { agent });
    const toSend = await held(ledger, { agent });
    await ledger.recordSigned(toSend.id, SIGNED, T0);
    const again = await sent(ledger, { agent });
    await ledger.markUnknown(again.id, 'timed_out', T0);
    await world.open().agents.change(agent, { act: 'suspend' }, T0);
    const barred = { kind: 'barred', bar: 'suspended' };
    expect(await ledger.recordSigned(toSign.id, SIGNED, T0)).toEqual(barred);
    expect(await ledger.markSent(toSend.id, SEND)).toEqual(barred);
    expect(await ledger.markSent(again.id, SEND)).toEqual(barred);
    expect((await ledger.release(toSign.id, 'never_signed', T0)).kind).toBe('done');
    expect((await ledger.release(again.id, 'expired_unused', T0)).kind).toBe('done');
    await ledger.agents.change(agent, { act: 'resume' }, T0);
    expect((await ledger.markSent(toSend.id, SEND)).kind).toBe('done');
    expect((await ledger.audit()).findings).toEqual([]);
  });
});

describe('behind the owner’s back', () => {
  test('a suspension that is taken out of the register stops everything, and an audit tells of it', async () => {
    using world = newLedger();
    await addAgent(world.ledger);
    await world.ledger.agents.change('other', { act: 'suspend' }, T0);
    editBehind(world.path, `UPDATE register SET entries = replace(entries, 'suspended', 'active')`);
    const reopened = world.open();
    await expect(reopened.openHold(holdRequest({ agent: 'other' }))).rejects.toMatchObject({
      code: 'ledger_damaged',
    });
    await expect(reopened.agents.ofToken(token('other'), T0)).rejects.toThrow('vouches');
    expect((await reopened.audit()).findings.map(({ where }) => where)).toContain('register');
  });

  test('a register put back to before the suspension is not the newest', async () => {
    using world = newLedger();
    await addAgent(world.ledger);
    const rows: unknown[] = [];
    editBehind(world.path, (db) => void rows.push(...db.prepare('SELECT * FROM register').all()));
    await world.ledger.agents.change('other', { act: 'suspend' }, T0);
    editBehind(world.path, (db) => {
      const put = db.prepare('INSERT OR REPLACE INTO register VALUES (@bucket, @entries)');
      for (const row of rows) put.run(row);
    });
    await expect(world.open().openHold(holdRequest({ agent: 'other' }))).rejects.toMatchObject({
      code: 'ledger_damaged',
    });
  });
});
