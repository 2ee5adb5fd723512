import {
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  inputRequired,
  type ClientCapabilities,
  type Implementation,
  type InputRequiredResult,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { cleanLine } from '../text/untrusted.js';
import type { ClientAsks, ClientPrompt } from '../wallet/call/callDeadline.js';

/** The name of the one question among a result's input requests. */
const KEY = 'approval';

/** What the person fills in: one of two entries. There is no default: an answer is what somebody chose (T26). */
function formOf([no, yes]: ClientPrompt['choices']) {
  return {
    type: 'object' as const,
    properties: {
      answer: {
        type: 'string' as const,
        title: 'Pay it?',
        description: `"${yes}" pays this one call. "${no}" refuses it.`,
        enum: [no, yes],
      },
    },
    required: ['answer'],
  };
}

/** A client's name is its own word: one short line of it. */
const CLIENT_NAME_MAX = 40;

/** What a client brought back for a question. */
type Answered = NonNullable<ClientAsks['answered']>;

/** Where the wallet puts a question during a call, and what the client can do with it. */
export class ClientQuestion implements ClientAsks {
  readonly form: boolean;
  readonly url: boolean;
  readonly client: string;
  /** What the client calls itself for people to read, where it says so. */
  readonly title: string;
  readonly answered?: Answered;
  #prompt: ClientPrompt | null = null;

  constructor({ capabilities, name, title }: DeclaredClient, answered?: Answered) {
    const elicitation = capabilities?.elicitation;
    this.client = cleanLine(name, CLIENT_NAME_MAX) || 'without a name';
    this.title = cleanLine(title, CLIENT_NAME_MAX) || titleOf(this.client);
    this.url = elicitation?.url !== undefined;
    // `elicitation: {}` means forms: it is older than there being two modes.
    this.form = elicitation !== undefined && (elicitation.form !== undefined || !this.url);
    if (answered !== undefined) this.answered = answered;
  }

  put(prompt: ClientPrompt): void {
    this.#prompt = prompt;
  }

  /** The question to put to the person now, or null. */
  get prompt(): ClientPrompt | null {
    return this.#prompt;
  }
}

/** What a client said of itself. */
export interface DeclaredClient {
  readonly capabilities: ClientCapabilities | undefined;
  readonly name: string;
  readonly title: string;
}

/** What the client of a call said of itself, in whichever era it speaks. */
export function declaredBy(server: McpServer, { mcpReq }: ServerContext): DeclaredClient {
  const envelope = mcpReq.envelope as Readonly<Record<string, unknown>> | undefined;
  const capabilities = envelope?.[CLIENT_CAPABILITIES_META_KEY] as ClientCapabilities | undefined;
  const info = envelope?.[CLIENT_INFO_META_KEY] as Partial<Implementation> | undefined;
  const { name, title } = info ?? server.server.getClientVersion() ?? {};
  return {
    capabilities: capabilities ?? server.server.getClientCapabilities(),
    name: typeof name === 'string' ? name : '',
    title: typeof title === 'string' ? title : '',
  };
}

/** A name such as `claude-code` as people write it: for clients that give no title. */
function titleOf(name: string): string {
  if (!/^[a-z0-9]+([ _-][a-z0-9]+)*$/.test(name)) return name;
  return name.replace(/[_-]/g, ' ').replace(/\b[a-z]/g, (letter) => letter.toUpperCase());
}

/** What a retried call of the newer era carries; nothing of it is believed before the wallet has proved its state. */
export function answeredOf({ mcpReq }: ServerContext): Answered | undefined {
  const state = mcpReq.requestState();
  if (state === undefined && mcpReq.inputResponses === undefined) return undefined;
  return { state: typeof state === 'string' ? state : '', response: mcpReq.inputResponses?.[KEY] };
}

/** Whether the call came in the era in which a server asks by its result. */
export function asksByResult({ mcpReq }: ServerContext): boolean {
  return mcpReq.envelope !== undefined;
}

/** The result that asks. */
export function questionResult(prompt: ClientPrompt): InputRequiredResult {
  const { message, choices, state, url } = prompt;
  return inputRequired({
    inputRequests: {
      [KEY]:
        url === null
          ? inputRequired.elicit({ message, requestedSchema: formOf(choices) })
          : inputRequired.elicitUrl({ message, url }),
    },
    requestState: state,
  });
}

/** Asks in the older era, by a request of its own within the call; a client that does not answer in time said nothing. */
export async function askWithin({ mcpReq }: ServerContext, prompt: ClientPrompt): Promise<Answered> {
  const { message, choices, state, url, approvalId, waitMs } = prompt;
  const params =
    url === null
      ? { mode: 'form' as const, message, requestedSchema: formOf(choices) }
      : { mode: 'url' as const, message, url, elicitationId: approvalId };
  const options = { timeout: Math.max(1, waitMs), signal: mcpReq.signal };
  const response = await mcpReq
    .send({ method: 'elicitation/create', params: { ...params } }, options)
    .catch(() => undefined);
  return { state, response };
}
