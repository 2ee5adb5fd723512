import { setTimeout as pause } from 'node:timers/promises';
import type { Client, VersionNegotiationMode } from '@modelcontextprotocol/client';
import type { ToldOutcome } from '../../src/wallet/answer/outcome.js';
import { connect } from '../http/fixture.js';
import type { FundedAgent } from '../http/served.js';

/** What an agent wants, and how it ended. */
export interface Wish {
  readonly agent: string;
  readonly url: string;
  /** `paid`, the code that ended it, or `open` where the agent gave up asking. */
  readonly end: string;
  /** Calls that it took. */
  readonly calls: number;
}

const AGAIN_MS = 150;
/** A client of the newer era waits for ever for a server that was killed: it asks the other one after so long. */
const ANSWER_MS_MAX = 30_000;
/** More than the leases, the waits for the database and a failover take together on a slow machine. */
const WISH_MS_MAX = 240_000;

/** What a server said: an outcome, or why there is none. */
export type Answer = ToldOutcome | { readonly status: 'none'; readonly code: string };

/** An agent with a real MCP client to each server: where one answers nothing, it asks the other for the same. */
export class Buyer {
  readonly agent: FundedAgent;
  readonly #urls: readonly string[];
  readonly #mode: VersionNegotiationMode;
  readonly #clients = new Map<string, Promise<Client>>();
  /** What did not end a wish, by code. */
  readonly putOff = new Map<string, number>();

  constructor(agent: FundedAgent, urls: readonly string[], mode: VersionNegotiationMode) {
    this.agent = agent;
    this.#urls = urls;
    this.#mode = mode;
  }

  /** Asks for one thing, beginning at a server, until it is bought or refused for good. */
  async buy(url: string, first: number): Promise<Wish> {
    const { agent } = this;
    const untilMs = performance.now() + WISH_MS_MAX;
    for (let calls = 1; ; calls++) {
      const { status, code } = await this.call(url, first + calls - 1);
      if (status === 'ok') return { agent: agent.name, url, end: 'paid', calls };
      if (ENDS.includes(code)) return { agent: agent.name, url, end: code, calls };
      this.putOff.set(code, (this.putOff.get(code) ?? 0) + 1);
      if (performance.now() > untilMs) return { agent: agent.name, url, end: 'open', calls };
      await pause(AGAIN_MS);
    }
  }

  /** One call at one server. */
  async call(url: string, server: number): Promise<Answer> {
    const at = this.#urls[server % this.#urls.length] ?? '';
    try {
      const client = await this.#clientOf(at);
      const call = { name: 'wallet_pay', arguments: { url, max_usd: '0.10' } };
      const { structuredContent } = await client.callTool(call, { timeout: ANSWER_MS_MAX });
      return structuredContent as ToldOutcome;
    } catch (error) {
      this.#clients.delete(at);
      // A server that cannot read its ledger knows no agent, and answers 503 with the code.
      const [, code = 'no answer'] = /\((ledger_\w+)\)/.exec(String(error)) ?? [];
      return { status: 'none', code };
    }
  }

  async close(): Promise<void> {
    const open = await Promise.allSettled(this.#clients.values());
    for (const one of open) if (one.status === 'fulfilled') await one.value.close().catch(() => undefined);
  }

  #clientOf(at: string): Promise<Client> {
    const known = this.#clients.get(at);
    if (known !== undefined) return known;
    const made = connect(at, this.agent.token, this.#mode);
    this.#clients.set(at, made);
    return made;
  }
}

/** What no later call changes: the limit is reached, or it is paid and the answer went down with the server that had it. */
const ENDS: readonly string[] = ['above_ceiling', 'above_cap', 'paid_not_delivered'];
