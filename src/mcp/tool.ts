import type { z } from 'zod';
import type { CallContext } from '../wallet/call/callDeadline.js';
import type { Outcome } from '../wallet/answer/outcome.js';
import type { Wallet } from '../wallet/wallet.js';
import type { JsonSchema } from './outcomeSchema.js';

/** The wallet as tools call it; no method throws. */
export type WalletTools = Pick<
  Wallet,
  'discover' | 'quote' | 'pay' | 'approval' | 'balance' | 'ledger' | 'response'
>;

/** What a client may believe of a tool before it asks the person. None is left to a client's default. */
export interface ToolHints {
  readonly readOnlyHint: boolean;
  readonly destructiveHint: boolean;
  readonly idempotentHint: boolean;
  readonly openWorldHint: boolean;
}

/** One tool: what is told of it, and the one method of the wallet behind it. */
export interface Tool {
  /** `snake_case`, at most 64 characters, no dots: some clients refuse others. */
  readonly name: string;
  readonly title: string;
  /** Under 2 KB, as Claude Code cuts there: what and when, then costs and side effects, then a sample. */
  readonly description: string;
  /** What arguments must look like. It is advertised only: the wallet checks them and words what is wrong. */
  readonly inputSchema: z.ZodObject;
  /** What `structuredContent` holds; loose, so that fields may be added. */
  readonly outputSchema: JsonSchema;
  readonly annotations: ToolHints;
  readonly handle: (wallet: WalletTools, input: unknown, context: CallContext) => Promise<Outcome>;
}

/** Declares a tool. */
export function defineTool(tool: Tool): Tool {
  return tool;
}

/** Hints of a tool that only reads the wallet's own books and the owner's RPCs. */
export const READ_ONLY: ToolHints = {
  readOnlyHint: true,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: false,
};

/** Hints of a tool that sends a request of the agent's to a seller: what that does cannot be undone. */
export const SENDS_REQUESTS: ToolHints = {
  readOnlyHint: false,
  destructiveHint: true,
  idempotentHint: false,
  openWorldHint: true,
};
