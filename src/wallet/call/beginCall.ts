import type { Config } from '../../config/settings.js';
import { WalletError } from '../../errors/walletError.js';
import type { Session } from '../../ledger/books/session.js';
import { restoreApproved } from '../approval/approval.js';
import { problemError } from '../approval/approvalOutcome.js';
import { takeClientAnswer } from '../approval/clientAnswer.js';
import type { Outcome } from '../answer/outcome.js';
import { failureOutcome, stopOutcome } from '../answer/refusal.js';
import type { Engine } from '../engine.js';
import { parseUsdArgument, TIMEOUT_DEFAULT_MS, type PayInput } from '../input.js';
import { restoreQuote } from '../quote.js';
import { carrierOf, withToolRequest } from '../mcpCall/mcpCall.js';
import { CallDeadline, type CallContext } from './callDeadline.js';
import { judgePlace } from './ownerRules.js';
import type { CallTerms, PaidCall } from './paidCall.js';
import { readContent } from '../body/content.js';
import { isCredential, parseRequest, type CallInput } from './request.js';

/**
 * Makes the call of an input: with its quote, or with the approval it goes on with. The outcome where it cannot be made.
 *
 * Throws `bad_input`, `bad_url`, `address_refused`, `quote_*`, `approval_*`.
 */
export async function beginCall(
  engine: Engine,
  session: Pick<Session, 'id'>,
  called: PayInput,
  context: CallContext,
): Promise<PaidCall | Outcome> {
  const input = withToolRequest(called);
  const config = await engine.config();
  const { asks } = context;
  const answer =
    asks?.answered === undefined ? null : await takeClientAnswer(engine, config, input, asks, asks.answered);
  const maxUsdMicros = input.max_usd === undefined ? undefined : parseUsdArgument(input.max_usd, 'max_usd');
  const approvalId = answer?.approvalId ?? input.approval_id;
  const hastyMs = answer?.hastyMs ?? null;
  const deadline = new CallDeadline(
    input.timeout_ms ?? context.forwarded?.timeoutMs ?? TIMEOUT_DEFAULT_MS,
    context,
  );
  const parts = { engine, session, config, input, maxUsdMicros, hastyMs, deadline, context };
  const isBounded =
    maxUsdMicros !== undefined || context.forwarded !== undefined || context.carrier !== undefined;
  if (approvalId === undefined && input.quote_id === undefined && !isBounded) {
    const error = new WalletError(
      'bad_input',
      'wallet_pay needs quote_id or max_usd: say what the call may cost.',
    );
    const next =
      input.url === undefined ? null : { tool: 'wallet_quote', arguments: quoteArguments(input, input.url) };
    return failureOutcome(error, { next });
  }
  const content = context.content ?? (await readContent(engine, config, input, deadline.signal));
  const carried = { content, forwarded: context.forwarded };
  const call =
    approvalId === undefined
      ? { ...parts, ...(await quotedOrNew(engine, config, input, carried)) }
      : { ...parts, ...(await approvedCall(engine, config, input, approvalId, carried)) };
  const verdict = judgePlace(config, call.request.target.url);
  if (verdict.verdict !== 'allow') return stopOutcome(verdict);
  const carrier = context.carrier ?? carrierOf(call);
  return carrier === null ? call : { ...call, context: { ...context, carrier } };
}

/** What of a request does not stand among its arguments. */
type Carried = Pick<CallInput, 'content' | 'forwarded'>;

type Named = Pick<PaidCall, 'terms' | 'request' | 'challenge' | 'approval'>;

async function quotedOrNew(
  engine: Engine,
  config: Config,
  input: PayInput,
  carried: Carried,
): Promise<Named> {
  const { allowPrivate } = config.net;
  const terms = termsOf(input);
  if (input.quote_id !== undefined) {
    const quoted = await restoreQuote(engine, input.quote_id, requestFields(input, carried), allowPrivate);
    return { terms, request: quoted.request, challenge: quoted.challenge, approval: null };
  }
  const { url } = input;
  if (url === undefined)
    throw new WalletError('bad_input', 'wallet_pay needs a url, or a quote_id that stands for one.');
  const request = parseRequest({ ...requestFields(input, carried), url }, engine, allowPrivate);
  return { terms, request, challenge: null, approval: null };
}

/** The call that an approval stands for; what is given beside its id must be equal. */
async function approvedCall(
  engine: Engine,
  config: Config,
  input: PayInput,
  id: string,
  carried: Carried,
): Promise<Named> {
  const fields = requestFields(input, carried);
  const restored = await restoreApproved(engine, id, fields, config.net.allowPrivate);
  const { approval, request, challenge, terms } = restored;
  const differs =
    (input.approval_id !== undefined && input.approval_id !== id) ||
    (input.quote_id !== undefined && input.quote_id !== terms.quote_id) ||
    (input.idempotency_key !== undefined && input.idempotency_key !== terms.idempotency_key);
  if (differs) throw problemError('changed');
  return { terms: { ...termsOf(input), ...terms }, request, challenge, approval };
}

function termsOf({ idempotency_key, repeat, reason, quote_id, labels }: PayInput): CallTerms {
  return given({ idempotency_key, repeat, reason, quote_id, labels });
}

/** The fields of the request itself, as far as they are given. */
function requestFields(
  { url, method, headers, body }: PayInput,
  { content, forwarded }: Carried,
): Partial<CallInput> {
  return given({ url, method, headers, body, content, forwarded });
}

/** The fields that are given. */
function given<Fields extends object>(
  fields: Fields,
): { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> };
}

/** The request as arguments of a further call, without its credentials: a result must not repeat them. */
export function quoteArguments(input: PayInput, url: string): Record<string, unknown> {
  const { mcp, method, headers, body, body_file, body_base64, form } = input;
  if (mcp !== undefined) return { mcp };
  const named = Object.entries(headers ?? {}).filter(([name]) => !isCredential(name));
  const kept = named.length === 0 ? undefined : Object.fromEntries(named);
  return given({ url, method, headers: kept, body, body_file, body_base64, form });
}
