import {
  type AgentChange,
  type AgentChanged,
  type AgentRecord,
  unknownAgent,
} from '../ledger/books/agent.js';
import { randomBytes } from 'node:crypto';
import { updateConfig } from '../config/configFile.js';
import type { Config } from '../config/settings.js';
import { WalletError } from '../errors/walletError.js';
import type { UnlockedWallet } from '../keys/keystore.js';
import type { Ledger } from '../ledger/ledger.js';
import { AGENT_NAME, hashToken, tokenOf } from '../money/agent.js';
import { placesOf } from '../wallet/agentAddress.js';
import { rememberLedger } from '../wallet/checkpoint.js';
import { noteAddresses } from './knownAddresses.js';
import { moneyAt, type AddressMoney } from './ownAddresses.js';
import { provedConfig, withLedger } from './ownerConfig.js';
import { unlockAsAnyone, unlockAsOwner, type OwnerOptions, type OwnerOperation } from './auth/ownerAuth.js';

/** 256 random bits: nobody guesses a token, so none needs a slow hash. */
const TOKEN_BYTES = 32;

/** An agent as its owner sees it. `lost`: the config knows its keys and a rebuilt ledger no longer knows it. */
export interface AgentLine {
  readonly name: string;
  readonly index: number;
  readonly state: AgentRecord['state'] | 'lost';
  readonly address: `0x${string}`;
  readonly addedMs: number | null;
  readonly tokenMs: number | null;
}

/** Takes a new token to where its owner wants it, before it opens anything. Throws where it cannot. */
export type DeliverToken = (token: string) => Promise<void>;

/** Every agent that ever was, in the order of their keys. Throws the codes of keystore, config and ledger. */
export async function listAgents(options: OwnerOptions): Promise<AgentLine[]> {
  const keys = await unlockAsAnyone(options);
  return withLedger(options, keys, async (ledger) => {
    const known = await ledger.agents.list();
    const lost = [...provedConfig(options.home, keys).agents.index].filter(
      ([name]) => !known.some((agent) => agent.name === name),
    );
    const lines = [
      ...known.map((agent) => lineOf(keys, agent)),
      ...lost.map(([name, index]) => lineOf(keys, { name, index, state: 'lost', addedMs: 0, tokenMs: null })),
    ];
    return (await Promise.all(lines)).sort((a, b) => a.index - b.index);
  });
}

/** One agent. Throws `agent_unknown`, and as {@link listAgents}. */
export async function findAgentLine(options: OwnerOptions, name: string): Promise<AgentLine> {
  const found = (await listAgents(options)).find((agent) => agent.name === name);
  if (found === undefined) throw unknownAgent(name);
  return found;
}

/** An agent with its address. */
export async function lineOf(
  keys: UnlockedWallet,
  {
    name,
    index,
    state,
    addedMs,
    tokenMs,
  }: Pick<AgentRecord, 'name' | 'index' | 'addedMs' | 'tokenMs'> & {
    readonly state: AgentLine['state'];
  },
): Promise<AgentLine> {
  const address = await keys.evmAddress(index);
  return { name, index, state, address, addedMs: addedMs === 0 ? null : addedMs, tokenMs };
}

/**
 * Adds an agent with keys and a token of its own: the owner's alone. One whose keys the config knows and a rebuilt
 * ledger forgot comes back with the same keys.
 *
 * The config learns of the keys first: a crash between leaves keys that no agent ever gets, never keys that two get.
 *
 * Throws `bad_input` for a name that is taken or does not fit, and in a wallet of one imported key.
 */
export async function addAgent(
  options: OwnerOptions,
  name: string,
  deliver: DeliverToken,
): Promise<AgentLine> {
  checkName(name);
  const keys = await unlockAsOwner(options, {
    what: `Adding the agent ${name}`,
    action: { kind: 'addAgent', name },
  });
  if (keys.secretKind !== 'phrase') {
    throw new WalletError(
      'bad_input',
      'This wallet is one imported key, and so one agent: further agents need keys of their own, from a wallet that has a recovery phrase. Nothing was added.',
      {
        owner: {
          say: 'Make a wallet with a phrase in another folder (PURSER_HOME), and send its agents their money.',
          action: { kind: 'setUp' },
        },
      },
    );
  }
  return withLedger(options, keys, async (ledger) => {
    const taken = await ledger.agents.find(name);
    if (taken !== null) throw nameTaken(name, taken);
    const index = await reserveIndex(options, keys, ledger, name);
    const token = newToken(name);
    await deliver(token);
    const change = { act: 'add', index, tokenHash: hashToken(token) } as const;
    const { agent } = await changeAgent(options, keys, ledger, name, change);
    await noteAddresses(options.home, keys, provedConfig(options.home, keys));
    return lineOf(keys, agent);
  });
}

/** Throws `bad_input` for a name that does not fit. */
export function checkName(name: string): void {
  if (AGENT_NAME.test(name)) return;
  throw new WalletError(
    'bad_input',
    'An agent is named by 1 to 32 small letters, digits and hyphens, a letter first.',
  );
}

function nameTaken(name: string, { state }: AgentRecord): WalletError {
  return new WalletError(
    'bad_input',
    state === 'removed'
      ? `An agent ${name} was removed: its payments keep its name, so choose another.`
      : `There is an agent ${name} already.`,
  );
}

/** The keys of an agent, written into the config: those it had, or the first that nobody ever had. */
async function reserveIndex(
  options: OwnerOptions,
  keys: UnlockedWallet,
  ledger: Ledger,
  name: string,
): Promise<number> {
  let index = 0;
  const mac = (data: string): Uint8Array => keys.mac('config', data);
  const config = await updateConfig(options.home, mac, async (current) => {
    const known = current.agents.index;
    const used = [...known.values(), ...(await ledger.agents.list()).map((agent) => agent.index)];
    index = known.get(name) ?? 1 + Math.max(0, ...used);
    return { ...current, agents: { ...current.agents, index: new Map(known).set(name, index) } };
  });
  await ledger.noteConfigVersion(config.version, options.now());
  return index;
}

/** Gives an agent a new token in the place of its old one: the owner's alone. Throws `agent_unknown`. */
export async function rotateToken(
  options: OwnerOptions,
  name: string,
  deliver: DeliverToken,
): Promise<AgentLine> {
  checkName(name);
  const operation: OwnerOperation = {
    what: `Giving the agent ${name} a new token`,
    action: { kind: 'rotateAgent', name },
  };
  const keys = await unlockAsOwner(options, operation);
  return withLedger(options, keys, async (ledger) => {
    const agent = await replaceToken(ledger, name, deliver, options.now());
    await rememberLedger(keys, ledger);
    return lineOf(keys, agent);
  });
}

/** The same over an open ledger, for who has proved the owner. */
export async function replaceToken(
  ledger: Pick<Ledger, 'agents'>,
  name: string,
  deliver: DeliverToken,
  nowMs: number,
): Promise<AgentRecord> {
  const agent = await ledger.agents.find(name);
  if (agent === null || agent.state === 'removed') throw unknownAgent(name);
  const token = newToken(name);
  await deliver(token);
  return (await ledger.agents.change(name, { act: 'rotate', tokenHash: hashToken(token) }, nowMs)).agent;
}

/** Lets an agent act again: the owner's alone. Throws `agent_unknown`. */
export async function resumeAgent(options: OwnerOptions, name: string): Promise<Changed> {
  checkName(name);
  const operation: OwnerOperation = {
    what: `Letting the agent ${name} act again`,
    action: { kind: 'resumeAgent', name },
  };
  return changeState(options, await unlockAsOwner(options, operation), name, 'resume');
}

/** Stops an agent, at once and in every process: whoever can unlock the keys may. Throws `agent_unknown`. */
export async function suspendAgent(options: OwnerOptions, name: string): Promise<Changed> {
  checkName(name);
  return changeState(options, await unlockAsAnyone(options), name, 'suspend');
}

/** What became of a change. */
export interface Changed {
  readonly agent: AgentLine;
  /** False where it was so already. */
  readonly changed: boolean;
}

/** What the keys of an index have on each enabled network. */
export async function balancesOf(
  config: Config,
  keys: UnlockedWallet,
  index: number,
): Promise<AddressMoney[]> {
  return moneyAt(config, await placesOf(config, keys, index));
}

async function changeState(
  options: OwnerOptions,
  keys: UnlockedWallet,
  name: string,
  act: 'suspend' | 'resume',
): Promise<Changed> {
  return withLedger(options, keys, async (ledger) => {
    const { agent, changed } = await changeAgent(options, keys, ledger, name, { act });
    return { agent: await lineOf(keys, agent), changed };
  });
}

/** Changes an agent, and has the keystore remember that it was. */
async function changeAgent(
  { now }: Pick<OwnerOptions, 'now'>,
  keys: UnlockedWallet,
  ledger: Ledger,
  name: string,
  change: AgentChange,
): Promise<AgentChanged> {
  const changed = await ledger.agents.change(name, change, now());
  await rememberLedger(keys, ledger);
  return changed;
}

function newToken(name: string): string {
  return tokenOf(name, randomBytes(TOKEN_BYTES).toString('base64url'));
}
