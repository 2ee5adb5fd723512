import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { mnemonicToAccount, privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { namedSigner, SOLANA_DEVNET } from '../../sandbox/solana/chain.ts';
import { TEMPO_TESTNET } from '../../sandbox/tempo/chain.ts';
import { startSandbox, type Sandbox, type TempoWorld } from '../../sandbox/world.ts';
import { generatePhrase } from '../../src/keys/secret/phrase.js';
import { holdSecret } from '../../src/keys/secret/secret.js';
import { deriveSolanaAccount } from '../../src/keys/signer/solanaKey.js';
import { quicken } from '../support/quickWallet.js';
import {
  makeScratch,
  PASSPHRASE,
  noTerminal,
  openTerminal,
  spawnPurser,
  type Run,
  type Scratch,
} from './program.js';

const DOLLAR = 1_000_000n;
const OWNER = privateKeyToAccount(`0x${'5a'.repeat(32)}`).address;
const NETWORK = 'eip155:84532';

let sandbox: Sandbox;
let tempo: TempoWorld;
let scratch: Scratch;
let phrase: string;

/** Makes the wallet of the phrase on what may be an empty machine, and answers what it said. */
async function restore(): Promise<Record<string, unknown>> {
  const run = await scratch.purser(
    [
      ...['init', '--keystore', 'file', '--passphrase-file', scratch.passphraseFile, '--yes', '--testnet'],
      ...['--restore-stdin', '--rpc', `${NETWORK}=${sandbox.rpcUrl}`],
      ...['--rpc', `${SOLANA_DEVNET}=${sandbox.solanaRpcUrl}`],
      ...['--rpc', `${TEMPO_TESTNET}=${tempo.rpc.url}`, '--json'],
    ],
    { input: phrase },
  );
  expect(run).toMatchObject({ exit: 0, err: '' });
  await quicken(scratch.home, PASSPHRASE);
  for (const [key, value] of [
    ['net.allow_private', JSON.stringify([sandbox.facilitator.hostPort])],
    ['withdrawals.facilitator_url', sandbox.facilitator.url],
  ] as const) {
    const set = ['config', 'set', key, value, '--passphrase-file', scratch.passphraseFile];
    expect(await scratch.purser(set)).toMatchObject({ exit: 0 });
  }
  return JSON.parse(run.out) as Record<string, unknown>;
}

const addressOf = (index: number): `0x${string}` =>
  mnemonicToAccount(phrase, { addressIndex: index }).address;
const solanaAddressOf = async (index: number): Promise<string> =>
  (await deriveSolanaAccount(holdSecret({ kind: 'phrase', phrase }), index)).address;
const unlocked = {
  env: {
    get PURSER_PASSPHRASE_FILE() {
      return scratch.passphraseFile;
    },
  },
};
const asAnyone = (...args: string[]): Promise<Run> => scratch.purser(args, unlocked);
const asOwner = (...args: string[]): Promise<Run> =>
  scratch.purser([...args, '--passphrase-file', scratch.passphraseFile]);

beforeAll(async () => {
  [sandbox, scratch] = [await startSandbox(), makeScratch({ here: true })];
  tempo = await sandbox.addTempo();
  const secret = await generatePhrase();
  phrase = secret.kind === 'phrase' ? secret.phrase : '';
  expect(await restore()).toMatchObject({ made: 'restored', found: [], not_looked_at: [] });
});

afterAll(async () => {
  scratch.remove();
  await sandbox.stop();
});

describe('fund', () => {
  it('says which token on which network, and that no gas coin is needed', async () => {
    const run = await asAnyone('fund');
    expect(run).toMatchObject({ exit: 0, err: '' });
    expect(run.out.split('\n')[0]).toBe(addressOf(0));
    expect(run.out).toMatch(
      /Send USDC on Base Sepolia, or pathUSD on Tempo testnet to this address\. No other coin is needed to pay\./,
    );
    expect(await scratch.json(['fund', '--network', NETWORK], unlocked)).toMatchObject({
      funding: [{ network: NETWORK, asset: 'USDC', address: addressOf(0) }],
      arrived: null,
    });
    expect(run.out).toContain(await solanaAddressOf(0));
    expect(run.out).toMatch(
      /Send USDC on Solana devnet to this address\. No SOL is needed: sellers pay the fees, and whoever sends first makes the USDC account/,
    );
    expect(await asAnyone('fund', '--network', 'eip155:1')).toMatchObject({ exit: 3 });
  });

  it.skipIf(noTerminal() !== null)('shows a code of the plain address on a terminal', async () => {
    const env = scratch.env({ PURSER_PASSPHRASE_FILE: scratch.passphraseFile });
    const { exit, screen } = await openTerminal(['fund'], env).end();
    expect(exit).toBe(0);
    expect(screen).toMatch(/[▄▀█]{20}/);
  });

  it.each([
    ['Base Sepolia', NETWORK, () => sandbox.chain.fund(addressOf(0), 7n * DOLLAR)],
    // There was no token account: that is nothing, and no fault.
    ['Solana devnet', SOLANA_DEVNET, async () => sandbox.solana.fund(await solanaAddressOf(0), 7n * DOLLAR)],
  ])('waits until money arrives on %s, and says so at once', async (label, network, send) => {
    const child = spawnPurser(
      ['fund', '--wait', '--network', network],
      scratch.env({ PURSER_PASSPHRASE_FILE: scratch.passphraseFile }),
    );
    let out = '';
    child.stdout?.on('data', (piece: Buffer) => (out += piece.toString()));
    let said = '';
    child.stderr?.on('data', (piece: Buffer) => (said += piece.toString()));
    while (!said.includes('Waiting for more')) await once(child.stderr!, 'data');
    await send();
    const [exit] = (await once(child, 'close')) as [number];
    expect(exit).toBe(0);
    expect(said).toContain(`0 USDC is on ${label} now`);
    expect(out).toContain(`7 USDC arrived on ${label}; 7 USDC is there now.`);
  });
});

describe('withdraw', () => {
  it('is the owner’s alone, and asks unless told not to', async () => {
    const take = ['withdraw', '--to', OWNER, '--usd', '2.50'];
    const unasked = await asOwner(...take);
    expect(unasked.exit).toBe(2);
    expect(unasked.err).toContain('needs --yes');
    const agent = await asAnyone(...take, '--yes', '--json');
    expect(agent.exit).toBe(3);
    expect(JSON.parse(agent.out)).toMatchObject({ code: 'owner_proof_needed' });
    expect(agent.out).toContain(`withdraw --to ${OWNER} --usd 2.50 --passphrase-file FILE`);
    expect(await sandbox.chain.balanceOf(OWNER)).toBe(0n);
  });

  it.each([
    ['no address', ['--usd', '1']],
    ['no amount', ['--to', OWNER]],
    ['two amounts', ['--to', OWNER, '--usd', '1', '--all']],
    ['nothing', ['--to', OWNER, '--usd', '0']],
    ['less than a unit', ['--to', OWNER, '--usd', '0.0000001']],
    ['a sign', ['--to', OWNER, '--usd', '-1']],
    [
      'an address with a slip',
      ['--to', OWNER.replace(/[a-f]/, (letter) => letter.toUpperCase()), '--usd', '1'],
    ],
  ])('refuses %s', async (_what, args) => {
    expect(await asOwner('withdraw', ...args, '--yes')).toMatchObject({ exit: 2, out: '' });
  });

  it('shows what would happen, and does it for a yes alone', async () => {
    const take = ['withdraw', '--to', OWNER, '--usd', '2.50', '--passphrase-file', scratch.passphraseFile];
    if (noTerminal() !== null) return;
    const unsure = openTerminal(take, scratch.env());
    await unsure.sees('2.5 USDC');
    await unsure.sees(OWNER);
    await unsure.sees('no gas needed');
    await unsure.sees('[y/N] ');
    unsure.type('\r');
    expect((await unsure.end()).exit).toBe(1);
    expect(await sandbox.chain.balanceOf(OWNER)).toBe(0n);
    const sure = openTerminal(take, scratch.env());
    await sure.sees('[y/N] ');
    sure.type('y\r');
    const { exit, screen } = await sure.end();
    expect({ exit, screen }).toMatchObject({
      exit: 0,
      screen: expect.stringContaining(' without gas, and the chain shows it'),
    });
    expect(await sandbox.chain.balanceOf(OWNER)).toBe(2_500_000n);
  });

  it('takes all, and ledger and audit know of it', async () => {
    const { withdrawal } = JSON.parse(
      (await asOwner('withdraw', '--to', OWNER, '--all', '--yes', '--json')).out,
    ) as { withdrawal: { id: string } };
    expect(withdrawal).toMatchObject({
      state: 'captured',
      confirmed: true,
      via: 'facilitator',
      pay_to: OWNER,
    });
    expect(await sandbox.chain.balanceOf(addressOf(0))).toBe(0n);
    const listed = await asAnyone('ledger');
    expect(listed.out).toContain('your own transfer to 0x');
    expect((await asAnyone('ledger', 'show', withdrawal.id)).out).toContain(OWNER);
    const audit = await scratch.json(['audit'], unlocked);
    expect(audit).toMatchObject({ payments: 0, findings: [], captured_usd: '0.00' });
    expect(audit['withdrawn_usd']).toBe('7.00');
    expect(audit['compared_by_agent']).toMatchObject([{ agent: 'default', network: NETWORK }]);
  });
});

it('takes all out on Solana by the address alone, and its audit compares both chains', async () => {
  const { address: to } = await namedSigner('an owner of Solana');
  const take = ['withdraw', '--to', to, '--all', '--yes', '--json'];
  const refused = await asOwner(...take);
  expect(JSON.parse(refused.out)).toMatchObject({
    code: 'gas_missing',
    message: expect.stringContaining('The recipient has no USDC account on Solana devnet yet') as unknown,
  });
  await sandbox.solana.fund(to, 0n);
  expect(JSON.parse((await asOwner(...take)).out)).toMatchObject({
    status: 'ok',
    withdrawal: { via: 'facilitator', state: 'captured', confirmed: true, network: SOLANA_DEVNET },
  });
  expect(await sandbox.solana.balanceOf(to)).toBe(7n * DOLLAR);
  expect(await scratch.json(['audit'], unlocked)).toMatchObject({
    findings: [],
    withdrawn_usd: '14.00',
    compared_by_agent: [
      { agent: 'default', network: NETWORK },
      { agent: 'default', network: SOLANA_DEVNET, payments: 1 },
    ],
  });
});

describe('agents fund and sweep', () => {
  it('are the owner’s, and know the wallet’s agents', async () => {
    const agent = await asAnyone('agents', 'fund', 'nobody', '--usd', '1', '--yes', '--json');
    expect(agent.exit).toBe(3);
    expect(JSON.parse(agent.out)).toMatchObject({ code: 'owner_proof_needed' });
    for (const args of [
      ['fund', 'nobody', '--usd', '1'],
      ['sweep', 'nobody'],
    ]) {
      const run = await asOwner('agents', ...args, '--yes', '--json');
      expect(JSON.parse(run.out)).toMatchObject({ code: 'agent_unknown', money: 'none' });
    }
    expect(await asOwner('agents', 'sweep', 'default', '--yes')).toMatchObject({ exit: 2 });
  });

  it('move it on the network that has it, and bring it back from both', async () => {
    const token = join(scratch.home, '..', 'researcher.token');
    const added = await asOwner('agents', 'add', 'researcher', '--token-file', token);
    expect(added).toMatchObject({ exit: 0 });
    const there = await solanaAddressOf(1);
    const shown = await asAnyone('fund', '--agent', 'researcher');
    expect(shown.out).toContain(addressOf(1));
    expect(shown.out).toContain(there);
    expect(shown.out).not.toContain(addressOf(0));
    expect(await asAnyone('fund', '--agent', 'nobody')).toMatchObject({ exit: 6 });
    await sandbox.solana.fund(await solanaAddressOf(0), 5n * DOLLAR);
    const fund = ['agents', 'fund', 'researcher', '--usd', '5', '--yes', '--json'];
    // A new agent has no token account, and its owner no SOL to make one.
    expect(JSON.parse((await asOwner(...fund)).out)).toMatchObject({ code: 'gas_missing', money: 'none' });
    sandbox.solana.giveGas(await solanaAddressOf(0), DOLLAR * 10n);
    expect(JSON.parse((await asOwner(...fund)).out)).toMatchObject({
      withdrawal: { via: 'own_gas', network: SOLANA_DEVNET, pay_to: there },
    });
    expect(await sandbox.solana.balanceOf(there)).toBe(5n * DOLLAR);
    await sandbox.chain.fund(addressOf(1), 2n * DOLLAR);
    const left = await scratch.json<{ money_left: unknown }>(['uninstall', '--yes'], unlocked);
    expect(left.money_left).toEqual([
      { agent: 'researcher', on_chain: '2', asset: 'USDC', network: 'Base Sepolia' },
      { agent: 'researcher', on_chain: '5', asset: 'USDC', network: 'Solana devnet' },
    ]);
    const swept = await asOwner('agents', 'sweep', 'researcher', '--yes', '--json');
    expect(swept).toMatchObject({ exit: 0 });
    expect(JSON.parse(swept.out)).toMatchObject({
      status: 'ok',
      networks: [
        { withdrawal: { network: NETWORK, pay_to: addressOf(0), via: 'facilitator' } },
        { withdrawal: { network: SOLANA_DEVNET, pay_to: await solanaAddressOf(0), via: 'facilitator' } },
      ],
    });
    expect(await sandbox.solana.balanceOf(there)).toBe(0n);
    await sandbox.solana.fund(there, DOLLAR);
    const removed = await asOwner('agents', 'remove', 'researcher', '--json');
    expect(JSON.parse(removed.out)).toMatchObject({
      status: 'ok',
      swept: [{ network: SOLANA_DEVNET, amount: '1', to: await solanaAddressOf(0) }],
    });
    // What follows begins with an empty first agent.
    const owner = (await namedSigner('an owner of Solana')).address;
    expect(await asOwner('withdraw', '--to', owner, '--all', '--yes')).toMatchObject({ exit: 0 });
    expect(await asOwner('withdraw', '--to', OWNER, '--all', '--yes')).toMatchObject({ exit: 0 });
  });
});

it('a statement tells deposits, moves and withdrawals of both chains, and adds up to the unit', async () => {
  type Line = Record<'kind' | 'change_atomic' | 'amount_atomic' | 'agent' | 'other', string>;
  interface Account {
    readonly network: string;
    readonly opening_atomic: string;
    readonly closing_atomic: string;
    readonly lines: readonly Line[];
    readonly notes: readonly string[];
  }
  const { accounts } = await scratch.json<{ accounts: Account[] }>(
    ['ledger', '--view', 'statement'],
    unlocked,
  );
  expect(accounts.map(({ network }) => network)).toEqual([NETWORK, SOLANA_DEVNET]);
  for (const { opening_atomic: opening, closing_atomic: closing, lines, notes } of accounts) {
    const sum = lines.reduce((all, line) => all + BigInt(line.change_atomic), 0n);
    expect([BigInt(opening) + sum, opening, notes]).toEqual([BigInt(closing), '0', []]);
  }
  const told = accounts.map(({ lines }) =>
    lines.map(({ kind, agent, other, amount_atomic: amount }) => [
      ...[kind, agent, Number(amount) / Number(DOLLAR)],
      ...(kind === 'move' || kind === 'withdrawal' ? [other] : []),
    ]),
  );
  const onSolana = (await namedSigner('an owner of Solana')).address;
  expect(told).toEqual([
    [
      ['deposit', 'default', 7],
      ['withdrawal', 'default', 2.5, OWNER],
      ['withdrawal', 'default', 4.5, OWNER],
      ['deposit', 'researcher', 2],
      ['move', 'researcher', 2, 'default'],
      ['withdrawal', 'default', 2, OWNER],
    ],
    [
      ['deposit', 'default', 7],
      ['withdrawal', 'default', 7, onSolana],
      ['deposit', 'default', 5],
      ['move', 'default', 5, 'researcher'],
      ['move', 'researcher', 5, 'default'],
      ['deposit', 'researcher', 1],
      ['move', 'researcher', 1, 'default'],
      ['withdrawal', 'default', 6, onSolana],
    ],
  ]);

  // Remembered: without keys, and without a chain, it says the same.
  const again = await scratch.purser(['ledger', '--view', 'statement', '--json']);
  expect((JSON.parse(again.out) as { accounts: Account[] }).accounts).toEqual(accounts);
  expect(again.err).toContain('The chains were not read');
  const books = await asAnyone('ledger', '--view', 'statement', '--beancount');
  expect(books.out).toMatch(/balance Assets:Purser:Base-Sepolia:USDC {2}0 USDC/);
  expect(await asAnyone('ledger', '--view', 'statement', '--month', '2026-13')).toMatchObject({ exit: 2 });
  expect(await asAnyone('ledger', '--beancount')).toMatchObject({ exit: 2 });
});

it('a phrase on an empty machine brings the money back, and says what it found', async () => {
  await sandbox.chain.fund(addressOf(0), 3n * DOLLAR);
  await sandbox.chain.fund(addressOf(2), DOLLAR + 1n);
  await sandbox.solana.fund(await solanaAddressOf(3), DOLLAR + 2n);
  rmSync(scratch.home, { recursive: true });
  expect(await restore()).toMatchObject({
    made: 'restored',
    address: addressOf(0),
    found: [
      { network: NETWORK, index: 0, address: addressOf(0), amount: '3', payments: 3 },
      { network: NETWORK, index: 1, address: addressOf(1), amount: '0', payments: 1 },
      { network: NETWORK, index: 2, address: addressOf(2), amount_atomic: '1000001', payments: 0 },
      { network: SOLANA_DEVNET, index: 0, address: await solanaAddressOf(0), amount: '0', payments: 3 },
      { network: SOLANA_DEVNET, index: 1, address: await solanaAddressOf(1), amount: '0', payments: 2 },
      { network: SOLANA_DEVNET, index: 3, address: await solanaAddressOf(3), amount_atomic: '1000002' },
    ],
  });
  const before = await sandbox.chain.balanceOf(OWNER);
  expect(await asOwner('withdraw', '--to', OWNER, '--all', '--yes')).toMatchObject({ exit: 0 });
  expect((await sandbox.chain.balanceOf(OWNER)) - before).toBe(3n * DOLLAR);
  rmSync(scratch.home, { recursive: true });
  await sandbox.rpc.setFault({ kind: 'down' });
  const half = await restore();
  expect(half).toMatchObject({ not_looked_at: ['Base Sepolia'] });
  expect(half['found']).toHaveLength(3);
  await sandbox.rpc.setFault(null);
});

it('balance leaves the line of a dead RPC unknown, and asks the next one in a list', async () => {
  await sandbox.rpc.setFault({ kind: 'down' });
  const dead = await scratch.json<{ balances: unknown[] }>(['balance'], unlocked);
  expect(dead.balances).toMatchObject([
    { network: NETWORK, on_chain: null, spendable: null, held: '0' },
    { network: SOLANA_DEVNET, on_chain: '0' },
    { network: TEMPO_TESTNET, on_chain: '0' },
  ]);
  const spare = await sandbox.addRpc();
  const list = JSON.stringify([sandbox.rpcUrl, spare.url]);
  expect(await asOwner('config', 'set', `networks.${NETWORK}.rpc_url`, list)).toMatchObject({ exit: 0 });
  const again = await scratch.json<{ balances: unknown[] }>(['balance'], unlocked);
  expect(again.balances).toMatchObject([
    { network: NETWORK, on_chain: '0', address: addressOf(0) },
    { network: SOLANA_DEVNET },
    { network: TEMPO_TESTNET },
  ]);
  await sandbox.rpc.setFault(null);
});

describe('allowance', () => {
  const there = ['--network', NETWORK, '--asset', 'USDC', '--yes'];
  const allowed = (): Promise<bigint> => sandbox.chain.permit2Allowance(addressOf(0));

  it('is the owner’s to give, for gas that is named where it is missing', async () => {
    await sandbox.chain.giveGas(addressOf(0), 0n);
    const poor = await asOwner('allowance', 'set', '5', ...there);
    expect(poor).toMatchObject({ exit: 3 });
    expect(poor.err).toMatch(/costs at most about 0\.\d+ ETH of gas, and the address lacks 0\.\d+/);
    await sandbox.chain.giveGas(addressOf(0), 10n ** 18n);
    // T36: what unlocks a server gives no allowance, and nothing gives one above the bound.
    expect(await asAnyone('allowance', 'set', '5', ...there)).toMatchObject({ exit: 3, out: '' });
    expect((await asOwner('allowance', 'set', '1000.01', ...there)).err).toContain(
      'never allowed more than $1000',
    );
    expect(await allowed()).toBe(0n);

    expect((await asOwner('allowance', 'set', '5', ...there)).out).toMatch(
      /Permit2 may now move 5(\.0+)? USDC on Base Sepolia/,
    );
    expect(await allowed()).toBe(5n * DOLLAR);
  });

  it('is listed, stands in the balance and in the check-up, and is taken back', async () => {
    expect(await scratch.json(['allowance', '--network', NETWORK], unlocked)).toMatchObject({
      allowances: [{ network: NETWORK, asset: 'USDC', allowed: expect.stringMatching(/^5(\.0+)?$/) }],
    });
    expect((await asAnyone('balance')).out).toMatch(/Permit2 may move 5(\.0+)? USDC on Base Sepolia/);
    expect((await asAnyone('doctor', '--no-start')).out).toContain('Permit2 may move 5');
    expect(await asOwner('allowance', 'revoke', ...there)).toMatchObject({ exit: 0 });
    expect(await allowed()).toBe(0n);
    expect((await asAnyone('balance')).out).not.toContain('Permit2');
  });
});
