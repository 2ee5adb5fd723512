import { createHash, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { WalletError } from '../../errors/walletError.js';
import type { ApprovalRecord } from '../../ledger/sqlite/approvalRow.js';
import type { ClientAsks } from '../callBound.js';
import type { Engine } from '../engine.js';
import type { PayInput } from '../input.js';

/** The answer that a client's form brings back. */
const formAnswer = z.object({
  action: z.enum(['accept', 'decline', 'cancel']),
  content: z.object({ approve: z.boolean() }).optional().catch(undefined),
});

const STATE = /^(apv_[0-9a-f]{20})\.([0-9a-f]{64})$/;

/** What a client hands back with an answer: which question, and a code that ties it to the very call that asked. */
export function stateFor(engine: Engine, approval: ApprovalRecord, input: PayInput): string {
  return `${approval.id}.${codeOf(engine, approval, input).toString('hex')}`;
}

function codeOf(engine: Engine, { id, digest }: ApprovalRecord, input: PayInput): Buffer {
  const call = createHash('sha256').update(canonical(input)).digest('hex');
  return Buffer.from(
    engine.keys.mac('elicitation', JSON.stringify(['purser elicitation 1', id, digest, call])),
  );
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

/**
 * Takes what a client brought back, and stores it where it is an answer: yes only for an accepted form in which the
 * person set `approve`; a form that says no, or was declined, is no. Everything else answers nothing: the question
 * stays for the owner elsewhere (T26). Returns which question it was.
 *
 * Throws `approval_changed` for a state that is forged, another call's or another question's, `approval_unknown`,
 * `approval_closed` for a replay, and `approval_expired`.
 */
export async function takeClientAnswer(
  engine: Engine,
  input: PayInput,
  answered: NonNullable<ClientAsks['answered']>,
): Promise<string> {
  const [, id = '', code = ''] = STATE.exec(answered.state) ?? [];
  const approval = engine.ledger.approvals.find(id);
  if (approval === null || approval.agent !== engine.agent) throw changed();
  const expected = codeOf(engine, approval, input);
  const given = Buffer.from(code, 'hex');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw changed();
  const parsed = formAnswer.safeParse(answered.response);
  const action = parsed.success ? parsed.data.action : 'cancel';
  const approve = parsed.success && action === 'accept' ? parsed.data.content?.approve : undefined;
  const says = action === 'decline' || approve === false ? 'no' : approve === true ? 'once' : null;
  if (says === null) return id;
  const result = await engine.ledger.approvals.decide(id, {
    state: says === 'once' ? 'approved' : 'denied',
    answer: JSON.stringify({ kind: says }),
    how: 'elicitation',
    by: "the agent's client",
    elicitedUsdMicrosMax: engine.config().approvals.elicitationMaxUsdMicros,
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
      return id;
  }
}

function changed(): WalletError {
  return new WalletError(
    'approval_changed',
    'This answer does not belong to this call: its arguments, or the question, are not those that were asked; nothing was signed.',
  );
}
