import type { CommitPoint } from '../../src/ledger/commitPoint.js';
import { createChain, type Chain } from '../../src/chain/chain.js';
import { initialSettings, type Config } from '../../src/config/settings.js';
import { newLedger, T0 } from '../../src/ledger/sqlite/fixtures.js';
import type { Ledger } from '../../src/ledger/ledger.js';
import { assetsOf, type Asset } from '../../src/money/asset.js';
import { findNetwork, type Caip2, type Network } from '../../src/money/network.js';
import { Rails } from '../../src/rails/table.js';
import { rpcSourceOf } from '../../src/wallet/chains.js';
import { ClockWatch } from '../../src/wallet/clock/clockWatch.js';
import type { Engine } from '../../src/wallet/engine.js';
import { Funds } from '../../src/wallet/settle/funds.js';
import type { ModelPayment } from './payment.js';
import { EvmSim } from './evmSim.js';
import { SimOperator, type Lie, type Mood } from './operator.js';
import { SolanaSim } from './solanaSim.js';

export type Family = 'evm' | 'svm';

/** One simulated network with its two operators, of which at most one lies unless `trustBroken` says otherwise. */
export interface SimNetwork {
  readonly family: Family;
  readonly network: Network;
  readonly asset: Asset;
  readonly operators: readonly [SimOperator, SimOperator];
  /** Which of the two may lie in this run. */
  readonly liar: 0 | 1;
}

/** A process of the wallet: its own ledger connection, chain readers and what they remember. */
export interface Process {
  readonly engine: Engine;
  readonly ledger: Ledger;
  readonly closing: AbortController;
  alive: boolean;
  /** The commit at which it is killed, once it comes; any point where that is null. */
  killAt: { readonly point: CommitPoint | null; readonly when: 'before' | 'after' } | null;
}

/** What a run counts. */
export interface Figures {
  commands: number;
  looks: number;
  kills: number;
  rpcCalls: number;
  roundsMax: number;
  readonly happened: Map<string, number>;
}

/** Ends a command whose process was killed inside it. */
export class Killed extends Error {}

const CONFIG: Config = {
  ...initialSettings(false),
  version: 1,
  walletId: '0'.repeat(32),
  keystore: 'file',
  testnet: false,
};

const BASE: Caip2 = 'eip155:8453';
const SOLANA: Caip2 = 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp';

/** The chains, the clocks, the operators and the processes of one run, over one real ledger. */
export class World implements Disposable {
  /** The true time, by which the chains go. */
  trueMs = T0;
  /** How far this machine's clock is ahead of it. */
  clockAheadMs = 0;
  /** How long the machine has slept: its monotonic clock stood still meanwhile. */
  sleptMs = 0;
  readonly config = CONFIG;
  readonly evm: EvmSim;
  readonly solana: SolanaSim;
  readonly networks: Readonly<Record<Family, SimNetwork>>;
  readonly payments: ModelPayment[] = [];
  readonly figures: Figures;
  readonly #store = newLedger();
  readonly #processes: (Process | null)[] = [null, null];
  /** Something that happens at a coming question to an RPC, while whoever asked waits. */
  #during: { callsLeft: number; readonly happen: () => Promise<void> } | null = null;

  constructor(liars: Readonly<Record<Family, 0 | 1>>, figures: Figures) {
    this.figures = figures;
    this.evm = new EvmSim(() => this.trueMs / 1000, assetOn(BASE).address);
    this.solana = new SolanaSim(() => this.trueMs);
    const network = (caip2: Caip2, answer: EvmSim['answer'], liar: 0 | 1): SimNetwork => {
      const found = findNetwork(caip2);
      if (found === undefined || found.family === 'tempo' || found.family === 'lightning')
        throw new Error(`No network ${caip2}`);
      const [one = '', two = ''] = found.rpcUrls;
      return {
        family: found.family,
        network: found,
        asset: assetOn(caip2),
        operators: [new SimOperator(caip2, one, answer), new SimOperator(caip2, two, answer)],
        liar,
      };
    };
    this.networks = {
      evm: network(BASE, this.evm.answer, liars.evm),
      svm: network(SOLANA, this.solana.answer, liars.svm),
    };
  }

  /** The wall clock of the machine, in whole milliseconds. */
  nowMs(): number {
    return Math.floor(this.trueMs + this.clockAheadMs);
  }

  /** What nobody sets, and what stands still while the machine sleeps. */
  monotonicMs(): number {
    return this.trueMs - this.sleptMs;
  }

  /** The machine sleeps for so long. */
  sleep(ms: number): void {
    this.trueMs += ms;
    this.sleptMs += ms;
  }

  /** Lets true time pass, to a moment at the earliest. */
  advanceTo(trueMs: number): void {
    this.trueMs = Math.max(this.trueMs, trueMs);
  }

  setMood(family: Family, index: 0 | 1, mood: Mood): void {
    const { operators, liar } = this.networks[family];
    const lies = index === liar ? mood.lies : [];
    operators[index].mood = { ...mood, lies };
    this.#excuseWhereBothLie(family);
  }

  /** Both operators lie: beyond what the wallet promises to withstand, so that a release may be false. */
  breakTrust(family: Family, lies: readonly Lie[]): void {
    for (const operator of this.networks[family].operators) operator.mood = { ...operator.mood, lies };
    this.#excuseWhereBothLie(family);
  }

  bothLie(family: Family): boolean {
    return this.networks[family].operators.every(({ mood }) => mood.lies.length > 0);
  }

  #excuseWhereBothLie(family: Family): void {
    if (!this.bothLie(family)) return;
    for (const payment of this.payments) if (payment.family === family) payment.excused = true;
  }

  /** The process of a slot, started anew where it is dead. */
  process(slot: number): Process {
    const index = slot % this.#processes.length;
    const known = this.#processes[index];
    if (known?.alive === true) return known;
    const started = this.#start();
    this.#processes[index] = started;
    return started;
  }

  /** Ends a process at once: what it was doing is never gone on with. */
  kill(process: Process): void {
    if (!process.alive) return;
    process.alive = false;
    process.closing.abort();
    void process.ledger.close();
    this.figures.kills += 1;
    for (const { call } of this.payments) if (call?.process === process) call.end();
    for (const payment of this.payments) if (payment.call?.process === process) payment.call = null;
  }

  killAll(): void {
    for (const process of this.#processes) if (process !== null) this.kill(process);
  }

  /** Runs what a process does. Throws {@link Killed} where it was killed inside. */
  async inside<T>(process: Process, work: () => Promise<T>): Promise<T> {
    try {
      const result = await work();
      if (!process.alive) throw new Killed();
      return result;
    } catch (error) {
      throw process.alive ? error : new Killed();
    }
  }

  #start(): Process {
    const process: Omit<Process, 'engine' | 'ledger'> = {
      closing: new AbortController(),
      alive: true,
      killAt: null,
    };
    const die = (point: CommitPoint, when: 'before' | 'after'): void => {
      const { killAt } = started;
      if (killAt?.when !== when || (killAt.point !== null && killAt.point !== point)) return;
      started.killAt = null;
      // After a commit the ledger cannot be closed within it; its caller is told that it failed all the same.
      setImmediate(() => this.kill(started));
      started.alive = false;
      throw new Killed();
    };
    const clock = new ClockWatch(
      () => this.nowMs(),
      () => this.monotonicMs(),
    );
    const ledger = this.#store.open({
      clock,
      observer: {
        beforeCommit: (point) => die(point, 'before'),
        afterCommit: (point) => die(point, 'after'),
      },
    });
    const chains = new Map<string, Chain>();
    const chain = (_config: Config, network: Network): Chain => {
      const known = chains.get(network.caip2);
      if (known !== undefined) return known;
      const rpc = rpcSourceOf(CONFIG, network);
      const opened = createChain(network, rpc, {
        nowMs: () => this.nowMs(),
        onTime: (time) => clock.noteOperator(time, rpc.ownerSet),
        fetchFn: (input, init) => this.#fetch(String(input), String(init?.body)),
      });
      chains.set(network.caip2, opened);
      return opened;
    };
    const engine = {
      ledger,
      clock,
      keys: { secretKind: 'phrase' },
      hasRead: ({ caip2 }: Network) => chains.has(caip2),
      agent: 'default',
      funds: new Funds(ledger),
      rails: new Rails(),
      now: () => this.nowMs(),
      config: () => CONFIG,
      closing: process.closing.signal,
      renewCheckpoint: () => undefined,
      noteSettled: () => undefined,
      chain,
      chainOf: (config: Config, caip2: string) => {
        const network = findNetwork(caip2);
        return network === undefined ? null : chain(config, network);
      },
    };
    const started: Process = Object.assign(process, { engine: engine as unknown as Engine, ledger });
    return started;
  }

  /** Lets something happen while a look waits for its `calls`th answer. */
  duringCall(calls: number, happen: () => Promise<void>): void {
    this.#during = { callsLeft: calls, happen };
  }

  /** Forgets what was to happen during a question that never came. */
  forgetDuring(): void {
    this.#during = null;
  }

  async #fetch(url: string, body: string): Promise<Response> {
    this.figures.rpcCalls += 1;
    const during = this.#during;
    if (during !== null && during.callsLeft-- <= 0) {
      this.#during = null;
      await during.happen();
    }
    const operator = Object.values(this.networks)
      .flatMap(({ operators }) => [...operators])
      .find((one) => url.startsWith(one.url));
    const answer = operator?.ask(body) ?? null;
    if (answer === null) throw new TypeError('fetch failed');
    const dateMs = operator?.dateMs(this.trueMs) ?? null;
    return new Response(answer, {
      headers: {
        'content-type': 'application/json',
        ...(dateMs === null ? {} : { date: new Date(dateMs).toUTCString() }),
      },
    });
  }

  [Symbol.dispose](): void {
    this.killAll();
    this.#store[Symbol.dispose]();
  }
}

function assetOn(caip2: Caip2): Asset {
  const [asset] = assetsOf(caip2);
  if (asset === undefined) throw new Error(`No asset on ${caip2}`);
  return asset;
}
