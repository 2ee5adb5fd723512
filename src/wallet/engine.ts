import { unknownAgent } from '../ledger/books/agent.js';
import type { CommitObserver } from '../ledger/commitPoint.js';
import type { Chain, EvmChain, LightningChain, SolanaChain, TempoChain } from '../chain/chain.js';
import { configReader, readConfig, readConfigUnauthenticated } from '../config/configFile.js';
import { checkHome } from '../config/home.js';
import type { Config } from '../config/settings.js';
import type { OwnerAction } from '../errors/ownerAction.js';
import { WalletError } from '../errors/walletError.js';
import { openKeystore, type AskPassphrase, type UnlockedWallet } from '../keys/keystore.js';
import type { Ledger } from '../ledger/ledger.js';
import { ledgerStoreIn } from '../ledger/stores.js';
import { DEFAULT_AGENT } from '../money/agent.js';
import {
  findNetwork,
  type Caip2,
  type EvmNetwork,
  type LightningNetwork,
  type Network,
  type SvmNetwork,
  type TempoNetwork,
} from '../money/network.js';
import type { Lookup } from '../net/destination/resolve.js';
import { createNet, type Net } from '../net/send.js';
import { addressOn } from './agentAddress.js';
import { BitcoinRate } from './bitcoinRate.js';
import { openChain, rpcSourceOf } from './chains.js';
import { CheckpointKeeper } from './checkpoint.js';
import { lowerLimits } from './clientLimits.js';
import { ClockWatch } from './clock/clockWatch.js';
import { SeenChallenges } from './call/seenChallenges.js';
import { isMarkedFrozen } from './freezeMark.js';
import { Funds } from './settle/funds.js';
import { adoptSharedConfig, settleSharedConfig, type ConfigPlace } from './sharedConfig.js';
import type { SettlementVerdict } from './settle/settlement.js';
import type { EndpointAnswer } from '../payment/challenge.js';
import type { PaymentProtocol } from '../rails/rail.js';
import type { RailPorts } from '../rails/ports.js';
import { Rails } from '../rails/table.js';
import type { OwnerReach } from './approval/ownerReach.js';
import { barredError } from './answer/refusal.js';

export { DEFAULT_AGENT };

/** What a wallet is opened with. Time, secrets and the network's edges are passed in. */
export interface WalletOptions {
  /** Absolute path of the wallet's folder. */
  readonly home: string;
  readonly version: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly now: () => number;
  /** Who calls: one of the wallet's agents by its name; the first one unless given. */
  readonly agent?: string;
  /**
   * Whether the owner runs the client that calls, as one that starts the server itself: only then does its prompt prove
   * a person without the owner's further word (T34).
   */
  readonly ownClient?: boolean;
  /**
   * Whether whoever calls has this machine's files as the owner has them, as one that starts the wallet for themselves:
   * only then are files read that a call names (T45).
   */
  readonly sendsFiles?: boolean;
  /** The passphrase of an encrypted keystore, or null where nobody can give it. */
  readonly passphrase: AskPassphrase;
  /** Tests crash at commit points; the product passes none. */
  readonly observer?: CommitObserver;
  /** Tests name hosts; the product asks the system's resolver. */
  readonly lookup?: Lookup;
  /** Tests bring a protocol of their own; the product pays by those of its table. */
  readonly protocols?: readonly PaymentProtocol[];
  /** Words a command for the owner, where a process tells them of it by itself, as by their webhook. */
  readonly ownerCommand?: (action: OwnerAction) => string;
  /** Ways to the owner that the process brings along, such as the local page. */
  readonly reach?: (engine: Engine) => OwnerReach;
  /** What the process does behind its calls while the wallet is open, beside looking after open payments. */
  readonly behind?: (engine: Engine) => void;
}

/** What stands in the place of an open wallet's own parts while a payment is rehearsed: nothing of it lasts. */
export interface Stage {
  readonly keys: UnlockedWallet;
  readonly ledger: Ledger;
  readonly funds: Funds;
  readonly net: Net;
  /** `host:port` of the one place that is called. */
  readonly hostPort: string;
}

/**
 * An unlocked wallet for one agent: config, keys, ledger, chains and the way to the network. {@link forAgent} gives
 * another agent's, over the same parts.
 */
export class Engine {
  readonly agent: string;
  readonly home: string;
  readonly keys: UnlockedWallet;
  readonly ledger: Ledger;
  readonly funds: Funds;
  /** Whether the wall clock is right: see {@link assertClock}. */
  readonly clock: ClockWatch;
  readonly rails: Rails;
  /** What endpoints asked of late. */
  readonly seen: SeenChallenges;
  /** {@link Ledger.keyedHash} of this wallet's ledger. */
  readonly keyedHash = (text: string): string => this.ledger.keyedHash(text);
  readonly #options: WalletOptions;
  /** What all agents of the wallet share is this one's. */
  readonly #first: Engine;
  readonly #chains = new Map<string, Chain>();
  readonly #nets = new Map<string, Net>();
  /** An agent's keys are its own for good, also where it is removed: its name is never given again. */
  readonly #indexes = new Map<string, number>();
  readonly #closing = new AbortController();
  readonly #readConfig: () => Config;
  readonly #checkpoint: CheckpointKeeper;
  readonly #stage: Stage | null;
  #reach: OwnerReach | null = null;
  #bitcoin: BitcoinRate | null = null;
  #settled: (verdict: SettlementVerdict) => void = () => undefined;

  private constructor(
    options: WalletOptions,
    parts: Pick<Engine, 'keys' | 'ledger' | 'funds' | 'clock'>,
    checkpoint: CheckpointKeeper,
    first?: Engine,
    stage: Stage | null = null,
  ) {
    this.#options = options;
    this.agent = options.agent ?? DEFAULT_AGENT;
    this.home = options.home;
    this.keys = parts.keys;
    this.ledger = parts.ledger;
    this.funds = parts.funds;
    this.clock = parts.clock;
    this.rails = first?.rails ?? new Rails(options.protocols);
    this.seen = (stage === null ? first?.seen : undefined) ?? new SeenChallenges();
    this.#readConfig =
      first === undefined
        ? configReader(options.home, (data) => this.keys.mac('config', data))
        : first.#readConfig;
    this.#checkpoint = checkpoint;
    this.#stage = stage;
    this.#first = first ?? this;
  }

  /**
   * Unlocks the keys, proves config and ledger. Throws `not_set_up`, the codes of the keystore, `config_*`,
   * `ledger_*`, `home_*`: nothing is open then.
   */
  static async open(options: WalletOptions): Promise<Engine> {
    return Engine.openWith(options, await unlock(options));
  }

  /** Opens the wallet with keys that its owner unlocked. Throws as {@link Engine.open} does. */
  static async openWith(options: WalletOptions, keys: UnlockedWallet): Promise<Engine> {
    lowerLimits(
      readConfig(options.home, (data) => keys.mac('config', data)),
      options.env,
    );
    const anchor = await keys.readAnchor();
    const clock = new ClockWatch(options.now);
    const ledger = await openLedger(options, keys, clock);
    try {
      if (anchor === null)
        throw new WalletError('ledger_foreign', 'The keystore remembers no ledger, and there is one.');
      await ledger.verifyCheckpoint(anchor);
      // The mark alone stops it too; in the journal it is vouched for, and the keystore comes to remember it.
      if (isMarkedFrozen(options.home)) await ledger.freeze(options.now());
      await settleSharedConfig(configPlaceOf({ home: options.home, keys, ledger, now: options.now }));
    } catch (error) {
      await ledger.close();
      throw error;
    }
    const checkpoint = new CheckpointKeeper(keys, ledger, anchor.seq);
    checkpoint.request();
    return new Engine(options, { keys, ledger, clock, funds: new Funds(ledger) }, checkpoint);
  }

  /** The same wallet as another of its agents has it. Closing that one does nothing; whether it may act is not looked at. */
  forAgent(agent: string): Engine {
    if (agent === this.agent) return this;
    return new Engine({ ...this.#options, agent }, this, this.#checkpoint, this.#first);
  }

  /**
   * This wallet with another's parts in the place of all that keeps, signs and sends, for a rehearsal: it reads the owner's config
   * but for what names hosts, and the chains.
   */
  onStage(stage: Stage): Engine {
    const options = { ...this.#options, agent: DEFAULT_AGENT };
    const parts = { ...stage, clock: this.clock };
    return new Engine(options, parts, this.#checkpoint, this.#first, stage);
  }

  /** Which of the wallet's keys are this agent's. Throws `agent_unknown`. */
  async agentIndex(): Promise<number> {
    const indexes = this.#first.#indexes;
    const known = indexes.get(this.agent);
    if (known !== undefined) return known;
    const agent = await this.ledger.agents.find(this.agent);
    if (agent === null) throw unknownAgent(this.agent);
    indexes.set(this.agent, agent.index);
    return agent.index;
  }

  /** Throws `agent_suspended`, `agent_expired` or `agent_unknown` unless this agent may act at this moment. */
  async assertActive(): Promise<void> {
    const bar = await this.ledger.agents.barOf(this.agent, this.now());
    if (bar !== null) throw barredError(this.agent, bar);
  }

  now(): number {
    return this.#options.now();
  }

  /** Whether the owner runs the client that calls; see {@link WalletOptions}. */
  get ownClient(): boolean {
    return this.#options.ownClient === true;
  }

  /** What decides which files a call may send beside the config; null where it may send none. */
  get files(): { readonly env: WalletOptions['env']; readonly platform: NodeJS.Platform } | null {
    const { sendsFiles, env, platform } = this.#options;
    return sendsFiles === true ? { env, platform } : null;
  }

  /** See {@link WalletOptions}. */
  get ownerCommand(): WalletOptions['ownerCommand'] {
    return this.#options.ownerCommand;
  }

  /** Ways to the owner, or null where the process has none. */
  get reach(): OwnerReach | null {
    // Nobody is to be shown what is only rehearsed.
    if (this.#stage !== null) return null;
    const first = this.#first;
    first.#reach ??= first.#options.reach?.(first) ?? null;
    return first.#reach;
  }

  /** Aborts when the wallet closes: for work behind the calls. */
  get closing(): AbortSignal {
    return this.#first.#closing.signal;
  }

  /**
   * The owner's config as it stands now, proved, with what the client lowers for this process. Read for every payment:
   * a limit tightened a moment ago counts.
   * Throws `config_invalid`, `config_edited`, `config_stale`.
   */
  async config(): Promise<Config> {
    // The ledger first: read after the config, it may know of a change that came between the two.
    const { configVersion } = await this.ledger.head();
    const config = await this.#configSince(configVersion);
    if (config.version < configVersion) {
      throw new WalletError(
        'config_stale',
        'config.json is an older copy than the one the ledger has seen.',
        {
          owner: {
            say: 'config.json was put back to an older version; check it and accept it.',
            action: { kind: 'acceptConfig' },
          },
        },
      );
    }
    const lowered = lowerLimits(config, this.#options.env);
    if (this.#stage === null) return lowered;
    const net = { ...lowered.net, allowPrivate: [this.#stage.hostPort] };
    return { ...lowered, net, hosts: { ...lowered.hosts, allow: [], deny: [] } };
  }

  /** The config as it stands; where the ledger knows a later one, the one that another server of the fleet made. */
  async #configSince(configVersion: number): Promise<Config> {
    const config = this.#readConfig();
    if (config.version >= configVersion) return config;
    // Another call may have written it first: then there is nothing to adopt, and the file is the newest all the same.
    await adoptSharedConfig(this.#configPlace());
    return this.#readConfig();
  }

  #configPlace(): ConfigPlace {
    const { home, keys, ledger } = this;
    return configPlaceOf({ home, keys, ledger, now: () => this.now() });
  }

  /** This agent's address; one for all EVM networks. */
  async address(): Promise<`0x${string}`> {
    return this.keys.evmAddress(await this.agentIndex());
  }

  /** This agent's address on a network. Throws `bad_input` where its keys have none. */
  async addressOn(network: Network): Promise<string> {
    return addressOn(this.keys, await this.agentIndex(), network);
  }

  /** Whether a network's chain has been read since the wallet was opened. */
  hasRead(network: Network): boolean {
    return [...this.#first.#chains.keys()].some((key) => key.startsWith(`${network.caip2} `));
  }

  /** The reader of a network, through the owner's RPC where one is set. */
  chain(config: Config, network: SvmNetwork): SolanaChain;
  chain(config: Config, network: EvmNetwork): EvmChain;
  chain(config: Config, network: TempoNetwork): TempoChain;
  chain(config: Config, network: EvmNetwork | TempoNetwork): EvmChain | TempoChain;
  chain(config: Config, network: LightningNetwork): LightningChain;
  chain(config: Config, network: Network): Chain;
  chain(config: Config, network: Network): Chain {
    const rpc = rpcSourceOf(config, network);
    const key = `${network.caip2} ${config.net.proxy} ${rpc.urls.join(' ')}`;
    const first = this.#first;
    const known = first.#chains.get(key);
    if (known !== undefined) return known;
    const { chain, net } = openChain(
      config,
      network,
      () => this.now(),
      rpc,
      (time) => this.clock.noteOperator(time, rpc.ownerSet),
      () => this.keys.lightning.read(),
    );
    if (net !== null) first.#nets.set(key, net);
    first.#chains.set(key, chain);
    return chain;
  }

  /** The chain of a payment made earlier, whether or not its network is still enabled. */
  chainOf(config: Config, caip2: string): Chain | null {
    const network = findNetwork(caip2 as Caip2);
    return network === undefined ? null : this.chain(config, network);
  }

  /** What a rail may use of this wallet, as this agent. Throws `agent_unknown` where it has no keys. */
  async railPorts(config: Config): Promise<RailPorts> {
    const chain = (network: Network): Chain => this.chain(config, network);
    return {
      config,
      keys: this.keys,
      agentIndex: await this.agentIndex(),
      net: this.net(config),
      nowMs: () => this.now(),
      addressOn: (network) => this.addressOn(network),
      chain: chain as RailPorts['chain'],
    };
  }

  /** The way to URLs under the rules in force; a pool never outlives the rules it was opened under. */
  net(config: Config): Net {
    if (this.#stage !== null) return this.#stage.net;
    const rules = { allowPrivate: config.net.allowPrivate, proxy: config.net.proxy };
    const { facilitatorUrl } = config.withdrawals;
    const key = JSON.stringify([rules, facilitatorUrl]);
    const nets = this.#first.#nets;
    let net = nets.get(key);
    if (net === undefined) {
      const { version, lookup } = this.#options;
      const facilitator = URL.canParse(facilitatorUrl) ? new URL(facilitatorUrl).origin : null;
      net = createNet({
        ...rules,
        version,
        ...(lookup === undefined ? {} : { lookup }),
        onDate: (origin, ms, tookMs) =>
          this.clock.noteDate({ ms, tookMs }, origin === facilitator ? origin : null),
      });
      nets.set(key, net);
    }
    return net;
  }

  /** What offers in bitcoin are priced by now, or why they are not. */
  bitcoin(config: Config): Promise<NonNullable<EndpointAnswer['bitcoin']>> {
    const first = this.#first;
    first.#bitcoin ??= new BitcoinRate(this.home);
    return first.#bitcoin.terms(config, this.net(config), this.now());
  }

  /** Has a listener told what each look at an attempt's end came to. It must not throw, nor take its time. */
  onSettled(listener: (verdict: SettlementVerdict) => void): void {
    this.#first.#settled = listener;
  }

  /** Tells the listener of {@link onSettled}. */
  noteSettled(verdict: SettlementVerdict): void {
    this.#first.#settled(verdict);
  }

  /** Has the keystore remember, behind the calls, what was committed so far. */
  renewCheckpoint(): void {
    // A stage's ledger is none that the keystore is to know.
    if (this.#stage === null) this.#checkpoint.request();
  }

  async close(): Promise<void> {
    if (this.#first !== this) return;
    this.#closing.abort();
    await this.#checkpoint.close();
    await this.#reach?.close();
    await Promise.all([...this.#nets.values()].map((net) => net.close()));
    await this.ledger.close();
  }
}

/** Unlocks the wallet's keys. Throws `not_set_up` and the codes of the keystore. */
export async function unlock(options: Pick<WalletOptions, 'home' | 'passphrase'>): Promise<UnlockedWallet> {
  const { keystore } = readConfigUnauthenticated(options.home);
  checkHome(options.home);
  return openKeystore({ kind: keystore, home: options.home }, { passphrase: options.passphrase }).unlock();
}

/** What the config of an open wallet is read and changed with. */
export function configPlaceOf({
  home,
  keys,
  ledger,
  now,
}: Pick<ConfigPlace, 'home' | 'ledger' | 'now'> & {
  readonly keys: Pick<UnlockedWallet, 'mac'>;
}): ConfigPlace {
  return { home, mac: (data) => keys.mac('config', data), ledger, now };
}

/**
 * Opens the wallet's ledger with its keys. Its time goes on as far as `clock` lets it; without one no faster than this
 * process runs, for nobody checks the wall clock.
 */
export function openLedger(
  options: Pick<WalletOptions, 'home' | 'observer'>,
  keys: UnlockedWallet,
  clock: ClockWatch = new ClockWatch(Date.now),
): Promise<Ledger> {
  const { observer } = options;
  return ledgerStoreIn(options.home).open({
    mac: (data) => keys.mac('ledger', data),
    sealing: keys,
    isStopped: () => isMarkedFrozen(options.home),
    clock,
    ...(observer === undefined ? {} : { observer }),
  });
}
