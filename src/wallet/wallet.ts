import type { Session } from '../ledger/books/session.js';
import type { z } from 'zod';
import { readConfigUnauthenticated } from '../config/configFile.js';
import { isWalletError } from '../errors/walletError.js';
import { rehearse, type PayOnStage } from './rehearsal.js';
import { readApproval } from './approval/approvalView.js';
import { newId } from '../ledger/newId.js';
import { balance, sessionLeft } from './balance.js';
import type { CallContext } from './call/callDeadline.js';
import { listedTitles } from './discover/catalogAdvice.js';
import { discover } from './discover/discover.js';
import { discoverInput } from './discover/discoverInput.js';
import { DiscoverPlaces } from './discover/discoverPlace.js';
import { DEFAULT_AGENT, type Engine, type WalletOptions } from './engine.js';
import { EngineOnDemand } from './engineOnDemand.js';
import {
  approvalInput,
  balanceInput,
  ledgerInput,
  parseInput,
  payInput,
  quoteInput,
  responseInput,
  type PayInput,
} from './input.js';
import { readLedger, readPayment } from './ledgerView.js';
import type { Outcome } from './answer/outcome.js';
import { pay } from './pay.js';
import { quote } from './quote.js';
import { quoteMany } from './quoteMany.js';
import { failureOutcome } from './answer/refusal.js';
import { readingOn, readResponse } from './answer/response.js';

/** Whether a wallet that answers calls also looks after open payments behind them. */
export interface ServingOptions {
  readonly reconcile: boolean;
}

/** Makes a rehearsed call of `pay` by a face: the wallet on a stage, and the arguments of the call. */
export type RehearsedCall = (wallet: Wallet, input: PayInput) => Promise<{ readonly code: string }>;

/** The context of a call that nobody waits for. */
function quietly(): CallContext {
  return { signal: new AbortController().signal };
}

/**
 * The wallet as agents meet it: one method a tool. Arguments are checked here, and every error becomes an outcome
 * that says what happened to the money; no method that a tool calls throws. One object speaks for one agent; {@link
 * forAgent} gives those of others over the same open wallet.
 *
 * Nothing is opened before the first call or {@link warm}, and a call that finds the wallet locked or not set up leaves the next one
 * to try again: what the owner mends meanwhile needs no restart.
 */
export class Wallet {
  readonly #options: WalletOptions;
  readonly #serving: ServingOptions;
  readonly #places: DiscoverPlaces;
  readonly #shared: Pick<EngineOnDemand, 'get' | 'letGo' | 'close'>;
  readonly #isFirst: boolean;
  /** Whether a call that needs the open wallet has come. */
  #isCalled = false;

  constructor(
    options: WalletOptions,
    serving: ServingOptions = { reconcile: false },
    shared?: Pick<EngineOnDemand, 'get' | 'letGo' | 'close'>,
  ) {
    this.#options = options;
    this.#serving = serving;
    this.#places = new DiscoverPlaces(options);
    this.#shared = shared ?? new EngineOnDemand(options, serving.reconcile);
    this.#isFirst = shared === undefined;
  }

  /** The agent this object speaks for. */
  get agent(): string {
    return this.#options.agent ?? DEFAULT_AGENT;
  }

  /**
   * The same wallet for another of its agents: one open ledger and one set of keys serve them all, and nothing is
   * opened by this. Its own `close` leaves what is shared to this object's.
   */
  forAgent(agent: string): Wallet {
    return new Wallet({ ...this.#options, agent }, this.#serving, this.#shared);
  }

  /**
   * The name of the active agent whose token this is, or null where it is nobody's, or of one that is suspended, over or was
   * removed: as the ledger has it at this moment. Throws what opening the wallet throws.
   */
  async agentOfToken(token: string): Promise<string | null> {
    return this.#withLedger(async () =>
      (await this.#shared.get()).ledger.agents.ofToken(token, this.#options.now()),
    );
  }

  /** Why an agent that has this token may do nothing now, or null. Throws what opening the wallet throws. */
  async barOfToken(token: string): Promise<'suspended' | 'expired' | null> {
    return this.#withLedger(async () =>
      (await this.#shared.get()).ledger.agents.barOfToken(token, this.#options.now()),
    );
  }

  /** Whether an agent's time is over, or it was removed. Throws what opening the wallet throws. */
  async isAgentOver(name: string): Promise<boolean> {
    return this.#withLedger(async () => {
      const bar = await (await this.#shared.get()).ledger.agents.barOf(name, this.#options.now());
      return bar !== null && bar !== 'suspended';
    });
  }

  /**
   * The SHA-256 in hex of an agent's token, or null where it has none, or may not act at this moment. Throws what
   * opening the wallet throws.
   */
  async tokenHashOf(name: string): Promise<string | null> {
    return this.#withLedger(async () => {
      const { agents } = (await this.#shared.get()).ledger;
      if ((await agents.barOf(name, this.#options.now())) !== null) return null;
      return (await agents.find(name))?.tokenHash ?? null;
    });
  }

  quote(input: unknown, context: CallContext): Promise<Outcome> {
    return this.#call(quoteInput, input, (engine, session, asked) =>
      asked.requests === undefined
        ? quote(engine, session, asked, context)
        : quoteMany(engine, session, asked, context),
    );
  }

  pay(input: unknown, context: CallContext): Promise<Outcome> {
    return this.#call(payInput, input, (engine, session, asked) => pay(engine, session, asked, context));
  }

  /** Waits for the owner's answer to a question, or reads it; pays nothing. */
  approval(input: unknown, context: CallContext): Promise<Outcome> {
    return this.#call(approvalInput, input, (engine, _session, asked) =>
      readApproval(engine, asked, context),
    );
  }

  /** Finds priced endpoints. A locked wallet does so too, by what needs no keys. */
  async discover(input: unknown, context: CallContext): Promise<Outcome> {
    try {
      const asked = parseInput(discoverInput, input);
      const place = await this.#places.open(() => this.engine());
      return await discover(place, asked, context, { refreshBehind: this.#serving.reconcile });
    } catch (error) {
      return failureOutcome(error);
    }
  }

  balance(input: unknown): Promise<Outcome> {
    return this.#call(balanceInput, input, balance);
  }

  ledger(input: unknown, context: CallContext): Promise<Outcome> {
    return this.#call(ledgerInput, input, async (engine, _session, asked) =>
      asked.payment_id === undefined
        ? await readLedger(
            engine.ledger,
            () => engine.config(),
            engine.agent,
            asked,
            (host) => listedTitles(engine, host),
          )
        : readPayment(engine, asked.payment_id, context.signal),
    );
  }

  response(input: unknown): Promise<Outcome> {
    return this.#call(responseInput, input, (engine, _session, asked) => readResponse(engine, asked));
  }

  /**
   * Makes ready what a first payment needs: its program, and where the keys are in a file the open wallet, gone through once
   * as {@link rehearse} does, and by `call` as the caller's own face would make it. A keychain is left to the first call, for it
   * may ask the person at the machine. Throws as {@link Engine.open} does.
   */
  async warm(call: RehearsedCall = (wallet, input) => wallet.pay(input, quietly())): Promise<void> {
    const onStage: PayOnStage = (stage, input) => call(this.#over(stage), input);
    const open = async (): Promise<void> => {
      const { keystore } = readConfigUnauthenticated(this.#options.home);
      if (keystore === 'file') await rehearse(await this.engine(), onStage, () => this.#isCalled);
    };
    // Waited for together: a fault of one that nobody hears while the other is waited for would end the process.
    await Promise.all([
      import('viem/accounts'),
      import('../keys/signer/ownSignature.js'),
      import('../chain/evm/operator.js'),
      import('../net/connection/client.js'),
      open(),
    ]);
  }

  /** This wallet's calls over a stage, which whoever made it closes. */
  #over(stage: Engine): Wallet {
    const kept = { get: () => Promise.resolve(stage), letGo: async () => {}, close: async () => {} };
    return new Wallet({ ...this.#options, agent: DEFAULT_AGENT }, { reconcile: false }, kept);
  }

  /** The unlocked wallet, for the owner's commands. Throws what {@link Engine.open} throws. */
  async engine(): Promise<Engine> {
    return (await this.#shared.get()).forAgent(this.agent);
  }

  /** Lets go of everything; calls in flight end as cancelled. */
  async close(): Promise<void> {
    await Promise.all([this.#isFirst ? this.#shared.close() : undefined, this.#places.close()]);
  }

  /** Arguments are looked at first: what is wrong with them needs no keys to be said. */
  async #call<Input>(
    schema: z.ZodType<Input>,
    input: unknown,
    work: (engine: Engine, session: Pick<Session, 'id'>, asked: Input) => Promise<Outcome>,
  ): Promise<Outcome> {
    try {
      const asked = parseInput(schema, input);
      this.#isCalled = true;
      return await this.#withLedger(async () => {
        const engine = await this.engine();
        await engine.assertActive();
        const session = await openSession(engine);
        const result = await work(engine, session, asked)
          .catch((error: unknown) => failureOutcome(error))
          .finally(() => engine.renewCheckpoint());
        // A payment may have begun a new one, once the clock was checked.
        const current = (await engine.ledger.currentSession(engine.agent, engine.now())) ?? session;
        return { ...result, next: readingOn(result), session_left_usd: await sessionLeft(engine, current) };
      });
    } catch (error) {
      return failureOutcome(error);
    }
  }

  /** A ledger that was removed or replaced is not written again; the next call opens what is there, or says why not. */
  async #withLedger<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (isWalletError(error) && LEDGER_GONE.includes(error.code)) await this.#shared.letGo();
      throw error;
    }
  }
}

/**
 * The agent's session. Under a clock that is not found right none is begun in the ledger (T30): the call then goes on in
 * one that nobody else knows, and a payment begins the real one.
 */
async function openSession(engine: Engine): Promise<Pick<Session, 'id'>> {
  const { agent, ledger } = engine;
  const mayBegin =
    engine.clock.verdict().kind === 'right' || (await ledger.currentSession(agent, engine.now())) !== null;
  return mayBegin ? ledger.touchSession(agent, engine.now()) : { id: newId('ses') };
}

const LEDGER_GONE: readonly string[] = ['ledger_missing', 'ledger_older', 'ledger_damaged', 'home_unusable'];
