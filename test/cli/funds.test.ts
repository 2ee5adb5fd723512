import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mnemonicToAccount, privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SOLANA_DEVNET } from '../../sandbox/solana/chain.ts';
import { startSandbox, type Sandbox } from '../../sandbox/world.ts';
import { generatePhrase } from '../../src/keys/phrase.js';
import { makeScratch, noTerminal, openTerminal, spawnPurser, type Run, type Scratch } from './program.js';

const DOLLAR = 1_000_000n;
const OWNER = privateKeyToAccount(`0x${'5a'.repeat(32)}`).address;
const NETWORK = 'eip155:84532';

let sandbox: Sandbox;
let scratch: Scratch;
let phrase: string;

/** Makes the wallet of the phrase on what may be an empty machine, and answers what it said. */
async function restore(): Promise<Record<string, unknown>> {
  const run = await scratch.purser(
    [
      ...['init', '--keystore', 'file', '--passphrase-file', scratch.passphraseFile, '--yes', '--testnet'],
      ...['--restore-stdin', '--rpc', `${NETWORK}=${sandbox.rpcUrl}`],
      ...['--rpc', `${SOLANA_DEVNET}=${sandbox.solanaRpcUrl}`, '--json'],
    ],
    { input: phrase },
  );
  expect(run).toMatchObject({ exit: 0, err: '' });
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
  [sandbox, scratch] = [await startSandbox(), makeScratch()];
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
      /Send USDC on Base Sepolia to this address\. No other coin is needed: paying takes no gas/,
    );
    expect(await scratch.json(['fund', '--network', NETWORK], unlocked)).toMatchObject({
      funding: [{ network: NETWORK, asset: 'USDC', address: addressOf(0) }],
      arrived: null,
    });
    expect(await asAnyone('fund', '--network', 'eip155:1')).toMatchObject({ exit: 3 });
  });

  it.skipIf(noTerminal() !== null)('shows a code of the plain address on a terminal', async () => {
    const env = scratch.env({ PURSER_PASSPHRASE_FILE: scratch.passphraseFile });
    const { exit, screen } = await openTerminal(['fund'], env).end();
    expect(exit).toBe(0);
    expect(screen).toMatch(/[▄▀█]{20}/);
  });

  it('waits until money arrives, and says so at once', async () => {
    const child = spawnPurser(
      ['fund', '--wait'],
      scratch.env({ PURSER_PASSPHRASE_FILE: scratch.passphraseFile }),
    );
    let out = '';
    child.stdout?.on('data', (piece: Buffer) => (out += piece.toString()));
    let said = '';
    child.stderr?.on('data', (piece: Buffer) => (said += piece.toString()));
    while (!said.includes('Waiting for more')) await once(child.stderr!, 'data');
    await sandbox.chain.fund(addressOf(0), 7n * DOLLAR);
    const [exit] = (await once(child, 'close')) as [number];
    expect(exit).toBe(0);
    expect(out).toContain('7 USDC arrived on Base Sepolia; 7 USDC is there now.');
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
    expect(JSON.parse(agent.out)).toMatchObject({ code: 'needs_owner' });
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
      screen: expect.stringContaining('and the chain shows it'),
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
    expect(listed.out).toContain('withdrawn to 0x');
    expect((await asAnyone('ledger', 'show', withdrawal.id)).out).toContain(OWNER);
    const audit = await scratch.json(['audit'], unlocked);
    expect(audit).toMatchObject({ payments: 0, findings: [], captured_usd: '0.00' });
    expect(audit['withdrawn_usd']).toBe('7.00');
  });
});

describe('agents fund and sweep', () => {
  it('are the owner’s, and know the wallet’s agents', async () => {
    const agent = await asAnyone('agents', 'fund', 'nobody', '--usd', '1', '--yes', '--json');
    expect(agent.exit).toBe(3);
    expect(JSON.parse(agent.out)).toMatchObject({ code: 'needs_owner' });
    for (const args of [
      ['fund', 'nobody', '--usd', '1'],
      ['sweep', 'nobody'],
    ]) {
      const run = await asOwner('agents', ...args, '--yes', '--json');
      expect(JSON.parse(run.out)).toMatchObject({ code: 'agent_unknown', money: 'none' });
    }
    expect(await asOwner('agents', 'sweep', 'default', '--yes')).toMatchObject({ exit: 2 });
  });
});

it('a phrase on an empty machine brings the money back, and says what it found', async () => {
  await sandbox.chain.fund(addressOf(0), 3n * DOLLAR);
  await sandbox.chain.fund(addressOf(2), DOLLAR + 1n);
  rmSync(scratch.home, { recursive: true });
  expect(await restore()).toMatchObject({
    made: 'restored',
    address: addressOf(0),
    found: [
      { network: NETWORK, index: 0, address: addressOf(0), amount: '3' },
      { network: NETWORK, index: 2, address: addressOf(2), amount_atomic: '1000001' },
    ],
  });
  const before = await sandbox.chain.balanceOf(OWNER);
  expect(await asOwner('withdraw', '--to', OWNER, '--all', '--yes')).toMatchObject({ exit: 0 });
  expect((await sandbox.chain.balanceOf(OWNER)) - before).toBe(3n * DOLLAR);
  rmSync(scratch.home, { recursive: true });
  await sandbox.rpc.setFault({ kind: 'down' });
  expect(await restore()).toMatchObject({ found: [], not_looked_at: ['Base Sepolia'] });
  await sandbox.rpc.setFault(null);
});

it('balance leaves the line of a dead RPC unknown, and asks the next one in a list', async () => {
  await sandbox.rpc.setFault({ kind: 'down' });
  const dead = await scratch.json<{ balances: unknown[] }>(['balance'], unlocked);
  expect(dead.balances).toMatchObject([
    { network: NETWORK, on_chain: null, spendable: null, held: '0' },
    { network: SOLANA_DEVNET, on_chain: '0' },
  ]);
  const spare = await sandbox.addRpc();
  const list = JSON.stringify([sandbox.rpcUrl, spare.url]);
  expect(await asOwner('config', 'set', `networks.${NETWORK}.rpc_url`, list)).toMatchObject({ exit: 0 });
  const again = await scratch.json<{ balances: unknown[] }>(['balance'], unlocked);
  expect(again.balances).toMatchObject([
    { network: NETWORK, on_chain: '0', address: addressOf(0) },
    { network: SOLANA_DEVNET },
  ]);
  await sandbox.rpc.setFault(null);
});
