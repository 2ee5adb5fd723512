import { WalletError } from '../../errors/walletError.js';
import { NetFailure } from '../../net/failure.js';
import { unpayableIn } from '../../protocols/mcp/demand.js';
import { paymentMeta } from '../../protocols/mcp/payment.js';
import { isJsonObject, parseJson, statedField, type JsonObject, type JsonValue } from '../../text/json.js';
import { readAnswer } from '../answer/answerBody.js';
import type { Carrier } from '../call/callDeadline.js';
import type { PaidCall } from '../call/paidCall.js';
import { challengeOf, type Probed } from '../call/probe.js';
import type { CallRequest } from '../call/request.js';
import type { McpInput } from '../input.js';
import { McpSession, NoMcpServer, SignInWanted, type SessionParts } from './session.js';
import { askedBy, challengeIn, httpAnswerOf, toolRequest } from './toolCall.js';

/** Tools of this wallet: a server's tool that takes one of their names is not called. */
const OWN_NAME = /^wallet_/i;

/** Whether a server's tool bears a name of this wallet's own: it is neither shown nor called. */
export function isOwnTool(name: string): boolean {
  return OWN_NAME.test(name);
}

/** Fields of a call that one of a tool does not have. */
const HTTP_FIELDS = ['url', 'method', 'headers', 'body', 'body_file', 'body_base64', 'form'] as const;

type AnyInput = Partial<Record<(typeof HTTP_FIELDS)[number], unknown>> & {
  readonly mcp?: McpInput | undefined;
};

/** The arguments of a call with `mcp` as those of the request that stands for it; all others as they are. Throws `bad_input`. */
export function withToolRequest<Input extends AnyInput>(input: Input): Input {
  const { mcp } = input;
  if (mcp === undefined) return input;
  const beside = HTTP_FIELDS.find((name) => input[name] !== undefined);
  if (beside !== undefined)
    throw new WalletError('bad_input', `mcp stands for the whole request; leave out ${beside}.`);
  return { ...input, ...toolRequest(serverOf(mcp), mcp.tool, mcp.arguments) };
}

function serverOf({ url, tool }: McpInput): URL {
  const server = URL.parse(url);
  if (server === null) throw new WalletError('bad_url', 'mcp.url must be the absolute URL of an MCP server.');
  if (isOwnTool(tool))
    throw new WalletError(
      'bad_input',
      'mcp.tool is a name of the wallet’s own tools; no server sells those.',
    );
  return server;
}

/** What a tool of an MCP server says to a call without a payment. Throws `NetFailure`s, `no_payable_offer`, `other_protocol`. */
export async function askTool(
  parts: Pick<PaidCall, 'engine' | 'config' | 'request' | 'deadline' | 'context'>,
  mcp: McpInput,
): Promise<Probed> {
  const { engine, request, deadline, context } = parts;
  const session = await McpSession.open(
    sessionParts(parts, serverOf(mcp), () => deadline.remainingMs()),
  ).catch(refuseNoServer);
  try {
    const answer = await session.request('tools/call', callOf(mcp.tool, mcp.arguments));
    const target = { url: request.target.url, method: request.method };
    const challenge = challengeIn(answer);
    const unpayable = unpayableIn(answer);
    if (challenge === null && unpayable !== null)
      throw new WalletError(
        'other_protocol',
        `The tool asks to be paid by ${unpayable}: this wallet does not pay that; nothing was paid.`,
      );
    if (challenge === null) {
      const read = await readAnswer(engine, httpAnswerOf(answer, target.url), context);
      return { kind: 'answered', read, target, asks: null };
    }
    const asked = challengeOf(engine.rails, askedBy(target.url, challenge), request);
    return { kind: 'priced', challenge: { ...asked, mcpServer: serverOf(mcp).href } };
  } finally {
    await session.close();
  }
}

/** How a call of a tool goes once it is paid: in a session of its own, once. Null for a call by HTTP. */
export function carrierOf(call: PaidCall): Carrier | null {
  const { mcp } = call.input;
  const server = mcp === undefined ? call.challenge?.mcpServer : mcp.url;
  if (server === undefined) return null;
  const { tool, args } = toolOf(call.request);
  return {
    async send({ value }, { signal, maySend }) {
      const payment = paymentMeta(value);
      const parts = sessionParts({ ...call, context: { ...call.context, signal } }, new URL(server), () =>
        call.deadline.sellerMs(),
      );
      if (payment === null)
        throw new NetFailure('cancelled', 'No MCP server takes a payment of this kind.', NOT_SENT);
      const session = await McpSession.open(parts).catch(unsent);
      try {
        const params = { ...callOf(tool, args), _meta: payment };
        const answer = await session.request('tools/call', params, maySend);
        return httpAnswerOf(answer, call.request.target.url);
      } finally {
        await session.close();
      }
    },
  };
}

function refuseNoServer(error: unknown): never {
  if (error instanceof SignInWanted)
    throw new WalletError(
      'other_protocol',
      'The MCP server at mcp.url wants its callers signed in (OAuth), as those of ATXP do: this wallet has no account there, so the tool was not called and nothing was paid.',
      { cause: error },
    );
  if (!(error instanceof NoMcpServer)) throw error;
  throw new WalletError(
    'other_protocol',
    'No MCP server answers at mcp.url, so this wallet cannot buy a tool there; nothing was paid.',
    { cause: error },
  );
}

const NOT_SENT = { leg: 'connect', bytesLeft: false } as const;

/** Nothing of the payment had been handed to anybody when the session could not be opened. */
function unsent(error: unknown): never {
  if (!(error instanceof NetFailure)) throw error;
  throw new NetFailure(error.code, error.shortMessage, { ...NOT_SENT, cause: error });
}

function sessionParts(
  { engine, config, context }: Pick<PaidCall, 'engine' | 'config' | 'context'>,
  server: URL,
  leftMs: () => number,
): SessionParts {
  return { net: engine.net(config), config, server, signal: context.signal, leftMs };
}

function callOf(tool: string, args: unknown): JsonObject {
  return { name: tool, arguments: (args ?? {}) as JsonValue };
}

/** The tool and its arguments, from the request that stands for them. */
function toolOf({ body }: CallRequest): { readonly tool: string; readonly args: unknown } {
  const said = body?.bytes === undefined || body.bytes === null ? '' : new TextDecoder().decode(body.bytes);
  const value = parseJson(said);
  const object = isJsonObject(value) ? value : {};
  return { tool: String(statedField(object, 'tool')), args: statedField(object, 'arguments') };
}
