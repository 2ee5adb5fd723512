import { Client, type ClientCapabilities, type VersionNegotiationMode } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import type { ToldOutcome } from '../../src/wallet/answer/outcome.js';
import { PROGRAM } from '../mcp/purser.js';

/** What a client declares of elicitation. */
export type Declared = NonNullable<ClientCapabilities['elicitation']>;

/** A question as a client gets it. */
export interface Asked {
  readonly message: string;
  readonly mode?: string;
  readonly url?: string;
  readonly requestedSchema?: { readonly properties: Record<string, { readonly enum?: readonly string[] }> };
}

type Response = {
  action: 'accept' | 'decline' | 'cancel';
  content?: Record<string, boolean | string>;
};

/** What a person at a client does with a question. */
export type Person = (asked: Asked) => Response | Promise<Response>;

/** Takes an entry of every choice of a form: the first, or the last. */
export function choose(asked: Asked, which: 'first' | 'last'): Response {
  const fields = Object.entries(asked.requestedSchema?.properties ?? {});
  const content = fields.map(([name, { enum: entries = [] }]) => [
    name,
    entries.at(which === 'first' ? 0 : -1) ?? '',
  ]);
  return { action: 'accept', content: Object.fromEntries(content) as Record<string, string> };
}

/** A client that declares what it can ask, and a person at it. */
export class AskingAgent {
  readonly client: Client;
  readonly asked: Asked[] = [];
  /** Who sits at it: another one may come. */
  person: Person;

  private constructor(client: Client, person: Person) {
    this.client = client;
    this.person = person;
  }

  static async connect(
    env: Record<string, string>,
    mode: VersionNegotiationMode,
    elicitation: Declared | undefined,
    person: Person,
  ): Promise<AskingAgent> {
    const capabilities = elicitation === undefined ? {} : { elicitation };
    const client = new Client(
      { name: 'asking-agent', version: '1.0.0' },
      { versionNegotiation: { mode }, capabilities },
    );
    const agent = new AskingAgent(client, person);
    if (elicitation !== undefined) {
      client.setRequestHandler('elicitation/create', async ({ params }) => {
        const asked = params as Asked;
        agent.asked.push(asked);
        return agent.person(asked);
      });
    }
    await client.connect(
      new StdioClientTransport({ command: process.execPath, args: [PROGRAM], env, stderr: 'inherit' }),
    );
    return agent;
  }

  async call(name: string, args: Record<string, unknown>): Promise<ToldOutcome> {
    const result = await this.client.callTool({ name, arguments: args });
    if (result.structuredContent === undefined) throw new Error(JSON.stringify(result));
    return result.structuredContent as ToldOutcome;
  }

  close(): Promise<void> {
    return this.client.close();
  }
}
