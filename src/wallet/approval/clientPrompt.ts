import { type ApprovalRecord, PROMPTS_MAX } from '../../ledger/books/approval.js';
import { describeQuestion } from '../../approvals/question.js';
import type { Config } from '../../config/settings.js';
import { formatUsd } from '../../money/decimal.js';
import type { ClientAsks, ClientPrompt } from '../call/callDeadline.js';
import type { Engine } from '../engine.js';
import { readQuestion } from './approvalQuestion.js';
import type { UsdMicros } from '../../money/unit.js';

/** What may be approved for an agent by prompts of its client alone, and the config key that says so. */
interface PromptBound {
  readonly name: string;
  readonly usdMicrosMax: UsdMicros;
}

/**
 * The most that prompts of the calling client may approve in 24 hours. A client that the owner runs has the owner's
 * general bound; any other answers for itself, and has what the owner gave this one agent, else nothing (T34).
 */
export function promptBound({ agents, approvals }: Config, { agent, ownClient }: Engine): PromptBound {
  const name = `agents.${agent}.elicitation_max_usd`;
  const own = agents.elicitationMaxUsdMicros.get(agent);
  if (own !== undefined) return { name, usdMicrosMax: own };
  if (!ownClient) return { name, usdMicrosMax: 0n };
  return { name: 'approvals.elicitation_max_usd', usdMicrosMax: approvals.elicitationMaxUsdMicros };
}

/** Why the answer to a prompt of the calling client counts for nothing, as a clause; null where it counts. */
export async function promptBar(
  engine: Engine,
  config: Config,
  approval: ApprovalRecord,
): Promise<string | null> {
  const { ownCapPassed, question } = readQuestion(approval);
  if (question.terms !== undefined) return "no client's prompt subscribes to anything";
  if (question.deposit !== undefined) return "no client's prompt makes a deposit";
  const { name, usdMicrosMax } = promptBound(config, engine);
  if (usdMicrosMax === 0n && !engine.ownClient)
    return `answers from a client that the owner does not run count for nothing, unless the owner sets ${name}`;
  if (ownCapPassed !== null) return `no client's prompt passes the agent's own cap, ${ownCapPassed}`;
  const used = await engine.ledger.approvals.elicitedUsdMicros(approval.agent, engine.now());
  if (used + approval.usdMicros <= usdMicrosMax) return null;
  const figures = `$${formatUsd(usdMicrosMax)} in 24 hours, of which $${formatUsd(used)} is used`;
  return `clients' prompts may approve ${figures} (${name})`;
}

/** Why a client that can ask is not handed a question, as a sentence; null where it is, or can ask nothing. */
export async function noPromptWords(
  engine: Engine,
  config: Config,
  asks: Pick<ClientAsks, 'form'> | undefined,
  approval: ApprovalRecord,
): Promise<string | null> {
  if (asks?.form !== true) return null;
  const bar = await promptBar(engine, config, approval);
  if (bar !== null) return `This client shows no prompt for it: ${bar}.`;
  if (approval.prompts < PROMPTS_MAX) return null;
  return `This client shows no further prompt for it: it asked ${PROMPTS_MAX} times already.`;
}

/** What a prompt offers to choose from. Refusing comes first, since clients were seen to preselect the first entry. */
export function promptChoices({ usdMicros }: Pick<ApprovalRecord, 'usdMicros'>): ClientPrompt['choices'] {
  return ['Do not pay', `Pay $${formatUsd(usdMicros)} once`];
}

/** The lines that a prompt shows. */
export function promptText(approval: ApprovalRecord): string {
  return describeQuestion(readQuestion(approval).question).join('\n');
}

/** Who answered by a prompt, as the ledger keeps it; null where the caller is no client that can ask. */
export function answererOf(asks: Pick<ClientAsks, 'client'> | undefined): string | null {
  return asks === undefined ? null : `the client ${asks.client}`;
}
