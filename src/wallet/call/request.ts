import { hash } from 'node:crypto';
import type { SentFile } from '../../approvals/question.js';
import { WalletError } from '../../errors/walletError.js';
import { judgeCallerHeaders, type HeaderList } from '../../net/headers.js';
import { MEMORY_BYTES_MAX, memoryBody, type CallBody } from '../body/callBody.js';
import { parseCallUrl, type CallUrl } from '../../net/destination/url.js';

/** A call as an agent words it. */
export interface CallInput {
  readonly url: string;
  readonly method?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Text is sent as it is, any other JSON value as JSON. */
  readonly body?: unknown;
  /** What is sent in place of {@link CallInput.body}, where it was read already. */
  readonly content?: CallContent | undefined;
  readonly forwarded?: ForwardedCall | undefined;
}

/**
 * A program's own request, handed on as it came: nobody said what it may cost, so the owner's limits alone bound it, and
 * it is the same request as another one where what it asks for is the same.
 */
export interface ForwardedCall {
  /** The run that it belongs to, which is what it is paid under; null for none. */
  readonly budgetId: string | null;
  /** The headers, in lower case, by which two requests differ: SDKs count their retries in others. */
  readonly sameBy: readonly string[];
  /** Whether a model is asked, whose name in the body is then a label of the payment. */
  readonly asksModel: boolean;
  /** Bound on the whole call; a stream may last. */
  readonly timeoutMs: number;
}

/** Bytes to send, and what they are unless the caller's own `content-type` says it. */
export interface CallContent {
  readonly body: CallBody;
  readonly contentType: string;
  /** Where no other type will do: that of a form has its boundary in it. */
  readonly isOnlyType?: boolean;
  /** The files of this machine that the bytes are of: who is asked about the call is told of them. */
  readonly files?: readonly SentFile[];
  /** What stands for the bytes in the request's identity, where they differ each time the same is asked for. */
  readonly sameAs?: string;
}

/** Whose call it is, and the hash that tells its calls apart. */
export interface Caller {
  readonly agent: string;
  /** Says nothing of its text to whoever lacks the wallet's keys: a weak token in a header must not be guessable. */
  readonly keyedHash: (text: string) => string;
}

/** A call the wallet may make: checked, and with its identity. */
export interface CallRequest {
  readonly method: string;
  readonly target: CallUrl;
  readonly headers: HeaderList;
  readonly body: CallBody | undefined;
  /** The files of this machine that its body is of. */
  readonly files: readonly SentFile[];
  /** Which request this is: the same agent asking for the same thing has the same hash. */
  readonly hash: string;
  /** What its hash was in ledgers before schema 3, in which credentials did not count. */
  readonly hashBeforeSchema3: string;
}

const METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
const BODILESS: readonly string[] = ['GET', 'HEAD'];

/** What an agent can reasonably write out in a tool call; what is larger is a file. */
const BODY_BYTES_MAX = MEMORY_BYTES_MAX;

const HOST = /^[a-z0-9._-]+$|^[0-9a-f:.]+$/;

/** Headers that carry a secret: they are never written down. */
const CREDENTIAL = /auth|cookie|token|secret|api-?key|password|session|signature/i;

/** Whether a header carries a credential, by its name. */
export function isCredential(name: string): boolean {
  return CREDENTIAL.test(name);
}

/**
 * Checks a call and gives it its identity.
 *
 * Throws `bad_input`, `bad_url` or `address_refused`; nothing is sent.
 */
export function parseRequest(input: CallInput, caller: Caller, allowPrivate: readonly string[]): CallRequest {
  const method = (input.method ?? 'GET').toUpperCase();
  if (!METHODS.includes(method)) {
    throw new WalletError('bad_input', `method must be one of ${METHODS.join(', ')}.`);
  }
  const unfilled = placeholderIn(input);
  if (unfilled !== undefined)
    throw new WalletError('bad_input', `The call is a template: fill in "${unfilled}", then make it.`);
  const target = parseCallUrl(input.url, { allowPrivate });
  // T11: a URL may hold quotes and semicolons in its host; a name that DNS has holds neither.
  if (!HOST.test(target.host))
    throw new WalletError('bad_url', 'The host of the URL is not a name that DNS has.');
  const { body, contentType, isOnlyType = false } = input.content ?? encodeBody(input.body);
  if (body !== undefined && BODILESS.includes(method)) {
    throw new WalletError(
      'bad_input',
      `A ${method} request carries no body; name another method or leave the body out.`,
    );
  }
  const given = Object.entries(input.headers ?? {})
    .map(([name, value]) => [name.toLowerCase(), value] as const)
    .filter(([name]) => !isOnlyType || name !== 'content-type');
  const named = given.some(([name]) => name === 'content-type');
  const headers =
    contentType === undefined || named ? given : [...given, ['content-type', contentType] as const];
  judgeCallerHeaders(headers);
  const request = { method, target, headers, body, files: input.content?.files ?? [] };
  const { forwarded } = input;
  const { budgetId = null } = forwarded ?? {};
  const identity = {
    ...{ method, target, bodyHash: input.content?.sameAs ?? body?.sha256 ?? '' },
    // A run's calls are its own: what it paid for answers no other program, and is no other's to send again (T42).
    caller: budgetId === null ? caller.agent : `${caller.agent} ${budgetId}`,
  };
  const compared = headers.filter(([name]) => forwarded?.sameBy.includes(name) !== false);
  return {
    ...request,
    hash: caller.keyedHash(identityOf(identity, compared)),
    hashBeforeSchema3: hash('sha256', identityOf(identity, withoutCredentials(compared))),
  };
}

const NAME_MAX = 40;

/**
 * The name of a placeholder that was left in a call, as listings write them: `{name}` in a path, `name=<name>` in a query,
 * and a field of a body whose value is its own name in angle brackets. Who means one of these writes it percent-encoded.
 */
function placeholderIn({ url, body }: CallInput): string | undefined {
  const [path = '', query = ''] = url.split('#', 1)[0]?.split(/\?(.*)/s) ?? [];
  const inPath = /\{([\w-]{1,40})\}/.exec(path)?.[1];
  if (inPath !== undefined) return inPath;
  for (const [, name = '', value = ''] of query.matchAll(/([^&=]+)=<([^&<>]*)>/g))
    if (name === value) return name;
  const fields = typeof body === 'object' && body !== null ? Object.entries(body) : [];
  return fields.find(([name, value]) => name.length <= NAME_MAX && value === `<${name}>`)?.[0];
}

function encodeBody(body: unknown): Partial<CallContent> {
  if (body === undefined || body === null) return {};
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const bytes = new TextEncoder().encode(text);
  if (bytes.length > BODY_BYTES_MAX) {
    throw new WalletError('bad_input', `The body is larger than ${BODY_BYTES_MAX} bytes.`);
  }
  const isJson = typeof body !== 'string' || looksLikeJson(body);
  return { body: memoryBody(bytes), contentType: isJson ? 'application/json' : 'text/plain;charset=utf-8' };
}

/** Agents often hand JSON over as text; an API that is told `text/plain` then fails after it was paid. */
function looksLikeJson(text: string): boolean {
  if (!/^\s*[[{]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * The text of which request it is: agent, method, normalised URL, body and the caller's headers, credentials too. With
 * other credentials it is another's request, whose answer is not this caller's.
 */
function identityOf({ caller, method, target, bodyHash }: Identity, headers: HeaderList): string {
  const lines = headers.map(([name, value]) => `${name}:${value}`);
  return JSON.stringify([caller, method, target.url.href, bodyHash, lines.sort()]);
}

interface Identity extends Pick<CallRequest, 'method' | 'target'> {
  readonly caller: string;
  readonly bodyHash: string;
}

/** The headers that may be written down. */
export function withoutCredentials(headers: HeaderList): HeaderList {
  return headers.filter(([name]) => !isCredential(name));
}
