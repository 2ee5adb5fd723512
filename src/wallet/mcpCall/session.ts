import { randomUUID } from 'node:crypto';
import type { Config } from '../../config/settings.js';
import { readBody } from '../../net/body.js';
import { parseCallUrl } from '../../net/destination/url.js';
import { NetFailure } from '../../net/failure.js';
import { headerValue, type HeaderList } from '../../net/headers.js';
import type { Net } from '../../net/send.js';
import { isJsonObject, parseJson, statedField, statedText, type JsonObject } from '../../text/json.js';
import { ANSWER_BYTES_MAX } from '../answer/answerBody.js';
import { CONNECT_MAX_MS } from '../call/callDeadline.js';

/** A revision that every server with sessions knows. */
const PROTOCOL_VERSION = '2025-06-18';
/** Time to tell a server that its session is over; nobody waits for more. */
const GOODBYE_MS = 1_000;
/** What the session calls itself: no server is told which version of the wallet there is. */
const CLIENT = { name: 'purser', version: '1' };
const SESSION_HEADER = 'mcp-session-id';

/** Statuses by which a server that is one asks to come again later; so does every one of 500 and more. */
const LATER: readonly number[] = [408, 425, 429];

/** Who was asked to begin a session answered, and not as an MCP server does: asking again changes nothing. */
export class NoMcpServer extends NetFailure {
  constructor(status: number) {
    super('unreachable', `What was called does not answer as an MCP server (HTTP ${status}).`, {
      ...{ leg: 'body', bytesLeft: true, retry: 'never' },
    });
  }
}

/** It wants its callers signed in before it says anything (MCP, "Authorization"). */
export class SignInWanted extends NetFailure {
  constructor(status: number) {
    super('unreachable', `The MCP server wants its callers signed in (HTTP ${status}).`, {
      ...{ leg: 'body', bytesLeft: true, retry: 'never' },
    });
  }
}

/** What a session goes by. */
export interface SessionParts {
  readonly net: Net;
  readonly config: Pick<Config, 'net'>;
  readonly server: URL;
  readonly signal: AbortSignal;
  /** The time that is left of the call. */
  readonly leftMs: () => number;
}

/**
 * A session with an MCP server (Streamable HTTP) for as long as one call takes, by the wallet's own way to the network.
 * Redirects are not followed: the server that was named is the one that is talked to.
 */
export class McpSession {
  readonly #parts: SessionParts;
  #headers: HeaderList = [
    ['content-type', 'application/json'],
    ['accept', 'application/json, text/event-stream'],
  ];

  private constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /** Throws a `NetFailure` where the server does not answer as one. */
  static async open(parts: SessionParts): Promise<McpSession> {
    const session = new McpSession(parts);
    const params = { protocolVersion: PROTOCOL_VERSION, capabilities: {}, clientInfo: CLIENT };
    const { answer, headers } = await session.#post({ method: 'initialize', params });
    const version = statedText(resultOf(answer), 'protocolVersion') ?? PROTOCOL_VERSION;
    const id = headerValue(headers, SESSION_HEADER);
    session.#headers = [
      ...session.#headers,
      ['mcp-protocol-version', version],
      ...(id === undefined ? [] : [[SESSION_HEADER, id] as const]),
    ];
    await session.#send({ jsonrpc: '2.0', method: 'notifications/initialized' }).then(
      ({ discard }) => discard(),
      () => undefined,
    );
    return session;
  }

  /** Whether an MCP server answers there; one that is silent counts as one. */
  static async isServed(parts: SessionParts): Promise<boolean> {
    try {
      await (await McpSession.open(parts)).close();
      return true;
    } catch (error) {
      if (error instanceof NetFailure) return !(error instanceof NoMcpServer);
      throw error;
    }
  }

  /** Makes one request; the whole answer of JSON-RPC. Throws `NetFailure`s. */
  async request(method: string, params: JsonObject, maySend?: () => boolean): Promise<JsonObject> {
    return (await this.#post({ method, params }, maySend)).answer;
  }

  /** Tells the server that the session is over. Never rejects. */
  async close(): Promise<void> {
    if (headerValue(this.#headers, SESSION_HEADER) === undefined) return;
    const { net } = this.#parts;
    const deadline = { connectMs: GOODBYE_MS, firstByteMs: GOODBYE_MS, wholeMs: GOODBYE_MS };
    const request = { method: 'DELETE', url: this.#url(), headers: this.#headers };
    const options = { deadline, redirects: 'return', bodyBytesMax: ANSWER_BYTES_MAX } as const;
    await net.send(request, options).then(
      ({ discard }) => discard(),
      () => undefined,
    );
  }

  #url() {
    return parseCallUrl(this.#parts.server.href, { allowPrivate: this.#parts.config.net.allowPrivate });
  }

  #send(message: JsonObject, maySend?: () => boolean) {
    const { net, signal, leftMs } = this.#parts;
    const wholeMs = leftMs();
    return net.send(
      {
        ...{ method: 'POST', url: this.#url(), headers: this.#headers },
        body: new TextEncoder().encode(JSON.stringify(message)),
      },
      {
        deadline: { connectMs: Math.min(CONNECT_MAX_MS, wholeMs), firstByteMs: wholeMs, wholeMs },
        ...{ signal, redirects: 'return', bodyBytesMax: ANSWER_BYTES_MAX },
        ...(maySend === undefined ? {} : { maySend }),
      },
    );
  }

  async #post(
    message: { readonly method: string; readonly params: JsonObject },
    maySend?: () => boolean,
  ): Promise<{ readonly answer: JsonObject; readonly headers: HeaderList }> {
    const id = randomUUID();
    const answer = await this.#send({ jsonrpc: '2.0', id, ...message }, maySend);
    const { bytes } = await readBody(
      { ...answer, body: untilAnswered(answer.body, id) },
      { bytesMax: ANSWER_BYTES_MAX },
    );
    const found = answerIn(new TextDecoder().decode(bytes), id);
    if (found !== null) return { answer: found, headers: answer.headers };
    const { status } = answer;
    // Only what names a scheme says who is to sign in where; a bare 403 is anybody's.
    if (status === 401 && headerValue(answer.headers, 'www-authenticate') !== undefined)
      throw new SignInWanted(status);
    if (message.method === 'initialize' && status < 500 && !LATER.includes(status))
      throw new NoMcpServer(status);
    throw new NetFailure(
      'unreachable',
      `The MCP server did not answer ${message.method} as one does (HTTP ${status}).`,
      { leg: 'body', bytesLeft: true },
    );
  }
}

/** A stream of events may stay open behind its answer: it is read up to there. */
async function* untilAnswered(body: AsyncIterable<Uint8Array>, id: string): AsyncIterable<Uint8Array> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const piece of body) {
    yield piece;
    text += decoder.decode(piece, { stream: true });
    const isEvent = text.includes('data:') && /\r?\n\r?\n$/.test(text);
    if (isEvent && text.includes(id) && answerIn(text, id) !== null) return;
  }
}

/** The answer to a request in a body, be it JSON or a stream of events; null where it is not there. */
function answerIn(text: string, id: string): JsonObject | null {
  const events = text.split(/\r?\n\r?\n/).map((event) =>
    event
      .split(/\r?\n/)
      .filter((line) => line.startsWith('data:'))
      .map((line) => line.slice('data:'.length))
      .join('\n'),
  );
  for (const candidate of [text, ...events]) {
    const message = parseJson(candidate);
    if (isJsonObject(message) && statedField(message, 'id') === id) return message;
  }
  return null;
}

function resultOf(answer: JsonObject): JsonObject {
  const result = statedField(answer, 'result');
  return isJsonObject(result) ? result : {};
}
