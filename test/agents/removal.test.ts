import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { removeAgent } from '../../src/treasury/agentRemoval.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { addAgents, type FundedAgent } from '../http/served.js';
import { attemptsIn, signaturesIn } from '../support/books.js';
import { Patience } from '../support/patience.js';
import { anyCall, type TestWallet } from '../support/testWallet.js';
import type { Death } from '../support/walletChild.js';
import { ProcessEnded, startWalletProcess } from '../support/walletProcess.js';
import { callOf, PAST_EXPIRY_SEC, startTestWorld, type TestWorld } from '../support/world.js';

/** Odd to the last unit. */
const FUNDS = 1_234_567n;

let world: TestWorld;
let mine: TestWallet;
let owner: Wallet;
let names = 0;
const patience = new Patience();

beforeAll(async () => {
  world = await startTestWorld();
  mine = await world.wallet({ usdMicros: 0n });
  owner = mine.open();
});
afterEach(async () => {
  world.sandbox.facilitator.setFault(null);
  await world.sandbox.rpc.setFault(null);
});
afterAll(() => world.stop());

async function newAgent(usdMicros = FUNDS): Promise<FundedAgent> {
  const [agent] = await addAgents(world.sandbox, owner, [`agent-${++names}`], usdMicros);
  if (agent === undefined) throw new Error('Nobody was added.');
  return agent;
}

const balanceOf = (address: `0x${string}`): Promise<bigint> => world.sandbox.chain.balanceOf(address);

async function remove({ name }: FundedAgent, leavesMoney = false) {
  return removeAgent(await owner.engine(), name, { leavesMoney }, anyCall().signal);
}

async function stateOf({ name }: FundedAgent): Promise<string | undefined> {
  return (await (await owner.engine()).ledger.agents.find(name))?.state;
}

/** The agent is gone, and its money at the first agent's address, to the unit. */
async function expectSwept(agent: FundedAgent, before: bigint, funds = FUNDS): Promise<void> {
  expect(await stateOf(agent)).toBe('removed');
  expect(await balanceOf(agent.address)).toBe(0n);
  expect((await balanceOf(mine.address)) - before).toBe(funds);
  const { ledger } = await owner.engine();
  expect((await ledger.audit()).findings).toEqual([]);
  expect(await ledger.agents.ofToken(agent.token, Date.now())).toBeNull();
  const own = (await attemptsIn({ ledger })).filter(({ agent: name }) => name === agent.name);
  expect(own.filter(({ state }) => state !== 'captured' && state !== 'released')).toEqual([]);
}

describe('an agent that is removed', () => {
  test('has its money brought back first, to the unit', async () => {
    const [agent, before] = [await newAgent(), await balanceOf(mine.address)];
    const { swept, changed } = await remove(agent);
    expect(swept).toMatchObject([{ heldAtomic: FUNDS, payTo: mine.address, confirmed: true }]);
    expect(changed).toBe(true);
    await expectSwept(agent, before);
    await expect(remove(agent)).rejects.toMatchObject({ code: 'agent_unknown' });
  });

  test('is removed at once where it has nothing, and is never the first one', async () => {
    const agent = await newAgent(0n);
    expect((await remove(agent)).swept).toEqual([]);
    await expect(remove({ ...agent, name: 'default' })).rejects.toMatchObject({ code: 'bad_input' });
    expect(await stateOf({ ...agent, name: 'default' })).toBe('active');
    await expect(remove({ ...agent, name: 'nobody' })).rejects.toMatchObject({ code: 'agent_unknown' });
  });

  test('stays, suspended, while what it paid is open, and goes once the chain has told', async () => {
    const [agent, before] = [await newAgent(), await balanceOf(mine.address)];
    const url = world.url('/v2/json', { fault: 'hang' });
    const wallet = owner.forAgent(agent.name);
    const lost = patience.lose((bound) => wallet.pay(callOf(url, bound), anyCall()));
    expect(await lost).toMatchObject({ money: 'unknown' });
    const signed = signaturesIn(mine.home);
    await expect(remove(agent)).rejects.toMatchObject({
      code: 'agent_busy',
      message: expect.stringContaining('payments of $0.01 still open') as unknown,
    });
    await expect(remove(agent, true)).rejects.toMatchObject({ code: 'agent_busy' });
    expect(await stateOf(agent)).toBe('suspended');
    expect(await balanceOf(agent.address)).toBe(FUNDS);
    expect(signaturesIn(mine.home)).toBe(signed);
    await world.advance(PAST_EXPIRY_SEC);
    await remove(agent);
    await expectSwept(agent, before);
  });
});

describe('where its money cannot be moved', () => {
  const says = (text: string) => ({
    code: 'agent_busy',
    message: expect.stringMatching(text) as unknown,
    owner: { action: { kind: 'sweepAgent', name: expect.stringMatching(/^agent-\d+$/) as unknown } },
  });

  test('it stays, suspended, and the owner is told how much is where and what they can do', async () => {
    const [agent, before] = [await newAgent(), await balanceOf(mine.address)];
    const signed = signaturesIn(mine.home);
    world.sandbox.facilitator.setFault('idle');
    const where = `${agent.name} has 1\\.234567 USDC at ${agent.address} on Base Sepolia\\. .*leave its money`;
    await expect(remove(agent)).rejects.toMatchObject(says(where));
    await world.sandbox.rpc.setFault({ kind: 'down' });
    const unknown = `an unknown amount at ${agent.address} on Base Sepolia, whose RPC does not answer`;
    await expect(remove(agent)).rejects.toMatchObject(says(unknown));
    expect(await stateOf(agent)).toBe('suspended');
    expect(signaturesIn(mine.home)).toBe(signed);
    world.sandbox.facilitator.setFault(null);
    await world.sandbox.rpc.setFault(null);
    await remove(agent);
    await expectSwept(agent, before);
  });

  test('it is removed all the same where the owner says so, and the money is taken out later', async () => {
    const agent = await newAgent();
    world.sandbox.facilitator.setFault('idle');
    expect((await remove(agent, true)).swept).toEqual([]);
    expect([await stateOf(agent), await balanceOf(agent.address)]).toEqual(['removed', FUNDS]);
  });
});

describe('a removal whose process is killed', () => {
  const deaths: readonly Death[] = [
    { when: 'after', point: 'held' },
    { when: 'before', point: 'unknown' },
    { when: 'after', point: 'confirmed' },
  ];
  test.each(deaths.map((death) => [`${death.when} ${death.point}`, death] as const))(
    '%s goes on by the same command: the money moves once, then the agent goes',
    async (_name, death) => {
      const [agent, before] = [await newAgent(), await balanceOf(mine.address)];
      const program = await startWalletProcess(mine.home, { aheadMs: world.now() - Date.now() });
      await program.ask({ do: 'balance', input: {} });
      await program.dieAt(death);
      const removing = program.ask({ do: 'removeAgent', name: agent.name });
      await expect(removing).rejects.toThrow(ProcessEnded);
      expect(await stateOf(agent)).toBe('suspended');
      const signed = signaturesIn(mine.home);
      await remove(agent);
      expect(signaturesIn(mine.home) - signed).toBe(death.point === 'held' ? 1 : 0);
      await expectSwept(agent, before);
    },
  );
});
