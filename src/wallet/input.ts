import { z } from 'zod';
import { WalletError } from '../errors/walletError.js';
import { numberToDecimalText, parseUsd } from '../money/decimal.js';
import { LABELS_RULE, readLabels, type Labels } from '../payment/labels.js';
import { nestsDeeperThan, type JsonValue } from '../text/json.js';
import type { UsdMicros } from '../money/unit.js';

/** A call ends, whatever happens, within this unless the caller says otherwise: under the shortest limit of common clients (60 s). */
export const TIMEOUT_DEFAULT_MS = 50_000;
/** Longer than any client waits (facts: 300 s), so that a call never outlives whoever asked. */
export const TIMEOUT_MAX_MS = 290_000;
const TIMEOUT_MIN_MS = 1_000;
/** A reason is quoted to the owner; a paragraph is enough. */
const REASON_LENGTH_MAX = 500;
const KEY_LENGTH_MAX = 200;
const FILENAME_LENGTH_MAX = 255;
const TOOL_NAME_LENGTH_MAX = 128;
const LIMIT_MAX = 200;
/** Offers that are compared side by side; each is a request that is really sent. */
const REQUESTS_MAX = 8;
/** Far deeper than any API's JSON, and far from where writing it as text overflows the stack. */
const BODY_DEPTH_MAX = 500;

const url = z.string().describe('Absolute https URL.');
const method = z.string().optional().describe('GET unless given.');
const headers = z
  .record(z.string(), z.string())
  .optional()
  .describe('Yours; the wallet adds those that pay.');
const body = z
  .unknown()
  .refine((value) => !nestsDeeperThan(value as JsonValue, BODY_DEPTH_MAX), {
    error: `nests deeper than ${BODY_DEPTH_MAX} levels`,
  })
  // Any JSON is taken. Some clients take no argument without a type, and models' APIs no list without that of its items.
  .meta({ type: ['string', 'object'], description: 'Text, or JSON.' })
  .optional();

/** A file among the fields of a form: by a path, or its bytes. */
const formFile = z.strictObject({
  file: z.string().optional(),
  base64: z.string().optional(),
  filename: z.string().max(FILENAME_LENGTH_MAX).optional(),
  type: z
    .string()
    .regex(/^[\w.+-]{1,64}\/[\w.+-]{1,64}(; ?[\w-]{1,32}=[\w.+-]{1,64})?$/)
    .optional(),
});
const formValue = z.union([z.string(), z.number(), z.boolean(), formFile]);
const formFields = z.record(z.string().min(1), z.union([formValue, z.array(formValue)]));

/** Where a call's body is said: one of them at the most. */
const bodies = {
  body,
  body_file: z.string().describe('Or a local file: its path.').optional(),
  body_base64: z.string().optional(),
  form: z
    .unknown()
    .refine((value) => formFields.safeParse(value).success, {
      error: 'each field is text, or {file or base64, filename?, type?}, or a list of these',
    })
    .transform((value) => value as z.infer<typeof formFields>)
    // Said in short: the whole of its schema would be read with every list of tools.
    .meta({ type: 'object', description: 'Or a form: {field: text | {file | base64, filename?, type?}}.' })
    .optional(),
};
/** A call of one tool of a paid MCP server. */
const mcpFields = z.strictObject({
  url: z.string(),
  tool: z.string().min(1).max(TOOL_NAME_LENGTH_MAX),
  arguments: z.record(z.string(), z.unknown()).optional(),
});
const mcp = z
  .unknown()
  .refine(
    (value) => mcpFields.safeParse(value).success && !nestsDeeperThan(value as JsonValue, BODY_DEPTH_MAX),
    { error: 'must be {url, tool, arguments?} of an MCP server’s tool' },
  )
  .transform((value) => value as z.infer<typeof mcpFields>)
  .meta({ type: 'object', description: 'Or a paid MCP server’s tool: {url, tool, arguments}.' })
  .optional();
const timeoutMs = z.number().int().min(TIMEOUT_MIN_MS).max(TIMEOUT_MAX_MS).optional();
const usd = z.union([z.string(), z.number()]);
/** The longest wait for a job within one call: with its own time it stays under what any client waits. */
const JOB_WAIT_SEC_MAX = 240;
const waitSec = z
  .number()
  .int()
  .min(0)
  .max(JOB_WAIT_SEC_MAX)
  .optional()
  .describe('Seconds to wait for a job’s result.');

/** Arguments of `wallet_quote`. */
export const quoteInput = z.strictObject({
  url: url.optional(),
  mcp,
  method,
  headers,
  ...bodies,
  requests: z
    .unknown()
    .refine((value) => Array.isArray(value) && value.length > 0 && value.length <= REQUESTS_MAX, {
      error: `must be a list of 1 to ${REQUESTS_MAX} requests`,
    })
    .transform((value) => value as readonly unknown[])
    .meta({
      type: 'array',
      items: { type: 'object' },
      description: `Instead: up to ${REQUESTS_MAX} {url, ...} quoted together, cheapest first.`,
    })
    .optional(),
  wait_s: waitSec,
  timeout_ms: timeoutMs.describe('50000 unless given.'),
});

/** Arguments of `wallet_pay`. */
export const payInput = z.strictObject({
  url: url.optional().describe('Absolute https URL; leave out with quote_id.'),
  mcp,
  method,
  headers,
  ...bodies,
  quote_id: z.string().optional(),
  max_usd: usd.optional().describe('Most it may cost, in dollars as text: "0.02".'),
  idempotency_key: z.string().min(1).max(KEY_LENGTH_MAX).optional(),
  repeat: z.boolean().optional(),
  approval_id: z.string().optional(),
  wait_s: waitSec,
  reason: z.string().max(REASON_LENGTH_MAX).optional().describe('Why, in your words; quoted to the owner.'),
  labels: z
    .unknown()
    .refine((value) => readLabels(value) !== null, { error: LABELS_RULE })
    .transform((value) => readLabels(value) as Labels)
    .meta({ type: 'object', description: 'Tags for reports.' })
    .optional(),
  timeout_ms: timeoutMs.describe('50000 unless given.'),
});

/** The longest that `wallet_approval` waits: under the shortest limit of common clients (60 s). */
export const APPROVAL_WAIT_SEC_MAX = 45;

/** Arguments of `wallet_approval`. */
export const approvalInput = z.strictObject({
  id: z.string().describe('approval_id of a result.'),
  wait_s: z
    .number()
    .int()
    .min(0)
    .max(APPROVAL_WAIT_SEC_MAX)
    .optional()
    .describe('Seconds to wait for the answer; 45 unless given, 0 only reads.'),
});

/** Arguments of `wallet_balance`. */
export const balanceInput = z.strictObject({
  network: z.string().optional().describe('CAIP-2 name of one network; all enabled ones unless given.'),
});

export const LEDGER_VIEWS = ['entries', 'by_host', 'by_day', 'by_session', 'by_category', 'lost'] as const;
export const PAYMENT_STATES = ['held', 'signed', 'sent', 'unknown', 'captured', 'released'] as const;

/** Arguments of `wallet_ledger`. */
export const ledgerInput = z.strictObject({
  view: z.enum(LEDGER_VIEWS).optional().describe('entries unless given.'),
  payment_id: z.string().optional().describe('One payment; asks the chain first where its end is open.'),
  since: z.string().optional().describe('Included.'),
  until: z.string().optional().describe('Excluded.'),
  host: z.string().optional(),
  state: z.enum(PAYMENT_STATES).optional(),
  limit: z.number().int().min(1).max(LIMIT_MAX).optional().describe('Rows; 20 unless given.'),
  cursor: z.string().optional().describe('next_cursor of the page before.'),
});

/** Arguments of `wallet_response`. */
export const responseInput = z.strictObject({
  id: z.string().describe('stored_id or payment id of the answer.'),
  offset: z.number().int().min(0).optional().describe('Character to begin at; 0 unless given.'),
  length: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe('Characters to return; 8000 unless given, 20000 at most.'),
  find: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('Text to search for; returns places with their offsets.'),
});

/** How a call says its body. */
export type BodyInput = Pick<PayInput, 'headers' | keyof typeof bodies>;
export type McpInput = z.infer<typeof mcpFields>;
export type FormFile = z.infer<typeof formFile>;
export type FormValue = z.infer<typeof formValue>;
export type QuoteInput = z.infer<typeof quoteInput>;
export type PayInput = z.infer<typeof payInput>;
export type ApprovalInput = z.infer<typeof approvalInput>;
export type BalanceInput = z.infer<typeof balanceInput>;
export type LedgerInput = z.infer<typeof ledgerInput>;
export type ResponseInput = z.infer<typeof responseInput>;

/**
 * Checks a tool's arguments. Null stands for one that is not given, as models write it. Throws `bad_input` with the first
 * fault in one sentence.
 */
export function parseInput<T>(schema: z.ZodType<T>, input: unknown): T {
  const parsed = schema.safeParse(withoutNulls(input ?? {}));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new WalletError(
    'bad_input',
    issue === undefined ? 'The arguments cannot be read.' : sentenceOf(issue),
  );
}

function withoutNulls(input: unknown): unknown {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return input;
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null));
}

function sentenceOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys')
    return `Unknown argument ${issue.keys.map((key) => `"${key}"`).join(', ')}.`;
  const path = issue.path.join('.');
  const received = issue.message.charAt(0).toLowerCase() + issue.message.slice(1);
  return `${path === '' ? 'The arguments' : `Argument "${path}"`}: ${received}.`;
}

/** A dollar argument: text as it is, a JSON number by its shortest decimal text. Throws `bad_input`. */
export function parseUsdArgument(value: string | number, name: string): UsdMicros {
  return parseUsd(typeof value === 'number' ? numberToDecimalText(value) : value, name);
}

/** A time argument in ms since 1970. Throws `bad_input`. */
export function parseTimeArgument(text: string, name: string): number {
  const ms = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms))
    throw new WalletError('bad_input', `${name} must be an ISO 8601 date or time, such as "2026-11-20".`);
  return ms;
}
