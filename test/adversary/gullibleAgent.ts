import { Client, InMemoryTransport, ProtocolError } from '@modelcontextprotocol/client';
import type { Transport } from '@modelcontextprotocol/server';
import { tellOutcome } from '../../src/cli/line/line.js';
import { createMcpServer } from '../../src/mcp/server.js';
import { PaidRelay } from '../../src/server/paidMcp/relay.js';
import { serverTransport } from '../../src/server/paidMcp/standIn.js';
import { outcome, type ToldOutcome } from '../../src/wallet/answer/outcome.js';
import type { Wallet } from '../../src/wallet/wallet.js';

/** Every call says how long it may take; the wallet is to keep to it. */
export const TIMEOUT_MS = 50_000;
/** A busy machine is late, by a minute where a hundred calls are made at once; a wallet that lets a seller hold it never ends. */
const LATE_MS = 60_000;
/** What a seller can make this agent do from one answer, and at one visit. */
const ORDERS_MAX = 4;
const CALLS_MAX = 40;
/** More than any limit allows: it believes whoever says that it costs so much. */
const ANY_PRICE = '1000000';

const PLACE = { version: '0.0.0-test', env: {}, platform: process.platform };

const NO_SUCH_TOOL: ToldOutcome = {
  ...outcome({ status: 'failed', code: 'not_found', message: 'There is no such tool.' }),
  tell_owner: null,
};

/** One call of a tool and what came back. */
export interface Told {
  readonly tool: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly outcome: ToldOutcome;
  readonly text: string;
  readonly tookMs: number;
}

/** Lets so many at a time run. */
export class Turnstile {
  #free: number;
  readonly #waiting: (() => void)[] = [];
  most = 0;
  #running = 0;

  constructor(width: number) {
    this.#free = width;
  }

  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#free -= 1;
    this.#running += 1;
    this.most = Math.max(this.most, this.#running);
    try {
      return await work();
    } finally {
      this.#running -= 1;
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}

/** What is asked for at one place. */
export interface Wish {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/**
 * An agent that does whatever it reads: it follows each link and each `next`, makes each call that a seller words, and
 * where it is refused it raises `max_usd`, renews its key and asks again.
 */
export class GullibleAgent {
  readonly told: Told[] = [];
  /** What its calls may take, unless they say otherwise. */
  timeoutMs = TIMEOUT_MS;
  readonly #client: Client;
  readonly #wallet: Wallet;
  readonly #turnstile: Turnstile;
  readonly #done = new Set<string>();
  #keys = 0;

  private constructor(client: Client, wallet: Wallet, turnstile: Turnstile) {
    this.#client = client;
    this.#wallet = wallet;
    this.#turnstile = turnstile;
  }

  /** Connects to a wallet as any client does; `meet` gives an agent for each visit over that one connection. */
  static async connect(wallet: Wallet) {
    const client = new Client({ name: 'gullible', version: '1.0.0' });
    const [near, far] = InMemoryTransport.createLinkedPair();
    await Promise.all([createMcpServer({ ...PLACE, wallet }).connect(far), client.connect(near)]);
    await client.listTools();
    return {
      meet: (turnstile: Turnstile): GullibleAgent => new GullibleAgent(client, wallet, turnstile),
      close: () => client.close(),
    };
  }

  /** Calls a tool; sentences of lateness are the judge's. */
  async call(tool: string, args: Readonly<Record<string, unknown>>): Promise<Told> {
    return this.#turnstile.pass(async () => {
      const startedMs = performance.now();
      const answered = await this.#ask(tool, args);
      const told: Told = { tool, args, ...answered, tookMs: performance.now() - startedMs };
      this.told.push(told);
      return told;
    });
  }

  async #ask(tool: string, args: Readonly<Record<string, unknown>>): Promise<Pick<Told, 'outcome' | 'text'>> {
    try {
      const timeout = TIMEOUT_MS + 4 * LATE_MS;
      const result = await this.#client.callTool({ name: tool, arguments: args }, { timeout });
      const [first] = result.content;
      const outcome = result.structuredContent as unknown as ToldOutcome;
      return { outcome, text: first?.type === 'text' ? first.text : '' };
    } catch (error) {
      // A tool that there is not: no wallet does all that a seller can name.
      if (!(error instanceof ProtocolError)) throw error;
      return { outcome: NO_SUCH_TOOL, text: error.message };
    }
  }

  /** Calls tools of an MCP server through the wallet that stands for it, listing them before each, and obeys each result. */
  async callThrough(
    url: URL,
    wanted: readonly { readonly name: string; readonly arguments: Record<string, unknown> }[],
  ): Promise<void> {
    const [near, far] = InMemoryTransport.createLinkedPair();
    const server = serverTransport({ url, wallet: this.#wallet });
    const parts = { server, url, wallet: this.#wallet, maxUsd: undefined };
    const tell: ConstructorParameters<typeof PaidRelay>[0]['tell'] = (outcome) => tellOutcome(outcome, PLACE);
    new PaidRelay({ ...parts, client: far as unknown as Transport, tell });
    await Promise.all([server.start(), far.start()]);
    const client = new Client({ name: 'gullible', version: '1.0.0' });
    await client.connect(near);
    for (const one of wanted) {
      const told = await this.#turnstile.pass(async () => {
        await client.listTools();
        const startedMs = performance.now();
        const result = await client.callTool(one).catch((error: unknown) => ({ error: String(error) }));
        const text = JSON.stringify(result);
        const { 'purser/money': money = 'none', 'purser/payment': paid = {} } =
          ('_meta' in result ? result._meta : undefined) ?? {};
        const [status, code] = 'error' in result || result.isError ? ['failed', 'failed'] : ['ok', 'ok'];
        const made = {
          ...outcome({ status: 'ok', code: 'ok', message: text }),
          status,
          code,
          money,
          ...(paid as object),
        };
        const tookMs = performance.now() - startedMs;
        return { tool: one.name, args: one.arguments, outcome: made as unknown as ToldOutcome, text, tookMs };
      });
      this.told.push(told);
      await this.obey(told);
    }
    await client.close();
    await server.close();
  }

  /** Pays for a wish in one step. */
  pay(wish: Wish, more: Readonly<Record<string, unknown>> = {}): Promise<Told> {
    return this.call('wallet_pay', { max_usd: '0.02', timeout_ms: this.timeoutMs, ...wish, ...more });
  }

  quote(wish: Wish): Promise<Told> {
    return this.call('wallet_quote', { timeout_ms: this.timeoutMs, ...wish });
  }

  /** Calls a place twice in every way there is, and does all that it is told there. */
  async visit(wish: Wish): Promise<void> {
    const quoted = await this.quote(wish);
    const id = quoted.outcome['quote_id'];
    if (typeof id === 'string') await this.call('wallet_pay', { quote_id: id, timeout_ms: this.timeoutMs });
    await this.obey(quoted);
    for (const told of [await this.pay(wish), await this.pay(wish)]) await this.obey(told);
    if (!this.told.some(({ outcome }) => outcome.status === 'ok' && outcome.code === 'paid'))
      await this.insist(wish);
  }

  /** Was refused, and finds ways around it. */
  async insist(wish: Wish): Promise<void> {
    const tries: Record<string, unknown>[] = [
      { max_usd: ANY_PRICE },
      { max_usd: ANY_PRICE, idempotency_key: this.newKey() },
      { max_usd: ANY_PRICE, repeat: true },
    ];
    for (const more of tries) await this.obey(await this.pay(wish, more));
  }

  newKey(): string {
    return `key-${this.#keys++}-${Math.random()}`;
  }

  /** Does what a result says: its `next`, the calls and the links in whatever the seller wrote. */
  async obey({ outcome, tool, args }: Told): Promise<void> {
    // A result over the protocol leaves out what says nothing.
    const next = outcome.next as ToldOutcome['next'] | undefined;
    if (
      next !== undefined &&
      next !== null &&
      !(next.tool === tool && JSON.stringify(next.arguments) === JSON.stringify(args))
    )
      await this.#once(next.tool, this.#hurried(next));
    const words = wordsIn(outcome).join('\n');
    for (const [, name = '', json = ''] of [...words.matchAll(/CALL (wallet_\w+) (\{.*\})/g)].slice(
      0,
      ORDERS_MAX,
    ))
      await this.#once(name, parsed(json));
    for (const [url] of [...words.matchAll(/\b(?:https?|file|gopher|ftp):\/\/[^\s"'<>)]+/g)].slice(
      0,
      ORDERS_MAX,
    ))
      await this.#once('wallet_pay', { url, max_usd: ANY_PRICE, timeout_ms: this.timeoutMs });
  }

  /** Nobody answers for the owner here, so it is not waited for long; nor is a seller longer than at first. */
  #hurried(next: { tool: string; arguments: Record<string, unknown> }): Record<string, unknown> {
    if (next.tool === 'wallet_approval') return { ...next.arguments, wait_s: 0 };
    const calls = next.tool === 'wallet_pay' || next.tool === 'wallet_quote';
    return calls ? { ...next.arguments, timeout_ms: this.timeoutMs } : next.arguments;
  }

  async #once(tool: string, args: Readonly<Record<string, unknown>>): Promise<void> {
    const key = `${tool} ${JSON.stringify(args)}`;
    if (this.#done.has(key) || this.told.length >= CALLS_MAX) return;
    this.#done.add(key);
    await this.obey(await this.call(tool, args));
  }
}

/** Whether a call ended by its own bound. */
export function isLate({ args, tookMs }: Told): boolean {
  const bound = typeof args['timeout_ms'] === 'number' ? args['timeout_ms'] : TIMEOUT_MS;
  return tookMs > bound + LATE_MS;
}

/** Every text that a seller may have written, wherever it stands. */
function wordsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => [key, ...wordsIn(item)]);
}

function parsed(json: string): Record<string, unknown> {
  try {
    return JSON.parse(json) as Record<string, unknown>;
  } catch {
    return {};
  }
}
