import {
  type AgentChange,
  type AgentChanged,
  type AgentRecord,
  standingOf,
  unknownAgent,
} from '../ledger/books/agent.js';
import { readConfigUnauthenticated } from '../config/configFile.js';
import type { Config } from '../config/settings.js';
import { AGENT_LIFE_MS_MAX } from '../config/value/agentTemplate.js';
import { WalletError } from '../errors/walletError.js';
import type { UnlockedWallet } from '../keys/keystore.js';
import type { Ledger } from '../ledger/ledger.js';
import { hashToken } from '../money/agent.js';
import { durationText } from '../text/duration.js';
import { placesOf } from '../wallet/agentAddress.js';
import { rememberLedger } from '../wallet/checkpoint.js';
import {
  checkName,
  makeAgent,
  newToken,
  prolongedUntil,
  settleTerms,
  type DeliverToken,
  type NewAgent,
  type NewAgentTerms,
  type SettledTerms,
} from './newAgent.js';
import { moneyAt, type AddressMoney } from './ownAddresses.js';
import { provedConfig, withLedger } from './ownerConfig.js';
import { unlockAsAnyone, unlockAsOwner, type OwnerOptions, type OwnerOperation } from './auth/ownerAuth.js';

/**
 * An agent as its owner sees it. `expired`: its time is over. `lost`: the config knows its keys and a rebuilt ledger no longer
 * knows it.
 */
export interface AgentLine {
  readonly name: string;
  readonly index: number;
  readonly state: AgentRecord['state'] | 'expired' | 'lost';
  readonly address: `0x${string}`;
  readonly addedMs: number | null;
  readonly tokenMs: number | null;
  /** From when on it may do nothing more; null for an agent without an end. */
  readonly untilMs: number | null;
  readonly template: string | null;
}

/** Every agent that ever was, in the order of their keys. Throws the codes of keystore, config and ledger. */
export async function listAgents(options: OwnerOptions): Promise<AgentLine[]> {
  const keys = await unlockAsAnyone(options);
  return withLedger(options, keys, async (ledger) => {
    const known = await ledger.agents.list();
    const lost = [...provedConfig(options.home, keys).agents.index].filter(
      ([name]) => !known.some((agent) => agent.name === name),
    );
    const nowMs = options.now();
    const none = { addedMs: 0, tokenMs: null, untilMs: null, template: null };
    const lines = [
      ...known.map((agent) => lineOf(keys, { ...agent, state: standingOf(agent, nowMs) })),
      ...lost.map(([name, index]) => lineOf(keys, { name, index, state: 'lost', ...none })),
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
    untilMs,
    template,
  }: Omit<AgentRecord, 'state' | 'tokenHash'> & {
    readonly state: AgentLine['state'];
  },
): Promise<AgentLine> {
  const address = await keys.evmAddress(index);
  const added = addedMs === 0 ? null : addedMs;
  return { name, index, state, address, addedMs: added, tokenMs, untilMs, template };
}

/**
 * Adds an agent with keys and a token of its own: the owner's alone. What it gets from a template is shown to whoever confirms.
 * Throws as {@link makeAgent} does, and `owner_proof_needed` where the template was changed meanwhile.
 */
export async function addAgent(
  options: OwnerOptions,
  name: string,
  deliver: DeliverToken,
  terms: NewAgentTerms = {},
): Promise<AgentLine> {
  checkName(name);
  const { home, now } = options;
  const shown = settleTerms(readConfigUnauthenticated(home), name, terms, now());
  const operation: OwnerOperation = {
    what: `Adding the agent ${name}`,
    action: {
      ...{ kind: 'addAgent', name },
      ...(terms.template === undefined ? {} : { template: terms.template }),
      ...(terms.forMs === undefined ? {} : { for: durationText(terms.forMs) }),
    },
    details: shown.details,
    // Its end is counted from the moment in which it is made.
    agreed: ['add', name, terms.template ?? '', String(terms.forMs ?? ''), givenBy(shown)],
  };
  const keys = await unlockAsOwner(options, operation);
  return withLedger(options, keys, async (ledger) => {
    const check: NewAgent['check'] = (_config, found) => {
      if (givenBy(found) === givenBy(shown)) return;
      throw new WalletError('owner_proof_needed', 'The template was changed meanwhile; nothing was added.', {
        owner: { say: 'Look at the template again.', action: { kind: 'addAgent', name } },
      });
    };
    const agent = await makeAgent(
      { home, keys, ledger, now },
      { ...terms, name, check, isOwners: true },
      deliver,
    );
    await rememberLedger(keys, ledger);
    return lineOf(keys, agent);
  });
}

/** All that a template gives an agent, as one text. */
function givenBy({ keys, template }: SettledTerms): string {
  return JSON.stringify([keys, template?.life]);
}

type Pair = Pick<OwnerOperation, 'action' | 'agreed'>;

/** What two owners agree on who prolong an agent, on whichever face. */
export function prolongPair(name: string, moreMs: number): Pair {
  return {
    action: { kind: 'prolongAgent', name, for: durationText(moreMs) },
    agreed: ['prolong', name, String(moreMs)],
  };
}

/** The same of who give an agent a new token; whoever says so second is shown it. */
export function rotatePair(name: string): Pair {
  return { action: { kind: 'rotateAgent', name }, agreed: ['rotate', name] };
}

/** The same of who let an agent act again. */
export function resumePair(name: string): Pair {
  return { action: { kind: 'resumeAgent', name }, agreed: ['resume', name] };
}

/** Gives an agent that has an end a later one: the owner's alone. Throws `agent_unknown`, `bad_input`. */
export async function prolongAgent(options: OwnerOptions, name: string, moreMs: number): Promise<AgentLine> {
  checkName(name);
  if (!(moreMs > 0 && moreMs <= AGENT_LIFE_MS_MAX))
    throw new WalletError('bad_input', 'An agent is prolonged by 366d at most.');
  const operation: OwnerOperation = {
    what: `Letting the agent ${name} act for ${durationText(moreMs)} more`,
    ...prolongPair(name, moreMs),
  };
  const keys = await unlockAsOwner(options, operation);
  return withLedger(options, keys, async (ledger) => {
    const known = await ledger.agents.find(name);
    if (known === null || known.state === 'removed') throw unknownAgent(name);
    const untilMs = prolongedUntil(known, moreMs, options.now());
    const { agent } = await changeAgent(options, keys, ledger, name, { act: 'prolong', untilMs });
    return lineOf(keys, agent);
  });
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
    ...rotatePair(name),
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
    ...resumePair(name),
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
    const state = standingOf(agent, options.now());
    return { agent: await lineOf(keys, { ...agent, state }), changed };
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
