import { Agent, request } from 'node:http';
import type { ToldOutcome } from '../../src/wallet/answer/outcome.js';
import { asAgent, INITIALIZE } from './fixture.js';

const META = 'io.modelcontextprotocol';

/** The end of a call: what the tool said, when the server said to ask again, or that no answer came. */
export type RawResult =
  | { readonly outcome: ToldOutcome; readonly text: string }
  | { readonly againSec: number }
  | { readonly lost: string };

/** The server is busy, in its own words. */
class Busy extends Error {
  readonly againSec: number;

  constructor(againSec: number) {
    super('busy');
    this.againSec = againSec;
  }
}

/**
 * A client in some hundred bytes of code and one connection of its own: two thousand of them fit into a process, where
 * the SDK's would weigh more than the server they try.
 */
export class RawAgent {
  readonly #url: string;
  readonly #token: string;
  readonly #isModern: boolean;
  readonly #connection = new Agent({ keepAlive: true, maxSockets: 1 });
  #session: string | undefined;
  #ids = 1;

  constructor(url: string, token: string, isModern: boolean) {
    this.#url = url;
    this.#token = token;
    this.#isModern = isModern;
  }

  /** Calls a tool once; an older client whose session is gone begins a new one first. */
  async call(name: string, args: object): Promise<RawResult> {
    try {
      if (!this.#isModern) this.#session ??= await this.#begin();
      const { status, text } = await this.#post(
        {
          jsonrpc: '2.0',
          id: ++this.#ids,
          method: 'tools/call',
          params: { name, arguments: args, ...this.#meta() },
        },
        this.#isModern
          ? { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': name }
          : { 'mcp-session-id': this.#session ?? '', 'mcp-protocol-version': '2025-11-25' },
      );
      if (status === 404) this.#session = undefined;
      if (status !== 200) return { lost: `HTTP ${status}` };
      // A stream of events, or the one answer alone.
      const json = text.startsWith('{') ? text : /^data: (\{.*)$/m.exec(text)?.[1];
      if (json === undefined) return { lost: 'no answer' };
      const { result } = JSON.parse(json) as { result?: { structuredContent: ToldOutcome } };
      if (result === undefined) return { lost: json };
      return { outcome: result.structuredContent, text: json };
    } catch (error) {
      if (error instanceof Busy) return { againSec: error.againSec };
      this.#session = undefined;
      const { code, message } = error as NodeJS.ErrnoException;
      return { lost: code ?? message };
    }
  }

  close(): void {
    this.#connection.destroy();
  }

  #meta(): Record<string, unknown> {
    if (!this.#isModern) return {};
    return {
      _meta: {
        [`${META}/protocolVersion`]: '2026-07-28',
        [`${META}/clientInfo`]: { name: 'raw', version: '1.0.0' },
        [`${META}/clientCapabilities`]: {},
      },
    };
  }

  async #begin(): Promise<string> {
    const { status, headers } = await this.#post(JSON.parse(INITIALIZE) as object);
    if (status !== 200) throw new Error(`HTTP ${status}`);
    return String(headers['mcp-session-id']);
  }

  #post(
    message: object,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; text: string }> {
    return new Promise((resolve, reject) => {
      const posted = request(
        this.#url,
        { method: 'POST', agent: this.#connection, headers: asAgent(this.#token, headers) },
        (response) => {
          const pieces: Buffer[] = [];
          response.on('data', (piece: Buffer) => pieces.push(piece));
          response.on('error', reject);
          response.on('end', () => {
            const again = response.statusCode === 503 && response.headers['retry-after'];
            if (again) return reject(new Busy(Number(again)));
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              text: Buffer.concat(pieces).toString('utf8'),
            });
          });
        },
      );
      posted.on('error', reject);
      posted.end(JSON.stringify(message));
    });
  }
}
