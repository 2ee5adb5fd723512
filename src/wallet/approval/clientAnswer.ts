import type { ApprovalRecord } from '../../ledger/books/approval.js';
import { createHash, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { Config } from '../../config/settings.js';
import { WalletError } from '../../errors/walletError.js';
import type { ClientAsks } from '../call/callDeadline.js';
import { answererOf, promptBar, promptBound, promptChoices } from './clientPrompt.js';
import type { Engine } from '../engine.js';
import type { PayInput } from '../input.js';

/** The answer that a client's form brings back. */
const formAnswer = z.object({
  action: z.enum(['accept', 'decline', 'cancel']),
  content: z.object({ answer: z.string() }).optional().catch(undefined),
});

/**
 * Nobody reads an amount, a host and a reason sooner: a no that comes faster is a program's, as of a client that runs
 * without anybody at it, and answers nothing. Such were seen to decline within 2 to 27 ms.
 */
const READ_MS_MIN = 1_000;

const STATE = /^(apv_[0-9a-f]{20})\.(\d{1,16})\.([0-9a-f]{64})$/;

/** What a client hands back with an answer: which question, when it was put, and a code that ties both to the very call that asked. */
export function stateFor(engine: Engine, approval: ApprovalRecord, input: PayInput): string {
  const putMs = engine.now();
  return `${approval.id}.${putMs}.${codeOf(engine, approval, input, putMs).toString('hex')}`;
}

function codeOf(engine: Engine, { id, digest }: ApprovalRecord, input: PayInput, putMs: number): Buffer {
  const call = createHash('sha256').update(canonical(input)).digest('hex');
  const bound = JSON.stringify(['purser elicitation 2', id, digest, call, putMs]);
  return Buffer.from(engine.keys.mac('elicitation', bound));
}

/** One text for one JSON value: keys sorted, what is undefined left out. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item: unknown) => canonical(item ?? null)).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join()}}`;
}

/** What a client's answer came to. */
export interface ClientAnswer {
  /** Which question it was to. */
  readonly approvalId: string;
  /** How long after the question a no came, where that was sooner than anybody reads; else null. */
  readonly hastyMs: number | null;
}

/**
 * Takes what a client brought back, and stores it where it is an answer: yes only for an accepted form in which the
 * entry that pays was chosen, where a prompt of this client counts at all; a form with the other entry, or declined, is
 * this client's no, unless it came faster than a person reads. Everything else answers nothing: the question stays for
 * the owner elsewhere (T26, T34).
 *
 * Throws `approval_changed` for a state that is forged, another call's or another question's, `approval_unknown`,
 * `approval_closed` for a replay, and `approval_expired`.
 */
export async function takeClientAnswer(
  engine: Engine,
  config: Config,
  input: PayInput,
  asks: ClientAsks,
  { state, response }: NonNullable<ClientAsks['answered']>,
): Promise<ClientAnswer> {
  const [, approvalId = '', putText = '', code = ''] = STATE.exec(state) ?? [];
  const approval = await engine.ledger.approvals.find(approvalId);
  if (approval === null || approval.agent !== engine.agent) throw changed();
  const putMs = Number(putText);
  const expected = codeOf(engine, approval, input, putMs);
  const given = Buffer.from(code, 'hex');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw changed();
  const says = readResponse(approval, response);
  const nothing = { approvalId, hastyMs: null };
  if (says === null) return nothing;
  const tookMs = engine.now() - putMs;
  if (says === 'no' && tookMs < READ_MS_MIN) return { approvalId, hastyMs: Math.max(0, tookMs) };
  // A replay of a yes is told as one, whatever bars a new one.
  const isNew = approval.state === 'pending';
  if (says === 'once' && isNew && (await promptBar(engine, config, approval)) !== null) return nothing;
  const result = await engine.ledger.approvals.decide(approvalId, {
    state: says === 'once' ? 'approved' : 'denied',
    answer: JSON.stringify({ kind: says }),
    how: 'elicitation',
    by: answererOf(asks) ?? '',
    elicitedUsdMicrosMax: promptBound(config, engine).usdMicrosMax,
    nowMs: engine.now(),
  });
  switch (result.kind) {
    case 'closed':
      throw new WalletError('approval_closed', 'This question was answered already; the answer counts once.');
    case 'expired':
      throw new WalletError('approval_expired', 'The question had expired before it was answered.');
    case 'unknown':
    case 'factor_gone':
      throw changed();
    // A sum that grew meanwhile: the question goes on waiting for the factor.
    case 'above_elicited':
    case 'done':
      return nothing;
  }
}

function readResponse(approval: ApprovalRecord, response: unknown): 'once' | 'no' | null {
  const parsed = formAnswer.safeParse(response);
  if (!parsed.success) return null;
  const { action, content } = parsed.data;
  if (action === 'decline') return 'no';
  const [no, yes] = promptChoices(approval);
  if (action !== 'accept' || content === undefined) return null;
  return content.answer === yes ? 'once' : content.answer === no ? 'no' : null;
}

function changed(): WalletError {
  return new WalletError(
    'approval_changed',
    'This answer does not belong to this call: its arguments, or the question, are not those that were asked; nothing was signed.',
  );
}
