import { setTimeout as pause } from 'node:timers/promises';
import {
  PROTOCOL_VERSION_META_KEY,
  SdkHttpError,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client';
import {
  isInitializeRequest,
  isJSONRPCErrorResponse,
  isJSONRPCNotification,
  isJSONRPCRequest,
  isJSONRPCResultResponse,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type RequestId,
} from '@modelcontextprotocol/server';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { isOwnRefusal } from './http/refusal.js';
import { BUFFER_BYTES, MessageLines } from './messageLines.js';
import { delayEnd, takeStdout } from './protocolStream.js';
import { TunnelError } from './tunnel.js';
import { within } from './within.js';

/** Which served wallet to pass messages on to. */
export interface BridgeOptions {
  readonly url: URL;
  readonly token: string;
  readonly version: string;
  /** The way to the server. One that sends nothing rejects with a `TunnelError`. */
  readonly fetch: (url: string | URL, init?: RequestInit) => Promise<Response>;
}

/** A client that closes our stdin sends SIGTERM some seconds later, and is not waited for longer. */
const FINISH_CALLS_MS = 5_000;
/** Time to tell the server that the session ends. */
const GOODBYE_MS = 1_500;
/** A server that is being restarted is back within seconds: tries to reach it, and the pause between them. */
const REACH_TRIES = 5;
const REACH_PAUSE_MS = 1_000;
const LINGER_MS = 500;

/** JSON-RPC's code for an error of a server's own. */
const SERVER_ERROR = -32_000;
const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Passes messages between a client at stdin and stdout and a wallet served over HTTP, in whichever era the client
 * speaks, until the client goes or a signal comes; answers the exit code.
 *
 * No request is ever sent twice once it may have reached the server: a payment might be in it. One whose answer is lost
 * is answered with an error that says to look at the ledger first.
 */
export async function bridgeStdio(options: BridgeOptions): Promise<number> {
  const { stdin, stdout, stderr } = process;
  const lines = new MessageLines(takeStdout(stdout, stderr));
  const input = delayEnd(() => within(FINISH_CALLS_MS, bridge.settled()));
  const client = new StdioServerTransport(input, lines.output, { maxBufferSize: BUFFER_BYTES });
  const bridge = new Bridge(client, options);
  const stopped = new Promise<void>((resolve) => {
    for (const signal of SIGNALS) process.on(signal, () => resolve());
    stdin.once('error', () => resolve());
    client.onclose = () => resolve();
  });
  await client.start();
  stdin.pipe(lines.input).pipe(input);
  stdin.once('close', () => lines.input.end());
  await stopped;
  await within(GOODBYE_MS, bridge.close());
  await client.close();
  stdin.destroy();
  setTimeout(() => process.exit(), LINGER_MS).unref();
  return 0;
}

/** What is known of a request that the server has not answered yet. */
interface Waiting {
  readonly message: JSONRPCRequest;
  readonly stop: AbortController;
}

class Bridge {
  readonly #client: StdioServerTransport;
  readonly #options: BridgeOptions;
  readonly #waiting = new Map<RequestId, Waiting>();
  #whenSettled: (() => void)[] = [];
  #server: StreamableHTTPClientTransport;
  /** What opened the session of an older client: said again where the session is lost. */
  #opening: JSONRPCRequest | null = null;
  #reopening: Promise<void> | null = null;
  /** True from when the server says so until a new one is begun, however often that fails. */
  #isSessionLost = false;

  constructor(client: StdioServerTransport, options: BridgeOptions) {
    this.#client = client;
    this.#options = options;
    this.#server = this.#connect();
    client.onmessage = (message) => void this.#fromClient(message);
  }

  /** Ends when every request is answered. */
  async settled(): Promise<void> {
    while (this.#waiting.size > 0) await new Promise<void>((resolve) => this.#whenSettled.push(resolve));
  }

  async close(): Promise<void> {
    await this.#server.terminateSession().catch(() => undefined);
    await this.#server.close();
  }

  #connect(): StreamableHTTPClientTransport {
    const { url, token, version, fetch } = this.#options;
    const headers = { Authorization: `Bearer ${token}`, 'User-Agent': `purser-connect/${version}` };
    const server = new StreamableHTTPClientTransport(url, { requestInit: { headers }, fetch });
    server.onmessage = (message) => this.#fromServer(message);
    // What fails is told where it was asked for; a stream that breaks is opened again.
    server.onerror = () => undefined;
    void server.start();
    return server;
  }

  async #fromClient(message: JSONRPCMessage): Promise<void> {
    if (isInitializeRequest(message)) {
      this.#opening = message as JSONRPCRequest;
      this.#isSessionLost = false;
    }
    if (isJSONRPCRequest(message)) {
      this.#waiting.set(message.id, { message, stop: new AbortController() });
    } else if (isJSONRPCNotification(message) && this.#cancelled(message.method, message.params)) return;
    try {
      await this.#send(message);
    } catch (error) {
      if (isJSONRPCRequest(message)) this.#fail(message.id, problemOf(error));
    }
  }

  /** Whether a notification cancels a request of the newer era: over HTTP that is told by hanging up. */
  #cancelled(method: string, params: Record<string, unknown> | undefined): boolean {
    if (method !== 'notifications/cancelled') return false;
    const waiting = this.#waiting.get(params?.['requestId'] as RequestId);
    if (waiting === undefined || !isModern(waiting.message)) return false;
    this.#settle(waiting.message.id);
    waiting.stop.abort();
    return true;
  }

  async #send(message: JSONRPCMessage): Promise<void> {
    for (let tries = 1; ; tries++) {
      let through: StreamableHTTPClientTransport | null = null;
      try {
        if (this.#isSessionLost && this.#opening !== null) await this.#reopen(this.#opening);
        through = this.#server;
        await this.#post(message);
        return;
      } catch (error) {
        if (isSessionLost(error) && this.#opening !== null && tries === 1) {
          // Another message may have begun a new one meanwhile, with calls in it.
          if (through === this.#server) this.#isSessionLost = true;
        } else if (mayBeBack(error) && tries < REACH_TRIES) await pause(REACH_PAUSE_MS);
        else throw error;
      }
    }
  }

  async #post(message: JSONRPCMessage): Promise<void> {
    if (!isJSONRPCRequest(message)) return this.#server.send(message);
    const { id } = message;
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    await this.#server.send(message, {
      requestSignal: waiting.stop.signal,
      onRequestStreamEnd: () => this.#fail(id, LOST),
    });
  }

  /** Begins a new session in the place of one that the server has forgotten: it was restarted, or nobody used it for long. */
  #reopen(opening: JSONRPCRequest): Promise<void> {
    this.#reopening ??= this.#beginAnew(opening).finally(() => (this.#reopening = null));
    return this.#reopening;
  }

  async #beginAnew(opening: JSONRPCRequest): Promise<void> {
    await this.#server.close();
    this.#server = this.#connect();
    const id = 'purser-connect-again';
    let end = (): void => undefined;
    const answered = new Promise<void>((resolve, reject) => {
      end = () => reject(new Error('The server ended before the session was restarted.'));
      this.#server.onmessage = (message) => {
        if (isJSONRPCResultResponse(message) && message.id === id) {
          this.#noteVersion(message.result);
          resolve();
        } else if (isJSONRPCErrorResponse(message)) reject(new Error('The session could not be restarted.'));
      };
    });
    // Reported to the waiting call below, even if sending fails first.
    answered.catch(() => undefined);
    await this.#server.send({ ...opening, id }, { onRequestStreamEnd: end });
    await answered;
    this.#server.onmessage = (message) => this.#fromServer(message);
    await this.#server.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
    this.#isSessionLost = false;
  }

  #fromServer(message: JSONRPCMessage): void {
    if (isJSONRPCResultResponse(message) || isJSONRPCErrorResponse(message)) {
      const { id } = message;
      if (id === undefined || !this.#waiting.has(id)) return;
      if (isJSONRPCResultResponse(message) && id === this.#opening?.id) this.#noteVersion(message.result);
      this.#settle(id);
    }
    this.#toClient(message);
  }

  #noteVersion(result: Record<string, unknown>): void {
    const { protocolVersion } = result;
    if (typeof protocolVersion === 'string') this.#server.setProtocolVersion(protocolVersion);
  }

  #fail(id: RequestId, says: string): void {
    if (!this.#waiting.has(id)) return;
    this.#settle(id);
    this.#toClient({ jsonrpc: '2.0', id, error: { code: SERVER_ERROR, message: says } });
  }

  #toClient(message: JSONRPCMessage): void {
    // A client that is gone closes stdin too, and that ends us.
    this.#client.send(message).catch(() => undefined);
  }

  #settle(id: RequestId): void {
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) for (const resolve of this.#whenSettled.splice(0)) resolve();
  }
}

const LOST =
  "The connection to the wallet's server ended before the answer; money may have moved. Look with wallet_ledger before anything else, and buy nothing in its place.";

/** Answers to a request that no tool has seen. */
const TURNED_AWAY: readonly number[] = [400, 403, 404, 405, 406, 413, 415];

function isModern({ params }: JSONRPCRequest): boolean {
  return typeof params?._meta?.[PROTOCOL_VERSION_META_KEY] === 'string';
}

function isSessionLost(error: unknown): boolean {
  return error instanceof SdkHttpError && error.status === 404;
}

/** Whether nothing can have reached the server: no connection was made, or it turned the request away unread. */
function isNeverSent(error: unknown): boolean {
  // A proxy's own 503 may come after it passed the request on.
  if (error instanceof SdkHttpError) return error.status === 503 && isOwnRefusal(error.data['text']);
  if (error instanceof TunnelError) return true;
  const cause = (error as { cause?: { code?: unknown } } | null)?.cause;
  return cause?.code === 'ECONNREFUSED' || cause?.code === 'ENOTFOUND' || cause?.code === 'EAI_AGAIN';
}

/** Whether a server that was not reached may be there in a moment, as one that is being restarted. */
function mayBeBack(error: unknown): boolean {
  if (error instanceof TunnelError) return error.fault === 'unreachable' || error.fault === 'busy';
  return isNeverSent(error);
}

/** Codes of certificates that do not hold: the connection ended before the token, or anything, was sent. */
const CERTIFICATE_FAULT =
  /^(CERT_|DEPTH_ZERO_SELF_SIGNED_CERT$|SELF_SIGNED_CERT_IN_CHAIN$|UNABLE_TO_|ERR_TLS_CERT_ALTNAME_INVALID$)/;

function isUntrusted(error: unknown): boolean {
  const cause = (error as { cause?: { code?: unknown } } | null)?.cause;
  return typeof cause?.code === 'string' && CERTIFICATE_FAULT.test(cause.code);
}

/** What became of a request that got no answer, in words for an agent. */
function problemOf(error: unknown): string {
  if (isUntrusted(error))
    return "The certificate of the wallet's server is not valid, so nothing was sent. Tell the owner: NODE_EXTRA_CA_CERTS names the file of an authority of one's own.";
  if (error instanceof TunnelError && error.fault === 'unproven')
    return "What listens at the address of the wallet's server does not know this token, so nothing was sent. Tell the owner: another program may hold the address, or the agent's token was replaced, and can be again by agents rotate NAME on the machine where the wallet is.";
  if (error instanceof TunnelError && error.fault === 'forbidden')
    return "This user may not use the socket of the wallet's server; nothing was sent. Tell the owner.";
  if (isNeverSent(error)) return "The wallet's server cannot be reached; nothing was sent. Tell the owner.";
  if (error instanceof UnauthorizedError || (error instanceof SdkHttpError && error.status === 401))
    return "The wallet's server refuses the token; nothing was done. The owner of that wallet can give a new one: agents rotate NAME, on the machine where it is.";
  if (error instanceof SdkHttpError && TURNED_AWAY.includes(error.status ?? 0))
    return `The wallet's server refuses the request (HTTP ${error.status}); nothing was done.`;
  return LOST;
}
