import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CONFIG_FILE, resolveHome } from '../config/home.js';
import { ownerCommand } from '../cli/line/line.js';
import type { WalletTools } from '../mcp/tool.js';
import { isWalletError } from '../errors/walletError.js';
import { agentOf, DEFAULT_AGENT } from '../money/agent.js';
import type { CallContext } from '../wallet/call/callDeadline.js';
import { outcome, type Outcome } from '../wallet/answer/outcome.js';
import type { Engine } from '../wallet/engine.js';
import type { OwnerReach } from '../wallet/approval/ownerReach.js';
import type { RehearsedCall, Wallet } from '../wallet/wallet.js';
import { CallsInFlight } from './callsInFlight.js';
import { NoticeKeeper } from './noticeKeeper.js';
import { SetUpOffer } from './setUpOffer.js';

/** What of the process a server's wallet depends on; `PURSER_AGENT` names the agent that calls. */
export interface ServerPlace {
  readonly version: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  /** Where a line for the person who runs the server goes; never the protocol's stream. */
  readonly warn: (line: string) => void;
  /** Whether an owner sits at this machine, who is offered a page to set the wallet up on. */
  readonly offersSetUp?: boolean;
}

/**
 * A wallet whose program is loaded by its first call, so that a server lists its tools while signers, chains and
 * SQLite are still on disk. It keeps count of the calls in flight.
 */
export class WalletOnDemand implements WalletTools {
  readonly #place: ServerPlace;
  #wallet: Promise<Wallet> | undefined;
  #offer: SetUpOffer | undefined;
  readonly #inFlight = new CallsInFlight();
  readonly #ending = new AbortController();
  readonly #notices: NoticeKeeper;

  constructor(place: ServerPlace) {
    this.#place = place;
    this.#notices = new NoticeKeeper(place);
  }

  /** Notes which client calls. */
  noteClient(client: string): void {
    this.#notices.noteClient(agentOf(this.#place.env) ?? DEFAULT_AGENT, client);
  }

  quote(input: unknown, context: CallContext): Promise<Outcome> {
    return this.#call((wallet) => wallet.quote(input, context));
  }

  pay(input: unknown, context: CallContext): Promise<Outcome> {
    return this.#call((wallet) => wallet.pay(input, { ...context, ending: this.#ending.signal }));
  }

  approval(input: unknown, context: CallContext): Promise<Outcome> {
    return this.#call((wallet) => wallet.approval(input, context));
  }

  discover(input: unknown, context: CallContext): Promise<Outcome> {
    return this.#call((wallet) => wallet.discover(input, context));
  }

  balance(input: unknown): Promise<Outcome> {
    return this.#call((wallet) => wallet.balance(input));
  }

  ledger(input: unknown, context: CallContext): Promise<Outcome> {
    return this.#call((wallet) => wallet.ledger(input, context));
  }

  response(input: unknown): Promise<Outcome> {
    return this.#call((wallet) => wallet.response(input));
  }

  /**
   * Loads the program ahead of the first call, and opens the wallet where that asks nobody for anything; nothing where there
   * is no wallet. A first payment is rehearsed by `call`. Never rejects: what cannot be had now is told by the call that needs it.
   */
  async warm(call?: RehearsedCall): Promise<void> {
    const { env, platform } = this.#place;
    try {
      if (!existsSync(join(resolveHome(env, platform), CONFIG_FILE))) return;
      await (await this.#load()).warm(call);
    } catch {
      // As above.
    }
  }

  /** Ends when no call is in flight. */
  idle(): Promise<void> {
    return this.#inFlight.idle();
  }

  /** Cuts off the answers to payments, which outlive their callers: the process is about to end. */
  endCalls(): void {
    this.#ending.abort();
  }

  /** Lets go of everything; nothing is loaded for it. */
  async close(): Promise<void> {
    const wallet = await this.#wallet?.catch(() => undefined);
    await Promise.all([wallet?.close(), this.#offer?.close()]);
  }

  #call(work: (wallet: Wallet) => Promise<Outcome>): Promise<Outcome> {
    return this.#inFlight.run(async () => {
      const wallet = await this.#load().catch((error: unknown) => notLoaded(error));
      if ('status' in wallet) return wallet;
      const result = await work(wallet);
      return result.code === 'not_set_up' && this.#place.offersSetUp === true
        ? await this.#offered(result)
        : result;
    });
  }

  /** The result of a call that found no wallet, with the page where the owner makes one. */
  async #offered(result: Outcome): Promise<Outcome> {
    this.#offer ??= offerOf(this.#place);
    return { ...result, tell_owner: (await this.#offer.step()) ?? result.tell_owner };
  }

  #load(): Promise<Wallet> {
    this.#wallet ??= load(this.#place, this.#notices).catch((error: unknown) => {
      this.#wallet = undefined;
      this.#place.warn(
        `Purser cannot load its wallet: ${error instanceof Error ? error.message : 'no reason given'}`,
      );
      throw error;
    });
    return this.#wallet;
  }
}

async function notLoaded(error: unknown): Promise<Outcome> {
  if (isWalletError(error)) return (await import('../wallet/answer/refusal.js')).failureOutcome(error);
  return outcome({
    status: 'failed',
    code: 'internal',
    message: 'Purser cannot load parts of its own program; nothing was sent or signed.',
    retry: 'after_owner',
    tell_owner: {
      say: 'The installation of Purser is not whole: install purser-mcp again, then restart this client.',
    },
  });
}

function offerOf({ version, env, platform, warn }: ServerPlace): SetUpOffer {
  const home = resolveHome(env, platform);
  const passphrase = async (attempt?: number): Promise<string | null> =>
    (await import('../cli/setUp/passphrase.js')).servedPassphrase(env, home, warn, attempt);
  const keepPassphrase = async (made: string): Promise<string> =>
    (await import('../cli/setUp/passphrase.js')).keepFirstPassphrase(home, made);
  return new SetUpOffer({ home, now: Date.now, passphrase, keepPassphrase }, { version, env, platform });
}

async function load({ version, env, platform, warn }: ServerPlace, notices: NoticeKeeper): Promise<Wallet> {
  const [{ Wallet }, { servedPassphrase }, { PageReach }] = await Promise.all([
    import('../wallet/wallet.js'),
    import('../cli/setUp/passphrase.js'),
    import('./pageReach.js'),
  ]);
  const home = resolveHome(env, platform);
  const passphrase = (attempt?: number): Promise<string | null> => servedPassphrase(env, home, warn, attempt);
  const reach = (engine: Engine): OwnerReach => new PageReach(engine, { version, env, platform });
  const agent = agentOf(env);
  return new Wallet(
    {
      home,
      version,
      env,
      platform,
      now: Date.now,
      passphrase,
      ownClient: true,
      sendsFiles: true,
      ownerCommand: (action) => ownerCommand(action, { version, env, platform }),
      reach,
      behind: (engine) => notices.begin(engine),
      ...(agent === undefined ? {} : { agent }),
    },
    { reconcile: true },
  );
}
