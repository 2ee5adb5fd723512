import { isJsonObject, parseJson, statedField, statedText, type JsonObject } from '../../text/json.js';
import { within } from '../deadline.js';
import {
  LightningFault,
  type LightningBackend,
  type NodePayment,
  type PayReport,
  type WalletInfo,
} from './backend.js';
import type { NwcConnection } from './connection.js';
import { decrypt, encrypt, publicKeyOf, signEvent, type Encryption, type NostrEvent } from './nostrCrypt.js';
import { RelayConnection } from './relay.js';

const INFO_KIND = 13_194;
const REQUEST_KIND = 23_194;
const RESPONSE_KIND = 23_195;
/** What costs nothing is asked of a wallet that answers at once, or is away. */
const LOOK_MS_MAX = 10_000;
const INFO_MS_MAX = 5_000;
/** A wallet that reads a request later than this must not act on it (NIP-40). Its clock may be off by a little. */
const REQUEST_LIFE_SEC = 90;
/** Payments that one list takes; a wallet gives no more at once. */
const LIST_MAX = 50;
const LISTS_MAX = 40;
const WORD = /^[A-Z_]{1,40}$/;

/** Errors by which a wallet says that it began no payment (NIP-47, "Error codes"). */
const NOT_BEGUN: Readonly<Record<string, string>> = {
  RATE_LIMITED: 'it is asked too often',
  NOT_IMPLEMENTED: 'it does not pay',
  INSUFFICIENT_BALANCE: 'it has too little money',
  QUOTA_EXCEEDED: 'its own budget for this connection is used up',
  RESTRICTED: 'this connection may not pay',
  UNAUTHORIZED: 'it does not know this connection',
};

/** Of these, what a second copy of the same request meets too, since the first one has taken the money or the turn. */
const MEANT_FOR_COPY: readonly string[] = ['RATE_LIMITED', 'INSUFFICIENT_BALANCE', 'QUOTA_EXCEEDED'];

const CHAINS: Readonly<Record<string, string>> = {
  mainnet: 'bc',
  testnet: 'tb',
  signet: 'tbs',
  regtest: 'bcrt',
};

/** An error that the wallet itself told. */
class WalletSaid extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** Opens a wallet that is reached by NIP-47. Nothing is asked before the first question. */
export function openNwc(connection: NwcConnection, nowMs: () => number): LightningBackend {
  const { walletKey, secret, relays } = connection;
  const ownKey = publicKeyOf(secret);
  const place = new URL(relays[0] ?? '').host;
  let known: Encryption | undefined;

  /** The first relay that can be reached, under a bound. */
  async function onRelay<T>(
    ms: number,
    signal: AbortSignal | undefined,
    use: (relay: RelayConnection, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    return within(ms, signal, async (bound) => {
      let fault: unknown;
      for (const url of relays) {
        let relay: RelayConnection;
        try {
          relay = await RelayConnection.open(url, bound);
        } catch (error) {
          fault = error;
          continue;
        }
        try {
          return await use(relay, bound);
        } finally {
          relay.close();
        }
      }
      throw fault;
    });
  }

  /** By which encryption the wallet reads, as its own info event says; by the older one where it says nothing. */
  async function encryptionOn(relay: RelayConnection, signal: AbortSignal): Promise<Encryption> {
    known ??= await within(INFO_MS_MAX, signal, async (bound) => {
      const filter = { kinds: [INFO_KIND], authors: [walletKey], limit: 1 };
      const pick = (event: NostrEvent): string | undefined =>
        event.kind === INFO_KIND && event.pubkey === walletKey
          ? (event.tags.find(([name]) => name === 'encryption')?.[1] ?? '')
          : undefined;
      const schemes = await relay.first(filter, { untilStored: true, signal: bound, pick });
      return schemes?.split(' ').includes('nip44_v2') === true ? 'nip44_v2' : 'nip04';
    });
    return known;
  }

  async function ask(
    method: string,
    params: object,
    {
      ms,
      signal,
      untilSec,
    }: {
      readonly ms: number;
      readonly signal?: AbortSignal | undefined;
      readonly untilSec?: number | undefined;
    },
  ): Promise<JsonObject> {
    return onRelay(ms, signal, async (relay, bound) => {
      const encryption = await encryptionOn(relay, bound);
      const nowSec = Math.floor(nowMs() / 1000);
      const endsSec = untilSec ?? nowSec + REQUEST_LIFE_SEC;
      // Stood still for so long: what it may not act on any more, it is not sent.
      if (nowSec >= endsSec) throw new LightningFault('The wallet was asked too late', false);
      const request = signEvent(secret, {
        created_at: nowSec,
        kind: REQUEST_KIND,
        tags: [
          ['p', walletKey],
          ['encryption', encryption],
          ['expiration', String(endsSec)],
        ],
        content: encrypt(encryption, secret, walletKey, JSON.stringify({ method, params })),
      });
      const pick = (event: NostrEvent): JsonObject | undefined => {
        const isAnswer =
          event.kind === RESPONSE_KIND &&
          event.pubkey === walletKey &&
          event.tags.some(([name, value]) => name === 'e' && value === request.id);
        return isAnswer ? readAnswer(secret, walletKey, event.content, method) : undefined;
      };
      const filter = { kinds: [RESPONSE_KIND], authors: [walletKey], '#e': [request.id], '#p': [ownKey] };
      const answer = await relay.first(filter, { send: request, signal: bound, pick });
      const error = statedField(answer ?? {}, 'error');
      if (isJsonObject(error)) throw new WalletSaid(wordOf(statedText(error, 'code') ?? ''));
      const result = statedField(answer ?? {}, 'result');
      if (!isJsonObject(result))
        throw new LightningFault('The wallet answered nothing that can be read', true);
      return result;
    });
  }

  /** A question that moves nothing: what the wallet says against it is a fault. */
  async function look(method: string, params: object, signal: AbortSignal | undefined): Promise<JsonObject> {
    try {
      return await ask(method, params, { ms: LOOK_MS_MAX, signal });
    } catch (error) {
      if (error instanceof WalletSaid)
        throw new LightningFault(`The wallet answered ${method} with ${error.code}`, false);
      throw error;
    }
  }

  return {
    place,
    async info(signal): Promise<WalletInfo> {
      const info = await look('get_info', {}, signal);
      const methods = statedField(info, 'methods');
      const budget = await ask('get_budget', {}, { ms: LOOK_MS_MAX, signal }).catch(() => ({}));
      const [total, used] = [numberAt(budget, 'total_budget'), numberAt(budget, 'used_budget')];
      return {
        alias: statedText(info, 'alias') ?? '',
        invoiceChain: CHAINS[statedText(info, 'network') ?? ''] ?? null,
        methods: Array.isArray(methods) ? methods.filter((one) => typeof one === 'string') : [],
        budget:
          total === null
            ? null
            : {
                totalMsat: total,
                usedMsat: used ?? 0n,
                renews: statedText(budget, 'renewal_period') ?? 'never',
              },
      };
    },
    async balanceMsat(signal) {
      const balance = numberAt(await look('get_balance', {}, signal), 'balance');
      if (balance === null) throw new LightningFault('The wallet told no balance', false);
      return balance;
    },
    async pay({ invoice, paymentHash, askUntilSec }, signal): Promise<PayReport> {
      let result: JsonObject;
      try {
        // The bound is the caller's own: a hold invoice takes as long as its payee likes.
        result = await ask('pay_invoice', { invoice }, { ms: PAY_MS_MAX, signal, untilSec: askUntilSec });
      } catch (error) {
        if (!(error instanceof WalletSaid)) throw error;
        const why = NOT_BEGUN[error.code];
        if (why === undefined) return { kind: 'unclear', why: error.code };
        return { kind: 'refused', why, ...(MEANT_FOR_COPY.includes(error.code) ? { asksBooks: true } : {}) };
      }
      return {
        kind: 'told',
        payment: {
          paymentHash,
          state: 'paid',
          preimage: statedText(result, 'preimage')?.toLowerCase() ?? null,
          amountMsat: null,
          feeMsat: numberAt(result, 'fees_paid') ?? 0n,
          ...{ settledSec: null, failure: null },
        },
      };
    },
    async lookup(paymentHash, signal) {
      try {
        const found = await ask('lookup_invoice', { payment_hash: paymentHash }, { ms: LOOK_MS_MAX, signal });
        return readPayment(found, paymentHash);
      } catch (error) {
        if (!(error instanceof WalletSaid)) throw error;
        if (error.code === 'NOT_FOUND') return null;
        throw new LightningFault(`The wallet answered lookup_invoice with ${error.code}`, false);
      }
    },
    async payments(sinceSec, signal) {
      const found: NodePayment[] = [];
      for (let page = 0; page < LISTS_MAX; page++) {
        const part = { from: sinceSec, limit: LIST_MAX, offset: page * LIST_MAX, type: 'outgoing' };
        // By default a list leaves out what is under way.
        const params = { ...part, unpaid: true, unpaid_outgoing: true };
        const rows = statedField(await look('list_transactions', params, signal), 'transactions');
        if (!Array.isArray(rows)) throw new LightningFault('The wallet told no list of payments', false);
        for (const row of rows) {
          const payment = isJsonObject(row) ? readPayment(row, statedText(row, 'payment_hash') ?? '') : null;
          if (payment !== null) found.push(payment);
        }
        if (rows.length < LIST_MAX) return found;
      }
      throw new LightningFault('The wallet has more payments than are read at once', false);
    },
    async makeInvoice(amountMsat, description, signal) {
      const result = await look('make_invoice', { amount: Number(amountMsat), description }, signal);
      const invoice = statedText(result, 'invoice');
      if (invoice === undefined) throw new LightningFault('The wallet made no invoice', false);
      return invoice;
    },
    close: () => undefined,
  };
}

/** The longest that a wallet is waited for, whatever its caller says. */
const PAY_MS_MAX = 300_000;

function readAnswer(
  secret: string,
  walletKey: string,
  content: string,
  method: string,
): JsonObject | undefined {
  let text: string;
  try {
    text = decrypt(secret, walletKey, content);
  } catch {
    return undefined;
  }
  const answer = parseJson(text);
  return isJsonObject(answer) && statedText(answer, 'result_type') === method ? answer : undefined;
}

/** A row of the wallet's books; null where it is of money that came in. */
function readPayment(row: JsonObject, paymentHash: string): NodePayment | null {
  if (statedText(row, 'type') === 'incoming') return null;
  const preimage = statedText(row, 'preimage')?.toLowerCase() ?? null;
  const settled = numberAt(row, 'settled_at');
  const stated = statedText(row, 'state');
  const isPaid = stated === undefined ? settled !== null && settled > 0n : stated === 'settled';
  return {
    paymentHash: paymentHash.toLowerCase(),
    state: isPaid ? 'paid' : stated === 'failed' ? 'failed' : 'in_flight',
    preimage: preimage === '' ? null : preimage,
    amountMsat: numberAt(row, 'amount'),
    feeMsat: numberAt(row, 'fees_paid') ?? 0n,
    settledSec: settled === null || settled === 0n ? null : Number(settled),
    failure: null,
  };
}

function numberAt(row: JsonObject, name: string): bigint | null {
  const value = statedField(row, name);
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : null;
}

function wordOf(code: string): string {
  return WORD.test(code) ? code : 'an error';
}
