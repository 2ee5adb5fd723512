import { Client, type ClientCapabilities, type VersionNegotiationMode } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import type { Outcome } from '../../src/wallet/answer/outcome.js';
import { PROGRAM } from '../mcp/purser.js';

/** What a client declares of elicitation. */
export type Declared = NonNullable<ClientCapabilities['elicitation']>;

/** What a person at a client does with a question. */
export type Person = (params: {
  message: string;
  mode?: string;
  url?: string;
}) =>
  | { action: 'accept' | 'decline' | 'cancel'; content?: Record<string, boolean | string> }
  | Promise<{ action: 'accept' | 'decline' | 'cancel'; content?: Record<string, boolean | string> }>;

/** A client that declares what it can ask, and a person at it. */
export class AskingAgent {
  readonly client: Client;
  readonly asked: { message: string; mode?: string; url?: string }[] = [];

  private constructor(client: Client) {
    this.client = client;
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
    const agent = new AskingAgent(client);
    if (elicitation !== undefined) {
      client.setRequestHandler('elicitation/create', async ({ params }) => {
        agent.asked.push(params as (typeof agent.asked)[number]);
        return person(params as (typeof agent.asked)[number]);
      });
    }
    await client.connect(
      new StdioClientTransport({ command: process.execPath, args: [PROGRAM], env, stderr: 'inherit' }),
    );
    return agent;
  }

  async call(name: string, args: Record<string, unknown>): Promise<Outcome> {
    const result = await this.client.callTool({ name, arguments: args });
    if (result.structuredContent === undefined) throw new Error(JSON.stringify(result));
    return result.structuredContent as Outcome;
  }

  close(): Promise<void> {
    return this.client.close();
  }
}
