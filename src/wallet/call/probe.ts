import type { EndpointAnswer, PaymentDemand } from '../../payment/challenge.js';
import { WalletError } from '../../errors/walletError.js';
import type { Config } from '../../config/settings.js';
import type { CallUrl } from '../../net/destination/url.js';
import { readBody, SharedRoom } from '../../net/body.js';
import type { HttpAnswer } from '../../net/send.js';
import { readMcpDemand, type McpDemand } from '../../protocols/mcp/demand.js';
import { CHALLENGE_BYTES_MAX } from '../../protocols/x402/challenge/parse.js';
import { ANSWER_BYTES_MAX, readAnswer, type ReadAnswer } from '../answer/answerBody.js';
import { tellKept } from '../answer/answerListener.js';
import { CONNECT_MAX_MS, type CallDeadline, type CallContext } from './callDeadline.js';
import type { Engine } from '../engine.js';
import { judgePlace } from './ownerRules.js';
import type { Rails } from '../../rails/table.js';
import type { CallRequest } from './request.js';

/** A 402 as it came, kept to be parsed again: the offer that is paid is always read from the seller's own words. */
export interface Challenge {
  /** Where the 402 came from, redirects followed, and by which method: the only place its payment goes (T9). */
  readonly target: { readonly url: URL; readonly method: string };
  readonly answer: EndpointAnswer;
  readonly required: PaymentDemand;
  /** The MCP server whose tool asked, where it was one: its payment goes within a call of that tool. */
  readonly mcpServer?: string;
}

/** What an endpoint says to a request without a payment. */
export type Probed =
  | { readonly kind: 'priced'; readonly challenge: Challenge }
  | {
      readonly kind: 'answered';
      readonly read: ReadAnswer;
      readonly target: Challenge['target'];
      /** What it asks for beside its answer, where it does. */
      readonly asks: Asked | null;
    };

/** A demand for payment that does not come by a 402. */
export type Asked =
  /** In the headers of an answer that went well: what came may be a preview. It can be paid as a 402's. */
  | { readonly kind: 'beside'; readonly challenge: Challenge }
  /** In an MCP server's answer to a call of its own, to be paid within such a call. */
  | { readonly kind: 'mcp'; readonly form: McpDemand['form']; readonly demand: PaymentDemand };

/** Statuses that turn a call away: a demand for payment beside one is meant as a 402. */
const TURNED_AWAY: readonly number[] = [401, 403, 412];

/**
 * Sends the request without a payment. Redirects are followed only here, each hop under the owner's lists of hosts
 * as well as net's own rules.
 *
 * Throws `NetFailure`s, `host_denied` and `host_not_allowed`.
 */
export async function probe(
  engine: Engine,
  config: Config,
  request: CallRequest,
  deadline: CallDeadline,
  context: CallContext,
): Promise<Probed> {
  const wholeMs = deadline.remainingMs();
  const answer = await engine.net(config).send(
    {
      method: request.method,
      url: request.target,
      headers: request.headers,
      ...(request.body === undefined ? {} : { body: request.body }),
    },
    {
      deadline: { connectMs: Math.min(CONNECT_MAX_MS, wholeMs), firstByteMs: wholeMs, wholeMs },
      // Not the bound's own signal: a seller that is late has not been cancelled.
      signal: context.signal,
      redirects: 'follow',
      bodyBytesMax: ANSWER_BYTES_MAX,
      judgeHop: (next) => judgeHop(config, next),
    },
  );
  const target = { url: answer.url, method: answer.method };
  const callerHeaders = request.headers.map(([name]) => name.toLowerCase());
  if (answer.status !== 402) {
    const isTurnedAway = TURNED_AWAY.includes(answer.status);
    // Whoever hears an answer that is a demand would have it for what was asked for, and never hear what was paid for.
    const { answer: listener, ...quiet } = context;
    const read = await readAnswer(engine, answer, isTurnedAway ? quiet : context);
    const asks = await askedIn(engine, config, { answer, read, target, callerHeaders });
    if (asks?.kind === 'beside' && isTurnedAway) return { kind: 'priced', challenge: asks.challenge };
    if (isTurnedAway && listener !== undefined) {
      const { status, headers, contentEncoding } = answer;
      const head = { status, headers, contentEncoding, payment: null, isReplayed: false };
      await tellKept(listener, engine.home, head, read);
    }
    return { kind: 'answered', read, target, asks };
  }
  return { kind: 'priced', challenge: await readChallenge(engine, config, answer, target, callerHeaders) };
}

function judgeHop(config: Config, next: CallUrl): void {
  const verdict = judgePlace(config, next.url);
  if (verdict.verdict !== 'allow')
    throw new WalletError(verdict.code, `The endpoint redirects: ${verdict.message}`);
}

/** The demand for payment in an answer that is no 402; null where there is none. */
async function askedIn(
  engine: Pick<Engine, 'rails' | 'bitcoin'>,
  config: Config,
  parts: {
    readonly answer: Pick<HttpAnswer, 'status' | 'headers'>;
    readonly read: ReadAnswer;
    readonly target: Challenge['target'];
    readonly callerHeaders: readonly string[];
  },
): Promise<Asked | null> {
  const { rails } = engine;
  const { answer, read, target, callerHeaders } = parts;
  const body = read.body === null ? '' : new TextDecoder().decode(read.body);
  const headers = answer.headers.filter(([name]) => rails.challengeHeaders.includes(name));
  const isRefusal = TURNED_AWAY.includes(answer.status);
  const requestUrl = target.url.href;
  // What went well may hold anything in its body: only headers and an MCP server's own forms make it a demand.
  const came = { status: 402, headers, bodyText: isRefusal ? body : '', requestUrl, callerHeaders };
  const asIf402 = await priced(engine, config, came);
  const required = isRefusal || isOk(answer.status) ? rails.parse(asIf402) : null;
  if (required !== null && asksForAnything(required))
    return { kind: 'beside', challenge: { target, answer: asIf402, required } };
  const inside = readMcpDemand(body);
  const demand =
    inside === null ? null : rails.parse({ ...asIf402, headers: inside.headers, bodyText: inside.bodyText });
  return inside === null || demand === null ? null : { kind: 'mcp', form: inside.form, demand };
}

function isOk(status: number): boolean {
  return status >= 200 && status < 300;
}

function asksForAnything({ offers, rejected, otherProtocols, signIn }: PaymentDemand): boolean {
  return offers.length + rejected.length + otherProtocols.length > 0 || signIn !== undefined;
}

/** All challenges being read, together: honest ones have some kilobytes, and a few large ones still fit. */
const challengeRoom = new SharedRoom(16 * 1024 * 1024);

/** The demand for payment in a 402. Throws `no_payable_offer` where none can be read. */
export async function readChallenge(
  engine: Pick<Engine, 'rails' | 'bitcoin'>,
  config: Config,
  answer: HttpAnswer,
  target: Challenge['target'],
  callerHeaders: readonly string[],
): Promise<Challenge> {
  const { bytes } = await readBody(answer, { bytesMax: CHALLENGE_BYTES_MAX, room: challengeRoom });
  const { rails } = engine;
  const came: EndpointAnswer = {
    status: answer.status,
    headers: answer.headers.filter(([name]) => rails.challengeHeaders.includes(name)),
    bodyText: new TextDecoder().decode(bytes),
    requestUrl: target.url.href,
    callerHeaders,
  };
  const kept = await priced(engine, config, came);
  return { target, answer: kept, required: requiredOf(rails, kept) };
}

/** The challenge that a call was answered with by another way than HTTP. Throws `no_payable_offer`. */
export function challengeOf(
  rails: Rails,
  answer: EndpointAnswer,
  { target, method }: Pick<CallRequest, 'target' | 'method'>,
): Challenge {
  return { target: { url: target.url, method }, answer, required: requiredOf(rails, answer) };
}

/** An answer with what its prices in bitcoin are worth: kept with it, so that a quote is paid at the rate that was shown. */
async function priced(
  engine: Pick<Engine, 'rails' | 'bitcoin'>,
  config: Config,
  came: EndpointAnswer,
): Promise<EndpointAnswer> {
  return engine.rails.pricesInBitcoin(came) ? { ...came, bitcoin: await engine.bitcoin(config) } : came;
}

function requiredOf(rails: Rails, answer: EndpointAnswer): PaymentDemand {
  const required = rails.parse(answer);
  if (required !== null) return required;
  throw new WalletError(
    'no_payable_offer',
    'The endpoint answers 402 and names no way to pay that can be read.',
  );
}

/** A challenge as text, for a stored quote. */
export function writeChallenge({ target, answer, mcpServer }: Challenge): string {
  return JSON.stringify({ url: target.url.href, method: target.method, answer, mcpServer });
}

interface StoredChallenge extends Pick<Challenge, 'answer' | 'mcpServer'> {
  readonly url: string;
  readonly method: string;
}

/** A challenge from a stored quote, parsed anew. */
export function restoreChallenge(rails: Rails, text: string): Challenge {
  const stored = JSON.parse(text) as StoredChallenge;
  const { url, method, answer, mcpServer } = stored;
  return {
    ...{ target: { url: new URL(url), method }, answer, required: requiredOf(rails, answer) },
    ...(mcpServer === undefined ? {} : { mcpServer }),
  };
}
