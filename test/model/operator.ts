import type { Caip2 } from '../../src/money/network.js';

/** What an RPC operator may do to the one question that it is asked. */
export type Lie =
  /** The payment is shown as unused, in state, events and history. */
  | 'unused'
  /** The payment is shown as spent while it is not: in state alone, or with events made up for it. */
  | 'spent'
  | 'paid'
  /** Its settled head is far ahead, in height and in time. */
  | 'height'
  /** Every time that it gives is two hours ahead: of blocks, and of its answers. */
  | 'time'
  /** On Solana: no blockhash is valid, and those it gives live to block 1. */
  | 'blockhash';

export const LIES: readonly Lie[] = ['unused', 'spent', 'paid', 'height', 'time', 'blockhash'];

/** How one operator behaves at a moment. All but `lies` may happen to an honest one. */
export interface Mood {
  readonly down: boolean;
  /** How many blocks it is behind the chain. */
  readonly lagBlocks: number;
  /** How many blocks of history it keeps; null keeps all. */
  readonly keptBlocks: number | null;
  /** It answers with nothing, instead of an error, for what it deleted. */
  readonly silent: boolean;
  /** The most entries or blocks that it gives at once; null for no bound of its own. */
  readonly pageMax: number | null;
  /** Whether its answers say when they were made. */
  readonly dated: boolean;
  readonly lies: readonly Lie[];
}

/** How far ahead the times of an operator are that lies about them. */
export const LIE_SEC = 7_200;

/** An operator as it should be. */
export const HONEST: Mood = {
  down: false,
  lagBlocks: 0,
  keptBlocks: null,
  silent: false,
  pageMax: null,
  dated: true,
  lies: [],
};

/** What a chain answers a question with, seen through a mood. Throws {@link Refusal}. */
export type Answerer = (method: string, params: readonly unknown[], mood: Mood) => unknown;

/** An error that an RPC answers with, in JSON. */
export class Refusal extends Error {}

/** One RPC operator of one simulated chain. */
export class SimOperator {
  readonly network: Caip2;
  readonly url: string;
  mood: Mood = HONEST;
  readonly #answer: Answerer;

  constructor(network: Caip2, url: string, answer: Answerer) {
    this.network = network;
    this.url = url;
    this.#answer = answer;
  }

  /** When its answers say that they were made, ms since 1970; null where they do not. */
  dateMs(trueMs: number): number | null {
    const { dated, lies } = this.mood;
    return dated ? trueMs + (lies.includes('time') ? LIE_SEC * 1000 : 0) : null;
  }

  /** The body of an HTTP answer to a JSON-RPC question, or null where the operator is down. */
  ask(body: string): string | null {
    if (this.mood.down) return null;
    const { id, method, params } = JSON.parse(body) as {
      id: number;
      method: string;
      params?: readonly unknown[];
    };
    try {
      return JSON.stringify({ jsonrpc: '2.0', id, result: this.#answer(method, params ?? [], this.mood) });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32_000, message: error.message } });
    }
  }
}
