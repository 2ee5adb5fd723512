import type { WalletTools } from '../../../mcp/tool.js';
import type { WalletOptions } from '../../../wallet/engine.js';
import type { Outcome } from '../../../wallet/answer/outcome.js';
import { failureOutcome } from '../../../wallet/answer/refusal.js';
import { Wallet } from '../../../wallet/wallet.js';
import { tunnelKeyOf } from '../../tunnel.js';
import type { AgentAccess } from '../access.js';
import { readBooks, type Books } from '../operation/books.js';
import { RunningCalls } from './runningCalls.js';

/** The wallets of every agent that a server serves: one keystore, one ledger, one count of the calls that run. */
export class ServedWallets implements AgentAccess {
  readonly #first: Wallet;
  readonly #options: WalletOptions;
  readonly #calls = new RunningCalls();
  readonly #ending = new AbortController();
  readonly #byAgent = new Map<string, { readonly wallet: Wallet; readonly tools: WalletTools }>();

  constructor(options: WalletOptions) {
    // T34: an agent's own program answers what it is asked. T45: and the files here are not the agent's.
    this.#options = { ...options, ownClient: false, sendsFiles: false };
    this.#first = new Wallet(this.#options, { reconcile: true });
  }

  /** Opens what the first call would open. Throws what opening the wallet throws. */
  async open(): Promise<void> {
    await this.#first.engine();
  }

  async authenticate(token: string): Promise<string | undefined> {
    return (await this.#first.agentOfToken(token)) ?? undefined;
  }

  barOf(token: string): Promise<'suspended' | 'expired' | null> {
    return this.#first.barOfToken(token);
  }

  isOver(agent: string): Promise<boolean> {
    return this.#first.isAgentOver(agent);
  }

  async tunnelKey(agent: string): Promise<Uint8Array | undefined> {
    const tokenHash = await this.#first.tokenHashOf(agent);
    return tokenHash === null ? undefined : tunnelKeyOf(tokenHash);
  }

  /** The wallet of one agent, as tools call it. */
  of(agent: string): WalletTools {
    const known = this.#byAgent.get(agent);
    if (known !== undefined) return known.tools;
    const wallet = this.#first.forAgent(agent);
    const tools = this.#counted(wallet);
    this.#byAgent.set(agent, { wallet, tools });
    return tools;
  }

  /** Ends when no call runs. */
  idle(): Promise<void> {
    return this.#calls.idle();
  }

  /** Calls that run at this moment. */
  get running(): number {
    return this.#calls.count;
  }

  /** What the ledger says of all agents together; null where it cannot be read now. */
  async books(): Promise<Books | null> {
    try {
      return await readBooks(await this.#first.engine());
    } catch {
      return null;
    }
  }

  /** Cuts off the answers to payments, which outlive their callers: the process is about to end. */
  endCalls(): void {
    this.#ending.abort();
  }

  /** Lets go of everything; calls in flight end as cancelled. */
  async close(): Promise<void> {
    await Promise.all([...this.#byAgent.values()].map(({ wallet }) => wallet.close()));
    await this.#first.close();
  }

  /** Its tools, each call counted; one that is turned away is answered like any other. No result names a file. */
  #counted(wallet: Wallet): WalletTools {
    const run = (work: () => Promise<Outcome>): Promise<Outcome> =>
      this.#calls.run(wallet.agent, work).then(withoutPath, (error: unknown) => failureOutcome(error));
    return {
      discover: (input, context) => run(() => wallet.discover(input, context)),
      quote: (input, context) => run(() => wallet.quote(input, context)),
      pay: (input, context) => run(() => wallet.pay(input, { ...context, ending: this.#ending.signal })),
      approval: (input, context) => run(() => wallet.approval(input, context)),
      balance: (input) => run(() => wallet.balance(input)),
      ledger: (input, context) => run(() => wallet.ledger(input, context)),
      response: (input) => run(() => wallet.response(input)),
    };
  }
}

/**
 * What an agent elsewhere is shown of a stored answer: it can read no file of the wallet's user, so its path would only
 * mislead. It is the agent's all the same: text page by page, what is no text as base64 in parts.
 */
function withoutPath(result: Outcome): Outcome {
  const { response, message } = result;
  if (response?.path === undefined) return result;
  const { path: _path, ...shown } = response;
  const kept = `${message} The answer is kept where the wallet is, and you cannot read its files`;
  if (shown.head === undefined) {
    return {
      ...result,
      message: `${kept}; it is no text: wallet_response gives it as base64, in parts.`,
      next: result.next ?? { tool: 'wallet_response', arguments: { id: shown.stored_id } },
      response: shown,
    };
  }
  return {
    ...result,
    message: `${kept}: page through it with wallet_response.`,
    next: result.next ?? { tool: 'wallet_response', arguments: { id: shown.stored_id } },
    response: shown,
  };
}
