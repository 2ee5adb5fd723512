import {
  CLIENT_CAPABILITIES_META_KEY,
  inputRequired,
  type ClientCapabilities,
  type InputRequiredResult,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server';
import type { ClientAsks, ClientPrompt } from '../wallet/callBound.js';

/** The name of the one question among a result's input requests. */
const KEY = 'approval';

/** What the person fills in. There is no default: an answer is what somebody set (T26). */
const FORM = {
  type: 'object' as const,
  properties: {
    approve: {
      type: 'boolean' as const,
      title: 'Pay it?',
      description: 'Yes pays this once. No refuses it for good.',
    },
  },
  required: ['approve'],
};

/** What a client brought back for a question. */
type Answered = NonNullable<ClientAsks['answered']>;

/** Where the wallet puts a question during a call, and what the client can do with it. */
export class ClientQuestion implements ClientAsks {
  readonly form: boolean;
  readonly url: boolean;
  readonly answered?: Answered;
  #prompt: ClientPrompt | null = null;

  constructor(capabilities: ClientCapabilities | undefined, answered?: Answered) {
    const elicitation = capabilities?.elicitation;
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

/** What the client of a call declared, in whichever era it speaks. */
export function capabilitiesOf(server: McpServer, { mcpReq }: ServerContext): ClientCapabilities | undefined {
  const envelope = mcpReq.envelope as Readonly<Record<string, unknown>> | undefined;
  const declared = envelope?.[CLIENT_CAPABILITIES_META_KEY] as ClientCapabilities | undefined;
  return declared ?? server.server.getClientCapabilities();
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
  const { message, state, url } = prompt;
  return inputRequired({
    inputRequests: {
      [KEY]:
        url === null
          ? inputRequired.elicit({ message, requestedSchema: FORM })
          : inputRequired.elicitUrl({ message, url }),
    },
    requestState: state,
  });
}

/** Asks in the older era, by a request of its own within the call; a client that does not answer in time said nothing. */
export async function askWithin({ mcpReq }: ServerContext, prompt: ClientPrompt): Promise<Answered> {
  const { message, state, url, approvalId, waitMs } = prompt;
  const params =
    url === null
      ? { mode: 'form' as const, message, requestedSchema: FORM }
      : { mode: 'url' as const, message, url, elicitationId: approvalId };
  const options = { timeout: Math.max(1, waitMs), signal: mcpReq.signal };
  const response = await mcpReq
    .send({ method: 'elicitation/create', params: { ...params } }, options)
    .catch(() => undefined);
  return { state, response };
}
