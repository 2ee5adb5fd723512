import { randomBytes } from 'node:crypto';
import { SETTING_ROWS, type Config } from '../config/settings.js';
import { AGENT_LIFE_MS_MAX, type AgentTemplate } from '../config/value/agentTemplate.js';
import { isWalletError, WalletError } from '../errors/walletError.js';
import type { UnlockedWallet } from '../keys/keystore.js';
import { assertTemplateRoom, type AgentRecord, type FromTemplate } from '../ledger/books/agent.js';
import type { Ledger } from '../ledger/ledger.js';
import { AGENT_NAME, hashToken, tokenOf } from '../money/agent.js';
import { parseDuration } from '../text/duration.js';
import { configPlaceOf } from '../wallet/engine.js';
import { changeSharedConfig } from '../wallet/sharedConfig.js';
import { noteAddresses, type AddressKeys } from './knownAddresses.js';
import { setKeys, type KeyText } from './ownerConfig.js';

/** 256 random bits: nobody guesses a token, so none needs a slow hash. */
const TOKEN_BYTES = 32;
const DAY_MS = 24 * 3_600_000;

/** Takes a new token to where its owner wants it, before it opens anything. Throws where it cannot. */
export type DeliverToken = (token: string) => Promise<void>;

/** What a new agent is made with beside its name. */
export interface NewAgentTerms {
  /** A template of the owner's. */
  readonly template?: string | undefined;
  /** How long it lives; the template's own time where none is given, and without an end where there is no template either. */
  readonly forMs?: number | undefined;
}

/** The same as it is shown, and made. */
export interface SettledTerms {
  /** Settings of the agent, from its template. */
  readonly keys: readonly KeyText[];
  readonly untilMs: number | null;
  readonly template: AgentTemplate | null;
  /** In words, a line each. */
  readonly details: readonly string[];
}

/** What an agent would be made with now. Throws `bad_input` for a template that there is not, and a time that it does not allow. */
export function settleTerms(
  { templates }: Pick<Config, 'templates'>,
  name: string,
  { template: of, forMs }: NewAgentTerms,
  nowMs: number,
): SettledTerms {
  const template = of === undefined ? null : (templates.terms.get(of) ?? null);
  if (of !== undefined && template === null)
    throw new WalletError('bad_input', `There is no template by that name: set templates.NAME.terms.`);
  const lifeMsMax = template === null ? AGENT_LIFE_MS_MAX : (parseDuration(template.life) ?? 0);
  const lifeMs = forMs ?? (template === null ? null : lifeMsMax);
  if (lifeMs !== null && !(lifeMs > 0 && lifeMs <= lifeMsMax))
    throw new WalletError('bad_input', `This agent may live for ${template?.life ?? '366d'} at most.`);
  const keys = (template?.settings ?? []).map(([end, text]) => ({ key: `agents.${name}.${end}`, text }));
  const untilMs = lifeMs === null ? null : nowMs + lifeMs;
  return {
    ...{ keys, untilMs, template },
    details: [
      ...(of === undefined ? [] : [`From the template ${of}.`]),
      ...(untilMs === null ? [] : [`Until ${new Date(untilMs).toISOString()}.`]),
      ...keys.map(({ key, text }) => `${key} ${text}`),
    ],
  };
}

/** An open wallet that a new agent is made in. */
export interface AgentPlace {
  /** Absolute path of the wallet's folder. */
  readonly home: string;
  readonly keys: AddressKeys & Pick<UnlockedWallet, 'mac'>;
  readonly ledger: Ledger;
  readonly now: () => number;
}

/** A new agent, by whoever may make it. */
export interface NewAgent extends NewAgentTerms {
  readonly name: string;
  /** Runs in the step that writes the config; throws where what would be made is not what may be. */
  readonly check: (config: Config, terms: SettledTerms) => void;
  /** See {@link FromTemplate}. */
  readonly isOwners: boolean;
}

/**
 * Makes an agent with keys and a token of its own, for who has shown that they may. One whose keys the config knows and a rebuilt
 * ledger forgot comes back with the same keys.
 *
 * The config learns of the keys first: a crash between leaves keys that no agent ever gets, never keys that two get.
 *
 * Throws `bad_input` for a name that is taken or does not fit, `agents_full`, `config_stale`, and in a wallet of one imported key.
 */
export async function makeAgent(
  place: AgentPlace,
  { name, check, isOwners, ...terms }: NewAgent,
  deliver: DeliverToken,
): Promise<AgentRecord> {
  const { home, keys, ledger, now } = place;
  checkName(name);
  if (keys.secretKind !== 'phrase') throw oneKeyOnly();
  const taken = await ledger.agents.find(name);
  if (taken !== null) throw nameTaken(name, taken);
  const templateOf = ({ template }: SettledTerms): FromTemplate | null =>
    terms.template === undefined || template === null
      ? null
      : { name: terms.template, agentsMax: isOwners ? null : template.agentsMax };
  const { config, index, isNew, settled } = await reserve(place, name, terms, async (current, found) => {
    check(current, found);
    const template = templateOf(found);
    // Asked again in the step that adds it; what is refused here leaves no trace in the config.
    if (template !== null) assertTemplateRoom(await ledger.agents.list(), template, now());
  });
  const token = newToken(name);
  await deliver(token);
  const { untilMs } = settled;
  const tokenHash = hashToken(token);
  const change = { act: 'add', index, tokenHash, untilMs, template: templateOf(settled) } as const;
  const { agent } = await ledger.agents.change(name, change, now()).catch(async (error: unknown) => {
    // Others were made since the room was looked at. Any other fault may leave the agent added.
    if (isNew && isWalletError(error) && error.code === 'agents_full')
      await takeBack(place, name).catch(() => undefined);
    throw error;
  });
  await noteAddresses(home, keys, config);
  return agent;
}

/** Throws `bad_input` for a name that does not fit. */
export function checkName(name: string): void {
  if (AGENT_NAME.test(name)) return;
  throw new WalletError(
    'bad_input',
    'An agent is named by 1 to 32 small letters, digits and hyphens, a letter first.',
  );
}

/** The keys of an agent, written into the config with its settings: those it had, or the first that nobody ever had. */
async function reserve(
  place: AgentPlace,
  name: string,
  terms: NewAgentTerms,
  check: (config: Config, terms: SettledTerms) => Promise<void>,
): Promise<{
  readonly config: Config;
  readonly index: number;
  /** Whether the config knew nothing of the name. */
  readonly isNew: boolean;
  readonly settled: SettledTerms;
}> {
  const { ledger, now } = place;
  let index = 0;
  let settled: SettledTerms | undefined;
  let isNew = false;
  const config = await changeSharedConfig(configPlaceOf(place), async (current) => {
    settled = settleTerms(current, name, terms, now());
    await check(current, settled);
    const known = current.agents.index;
    const used = [...known.values(), ...(await ledger.agents.list()).map((agent) => agent.index)];
    isNew = !isKnown(current, name);
    index = known.get(name) ?? 1 + Math.max(0, ...used);
    const withKeys = { ...current, agents: { ...current.agents, index: new Map(known).set(name, index) } };
    return setKeys(withKeys, settled.keys).config;
  });
  return { config, index, isNew, settled: settled ?? settleTerms(config, name, terms, now()) };
}

/** Takes the settings of an agent out of the config that was never added. Its keys were never anybody's, and may be another's. */
async function takeBack(place: AgentPlace, name: string): Promise<void> {
  await changeSharedConfig(configPlaceOf(place), async (current) => {
    // Another hand may have added one by that name meanwhile.
    if ((await place.ledger.agents.find(name)) !== null) return current;
    return ROWS_OF_AGENTS.reduce(
      (config, row) => row.set(config, row.setting.drop(row.get(config), name)),
      current,
    );
  });
}

/**
 * Makes an agent of a template for a client of the admin API. That loosens nothing: the owner has said with their factor how many
 * there may be, for how long, with which settings, and which budget bounds all of them together.
 *
 * Throws `factor_needed` where the template leaves it to the owner, `agents_full`, `bad_input`, `config_stale`.
 */
export async function makeTemplateAgent(
  place: AgentPlace,
  { name, template, forMs }: NewAgentTerms & { readonly name: string; readonly template: string },
): Promise<{ readonly agent: AgentRecord; readonly token: string }> {
  let token = '';
  const agent = await makeAgent(
    place,
    {
      ...{ name, template, forMs, isOwners: false },
      check: (config, { template: found }) => {
        if (found !== null && found.agentsMax === 0)
          throw new WalletError(
            'factor_needed',
            `Only the owner makes agents of the template ${template}: its terms name no number of agents.`,
            { owner: { say: `The agent ${name} needs you.`, action: { kind: 'addAgent', name } } },
          );
        // What the owner set for that name, or what was there by it, is not this client's to take.
        if (isKnown(config, name))
          throw new WalletError('bad_input', `The settings know the name ${name} already: choose another.`);
      },
    },
    async (made) => {
      token = made;
      return Promise.resolve();
    },
  );
  return { agent, token };
}

/** The settings that are by agent. */
const ROWS_OF_AGENTS = SETTING_ROWS.filter((row) => row.setting.key.startsWith('agents.<agent>.'));

/** Whether any setting is about an agent of this name. */
function isKnown(config: Config, name: string): boolean {
  return ROWS_OF_AGENTS.some((row) => row.setting.names(row.get(config)).includes(name));
}

/** A new token of an agent's. */
export function newToken(name: string): string {
  return tokenOf(name, randomBytes(TOKEN_BYTES).toString('base64url'));
}

/**
 * The end of an agent that is prolonged: so much after its end, or after the end of the day, in UTC, where that has passed. Whole
 * days are the same at each look of a day, so that what is confirmed is what was shown.
 */
export function prolongedUntil({ untilMs }: AgentRecord, moreMs: number, nowMs: number): number {
  const endOfDayMs = (Math.floor(nowMs / DAY_MS) + 1) * DAY_MS;
  return (untilMs !== null && untilMs > nowMs ? untilMs : endOfDayMs) + moreMs;
}

function nameTaken(name: string, { state }: AgentRecord): WalletError {
  return new WalletError(
    'bad_input',
    state === 'removed'
      ? `An agent ${name} was removed: its payments keep its name, so choose another.`
      : `There is an agent ${name} already.`,
  );
}

function oneKeyOnly(): WalletError {
  return new WalletError(
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
