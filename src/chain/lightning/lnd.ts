import { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { request, type RequestOptions } from 'node:https';
import { isJsonObject, parseJson, statedField, statedText, type JsonObject } from '../../text/json.js';
import { within } from '../deadline.js';
import {
  LightningFault,
  OtherNode,
  type LightningBackend,
  type NodePayment,
  type PayReport,
  type WalletInfo,
} from './backend.js';
import type { LndConnection } from './connection.js';

const LOOK_MS_MAX = 10_000;
/** The longest that a node is waited for, whatever its caller says. */
const PAY_MS_MAX = 300_000;
/** How long the node itself looks for a route. What is under way then is not given up by that. */
const ROUTE_SEC_MAX = 60;
/** A payment with all its attempts has some kilobytes, a list of them some megabytes. */
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;
const LIST_MAX = 5_000;
/** gRPC codes that LND's gateway answers with. */
const NOT_FOUND = 5;
const ALREADY_EXISTS = 6;
const UNAUTHENTICATED = [7, 16];
const WORD = /^[A-Z_]{1,60}$/;

const STATES: Readonly<Record<string, NodePayment['state']>> = {
  SUCCEEDED: 'paid',
  FAILED: 'failed',
  IN_FLIGHT: 'in_flight',
  INITIATED: 'in_flight',
};
const CHAINS: Readonly<Record<string, string>> = {
  mainnet: 'bc',
  testnet: 'tb',
  signet: 'tbs',
  regtest: 'bcrt',
};

/** An error that the node itself told. */
class NodeSaid extends Error {
  readonly code: number;

  constructor(code: number) {
    super(String(code));
    this.code = code;
  }
}

/** Opens a node of LND by its REST interface. Nothing is asked before the first question. */
export function openLnd(connection: LndConnection): LightningBackend {
  const { host } = new URL(connection.origin);

  /** Asks once; `onLine` takes each object of the answer until it gives something. */
  function ask<T>(
    method: 'GET' | 'POST',
    path: string,
    body: object | null,
    signal: AbortSignal,
    onLine: (line: JsonObject) => T | undefined,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const text = body === null ? '' : JSON.stringify(body);
      let hasLeft = false;
      const fail = (what: string): void =>
        reject(new LightningFault(`${host} ${what}`, hasLeft && method === 'POST'));
      const sent = request(
        `${connection.origin}${path}`,
        {
          method,
          agent: false,
          headers: {
            'Grpc-Metadata-macaroon': connection.macaroon,
            ...(body === null
              ? {}
              : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
          },
          ...pinOf(connection.certificate),
        },
        (answer) =>
          readLines(answer, onLine).then(resolve, (error: unknown) => {
            if (error instanceof NodeSaid) reject(error);
            else fail(signal.aborted ? 'gave no answer in time' : 'broke off its answer');
          }),
      );
      const giveUp = (): void => {
        sent.destroy();
        fail('gave no answer in time');
      };
      signal.addEventListener('abort', giveUp, { once: true });
      if (signal.aborted) giveUp();
      sent.on('close', () => signal.removeEventListener('abort', giveUp));
      sent.on('error', () => fail(hasLeft ? 'broke off' : 'cannot be reached, or shows another certificate'));
      // Before the handshake has ended, with the certificate that is believed, nothing of the request has left.
      sent.on('socket', (socket) => {
        socket.once('secureConnect', () => (hasLeft = true));
      });
      sent.end(text);
    });
  }

  async function look(path: string, signal: AbortSignal | undefined, ms = LOOK_MS_MAX): Promise<JsonObject> {
    try {
      return await within(ms, signal, (bound) => ask('GET', path, null, bound, (line) => line));
    } catch (error) {
      throw error instanceof NodeSaid ? saidFault(host, error) : error;
    }
  }

  /**
   * Throws {@link OtherNode} where the node's own key is another one than it was when it was connected (T40): a certificate by a
   * public authority, or a machine in front, tells of a host alone, and another node's books would not tell what this one paid.
   */
  async function assertSameNode(signal: AbortSignal | undefined): Promise<void> {
    if (connection.nodeId === null) return;
    const told = statedText(await look('/v1/getinfo', signal), 'identity_pubkey');
    if (told !== connection.nodeId) throw new OtherNode(host);
  }

  return {
    place: host,
    async info(signal): Promise<WalletInfo> {
      const info = await look('/v1/getinfo', signal);
      const nodeId = statedText(info, 'identity_pubkey') ?? '';
      if (connection.nodeId !== null && nodeId !== connection.nodeId) throw new OtherNode(host);
      const chains = statedField(info, 'chains');
      const [chain] = Array.isArray(chains) ? chains : [];
      const network = isJsonObject(chain) ? (statedText(chain, 'network') ?? '') : '';
      return {
        alias: statedText(info, 'alias') ?? '',
        invoiceChain: CHAINS[network] ?? null,
        methods: [],
        budget: null,
        nodeId,
      };
    },
    async balanceMsat(signal) {
      await assertSameNode(signal);
      const local = statedField(await look('/v1/balance/channels', signal), 'local_balance');
      const msat = isJsonObject(local) ? numberAt(local, 'msat') : null;
      if (msat === null) throw new LightningFault(`${host} told no balance`, false);
      return msat;
    },
    async pay({ invoice, paymentHash, feeMaxMsat }, signal): Promise<PayReport> {
      await assertSameNode(signal);
      const body = {
        payment_request: invoice,
        fee_limit_msat: feeMaxMsat.toString(),
        timeout_seconds: ROUTE_SEC_MAX,
        no_inflight_updates: true,
      };
      try {
        const payment = await within(PAY_MS_MAX, signal, (bound) =>
          ask('POST', '/v2/router/send', body, bound, (line) => endOf(line, paymentHash)),
        );
        return { kind: 'told', payment };
      } catch (error) {
        if (!(error instanceof NodeSaid)) throw error;
        if (UNAUTHENTICATED.includes(error.code))
          return { kind: 'refused', why: 'its macaroon does not let it pay' };
        return {
          kind: 'unclear',
          why: error.code === ALREADY_EXISTS ? 'it knows this invoice' : `code ${error.code}`,
        };
      }
    },
    async lookup(paymentHash, signal) {
      await assertSameNode(signal);
      const path = `/v2/router/track/${Buffer.from(paymentHash, 'hex').toString('base64url')}`;
      try {
        return await within(LOOK_MS_MAX, signal, (bound) =>
          ask('GET', path, null, bound, (line) => {
            const result = statedField(line, 'result');
            return isJsonObject(result) ? readPayment(result, paymentHash) : undefined;
          }),
        );
      } catch (error) {
        if (!(error instanceof NodeSaid)) throw error;
        if (error.code === NOT_FOUND) return null;
        throw saidFault(host, error);
      }
    },
    async payments(sinceSec, signal) {
      await assertSameNode(signal);
      const path = `/v1/payments?include_incomplete=true&max_payments=${LIST_MAX}&creation_date_start=${sinceSec}`;
      const rows = statedField(await look(path, signal), 'payments');
      if (!Array.isArray(rows)) throw new LightningFault(`${host} told no list of payments`, false);
      if (rows.length >= LIST_MAX)
        throw new LightningFault(`${host} has more payments than are read at once`, false);
      return rows.flatMap((row) =>
        isJsonObject(row) ? [readPayment(row, statedText(row, 'payment_hash') ?? '')] : [],
      );
    },
    async makeInvoice(amountMsat, description, signal) {
      await assertSameNode(signal);
      const body = { value_msat: amountMsat.toString(), memo: description };
      const made = await within(LOOK_MS_MAX, signal, (bound) =>
        ask('POST', '/v1/invoices', body, bound, (line) => line),
      ).catch((error: unknown) => {
        throw error instanceof NodeSaid ? saidFault(host, error) : error;
      });
      const invoice = statedText(made, 'payment_request');
      if (invoice === undefined) throw new LightningFault(`${host} made no invoice`, false);
      return invoice;
    },
    close: () => undefined,
  };
}

/** A pinned certificate is believed by itself: its names count for nothing, and no other one of its maker's is taken. */
function pinOf(certificate: string | null): RequestOptions {
  if (certificate === null) return {};
  const pinned = new X509Certificate(certificate).raw;
  return {
    ca: certificate,
    checkServerIdentity: (_host, shown) =>
      shown.raw.equals(pinned) ? undefined : new Error('another certificate than the one that was connected'),
  };
}

/** Reads an answer of objects, each on its line, until one gives something. */
async function readLines<T>(
  answer: IncomingMessage,
  onLine: (line: JsonObject) => T | undefined,
): Promise<T> {
  let bytes = 0;
  let rest = '';
  const judge = (text: string): T | undefined => {
    const line = parseJson(text);
    if (!isJsonObject(line)) return undefined;
    const error = statedField(line, 'error');
    const code = codeOf(isJsonObject(error) ? error : line);
    if (isJsonObject(error) || (answer.statusCode ?? 0) >= 400) throw new NodeSaid(code);
    return onLine(line);
  };
  answer.setEncoding('utf8');
  try {
    for await (const chunk of answer as AsyncIterable<string>) {
      bytes += chunk.length;
      if (bytes > ANSWER_BYTES_MAX) throw new Error('an answer is too long');
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const text of lines) {
        const found = judge(text);
        if (found !== undefined) return found;
      }
    }
    const found = judge(rest);
    if (found !== undefined) return found;
    throw new Error('an answer broke off');
  } finally {
    answer.destroy();
  }
}

function codeOf(line: JsonObject): number {
  const code = statedField(line, 'code') ?? statedField(line, 'grpc_code');
  return typeof code === 'number' ? code : -1;
}

/** The end of a payment that is under way; undefined for a step of it. */
function endOf(line: JsonObject, paymentHash: string): NodePayment | undefined {
  const result = statedField(line, 'result');
  if (!isJsonObject(result)) return undefined;
  const payment = readPayment(result, paymentHash);
  return payment.state === 'in_flight' ? undefined : payment;
}

function readPayment(row: JsonObject, paymentHash: string): NodePayment {
  const preimage = (statedText(row, 'payment_preimage') ?? '').toLowerCase();
  const createdNs = numberAt(row, 'creation_time_ns');
  const failure = statedText(row, 'failure_reason') ?? '';
  return {
    paymentHash: paymentHash.toLowerCase(),
    // What has a word of another version of LND is still under way, as far as anybody here can tell.
    state: STATES[statedText(row, 'status') ?? ''] ?? 'in_flight',
    preimage: /^0*$/.test(preimage) ? null : preimage,
    amountMsat: numberAt(row, 'value_msat'),
    feeMsat: numberAt(row, 'fee_msat') ?? 0n,
    settledSec: createdNs === null ? null : Number(createdNs / 1_000_000_000n),
    failure: WORD.test(failure) && failure !== 'FAILURE_REASON_NONE' ? failure : null,
  };
}

/** LND writes 64-bit numbers as text. */
function numberAt(row: JsonObject, name: string): bigint | null {
  const value = statedField(row, name);
  if (typeof value === 'string' && /^\d{1,19}$/.test(value)) return BigInt(value);
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : null;
}

function saidFault(host: string, { code }: NodeSaid): LightningFault {
  return UNAUTHENTICATED.includes(code)
    ? new LightningFault(`The macaroon of ${host} does not permit this`, false)
    : new LightningFault(`${host} answered with the error ${code}`, false);
}
