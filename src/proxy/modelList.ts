import type { ModelPrice } from '../ledger/books/seller.js';
import { formatUsd } from '../money/decimal.js';
import type { NetFailure } from '../net/failure.js';
import { headerValue, type HeaderList } from '../net/headers.js';
import { isJsonObject, parseJson, type JsonValue } from '../text/json.js';
import type { AnswerHead, AnswerListener } from '../wallet/answer/answerListener.js';
import type { Dialect } from './dialect.js';

/** The longest lists of gateways with hundreds of models are below this; what is longer is handed on as it is. */
const LIST_BYTES_MAX = 4 * 2 ** 20;
/** Fields by which gateways say what a model costs. */
const PRICE_FIELDS: readonly string[] = ['pricing', 'price', 'prices', 'cost', 'costs'];
/** Headers that are true of the seller's own bytes alone. */
const OF_THE_BYTES: readonly string[] = ['content-length', 'etag', 'content-md5', 'digest', 'content-digest'];

/** Whether a request asks an API which models it has. */
export function asksForModels(method: string | undefined, url: string, dialect: Dialect): boolean {
  if (method !== 'GET' || dialect === 'plain' || !URL.canParse(url)) return false;
  return new URL(url).pathname.endsWith('/models');
}

/** Hands a list of models on with what each was paid for last, where its gateway itself says no price of it. */
export class ModelList implements AnswerListener {
  readonly #to: AnswerListener;
  readonly #prices: readonly ModelPrice[];
  /** The list as far as it came; null where it is handed on as it comes. */
  #pieces: Uint8Array[] | null = null;
  #bytes = 0;

  constructor(to: AnswerListener, prices: readonly ModelPrice[]) {
    this.#to = to;
    this.#prices = prices;
  }

  async head(head: AnswerHead): Promise<boolean> {
    if (!isPlainJson(head)) return this.#to.head(head);
    this.#pieces = [];
    const headers: HeaderList = head.headers.filter(([name]) => !OF_THE_BYTES.includes(name));
    return this.#to.head({ ...head, headers });
  }

  async piece(bytes: Uint8Array): Promise<void> {
    if (this.#pieces === null) return this.#to.piece(bytes);
    this.#pieces.push(bytes);
    this.#bytes += bytes.length;
    if (this.#bytes > LIST_BYTES_MAX) await this.#handOn(Buffer.concat(this.#pieces));
  }

  async end(failure: NetFailure | 'cut' | null): Promise<void> {
    if (this.#pieces !== null) {
      const list = Buffer.concat(this.#pieces);
      await this.#handOn(failure === null ? withPrices(list, this.#prices) : list);
    }
    await this.#to.end(failure);
  }

  async #handOn(bytes: Uint8Array): Promise<void> {
    this.#pieces = null;
    if (bytes.length > 0) await this.#to.piece(bytes);
  }
}

function isPlainJson({ status, headers, contentEncoding }: AnswerHead): boolean {
  const type = headerValue(headers, 'content-type') ?? '';
  const isPlain = contentEncoding === undefined || contentEncoding === 'identity';
  return status === 200 && isPlain && /^application\/json\b/i.test(type);
}

/**
 * The list with `purser: {last_price_usd, last_paid_at}` at each model that was paid for and has no price of its gateway's;
 * the same bytes where there is none, or where it is no list that is known.
 */
export function withPrices(list: Uint8Array, prices: readonly ModelPrice[]): Uint8Array {
  const priced = new Map(prices.map((price) => [price.model, price]));
  const value = parseJson(new TextDecoder().decode(list));
  const isBare = Array.isArray(value);
  const models: JsonValue | undefined = isBare ? value : isJsonObject(value) ? value['data'] : undefined;
  if (!Array.isArray(models)) return list;
  let isChanged = false;
  const shown = models.map((model) => {
    const id = isJsonObject(model) ? model['id'] : undefined;
    const price = typeof id === 'string' ? priced.get(id) : undefined;
    if (price === undefined || !isJsonObject(model)) return model;
    if (PRICE_FIELDS.some((field) => Object.hasOwn(model, field))) return model;
    isChanged = true;
    const { usdMicros, atMs } = price;
    const last = { last_price_usd: formatUsd(usdMicros), last_paid_at: new Date(atMs).toISOString() };
    return { ...model, purser: last };
  });
  if (!isChanged) return list;
  const whole = isBare ? shown : { ...(value as object), data: shown };
  return new TextEncoder().encode(JSON.stringify(whole));
}
